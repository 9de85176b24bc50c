"""The container `aes-zip`: one file in a zip, encrypted with a pass word as WinZip does (AES, with HMAC). ZipCrypto is refused."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator, Sequence

from hub.containers.bounds import collect
from hub.errors import FeedChanged

AES = 99
"""The method that the central directory names for an encrypted entry; what is inside has its own."""
PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
PIECE = 1024**2
DAMAGED = (zlib.error, EOFError, ValueError, OSError, KeyError, NotImplementedError, IndexError)


def is_zip(data: bytes) -> bool:
    """Whether it looks like a zip with an encrypted entry."""
    return data.startswith(b"PK\x03\x04") and bool(data[6:7] and data[6] & 0x1)


def open_zip(data: bytes, pass_words: Sequence[str]) -> bytes:
    """The one file inside. Raises FeedChanged: F023 no zip or not encrypted by AES, F024 no pass word fits, F028, F029."""
    from pyzipper import BadZipFile  # a class of its own

    if not data.startswith(b"PK\x03\x04"):
        raise FeedChanged("the file is no zip", code="F023")
    try:
        for pass_word in pass_words:
            try:
                return collect(_pieces(data, pass_word), len(data))
            except _Refused:
                continue
    except (BadZipFile, *DAMAGED) as error:
        raise FeedChanged(f"the zip is damaged, cut off or altered: {type(error).__name__}", code="F028") from None
    raise FeedChanged("none of the agreed pass words opens the zip", code="F024")


class _Refused(Exception):
    """The pass word is another."""


def _pieces(data: bytes, pass_word: str) -> Iterator[bytes]:
    """The library compares the HMAC of the ciphertext at the end, and a CRC where the form has one."""
    import pyzipper

    with pyzipper.AESZipFile(io.BytesIO(data)) as archive:
        entries = archive.infolist()
        if len(entries) != 1 or entries[0].filename.endswith("/"):
            raise FeedChanged(f"the zip has {len(entries)} entries instead of one file", code="F028")
        entry = entries[0]
        if not entry.flag_bits & 0x1:
            raise FeedChanged("the zip is not encrypted", code="F023")
        if entry.wz_aes_version is None:
            raise FeedChanged("the zip is encrypted by ZipCrypto or another method than AES", code="F023")
        if entry.compress_type not in PACKED:
            raise FeedChanged("the zip is not packed by deflate", code="F023")
        try:
            file = archive.open(entry, pwd=pass_word.encode())
        except RuntimeError:
            raise _Refused from None
        with file:
            size = 0
            while piece := file.read(PIECE):
                size += len(piece)
                yield piece
        if size != entry.file_size:
            raise EOFError


def close_zip(name: str, data: bytes, pass_word: str) -> bytes:
    """A zip of one entry of this name, encrypted by AES-256."""
    import pyzipper

    made = io.BytesIO()
    with pyzipper.AESZipFile(made, "w", compression=zipfile.ZIP_DEFLATED, encryption=pyzipper.WZ_AES) as archive:
        archive.setpassword(pass_word.encode())
        archive.setencryption(pyzipper.WZ_AES, nbits=256)
        archive.writestr(name, data)
    return made.getvalue()
