"""Reconciliation (对账): both sides of one day held against each other, line by line. Pure: two statements in, differences out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Literal

from hub.model import StatementLine

Side = Literal["receiver", "origin"]
SIDES: Mapping[Side, tuple[str, str]] = {"receiver": ("接收方", "receiver"), "origin": ("报送方", "sends to us")}
FILE = "file"
"""What stands in place of a schema where whole files are compared."""


class State(StrEnum):
    """Where a day with a partner stands: not compared yet, the same on both sides, not the same."""

    OPEN = "open"
    AGREED = "agreed"
    DIFFERS = "differs"


STATES: Mapping[State, tuple[str, str]] = {
    State.OPEN: ("未对", "not compared"),
    State.AGREED: ("已对", "agreed"),
    State.DIFFERS: ("不符", "differs"),
}


class Kind(StrEnum):
    """How the two sides differ about one record or file."""

    MISSING_THERE = "missing_there"
    MISSING_HERE = "missing_here"
    OTHER_STATUS = "other_status"
    OTHER_VERSION = "other_version"
    OTHER_ROWS = "other_rows"
    OTHER_AMOUNT = "other_amount"
    OTHER_CONTENT = "other_content"
    OTHER_NUMBER = "other_number"


KINDS: Mapping[Kind, tuple[str, str]] = {
    Kind.MISSING_THERE: ("对方缺", "missing there"),
    Kind.MISSING_HERE: ("本方缺", "missing here"),
    Kind.OTHER_STATUS: ("状态不同", "other status"),
    Kind.OTHER_VERSION: ("版本不同", "other version"),
    Kind.OTHER_ROWS: ("笔数不同", "other number of rows"),
    Kind.OTHER_AMOUNT: ("金额不同", "other amount"),
    Kind.OTHER_CONTENT: ("内容摘要不同", "other content"),
    Kind.OTHER_NUMBER: ("对方编号不同", "other number of theirs"),
}


@dataclass(frozen=True)
class Difference:
    """One line on which the sides differ; a side that has no such line is None."""

    kind: Kind
    schema: str
    key: str
    ours: StatementLine | None
    theirs: StatementLine | None


@dataclass(frozen=True)
class Total:
    """Rows and fen of what one side says was taken."""

    rows: int
    fen: int


@dataclass(frozen=True)
class Reconciled:
    """One day with one partner on one side. ``theirs`` is None while the partner has given no statement."""

    partner: str
    side: Side
    day: date
    ours: Total
    theirs: Total | None
    differences: tuple[Difference, ...] = ()

    @property
    def state(self) -> State:
        if self.theirs is None:
            return State.OPEN
        return State.DIFFERS if self.differences or self.theirs != self.ours else State.AGREED


def compare(ours: Iterable[StatementLine], theirs: Iterable[StatementLine]) -> list[Difference]:
    """Every difference, by schema and key. A key given twice by one side differs from the other's single line."""
    here, there = _by_key(ours), _by_key(theirs)
    found: list[Difference] = []
    for schema, key in sorted(here.keys() | there.keys()):
        mine, other = here.get((schema, key), []), there.get((schema, key), [])
        for number in range(max(len(mine), len(other))):
            one = mine[number] if number < len(mine) else None
            two = other[number] if number < len(other) else None
            shown = key if number == 0 else f"{key} ({number + 1})"
            found += [Difference(kind, schema, shown, one, two) for kind in _kinds(one, two)]
    return found


def total_of(lines: Iterable[StatementLine]) -> Total:
    """Rows and fen of the lines that were taken."""
    taken = [line for line in lines if line.status == "accepted"]
    return Total(sum(line.rows for line in taken), sum(line.fen or 0 for line in taken))


def missing(ours: Iterable[StatementLine], theirs: Iterable[StatementLine]) -> list[tuple[str, str]]:
    """Schema and key of what we say was taken and they do not mention."""
    there = _by_key(theirs)
    return [(one.schema, one.key) for one in ours if one.status == "accepted" and (one.schema, one.key) not in there]


def _by_key(lines: Iterable[StatementLine]) -> dict[tuple[str, str], list[StatementLine]]:
    found: dict[tuple[str, str], list[StatementLine]] = {}
    for line in lines:
        found.setdefault((line.schema, line.key), []).append(line)
    return found


def _kinds(ours: StatementLine | None, theirs: StatementLine | None) -> Iterator[Kind]:
    """A receiver need not keep what it refused; what neither side has taken differs in nothing."""
    if ours is None:
        yield Kind.MISSING_HERE
    elif theirs is None:
        if ours.status == "accepted":
            yield Kind.MISSING_THERE
    elif (ours.status == "accepted") != (theirs.status == "accepted"):
        yield Kind.OTHER_STATUS
    elif ours.status == "accepted":
        yield from _kinds_of_taken(ours, theirs)


def _kinds_of_taken(ours: StatementLine, theirs: StatementLine) -> Sequence[Kind]:
    if _differ(ours.version, theirs.version) and not _is_older_with_same_content(ours, theirs):
        return [Kind.OTHER_VERSION]  # its amount and number follow from it
    pairs = (
        (Kind.OTHER_ROWS, ours.rows, theirs.rows),
        (Kind.OTHER_AMOUNT, ours.fen, theirs.fen),
        (Kind.OTHER_CONTENT, ours.digest or None, theirs.digest or None),
        (Kind.OTHER_NUMBER, ours.remote_id or None, theirs.remote_id or None),
    )
    return [kind for kind, one, two in pairs if _differ(one, two)]


def _differ(one: object, two: object) -> bool:
    """What one side does not keep is not compared."""
    return one is not None and two is not None and one != two


def _is_older_with_same_content(ours: StatementLine, theirs: StatementLine) -> bool:
    return ours.is_known and ours.version is not None and theirs.version is not None and theirs.version < ours.version
