"""Bank drops: header, detail and trailer lines, cut by a separator or by bytes, with the totals they declare."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from hub.errors import FeedChanged
from hub.feed import DelimitedFormat, DelimitedLine, FixedFormat, FixedLine, Line
from hub.model import Declared, Parsed, Rows
from hub.parsing.cells import PLACE, Cut, cut_delimited, cut_fixed
from hub.recipes import find_recipe

FileForm = DelimitedFormat | FixedFormat


@dataclass(frozen=True)
class Lines:
    """The lines of a file by kind; numbers are 1-based positions in the file."""

    header: str | None
    trailer: str | None
    detail: list[str]
    detail_numbers: list[int]


def parse_file(
    form: FileForm, data: bytes, name_parts: Mapping[str, str], wanted: Mapping[str, frozenset[str]]
) -> Parsed:
    """Parse one dropped file. Raises FeedChanged with a file code (F002…F012) when it is not as agreed."""
    lines = split_lines(form, data)
    header = _single(form, form.header, lines.header, "header")
    trailer = _single(form, form.trailer, lines.trailer, "trailer")
    cut = _cut(form, form.detail, lines.detail, lines.detail_numbers)
    if cut.frame.is_empty() and cut.broken.height:
        raise FeedChanged(f"none of the {cut.broken.height} detail lines has the agreed columns", code="F008")
    check_agreed(form, header, name_parts)
    check_sequence(form, cut)
    declared = check_totals(form, header, trailer, cut)
    outer = {f"../{name}": value for name, value in header.items()} | {
        f"@{part}": value for part, value in name_parts.items()
    }
    printed = _with_number(cut.frame, lines.detail_numbers, form.line)
    broken = _with_number(cut.broken, lines.detail_numbers, None)
    detail = _with_outer(printed, outer, wanted.get("detail", frozenset()))
    framing = form.columns_of_format(form.header, form.detail, form.trailer)
    rows = {"detail": Rows(detail, form.detail.names, framing, broken)}
    if form.header is not None and "header" in wanted:
        frame = pl.DataFrame([{"#part": 0, "#line": 1, "#no": "0", **header}], schema_overrides=PLACE)
        rows["header"] = Rows(_with_outer(frame, outer, wanted["header"]), form.header.names, framing)
    return Parsed(rows, declared)


def _with_number(frame: pl.DataFrame, numbers: list[int], column: str | None) -> pl.DataFrame:
    """Add what the partner calls the line: the number it printed, else the line's place among the detail lines."""
    places = pl.DataFrame({"#line": numbers}, schema={"#line": pl.Int32}).with_row_index("#place", offset=1)
    placed = frame.join(places, on="#line", how="left", maintain_order="left")
    place = pl.col("#place").cast(pl.String)
    printed = place if column is None else pl.when(pl.col(column).str.strip_chars() != "").then(column).otherwise(place)
    return placed.with_columns(printed.alias("#no")).drop("#place")


def split_lines(form: FileForm, data: bytes) -> Lines:
    """Decode and sort lines by their mark. Raises FeedChanged: F009 empty, F005 undecodable, F007 no trailer, F008 unknown mark."""
    if not data.strip():
        raise FeedChanged("the file is empty", code="F009")
    text = _one_line_end(form, _decode(form, data))
    numbered = [(number, line.rstrip("\r")) for number, line in enumerate(text.split("\n"), 1) if line.strip("\r\x1a ")]
    kinds: dict[str, list[tuple[int, str]]] = {"header": [], "detail": [], "trailer": []}
    for number, line in numbered:
        kinds[_kind(form, line, number)].append((number, line))
    for name, wanted in (("header", form.header), ("trailer", form.trailer)):
        if wanted is not None and len(kinds[name]) != 1:
            code = "F007" if name == "trailer" and not kinds[name] else "F008"
            raise FeedChanged(f"the file has {len(kinds[name])} {name} lines instead of one", code=code)
    if kinds["header"] and numbered[0] != kinds["header"][0]:
        raise FeedChanged("lines stand before the header", code="F008")
    if kinds["trailer"] and numbered[-1] != kinds["trailer"][0]:
        raise FeedChanged("lines stand after the trailer", code="F008")
    first = {name: found[0][1] if found else None for name, found in kinds.items() if name != "detail"}
    return Lines(
        first["header"], first["trailer"], [line for _, line in kinds["detail"]], [n for n, _ in kinds["detail"]]
    )


