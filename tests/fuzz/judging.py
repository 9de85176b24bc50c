"""What every case is asked: an exception carries a code of the catalogue, and nothing else may come out of a reader."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import TypeVar

from hub.errors import HubError
from hub.reasons import all_reasons

Found = TypeVar("Found")
VERDICTS: Counter[str] = Counter()
"""How often each code was given, and `taken` where something was read: a reader that refuses all would fail no case."""


@cache
def codes() -> frozenset[str]:
    return frozenset(one.code for one in all_reasons())


def judged(read: Callable[[], Found]) -> Found | None:
    """What was read, or None for a refusal with a code. Any other exception, a panic included, is left to fail the case."""
    code, found = _tried(read)
    VERDICTS[code or "taken"] += 1
    assert code is None or code in codes(), f"{code} stands in no catalogue"
    assert code != "S000", "refused without a code of its own"
    return found


def _tried(read: Callable[[], Found]) -> tuple[str | None, Found | None]:
    try:
        return None, read()
    except HubError as error:
        return error.code, None
