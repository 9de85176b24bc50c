"""Where the archive's objects lie, as the archive sees it: four things one can do with an object, and no way to change one.

A folder and an object store do them alike; which of the two it is, only the address says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

CHUNK = 1 << 20
"""Bytes that are read or written at once."""


class Shelf(Protocol):
    """Raises ArchiveUnavailable (S020) when it cannot take or give bytes now; FileNotFoundError for an object that is gone."""

    def put(self, name: str, chunks: Iterable[bytes]) -> bool:
        """Write an object durably, all of it or nothing; False when one of this name is there, which stays as it is."""

    def chunks(self, name: str) -> Iterator[bytes]:
        """The object's bytes, piece by piece."""

    def names(self, under: str = "") -> Iterator[str]:
        """The names of all finished objects, or of those below a folder, in order."""

    def remove(self, name: str) -> None:
        """Let an object go; one that is gone already is no error."""

    def sweep(self) -> int:
        """Remove what writers that died left unfinished, once it is a day old; how many."""
