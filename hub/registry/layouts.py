"""Whether a mapping speaks of columns that its layout has, and of all of them. A fault is a place in the mapping and a cause."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from hub.feed import DelimitedFormat, FeedSpec, FixedFormat, RecordSpec, SftpSource, SheetFormat, Totals
from hub.mapping import columns_used
from hub.reasons import all_reasons
from hub.registry.problems import Place

AMOUNTS = ("yuan", "yuan_commas", "money_wan", "fen")
FILE_CODES = frozenset(reason.code for reason in all_reasons() if reason.level == "file")
FORMAT: Place = ("source", "format")
Fault = tuple[Place, str]


def column_faults(spec: FeedSpec, name: str, record: RecordSpec) -> Iterator[Fault]:
    """For files the columns are known beforehand: each is taken or ignored, and none is asked for that does not come."""
    form, used = spec.source.format, columns_used(record)
    parts = {f"@{part}" for part in _parts_of_name(spec)}
    outer: set[str] = set()
    if isinstance(form, SheetFormat):
        own, framing = form.columns, form.framing
        if record.rows != "detail":
            yield ("records", name, "rows"), "rows of a sheet are detail"
            return
    elif isinstance(form, DelimitedFormat | FixedFormat):
        line = form.header if record.rows == "header" else form.detail
        if record.rows not in ("header", "detail") or line is None:
            yield ("records", name, "rows"), "rows of a file are header or detail"
            return
        own, framing = line.names, form.columns_of_format(form.header, form.detail, form.trailer)
        outer = {f"../{column}" for column in form.header.names} if form.header and record.rows == "detail" else set()
    else:
        for column in sorted(column for column in used - parts if column.startswith("@")):
            yield ("records", name, "fields"), f"{column} is no part of a file name"
        return
    for column in sorted(used - set(own) - outer - parts):
        yield ("records", name, "fields"), f"column {column} is not in the agreed layout"
    for column in own:
        if column not in used | framing and column not in record.ignore:
            yield ("records", name, "ignore"), f"column {column} is neither taken nor ignored"


def layout_faults(spec: FeedSpec) -> Iterator[Fault]:
    """Columns that the format itself speaks of must stand in its own lines."""
    form = spec.source.format
    if isinstance(form, SheetFormat):
        last = set(form.columns) if form.trailer is not None else set[str]()
        yield from _missing(form.line, set(form.columns), "line")
        yield from _totals(form.totals, set(form.columns), last)
        yield from _twice(form.columns, "columns")
    elif isinstance(form, DelimitedFormat | FixedFormat):
        lines = {"header": form.header, "detail": form.detail, "trailer": form.trailer}
        names = {kind: line.names if line is not None else () for kind, line in lines.items()}
        yield from _missing(form.line, set(names["detail"]), "line")
        for column, one in form.agreed.items():
            yield from _missing(column, set(names["header"]), "agreed", column)
            if one.otherwise not in FILE_CODES:
                yield (*FORMAT, "agreed", column), f"{one.otherwise} is no code of a file, such as F008"
        yield from _totals(form.totals, set(names["detail"]), {*names["header"], *names["trailer"]})
        for kind, found in names.items():
            yield from _twice(found, kind, "columns")


def _totals(totals: Totals | None, detail: set[str], ends: set[str]) -> Iterator[Fault]:
    """What is declared must be declared somewhere: in the header, in the trailer, or in both."""
    if totals is None:
        return
    yield from _missing(totals.rows, ends, "totals", "rows")
    yield from _missing(totals.amount, ends, "totals", "amount")
    yield from _missing(totals.of, detail, "totals", "of")
    if totals.as_ is not None and totals.as_ not in AMOUNTS:
        yield (*FORMAT, "totals", "as"), f"totals are read as one of {', '.join(AMOUNTS)}"


def _missing(column: str | None, columns: set[str], *step: str) -> Iterator[Fault]:
    if column is not None and column not in columns:
        yield (*FORMAT, *step), f"column {column} is not in the agreed layout"


def _twice(names: tuple[str, ...], *step: str) -> Iterator[Fault]:
    for column, count in sorted(Counter(names).items()):
        if count > 1:
            yield (*FORMAT, *step), f"column {column} stands twice"


def _parts_of_name(spec: FeedSpec) -> list[str]:
    pattern = spec.source.name if isinstance(spec.source, SftpSource) else ""
    return [piece.partition("}")[0] for piece in pattern.split("{")[1:]]
