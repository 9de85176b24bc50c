"""How much may come out of a container: bytes in all, and times its own size. What is beyond is not collected (F029)."""

from __future__ import annotations

from collections.abc import Iterable

from hub.errors import FeedChanged
from hub.limits import GROWS_AT_MOST, LARGEST_UNPACKED, UNSUSPICIOUS


def most_bytes(size: int) -> int:
    """How many bytes may come out of a container of this size."""
    return min(LARGEST_UNPACKED, max(UNSUSPICIOUS, GROWS_AT_MOST * size))


def collect(pieces: Iterable[bytes], size: int) -> bytes:
    """The pieces joined. Raises FeedChanged F029 as soon as they are too many, before the next is asked for."""
    found, total, most = [], 0, most_bytes(size)
    for piece in pieces:
        total += len(piece)
        if total > most:
            raise too_large(size, most)
        found.append(piece)
    return b"".join(found)


def too_large(size: int, most: int) -> FeedChanged:
    """What is said of a container that grows too much."""
    return FeedChanged(f"the encrypted file of {size} bytes opens to more than {most} bytes", code="F029")
