"""What came of a reading, row by row, in a form that two readings can be compared in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from hub.pipeline import Reading, read_rows
from hub.registry import Registry, read_registry
from schemas.catalogue import SCHEMAS
from tests.corpus.edits import make
from tests.corpus.plain import MAPPINGS, sample

Place = tuple[str, str]


@dataclass(frozen=True)
class Outcome:
    """By schema and the number told to the partner: codes of rejected rows, values of records; rows at each schema."""

    rejected: Mapping[Place, frozenset[str]]
    taken: Mapping[Place, Mapping[str, Any]]
    rows: Mapping[str, int]


@cache
def registry() -> Registry:
    """The mappings as they are delivered."""
    return read_registry(Path(MAPPINGS))


@cache
def read_good(feed: str) -> Outcome:
    """The good file that every case of a feed starts from."""
    return outcome(read_data(feed, make(feed, [])))


def read_data(feed: str, data: bytes, name: str | None = None) -> Reading:
    """Through the hub's own reading, all of it that needs no database."""
    return read_rows(registry().feed(feed), [data], name or sample(feed)[0], registry().codes)


def outcome(reading: Reading) -> Outcome:
    rejected: dict[Place, frozenset[str]] = {}
    taken: dict[Place, Mapping[str, Any]] = {}
    rows: dict[str, int] = {}
    for found in reading.found:
        names = SCHEMAS[found.schema].column_names()
        seen: Counter[str] = Counter()
        rows[found.schema] = found.records.height + found.rejections.height + found.repeated_rows
        for row in found.records.iter_rows(named=True):
            taken[found.schema, _numbered(seen, row["#no"])] = {name: _plain(row[name]) for name in names}
        for row in found.rejections.iter_rows(named=True):
            place = found.schema, _numbered(seen, row["#no"])
            rejected[place] = frozenset(reason["code"] for reason in row["#reasons"])
    return Outcome(rejected, taken, rows)


def _numbered(seen: Counter[str], number: str) -> str:
    """The number a row is told by; the second of the same with #2."""
    seen[number] += 1
    return number if seen[number] == 1 else f"{number}#{seen[number]}"


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date | datetime) else value


def unbalanced(reading: Reading, records: Mapping[str, Any]) -> Iterator[str]:
    """Rows and fen that went missing between the cut lines and what became of them."""
    for found in reading.found:
        cut = reading.parsed.rows[records[found.schema].rows]
        came = cut.frame.height + (0 if cut.broken is None else cut.broken.height)
        went = found.records.height + found.rejections.height + found.repeated_rows
        if came != went:
            yield f"{found.schema}: {came} rows came, {went} are accounted for"
