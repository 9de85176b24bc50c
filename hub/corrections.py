"""Corrections of single cells, put on top of the rows as they were parsed, before anything is mapped. Pure.

The bytes never change: whoever reads them again puts the same corrections on top again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from hub.errors import FeedChanged
from hub.model import Parsed, Rows

SPOT = ("#part", "#line")
OUTER = ("../", "@")
Wanted = Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class Correction:
    """What one row's cells should say; the row is found by its place, part and line."""

    place: str
    part_no: int
    row_no: int
    cells: Mapping[str, str]

    @property
    def spot(self) -> tuple[int, int]:
        return self.part_no, self.row_no


def correct_rows(parsed: Parsed, corrections: Sequence[Correction], wanted: Wanted) -> Parsed:
    """The rows with these cells changed; later corrections of a row win. Totals that the file declares stay as declared.

    A line that could not be cut into columns becomes a row of what the correction gives, and of what all rows share.
    Raises FeedChanged F008 when there is no such row or column.
    """
    places = {one.place for one in corrections}
    if unknown := sorted(places.difference(parsed.rows)):
        raise FeedChanged(f"there are no rows at {unknown[0]} to correct", code="F008")
    changed = {
        place: _correct(parsed.rows[place], [one for one in corrections if one.place == place], wanted.get(place))
        for place in places
    }
    return replace(parsed, rows={**parsed.rows, **changed})


def _correct(rows: Rows, corrections: Sequence[Correction], wanted: frozenset[str] | None) -> Rows:
    cells: dict[tuple[int, int], dict[str, str]] = {}
    for one in corrections:
        cells.setdefault(one.spot, {}).update(one.cells)
    rows = _with_columns(rows, sorted({name for row in cells.values() for name in row}), wanted or frozenset())
    rows = _with_lines(rows, set(cells))
    found = set(rows.frame.select(SPOT).rows())
    if missing := sorted(set(cells).difference(found)):
        raise FeedChanged(f"there is no row at line {missing[0][1]} of part {missing[0][0]} to correct", code="F008")
    names = sorted({name for row in cells.values() for name in row})
    schema = {"#part": pl.Int32, "#line": pl.Int32, **dict.fromkeys(names, pl.String)}
    patch = pl.DataFrame(
        [[*spot, *(row.get(name) for name in names)] for spot, row in cells.items()], schema=schema, orient="row"
    )
    return replace(rows, frame=rows.frame.update(patch, on=list(SPOT), how="left"))


def _with_columns(rows: Rows, names: Sequence[str], wanted: frozenset[str]) -> Rows:
    """A column that no row had yet, but that the mapping reads, may be given to one."""
    missing = [name for name in names if name not in rows.frame.columns]
    if unknown := [name for name in names if name.startswith("#") or (name in missing and name not in wanted)]:
        raise FeedChanged(f"column {unknown[0][:40]!r} is in none of the rows, and the mapping does not read it")
    frame = rows.frame.with_columns([pl.lit(None, dtype=pl.String).alias(name) for name in missing])
    return replace(rows, frame=frame, own=(*rows.own, *(name for name in missing if not name.startswith(OUTER))))


def _with_lines(rows: Rows, spots: set[tuple[int, int]]) -> Rows:
    """Broken lines that are to be corrected stand among the rows, empty but for what all rows of the file share."""
    if rows.broken is None or rows.broken.is_empty():
        return rows
    mended = rows.broken.filter([spot in spots for spot in rows.broken.select(SPOT).rows()])
    if mended.is_empty():
        return rows
    outer = [name for name in rows.frame.columns if name.startswith(OUTER)]
    shared = rows.frame.row(0, named=True) if rows.frame.height else {}
    lines = mended.select(
        *SPOT,
        "#no",
        *(pl.lit(None, dtype=pl.String).alias(name) for name in rows.own),
        *(pl.lit(shared.get(name), dtype=pl.String).alias(name) for name in outer),
    )
    frame = pl.concat([rows.frame, lines.select(rows.frame.columns)]).sort(SPOT, maintain_order=True)
    return replace(rows, frame=frame, broken=rows.broken.join(mended, on=list(SPOT), how="anti"))
