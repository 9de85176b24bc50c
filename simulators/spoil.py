"""Bad rows: a chosen share of the rows gets one defect each, and the ledger learns which.

An unreadable amount keeps the row's true fen where the sender's own totals include it; a negative one counts as
written.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

Fields = Mapping[str, Any]
REASONS = {
    "missing": "L101", "bad_uscc": "L103", "bad_id": "L103", "bad_card": "L103", "bad_cnaps": "L103",
    "duplicate_serial": "L105", "future_date": "L107", "unknown_code": "L108", "amount_comma": "L109",
    "amount_full_width": "L109", "amount_too_fine": "L109", "amount_exponent": "L109", "impossible_date": "L110",
    "month_13": "L110", "amount_negative": "L111", "id_15": "L112", "retired_area": "L113", "mojibake": "L114",
}  # fmt: skip
"""The reason code (hub/reasons.csv) each kind of badness must be turned down with."""
Change = Callable[[Any, Any], Any]


@dataclass(frozen=True)
class Row:
    """One source row: its fields as sent and what the ledger keeps of it."""

    kind: str
    key: str
    fen: int | None
    fields: Fields
    bad: str | None = None
    bad_field: str | None = None


@dataclass(frozen=True)
class Defect:
    """A kind of badness in one field; `change` gets the field's value and that of the row before."""

    kind: str
    field: str
    change: Change

    def spoil(self, row: Row, before: Row) -> Row:
        """The row with this defect."""
        value = self.change(row.fields[self.field], before.fields[self.field])
        fen = -row.fen if self.kind == "amount_negative" and row.fen is not None else row.fen
        return replace(row, fen=fen, bad=self.kind, bad_field=self.field, fields={**row.fields, self.field: value})


def is_unreadable(row: Row) -> bool:
    """Whether the row's amount cannot be read as money."""
    return (row.bad or "").startswith("amount_") and row.bad != "amount_negative"


def spoil_rows(
    rows: Sequence[Row], defects: Sequence[Defect], share: float, rng: Random, keep: Callable[[Row], bool] | None = None
) -> list[Row]:
    """The rows with about this share spoiled, at least one if any may be; rows to keep stay good."""
    spoiled = list(rows)
    wanted = max(1, round(len(rows) * share)) if share > 0 else 0
    first = rng.randrange(len(defects))
    for turn, place in enumerate(_choose_places(rows, wanted, rng, keep)):
        spoiled[place] = defects[(first + turn) % len(defects)].spoil(rows[place], rows[place - 1])
    return spoiled


def _choose_places(rows: Sequence[Row], wanted: int, rng: Random, keep: Callable[[Row], bool] | None) -> Iterator[int]:
    """Places that do not touch each other, because a repeated serial concerns the row before."""
    places = [place for place in range(1, len(rows)) if keep is None or not keep(rows[place])]
    rng.shuffle(places)
    taken: set[int] = set()
    for place in places:
        if len(taken) < wanted and not taken & {place - 1, place + 1}:
            taken.add(place)
            yield place


def constant(value: Any) -> Change:
    """A change to a fixed value."""
    return lambda _old, _before: value


def break_check(old: Any, _before: Any) -> Any:
    """A wrong check digit."""
    return old[:-1] + ("2" if old[-1] == "1" else "1")


def negate(old: Any, _before: Any) -> Any:
    """A negative amount, as text or number."""
    return f"-{old}" if isinstance(old, str) else -old


def repeat(_old: Any, before: Any) -> Any:
    """The same serial number as the row before."""
    return before


def retire_area(old: Any, _before: Any) -> Any:
    """The county 371202, gone since 2019."""
    return "371202" + old[6:]


def shorten_id(old: Any, _before: Any) -> Any:
    """An ID number of the old 15-digit form."""
    return old[:6] + old[8:17]


def postpone(old: Any, _before: Any) -> Any:
    """The same date four years later."""
    return str(int(old[:4]) + 4) + old[4:]


def redate(month_day: str) -> Change:
    """The same year with a month and day that no calendar has."""

    def change(old: Any, _before: Any) -> Any:
        if len(old) == 7:
            return f"{old[:4]}-{month_day[:2]}"
        if "-" in old:
            return f"{old[:4]}-{month_day[:2]}-{month_day[2:]}{old[10:]}"
        return f"{old[:4]}{month_day}{old[8:]}"

    return change


missing = constant("")
mojibake = constant("锟斤拷锟斤拷")
impossible_day = redate("0230")
month_13 = redate("1301")


def amount_defects(field: str, too_fine: str = "1234.567") -> tuple[Defect, ...]:
    """What banks and offices really write into amount columns."""
    return (
        Defect("amount_comma", field, constant("1,234.50")),
        Defect("amount_full_width", field, constant("１２３")),
        Defect("amount_too_fine", field, constant(too_fine)),
        Defect("amount_exponent", field, constant("1e5")),
    )
