"""What surrounds a data file: the archive it is packed in, its digest file and its flag."""

import gzip
import hashlib
import io
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

from simulators.sm3 import sm3_hex

_LONG_AGO = (2026, 11, 23, 18, 15, 0)
_DIGESTS: Mapping[str, Callable[[bytes], str]] = {
    "sm3": sm3_hex,
    "sha256": lambda content: hashlib.sha256(content).hexdigest(),
    "md5": lambda content: hashlib.md5(content, usedforsecurity=False).hexdigest(),
}


def pack(kind: str | None, content: bytes, entry: str) -> bytes:
    """The content in an archive of one entry; the same content gives the same bytes."""
    if kind == "gzip":
        return gzip.compress(content, mtime=0)
    if kind == "zip":
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(zipfile.ZipInfo(entry, _LONG_AGO), content, zipfile.ZIP_DEFLATED)
        return packed.getvalue()
    return content


def beside(pattern: str, name: str) -> str:
    """The name of a digest or flag: a suffix, or a pattern with the file's stem; any other name is its own."""
    if "{stem}" in pattern:
        return pattern.replace("{stem}", name.rpartition(".")[0])
    return name + pattern if pattern.startswith(".") else pattern


def is_shared(done: str | None) -> bool:
    """Whether one flag stands for the whole folder."""
    return done is not None and "{stem}" not in done and not done.startswith(".")


def digest_of(source: Mapping[str, Any], content: bytes) -> str:
    """The digest as agreed, SM3 where none is."""
    return _DIGESTS[(source.get("digest") or ".sm3").rpartition(".")[2].lower()](content)
