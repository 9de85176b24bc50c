"""The SM4-GCM container of docs/decisions/0034-encrypted-files.md, as a partner makes and reads it from that page alone."""

import base64
import hmac
import os

import gmssl_pyx
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

_MAGIC = b"WXSM4GCM"
_ID = b"1234567812345678"
_HEAD, _TAG, _MAC = 38, 16, 32
CHUNK = 64 * 1024


class ContainerError(ValueError):
    """It is not what was agreed."""


def make_pair() -> tuple[bytes, bytes]:
    """Private and public half of an SM2 key."""
    public, private = gmssl_pyx.sm2_key_generate()
    return private, public


def write_container(content: bytes, key: bytes, mac_key: bytes | None, chunk: int = CHUNK) -> bytes:
    """With HMAC-SM3 at its end, or without, to be signed."""
    salt = os.urandom(16)
    head = _MAGIC + bytes([1, 1 if mac_key else 2]) + _mac(key, b"key id")[:8] + salt + chunk.to_bytes(4, "big")
    made, file_key = bytearray(head), _mac(key, b"file key" + salt)[:16]
    pieces = [content[place : place + chunk] for place in range(0, len(content), chunk)] or [b""]
    for number, piece in enumerate(pieces):
        nonce = bytes(7) + number.to_bytes(4, "big") + (b"\1" if number == len(pieces) - 1 else b"\0")
        cipher = Cipher(algorithms.SM4(file_key), modes.GCM(nonce)).encryptor()
        cipher.authenticate_additional_data(head)
        made += cipher.update(piece) + cipher.finalize() + cipher.tag
    return bytes(made) + (_mac(mac_key, bytes(made)) if mac_key else b"")


def read_container(data: bytes, key: bytes, mac_key: bytes | None) -> bytes:
    """What is inside. Raises ContainerError for anything that is not as agreed."""
    if len(data) < _HEAD or not data.startswith(_MAGIC + bytes([1, 1 if mac_key else 2])):
        raise ContainerError("not the agreed form")
    head, body = data[:_HEAD], data[_HEAD:]
    if mac_key:
        if not hmac.compare_digest(_mac(mac_key, data[:-_MAC]), data[-_MAC:]):
            raise ContainerError("HMAC")
        body = body[:-_MAC]
    if head[10:18] != _mac(key, b"key id")[:8]:
        raise ContainerError("another key")
    step, file_key = int.from_bytes(head[34:38], "big") + _TAG, _mac(key, b"file key" + head[18:34])[:16]
    pieces = [body[place : place + step] for place in range(0, len(body), step)]
    found = []
    for number, piece in enumerate(pieces):
        nonce = bytes(7) + number.to_bytes(4, "big") + (b"\1" if number == len(pieces) - 1 else b"\0")
        try:
            cipher = Cipher(algorithms.SM4(file_key), modes.GCM(nonce, piece[-_TAG:])).decryptor()
            cipher.authenticate_additional_data(head)
            found.append(cipher.update(piece[:-_TAG]) + cipher.finalize())
        except (InvalidTag, ValueError) as error:
            raise ContainerError(f"chunk {number}") from error
    return b"".join(found)


def sign(data: bytes, private: bytes, public: bytes) -> bytes:
    """The signature file."""
    return base64.b64encode(gmssl_pyx.sm2_sign(private, public, data, _ID)) + b"\n"


def is_signed(data: bytes, signature: bytes, public: bytes) -> bool:
    """Whether the signature file fits."""
    try:
        return bool(gmssl_pyx.sm2_verify(public, data, base64.b64decode(signature), _ID))
    except (ValueError, gmssl_pyx.InvalidValueError):
        return False


def _mac(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, "sm3")
