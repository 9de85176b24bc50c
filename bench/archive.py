"""What sealing costs the archive: bytes kept and read back in both suites, and as they come: `python -m bench.archive [megabytes]`.

Every round does all variants one after the other, and medians of the rounds are compared, because the machine is shared. *plain*
writes the same pieces durably under the same name and holds them against their SM3, as the archive did before it was sealed.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

from hub.archive import Archive, object_name
from hub.archive.folder import FolderShelf
from hub.digest import sm3_hex, sm3_of

ROUNDS = 5
PIECE = 1 << 20


class Given:
    """Bytes that come piece by piece, as a large file does."""

    def __init__(self, data: bytes) -> None:
        self._data, self.size, self.digest = data, len(data), sm3_hex(data)

    def chunks(self) -> Iterator[bytes]:
        """In pieces of a megabyte."""
        return (self._data[at : at + PIECE] for at in range(0, self.size, PIECE))


def plain(given: Given, folder: Path) -> tuple[Callable[[], object], Callable[[], object]]:
    """Keep and check without any cryptography but the digest."""
    shelf, name = FolderShelf(folder), object_name(given.digest)

    def keep() -> None:
        assert sm3_of(given.chunks()) == given.digest
        shelf.put(name, given.chunks())

    def check() -> None:
        assert sm3_of(shelf.chunks(name)) == given.digest

    return keep, check


def sealed(given: Given, folder: Path) -> tuple[Callable[[], object], Callable[[], object]]:
    """Keep and check as the hub does."""
    archive = Archive(folder)
    return lambda: archive.keep(given), lambda: archive.check(given.digest)


def run_round(given: Given, folder: Path, suite: str | None) -> tuple[float, float]:
    """Seconds for keeping, and for reading back."""
    with mock.patch.dict(os.environ, HUB_SUITE=suite or "aes"):
        keep, check = (plain if suite is None else sealed)(given, folder)
        began = time.perf_counter()
        keep()
        kept = time.perf_counter()
        check()
        return kept - began, time.perf_counter() - kept


def main() -> int:
    """Print MB a second and ratios against *plain* of the same rounds."""
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 64
    given, suites = Given(os.urandom(megabytes * PIECE)), {"plain": None, "aes": "aes", "sm": "sm"}
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in suites}
    with tempfile.TemporaryDirectory() as folder, mock.patch.dict(os.environ, HUB_KEYS=f"{folder}/keys"):
        for turn in range(ROUNDS + 1):
            for name, suite in suites.items():
                place = Path(folder) / f"{name}{turn}"
                took = run_round(given, place, suite)
                next(place.glob("??/*")).unlink()
                if turn:  # the first one warms up
                    seconds[name].append(took)
    print(f"{megabytes} MB, medians of {ROUNDS} rounds; each piece is digested (SM3) in all of them")
    for what, place in (("kept", 0), ("read back", 1)):
        base = statistics.median(took[place] for took in seconds["plain"])
        for name in suites:
            median = statistics.median(took[place] for took in seconds[name])
            print(f"{what:10} {name:6} {megabytes / median:7.0f} MB/s   {median / base:5.2f} of plain")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
