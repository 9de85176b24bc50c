"""Bank drops: header, detail and trailer lines, cut by a separator or by bytes, with the totals they declare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from hub.errors import FeedChanged
from hub.feed import DelimitedFormat, DelimitedLine, FixedLine, Line
from hub.model import Parsed, Rows
from hub.parsing.cells import PLACE, Cut, cut_delimited, cut_fixed, cut_quoted, split_cells
from hub.parsing.lines import FileForm, Numbered, split_lines
from hub.parsing.promises import check_agreed, check_names, check_sequence, check_totals


def parse_file(
    form: FileForm, data: bytes, name_parts: Mapping[str, str], wanted: Mapping[str, frozenset[str]]
) -> Parsed:
    """Parse one dropped file. Raises FeedChanged with a file code (F002…F012) when it is not as agreed."""
    lines = split_lines(form, data)
    header = _single(form, form.header, lines.header, "header")
    trailer = _single(form, form.trailer, lines.trailer, "trailer")
    if lines.names is not None and isinstance(form, DelimitedFormat):
        said = split_cells(lines.names[1], form.separator, form.escape, form.quote)
        check_names(said, form.detail.names)
    cut = _cut(form, form.detail, lines.detail)
    if cut.frame.is_empty() and cut.broken.height:
        raise FeedChanged(f"none of the {cut.broken.height} detail lines has the agreed columns", code="F008")
    check_agreed(form.agreed, header, name_parts)
    check_sequence(form.line, cut)
    declared = check_totals(form.totals, header, trailer, cut)
    outer = {f"../{name}": value for name, value in header.items()} | of_name(name_parts)
    framing = form.columns_of_format(form.header, form.detail, form.trailer)
    numbers = [number for number, _ in lines.detail]
    rows = {"detail": detail_rows(cut, numbers, form.line, form.detail.names, framing, outer, wanted)}
    if form.header is not None and lines.header is not None and "header" in wanted:
        frame = pl.DataFrame([{"#part": 0, "#line": lines.header[0], "#no": "0", **header}], schema_overrides=PLACE)
        rows["header"] = Rows(with_outer(frame, outer, wanted["header"]), form.header.names, framing)
    return Parsed(rows, declared)


def detail_rows(
    cut: Cut,
    numbers: Sequence[int],
    line: str | None,
    own: tuple[str, ...],
    framing: frozenset[str],
    outer: Mapping[str, str],
    wanted: Mapping[str, frozenset[str]],
) -> Rows:
    """The rows of a file: numbered as the partner numbers them, with what the mapping asks of header and file name."""
    printed = _with_number(cut.frame, numbers, line)
    broken = _with_number(cut.broken, numbers, None)
    return Rows(with_outer(printed, outer, wanted.get("detail", frozenset())), own, framing, broken)


def _with_number(frame: pl.DataFrame, numbers: Sequence[int], column: str | None) -> pl.DataFrame:
    """Add what the partner calls the line: the number it printed, else the line's place among the detail lines."""
    places = pl.DataFrame({"#line": numbers}, schema={"#line": pl.Int32}).with_row_index("#place", offset=1)
    placed = frame.join(places, on="#line", how="left", maintain_order="left")
    place = pl.col("#place").cast(pl.String)
    said = place if column is None else pl.col(column).str.strip_chars()
    printed = pl.when(said != "").then(said).otherwise(place)
    return placed.with_columns(printed.alias("#no")).drop("#place")


def of_name(name_parts: Mapping[str, str]) -> dict[str, str]:
    """The parts of the file's name as columns."""
    return {f"@{part}": value for part, value in name_parts.items()}


def with_outer(frame: pl.DataFrame, outer: Mapping[str, str], wanted: frozenset[str]) -> pl.DataFrame:
    """Add the columns of header and file name that the mapping asks for."""
    return frame.with_columns([pl.lit(value).alias(name) for name, value in outer.items() if name in wanted])


def _cut(form: FileForm, wanted: Line, lines: Sequence[Numbered]) -> Cut:
    numbers, texts = [number for number, _ in lines], [text for _, text in lines]
    if isinstance(form, DelimitedFormat) and isinstance(wanted, DelimitedLine):
        if form.quote is not None:
            return cut_quoted(texts, numbers, wanted.columns, form.separator, form.quote)
        return cut_delimited(texts, numbers, wanted.columns, form.separator, form.escape)
    assert isinstance(wanted, FixedLine)
    return cut_fixed(texts, numbers, [(column.name, column.width) for column in wanted.columns], form.encoding)


def _single(form: FileForm, wanted: Line | None, line: Numbered | None, name: str) -> dict[str, str]:
    if wanted is None or line is None:
        return {}
    cut = _cut(form, wanted, [line])
    if cut.frame.is_empty():
        raise FeedChanged(f"the {name} line does not have the agreed {len(wanted.names)} columns", code="F008")
    return {
        column: str(value).strip()
        for column, value in cut.frame.row(0, named=True).items()
        if not column.startswith("#")
    }
