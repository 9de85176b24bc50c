"""Packed files: exactly one file inside, unpacked piece by piece and never beyond what is sane. F016 for everything else."""

from __future__ import annotations

import io
import stat
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from typing import Literal

from hub.errors import FeedChanged
from hub.limits import GROWS_AT_MOST, LARGEST_UNPACKED, MOST_MEMBERS, UNSUSPICIOUS

PIECE = 1024**2
END = b"PK\x05\x06"
"""What the last record of a zip begins with; it has 22 bytes and a comment."""
ARCHIVES = (b"PK\x03\x04", b"\x1f\x8b", b"7z\xbc\xaf\x27\x1c", b"Rar!", b"BZh", b"\xfd7zXZ")


def unpack(packed: Literal["zip", "gzip"], data: bytes, *, holds_sheet: bool = False) -> bytes:
    """The one file inside. A spreadsheet is itself a zip, and let through where one is agreed. Raises FeedChanged F016."""
    pieces = _zip_pieces(data) if packed == "zip" else _gzip_pieces(data)
    try:
        content = _join(pieces, len(data))
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, OSError, RuntimeError, KeyError) as error:
        raise FeedChanged(f"the {packed} file is damaged: {type(error).__name__}", code="F016") from error
    if content.startswith(ARCHIVES) and not (holds_sheet and content.startswith(ARCHIVES[0])):
        raise FeedChanged(f"the {packed} file holds another archive", code="F016")
    return content


def _join(pieces: Iterable[bytes], packed_size: int) -> bytes:
    found, size = [], 0
    for piece in pieces:
        size += len(piece)
        if size > LARGEST_UNPACKED or (size > UNSUSPICIOUS and size > GROWS_AT_MOST * packed_size):
            raise FeedChanged(f"the packed file of {packed_size} bytes grows beyond {size} bytes", code="F016")
        found.append(piece)
    return b"".join(found)


def _zip_pieces(data: bytes) -> Iterator[bytes]:
    """Names are bytes of any code page, so they are read as one that knows every byte, and not looked at.

    What stands before the first entry or behind the directory is another file, which others would read instead of ours.
    """
    end = data.rfind(END)
    if (
        not data.startswith(ARCHIVES[0])
        or end < 0
        or end + 22 + int.from_bytes(data[end + 20 : end + 22], "little") != len(data)
    ):
        raise FeedChanged("the zip file does not begin with its entry, or does not end with its directory", code="F016")
    with zipfile.ZipFile(io.BytesIO(data), metadata_encoding="cp437") as archive:
        entries = archive.infolist()
        if len(entries) != 1 or entries[0].filename.endswith("/"):
            raise FeedChanged(f"the zip file has {len(entries)} entries instead of one file", code="F016")
        if stat.S_ISLNK(entries[0].external_attr >> 16):
            raise FeedChanged("the zip file holds a link", code="F016")
        if entries[0].flag_bits & 0x1:
            raise FeedChanged("the zip file is encrypted", code="F016")
        if entries[0].compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise FeedChanged("the zip file is not packed by deflate", code="F016")
        with archive.open(entries[0]) as file:
            while piece := file.read(PIECE):
                yield piece
            if file.tell() != entries[0].file_size:
                raise EOFError


def _gzip_pieces(data: bytes) -> Iterator[bytes]:
    """Every member one after the other; what follows the last must be another one."""
    for _ in range(MOST_MEMBERS):
        member = zlib.decompressobj(wbits=31)
        rest = data
        while not member.eof:
            piece = member.decompress(rest, PIECE)
            rest = member.unconsumed_tail
            if not piece and not rest and not member.eof:
                raise EOFError
            yield piece
        if not member.unused_data:
            return
        data = member.unused_data
    raise FeedChanged(f"the gzip file has more than {MOST_MEMBERS} members", code="F016")
