"""Spreadsheets: title rows, column names, rows with numbers as numbers or as text and real dates, and a row that adds up."""

import io
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from openpyxl import Workbook  # type: ignore[import-untyped]

from simulators.mirror.plain import MirroredFeed
from simulators.mirror.rows import Row
from simulators.mirror.writing import Kind, kind_of

_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,11})(\.[0-9]{1,6})?")
_NUMERIC = frozenset({"yuan", "money_wan", "fen", "ppm", "percent", "permille", "integer"})
_MADE = datetime(2026, 11, 23, 18, 15)


def write_sheet(feed: MirroredFeed, rows: Sequence[Row], totals: Mapping[str, str], day: date) -> bytes:
    """The bytes of an xlsx file."""
    form = feed.form
    book = Workbook()
    page = book.active
    assert page is not None
    page.title = form.get("sheet") or "Sheet1"
    for number in range(form.get("above", 0)):
        page.append([feed.title.split(" / ")[0] if number == 0 else f"制表日期：{day:%Y-%m-%d}"])
    columns, kinds = list(form["columns"]), _kinds(feed)
    page.append(columns)
    for number, row in enumerate(rows):
        page.append([_cell(row.cells.get(name, ""), kinds.get(name), number) for name in columns])
    if form.get("trailer"):
        page.append([form["trailer"], *[_cell(totals.get(name, ""), kinds.get(name), 1) for name in columns[1:]]])
    book.properties.created = book.properties.modified = _MADE
    bytes_ = io.BytesIO()
    book.save(bytes_)
    return bytes_.getvalue()


def _kinds(feed: MirroredFeed) -> dict[str, Kind | None]:
    return {
        column: None if field_words.codes else kind_of(field_words)
        for words in feed.records.values()
        for field_words in words.fields.values()
        for column in field_words.columns
    }


def _cell(text: str, kind: Kind | None, number: int) -> Any:
    """Every other row is typed as a spreadsheet likes it, the rest is text: people paste from anywhere."""
    if text == "":
        return None
    if number % 2 == 0 or kind is None:
        return text
    if kind.name in _NUMERIC and _NUMBER.fullmatch(text):
        return float(text) if "." in text else int(text)
    try:
        if (kind.name, kind.argument) == ("date", "%Y-%m-%d"):
            return datetime.strptime(text, "%Y-%m-%d").date()
        if (kind.name, kind.argument) == ("time", "%Y-%m-%d %H:%M:%S"):
            return datetime.strptime(text, "%Y-%m-%d %H:%M:%S")
    except ValueError:
        return text
    return text
