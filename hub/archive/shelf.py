"""Where the archive's objects lie, as the archive sees it: what one can do with an object. What it says is never changed.

A folder and an object store do it alike; which of the two it is, only the address says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

CHUNK = 1 << 20
"""Bytes that are read or written at once."""
IN_MEMORY = 8 * CHUNK
"""Bytes up to which something waits in memory, and not on the disk."""
UNFINISHED = ".part"
"""How the name ends of what is no object yet."""
DAY_SECONDS = 86_400


class Shelf(Protocol):
    """Raises ArchiveUnavailable (S020) when it cannot take or give bytes now; FileNotFoundError for an object that is gone."""

    def put(self, name: str, chunks: Iterable[bytes]) -> bool:
        """Write an object durably, all of it or nothing; False when one of this name is there, which stays as it is."""

    def replace(self, name: str, chunks: Iterable[bytes]) -> bool:
        """Put other bytes in an object's place, durably and in one step: who reads meanwhile reads the old or the new.

        False when it is not there any more. Whatever ``chunks`` raises leaves it as it was.
        """

    def start(self, name: str, size: int) -> bytes:
        """The first bytes of an object, all of it when it is shorter."""

    def chunks(self, name: str) -> Iterator[bytes]:
        """The object's bytes, piece by piece."""

    def names(self, under: str = "") -> Iterator[str]:
        """The names of all finished objects, or of those below a folder, in order."""

    def remove(self, name: str) -> None:
        """Let an object go; one that is gone already is no error."""

    def sweep(self) -> int:
        """Remove what writers that died left unfinished, once it is a day old; how many."""
