"""Bad rows of a mirrored feed: one cell each, chosen so that exactly one reason code can be expected (simulators/spoil.py)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from simulators import identifiers
from simulators.mirror.facts import facts_of
from simulators.mirror.plain import Codes, FieldWords, MirroredFeed
from simulators.mirror.rows import Record, Row
from simulators.mirror.writing import UNREADABLE, impossible, kind_of
from simulators.spoil import break_check, retire_area

_FEWEST = 5
_SURELY = 10
_STRANGE = ("Z", "7Z", "ZZ9", "#")
_AREAS = ("area_code", "area6_code")
Fits = Callable[[str, str], bool]


@dataclass(frozen=True)
class Reader:
    """One field of one record that is read from a column."""

    record: Record
    name: str
    words: FieldWords


@dataclass(frozen=True)
class Change:
    """A kind of badness (simulators/spoil.py knows its code) and the text that has it."""

    kind: str
    text: str


def spoil(
    feed: MirroredFeed,
    rows: Sequence[Row],
    codes: Codes,
    share: float,
    rng: Random,
    fits: Fits,
    keep: Callable[[Row], bool] = lambda _: False,
) -> None:
    """Spoil about this share of the rows that have nothing below them."""
    flat = [row for top in rows for row in top.everything()]
    wanted = _wanted(len(flat), share)
    places = [row for row in flat if not row.inner and row.place != "header" and not keep(row)]
    rng.shuffle(places)
    turn = rng.randrange(1000)
    for row in places:
        if wanted == 0:
            return
        found = list(_changes(feed, row, codes, fits))
        kinds = sorted({change.kind for _, change in found})
        if not kinds:
            continue
        kind = kinds[turn % len(kinds)]
        column, change = rng.choice([pair for pair in found if pair[1].kind == kind])
        _apply(feed, row, column, change)
        wanted, turn = wanted - 1, turn + 1


def _wanted(rows: int, share: float) -> int:
    if share <= 0 or rows < _FEWEST:
        return 0
    return max(round(rows * share), 1 if rows >= _SURELY else 0)


def _changes(feed: MirroredFeed, row: Row, codes: Codes, fits: Fits) -> Iterator[tuple[str, Change]]:
    """Every way to spoil one of the row's cells in which all who read it see the same thing."""
    readers = _readers(feed, row)
    for column in sorted(set(readers) - _untouchable(feed, row)):
        told = [set(_changes_of(reader, row.cells[column], codes)) for reader in readers[column]]
        for change in sorted(set.intersection(*told), key=lambda change: (change.kind, change.text)):
            if change.text != row.cells[column] and fits(column, change.text):
                yield column, change


def _readers(feed: MirroredFeed, row: Row) -> dict[str, list[Reader]]:
    found: dict[str, list[Reader]] = {}
    for record in row.records:
        for name, words in feed.records[record.schema].fields.items():
            for column in words.columns:
                if row.cells.get(column):
                    found.setdefault(column, []).append(Reader(record, name, words))
    return found


def _untouchable(feed: MirroredFeed, row: Row) -> set[str]:
    """Columns of keys, of what the partner is told by, of the incremental fetch, and what an expression reads as well."""
    since = feed.source.get("since") or {}
    kept = {since.get("member", ""), feed.form.get("line", ""), *feed.profile.cells}
    for record in row.records:
        words = feed.records[record.schema]
        kept |= set(words.key.values())
        for name, field_words in words.fields.items():
            facts = facts_of(record.schema)
            if name in (*facts.key, *facts.tied):
                kept.update(field_words.columns)
            if field_words.sql:
                kept |= {column for column in row.cells if column in field_words.sql}
    # where several rows state one record, none of them may say it otherwise
    return kept | {name for other in _others(feed, row) for name in other}


def _others(feed: MirroredFeed, row: Row) -> Iterator[list[str]]:
    """Columns of records that stand at this place and are told by another of its rows."""
    here = {record.schema for record in row.records}
    for words in feed.records.values():
        if words.place == row.place and words.schema not in here:
            yield [column for field_words in words.fields.values() for column in field_words.columns]


def _changes_of(reader: Reader, text: str, codes: Codes) -> Iterator[Change]:
    words, kind = reader.words, kind_of(reader.words)
    if reader.name in facts_of(reader.record.schema).needed:
        yield Change("missing", "")
    if words.codes is not None:
        strange = next(code for code in _STRANGE if code not in codes[words.codes])
        yield Change("unknown_code", strange)
    elif kind.is_money:
        yield Change("amount_exponent", "1e5")
        if kind.name in UNREADABLE:
            yield Change("amount_too_fine", UNREADABLE[kind.name])
    elif kind.name in ("date", "time"):
        if (wrong := impossible(kind.argument, text)) is not None:
            yield Change("impossible_date", wrong)
    elif reader.name in _AREAS and len(text) in (6, 9) and text.isdigit():
        yield Change("retired_area", retire_area(text, None))
    else:
        yield from _broken_numbers(reader, text)


def _broken_numbers(reader: Reader, text: str) -> Iterator[Change]:
    for ending, kind, is_right in _NUMBERS:
        if reader.name.endswith(ending) and is_right(text) and _is_card_of_citizen(reader.record.values, reader.name):
            yield Change(kind, break_check(text, None))


def _is_card_of_citizen(values: Mapping[str, Any], name: str) -> bool:
    return name != "id_no" or values.get("id_type", "01") == "01"


def _ends_right(length: int, check: Callable[[str], str]) -> Callable[[str], bool]:
    def is_right(text: str) -> bool:
        try:
            return len(text) == length and check(text[:-1]) == text[-1]
        except (ValueError, IndexError):
            return False

    return is_right


def _is_card(text: str) -> bool:
    return text.isdigit() and 16 <= len(text) <= 19 and identifiers.luhn_check(text[:-1]) == text[-1]


_NUMBERS: tuple[tuple[str, str, Callable[[str], bool]], ...] = (
    ("uscc", "bad_uscc", _ends_right(18, identifiers.uscc_check)),
    ("id_no", "bad_id", _ends_right(18, identifiers.id_check)),
    ("card_no", "bad_card", _is_card),
    ("cnaps_code", "bad_cnaps", _ends_right(12, identifiers.cnaps_check)),
)


def _apply(feed: MirroredFeed, row: Row, column: str, change: Change) -> None:
    """Put the text in, and mark each record that reads it."""
    for reader in _readers(feed, row)[column]:
        record = reader.record
        record.bad = change.kind
        is_money = reader.name == facts_of(record.schema).money
        record.loses_fen |= is_money and change.kind.startswith("amount_") and not _is_in_totals(feed, row, column)
    row.cells[column] = change.text


def _is_in_totals(feed: MirroredFeed, row: Row, column: str) -> bool:
    """Whether the file's own total includes the amount that cannot be read."""
    return row.place == "detail" and (feed.form.get("totals") or {}).get("of") == column
