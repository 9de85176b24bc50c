"""Spreadsheets: rows of cells below one line of column names, and at most one last row that adds up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from hub.errors import FeedChanged
from hub.feed import SheetFormat
from hub.model import Parsed
from hub.parsing.cells import PLACE, Cut, set_aside
from hub.parsing.files import detail_rows, of_name
from hub.parsing.promises import check_names, check_sequence, check_totals
from hub.parsing.workbooks import SheetRow, read_rows


def parse_sheet(
    form: SheetFormat, data: bytes, name_parts: Mapping[str, str], wanted: Mapping[str, frozenset[str]]
) -> Parsed:
    """Parse one dropped spreadsheet. ``#line`` is the number a person sees beside the row. Raises FeedChanged as files do."""
    if not data.strip():
        raise FeedChanged("the file is empty", code="F009")
    rows = [row for row in read_rows(data, form.sheet) if row.number > form.above]
    if not rows:
        raise FeedChanged("the sheet has no rows where the column names should stand", code="F009")
    names, *rest = rows
    check_names(names.cells, form.columns)
    trailer = _take_trailer(form, rest)
    cut = _cut(form.columns, rest)
    if cut.frame.is_empty() and cut.broken.height:
        raise FeedChanged(f"none of the {cut.broken.height} rows has the agreed columns", code="F008")
    check_sequence(form.line, cut)
    declared = check_totals(form.totals, {}, trailer, cut)
    numbers = [row.number for row in rest]
    outer = of_name(name_parts)
    return Parsed({"detail": detail_rows(cut, numbers, form.line, form.columns, form.framing, outer, wanted)}, declared)


def _take_trailer(form: SheetFormat, rest: list[SheetRow]) -> dict[str, str]:
    """The cells of the last row, when one that adds up is agreed; it must be there (F007), once and last (F008)."""
    if form.trailer is None:
        return {}
    places = [place for place, row in enumerate(rest) if row.cells[0].strip() == form.trailer]
    if not places:
        raise FeedChanged(f"the sheet has no last row {form.trailer}", code="F007")
    if places != [len(rest) - 1]:
        raise FeedChanged(f"rows stand below {form.trailer}, or it stands twice", code="F008")
    cells = rest.pop().cells
    if len(cells) > len(form.columns):
        raise FeedChanged(f"the row {form.trailer} has more cells than columns", code="F008")
    return dict(zip(form.columns, [cell.strip() for cell in _filled(cells, len(form.columns))], strict=True))


def _cut(columns: Sequence[str], rest: Sequence[SheetRow]) -> Cut:
    """Rows as columns of text; a row with something to the right of the last column is set aside whole (L115)."""
    fits = [row for row in rest if len(row.cells) <= len(columns)]
    other = [row for row in rest if len(row.cells) > len(columns)]
    cells = [_filled(row.cells, len(columns)) for row in fits]
    frame = pl.DataFrame(cells, schema={name: pl.String for name in columns}, orient="row")
    place = pl.DataFrame({"#part": [0] * len(fits), "#line": [row.number for row in fits]}, schema=PLACE)
    texts = ["\t".join(row.cells) for row in other]
    return Cut(place.hstack(frame), set_aside([row.number for row in other], texts, ["L115"] * len(other)))


def _filled(cells: Sequence[str], count: int) -> list[str]:
    """Empty cells at the end of a row are not kept in a spreadsheet."""
    return [*cells, *[""] * (count - len(cells))]
