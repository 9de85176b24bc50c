"""The container `sm4-gcm`: chunks under SM4-GCM, authentic by HMAC-SM3 at its end or by a detached SM2 signature.

Its bytes are described in docs/decisions/0034-encrypted-files.md.
"""

from __future__ import annotations

import secrets
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.hashes import SM3
from cryptography.hazmat.primitives.hmac import HMAC

from hub.containers.bounds import collect
from hub.errors import FeedChanged
from hub.limits import LARGEST_CHUNK

MAGIC = b"WXSM4GCM"
FORM = 1
BY_MAC, BY_SIGNATURE = 1, 2
HEADER = struct.Struct(">8sBB8s16sI")
TAG, MAC = 16, 32
CHUNK = 1024**2

Authentic = Callable[[bytes], bool]
"""Whether a whole file, or a file without its last 32 bytes and these, come from the partner."""


@dataclass(frozen=True)
class Header:
    """The first 38 bytes; ``raw`` is bound to every chunk."""

    raw: bytes
    authenticity: int
    key_id: bytes
    salt: bytes
    chunk: int


def open_chunks(data: bytes, keys: Sequence[bytes], mac_keys: Sequence[bytes], is_signed: Authentic | None) -> bytes:
    """The plain text. ``is_signed`` says of the whole file whether a pinned key signed it; without it the MAC decides.

    Raises FeedChanged: F023 no such container, F024 none of our keys, F025 not proven as agreed, F026 by another, F028, F029.
    """
    header = _read_header(data)
    key = next((one for one in keys if key_id(one) == header.key_id), None)
    if key is None:
        raise FeedChanged("the file is encrypted under a key that is not agreed", code="F024")
    if header.authenticity != (BY_MAC if is_signed is None else BY_SIGNATURE):
        agreed = "an HMAC-SM3 at its end" if is_signed is None else "a detached SM2 signature"
        raise FeedChanged(f"the file is not authenticated by {agreed}", code="F025")
    end = len(data) - (MAC if is_signed is None else 0)
    authentic = is_signed(data) if is_signed is not None else any(_has_mac(data, end, one) for one in mac_keys)
    try:
        content = collect(_chunks(header, data, end, key), len(data)) if authentic else None
        if content is None:  # read only to say what is wrong: its chunks are whole, or they are not
            for _ in _chunks(header, data, end, key):
                pass
    except InvalidTag:
        raise FeedChanged("the encrypted file was altered or cut off", code="F028") from None
    if content is None:
        raise FeedChanged("the file is whole, and not authenticated by the agreed key of its sender", code="F026")
    return content


def close_chunks(data: bytes, key: bytes, mac_key: bytes | None, chunk: int = CHUNK) -> bytes:
    """A container of the data: with HMAC-SM3 at its end, or, without such a key, to be signed as a whole."""
    authenticity = BY_SIGNATURE if mac_key is None else BY_MAC
    raw = HEADER.pack(MAGIC, FORM, authenticity, key_id(key), secrets.token_bytes(16), chunk)
    header = _read_header(raw)
    file_key, parts = _file_key(key, header.salt), [raw]
    starts = range(0, max(len(data), 1), chunk)
    for number, start in enumerate(starts):
        encryptor = Cipher(algorithms.SM4(file_key), modes.GCM(_nonce(number, number == len(starts) - 1))).encryptor()
        encryptor.authenticate_additional_data(raw)
        parts += [encryptor.update(data[start : start + chunk]), encryptor.finalize(), encryptor.tag]
    made = b"".join(parts)
    return made if mac_key is None else made + _hmac(mac_key, made).finalize()


def key_id(key: bytes) -> bytes:
    """By which 8 bytes a file names its key."""
    return _hmac(key, b"key id").finalize()[:8]


def _read_header(data: bytes) -> Header:
    if not data.startswith(MAGIC):
        raise FeedChanged("the file is no container of SM4-GCM", code="F023")
    if len(data) < HEADER.size:
        raise FeedChanged("the encrypted file ends within its header", code="F028")
    _, form, authenticity, name, salt, chunk = HEADER.unpack_from(data)
    if form != FORM or authenticity not in (BY_MAC, BY_SIGNATURE) or not 0 < chunk <= LARGEST_CHUNK:
        raise FeedChanged("the header of the encrypted file is not of an agreed form", code="F023")
    return Header(data[: HEADER.size], authenticity, name, salt, chunk)


def _chunks(header: Header, data: bytes, end: int, key: bytes) -> Iterator[bytes]:
    file_key, place, number = _file_key(key, header.salt), HEADER.size, 0
    while True:
        after = min(place + header.chunk + TAG, end)
        if after - place < TAG or (number and after - place == TAG):
            raise InvalidTag
        is_last = after == end
        nonce, tag = _nonce(number, is_last), data[after - TAG : after]
        decryptor = Cipher(algorithms.SM4(file_key), modes.GCM(nonce, tag)).decryptor()
        decryptor.authenticate_additional_data(header.raw)
        piece = decryptor.update(memoryview(data)[place : after - TAG])
        decryptor.finalize()
        yield piece
        if is_last:
            return
        place, number = after, number + 1


def _has_mac(data: bytes, end: int, key: bytes) -> bool:
    if end < HEADER.size:
        return False
    try:
        _hmac(key, memoryview(data)[:end]).verify(data[end:])
    except InvalidSignature:
        return False
    return True


def _file_key(key: bytes, salt: bytes) -> bytes:
    return _hmac(key, b"file key" + salt).finalize()[:16]


def _nonce(number: int, is_last: bool) -> bytes:
    return bytes(7) + number.to_bytes(4, "big") + bytes([is_last])


def _hmac(key: bytes, data: bytes | memoryview) -> HMAC:
    found = HMAC(key, SM3())
    found.update(data)
    return found
