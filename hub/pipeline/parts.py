"""The parts of what was fetched, whether they came in memory or as a stream."""

from __future__ import annotations

from collections.abc import Sequence

from hub.digest import sm3_hex
from hub.model import Stream


def digest_of_part(part: bytes | Stream) -> str:
    """The SM3 of one part."""
    return sm3_hex(part) if isinstance(part, bytes) else part.digest


def bytes_of(parts: Sequence[bytes | Stream]) -> list[bytes]:
    """All of each part in memory, for parsing."""
    return [part if isinstance(part, bytes) else b"".join(part.chunks()) for part in parts]
