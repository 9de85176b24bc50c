"""Isolate: which of many fail, found by halves, so that one that nobody can process takes no other along. Pure."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

ODD = (Exception, pl.exceptions.PanicException)
"""What a library may raise over a value; a panic of polars is no Exception."""
MOST_POISON = 200
"""So many are not odd, they show that something is wrong with all: a person must look."""


def failing(act: Callable[[int, int], object], spared: tuple[type[BaseException], ...]) -> Callable[[int, int], bool]:
    """Asks whether an act fails for so many from a place on. Errors in ``spared`` are about something else, and are raised."""

    def fails(start: int, count: int) -> bool:
        try:
            act(start, count)
        except spared:
            raise
        except ODD:
            return True
        return False

    return fails


def find_poison(count: int, fails: Callable[[int, int], bool]) -> list[int]:
    """The places of those that fail alone, in order; ``fails`` tells it of so many from a place on.

    Empty when it is nobody's fault: when nothing at all fails too, or none of them fails alone. Of more than ``MOST_POISON``
    it stops at the first too many.
    """
    bad: list[int] = []
    waiting = [] if fails(0, 0) else [(0, count)]
    while waiting and len(bad) <= MOST_POISON:
        start, size = waiting.pop()
        if size and fails(start, size):
            half = size // 2
            if half:
                waiting += [(start + half, size - half), (start, half)]
            else:
                bad.append(start)
    return bad