def _decode(form: FileForm, data: bytes) -> str:
    """Fixed-width lines are kept as one character per byte (latin-1) until cut, so that widths count bytes."""
    if form.encoding == "utf-8":
        data = data.removeprefix(b"\xef\xbb\xbf")
    elif _is_chinese_utf8(data):
        raise FeedChanged(f"the file is UTF-8, {form.encoding} is agreed", code="F005")
    if isinstance(form, FixedFormat):
        return data.decode("latin-1")
    try:
        return data.decode(form.encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise FeedChanged(f"line {line} is not {form.encoding} (byte {error.start})", code="F005") from error


def _one_line_end(form: FileForm, text: str) -> str:
    """A carriage return ends a line too where an agreed mark follows; elsewhere it is a mistake inside a cell."""
    starts = "|".join(
        re.escape(line.mark + _separator(form)) for line in (form.header, form.detail, form.trailer) if line
    )
    return re.sub(rf"\r(?={starts})", "\n", text)


def _is_chinese_utf8(data: bytes) -> bool:
    """Whether the whole file reads as UTF-8 with Chinese in it. GB18030 that happens to be valid UTF-8 gives letters such as
    ũҵ, below U+0800, but hardly Han characters from the first line to the last."""
    try:
        return any("\u2e80" <= letter <= "\uffef" for letter in data.decode("utf-8"))
    except UnicodeDecodeError:
        return False


def _separator(form: FileForm) -> str:
    return form.separator if isinstance(form, DelimitedFormat) else ""


def _kind(form: FileForm, line: str, number: int) -> str:
    separator = _separator(form)
    for name, wanted in (("detail", form.detail), ("header", form.header), ("trailer", form.trailer)):
        if wanted is not None and line.startswith(wanted.mark + separator):
            return name
    raise FeedChanged(f"line {number} begins with none of the agreed marks", code="F008")


def _cut(form: FileForm, wanted: Line, lines: list[str], numbers: list[int]) -> Cut:
    if isinstance(form, DelimitedFormat) and isinstance(wanted, DelimitedLine):
        return cut_delimited(lines, numbers, wanted.columns, form.separator, form.escape)
    assert isinstance(wanted, FixedLine)
    return cut_fixed(lines, numbers, [(column.name, column.width) for column in wanted.columns], form.encoding)


def _single(form: FileForm, wanted: Line | None, line: str | None, name: str) -> dict[str, str]:
    if wanted is None or line is None:
        return {}
    cut = _cut(form, wanted, [line], [1])
    if cut.frame.is_empty():
        raise FeedChanged(f"the {name} line does not have the agreed {len(wanted.names)} columns", code="F008")
    return {
        column: str(value).strip()
        for column, value in cut.frame.row(0, named=True).items()
        if not column.startswith("#")
    }


def check_agreed(form: FileForm, header: Mapping[str, str], name_parts: Mapping[str, str]) -> None:
    """Hold the header against what the mapping agreed: sender, business date."""
    for column, agreed in form.agreed.items():
        wanted = name_parts.get(agreed.equals[1:], "") if agreed.equals.startswith("@") else agreed.equals
        if header.get(column) != wanted:
            raise FeedChanged(f"header column {column} should say {wanted!r}", code=agreed.otherwise)


def check_sequence(form: FileForm, cut: Cut) -> None:
    """The partner's own line numbers must leave no gap (F012): a gap means that a line was lost on their side."""
    if form.line is None:
        return
    numbers = cut.frame[form.line].str.strip_chars().cast(pl.Int64, strict=False)
    everything = set(range(1, cut.frame.height + cut.broken.height + 1))
    gaps = sorted(everything.difference(numbers.drop_nulls().to_list()))
    if len(gaps) > cut.broken.height + numbers.null_count():
        raise FeedChanged(f"the line numbers in {form.line} leave a gap at {gaps[0]}", code="F012")


def check_totals(form: FileForm, header: Mapping[str, str], trailer: Mapping[str, str], cut: Cut) -> Declared:
    """Header = trailer = computed, rows (F002) and amount (F003).

    A line whose amount cannot be read has no amount to add; what is then missing from the declared sum is theirs, and is
    accounted to them (Declared.fen keeps the file's own total). Without such a line every fen must be there, and never may the
    readable lines add up to more than is declared.
    """
    if form.totals is None:
        return Declared()
    rows, amount = form.totals.rows, form.totals.amount
    counted = cut.frame.height + cut.broken.height
    for place in (header, trailer):
        if place.get(rows, "").lstrip("0") != (str(counted) if counted else ""):
            raise FeedChanged(f"the file declares {place.get(rows)} detail lines and has {counted}", code="F002")
    recipe, argument = find_recipe(form.totals.as_)
    sums = (
        pl.DataFrame({"text": [header[amount], trailer[amount]]})
        .select(recipe.read(pl.col("text"), argument))
        .to_series()
    )
    if sums.null_count() or sums[0] != sums[1]:
        raise FeedChanged(
            f"header and trailer declare different amounts: {header[amount]} and {trailer[amount]}", code="F003"
        )
    read = cut.frame.select(recipe.read(pl.col(form.totals.of).str.strip_chars(), argument)).to_series()
    missing = int(sums[0]) - int(read.sum() or 0)
    unreadable = read.null_count() + cut.broken.height
    if missing < 0 or (missing and not unreadable):
        raise FeedChanged(
            f"the file declares {sums[0]} fen and its lines add up to {int(sums[0]) - missing} fen", code="F003"
        )
    return Declared(counted, int(sums[0]))


def _with_outer(frame: pl.DataFrame, outer: Mapping[str, str], wanted: frozenset[str]) -> pl.DataFrame:
    return frame.with_columns([pl.lit(value).alias(name) for name, value in outer.items() if name in wanted])
