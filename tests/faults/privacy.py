"""What no log may show: the persons of the files that were dropped and of the clues that were reported."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from simulators.world import City

from .stand import SCALE, Stand

NUMBER = re.compile(r"\d{11,19}[0-9Xx]?")
CHINESE = re.compile(r"[一-鿿]{2,}")
NAME, ID_NO, CARD = 4, 6, 7


class Secrets:
    """Names and numbers of persons, read from the partners' own side; files that came since are read when asked."""

    def __init__(self, stand: Stand) -> None:
        self._root = stand.bank_root
        self._read: set[Path] = set()
        clues = City(scale=SCALE).clues
        self._names = {clue.reporter for clue in clues}
        self._numbers = {number for clue in clues for number in (clue.phone, clue.id_no)}

    def shown_in(self, text: str) -> Iterator[str]:
        """What kind of secret the text shows, without showing it again."""
        self._read_files()
        if any(number.upper() in self._numbers for number in NUMBER.findall(text)):
            yield "a person's number"
        if any(self._is_name(word) for word in CHINESE.findall(text)):
            yield "a person's name"

    def _is_name(self, word: str) -> bool:
        """Names are of two or three characters; the words around them are not cut, so the whole run is searched."""
        return any(
            word[start : start + size] in self._names for size in (2, 3) for start in range(len(word) - size + 1)
        )

    def _read_files(self) -> None:
        for path in (self._root / "in").glob("*/*.txt"):
            if path not in self._read:
                self._read.add(path)
                for line in path.read_bytes().decode("gb18030", "replace").splitlines():
                    cells = line.split("|")
                    if cells[0] == "D" and len(cells) > CARD:
                        self._names.add(cells[NAME])
                        self._numbers |= {cells[ID_NO], cells[CARD]}
