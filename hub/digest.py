"""SM3 digests (GB/T 32905-2016), by the library that carries it everywhere."""

from __future__ import annotations

from collections.abc import Iterable

from cryptography.hazmat.primitives.hashes import SM3, Hash


def sm3_hex(data: bytes) -> str:
    """The digest as 64 lower-case hex letters."""
    digest = Hash(SM3())
    digest.update(data)
    return digest.finalize().hex()


def sm3_of(chunks: Iterable[bytes]) -> str:
    """The digest of bytes that come piece by piece."""
    digest = Hash(SM3())
    for chunk in chunks:
        digest.update(chunk)
    return digest.finalize().hex()


def sm3_texts(texts: Iterable[str]) -> list[str]:
    """The digest of each text in UTF-8."""
    return [sm3_hex(text.encode()) for text in texts]
