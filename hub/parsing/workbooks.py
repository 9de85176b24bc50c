"""Open a spreadsheet that a stranger made: bounded before it is read, row by row, every cell as text.

Only values are read: no formula, macro or link is followed. See docs/decisions/0015-spreadsheets.md for the two readers.
"""

from __future__ import annotations

import datetime as dt
import io
import math
import re
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import openpyxl  # type: ignore[import-untyped]
import xlrd  # type: ignore[import-untyped]
from xlrd.xldate import XLDateError, xldate_as_datetime  # type: ignore[import-untyped]

from hub.errors import FeedChanged
from hub.limits import (
    BOOK_GROWS_AT_MOST,
    LARGEST_XLS,
    LARGEST_XLSX,
    LAST_ROW,
    MOST_CELLS,
    MOST_COLUMNS,
    MOST_FILES,
    MOST_LETTERS,
    MOST_ROWS,
    MOST_TAGS,
    UNSUSPICIOUS,
)
from hub.text import UNREADABLE

DTD = tuple("<!DOCTYPE".encode(encoding) for encoding in ("ascii", "utf-16-le", "utf-16-be"))
XLSX, XLS = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
DIGITS_TO_TRUST = 15
DAY_FORMATS, TIME_FORMATS = (
    frozenset({27, 28, 29, 30, 31, 36, 50, 51, 52, 53, 54, 57, 58}),
    frozenset({32, 33, 34, 35, 55, 56}),
)
"""Numbers of Chinese formats (2026年11月23日, 18时15分) that a file uses without writing them down."""


@dataclass(frozen=True)
class SheetRow:
    """A row that is not blank: the number beside it and its cells as text, without empty ones at its end."""

    number: int
    cells: tuple[str, ...]


def read_rows(data: bytes, sheet: str | None) -> list[SheetRow]:
    """Rows of the named sheet, or of the first that can be seen; hidden rows too.

    Raises FeedChanged: F005 no spreadsheet, F007 cut off, F008 not the agreed sheet, F016 not safe to unpack, F030 beyond a limit,
    F022 with a DTD.
    """
    if data.startswith(XLSX):
        _check_xlsx(data)
        rows = _translated(_xlsx_rows, data, sheet)
    elif data.startswith(XLS):
        _check_xls(data)
        rows = _translated(_xls_rows, data, sheet)
    else:
        raise FeedChanged("the file is neither xlsx nor xls", code="F005")
    return rows


def _translated(
    read: Callable[[bytes, str | None], Iterable[tuple[int, list[str]]]], data: bytes, sheet: str | None
) -> list[SheetRow]:
    """Whatever the reader of a broken file stumbles over is the file's fault."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return list(_bounded(read(data, sheet)))
    except FeedChanged:
        raise
    except Exception as error:
        raise FeedChanged(f"the spreadsheet is damaged or cut off ({type(error).__name__})", code="F007") from error


def _bounded(rows: Iterable[tuple[int, list[str]]]) -> Iterator[SheetRow]:
    filled = looked = letters = 0
    for number, cells in rows:
        looked += len(cells)
        letters += sum(map(len, cells))
        if looked > MOST_CELLS:
            raise FeedChanged(f"the sheet has more than {MOST_CELLS} cells", code="F030")
        if letters > MOST_LETTERS:
            raise FeedChanged(f"the cells of the sheet hold more than {MOST_LETTERS} letters", code="F030")
        if number > LAST_ROW or (len(cells) > MOST_COLUMNS and any(cells[MOST_COLUMNS:])):
            raise FeedChanged(f"row {number} is beyond what a sheet may have", code="F030")
        while cells and not cells[-1].strip():
            cells.pop()
        if not cells:
            continue
        filled += 1
        if filled > MOST_ROWS:
            raise FeedChanged(f"the sheet has more than {MOST_ROWS} rows", code="F030")
        yield SheetRow(number, tuple(cells))


def _check_xlsx(data: bytes) -> None:
    """Unpack everything once, keeping nothing, before a reader does it without bounds (F016)."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
            if "xl/workbook.xml" not in names:
                raise FeedChanged("the file is a zip without a workbook in it", code="F005")
            if len(names) > MOST_FILES or len(set(names)) < len(names):
                raise FeedChanged(f"the workbook has {len(names)} parts, or one of them twice", code="F016")
            size = tags = 0
            for entry in archive.infolist():
                with archive.open(entry) as file:
                    end = b""
                    while piece := file.read(1024**2):
                        size += len(piece)
                        tags += piece.count(b"<")
                        most = max(BOOK_GROWS_AT_MOST * len(data), UNSUSPICIOUS)
                        if size > min(LARGEST_XLSX, most) or tags > MOST_TAGS:
                            raise FeedChanged(
                                f"the workbook of {len(data)} bytes grows beyond {size} bytes", code="F016"
                            )
                        if any(mark in end + piece for mark in DTD):
                            raise FeedChanged("a part of the workbook carries a DTD", code="F022")
                        end = piece[-32:]
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise FeedChanged(f"the workbook is damaged or cut off ({type(error).__name__})", code="F007") from error
    except (RuntimeError, NotImplementedError, ValueError, OSError) as error:
        raise FeedChanged(f"the workbook cannot be unpacked ({type(error).__name__})", code="F016") from error


def _check_xls(data: bytes) -> None:
    if len(data) > LARGEST_XLS:
        raise FeedChanged(f"the workbook has {len(data)} bytes", code="F016")
    if "EncryptedPackage".encode("utf-16-le") in data:
        raise FeedChanged("the workbook is encrypted", code="F016")


def _chosen(names: list[str], seen: list[str], sheet: str | None) -> str:
    if sheet is None and seen:
        return seen[0]
    if sheet is None or sheet not in names:
        raise FeedChanged(f"the workbook has no sheet {sheet or 'that can be seen'}", code="F008")
    return sheet


def _xlsx_rows(data: bytes, sheet: str | None) -> Iterator[tuple[int, list[str]]]:
    book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
    for style, xf in enumerate(book._cell_styles):  # openpyxl 3.1 does not know the Chinese formats by their numbers
        if xf.numFmtId in DAY_FORMATS | TIME_FORMATS:
            book._date_formats.add(style)
    sheets = {one.title: one for one in book.worksheets}
    chosen = sheets[_chosen(list(sheets), [name for name in sheets if sheets[name].sheet_state == "visible"], sheet)]
    chosen.reset_dimensions()  # they are a promise of the file that nothing keeps
    for number, row in enumerate(chosen.iter_rows(), 1):
        yield number, [_xlsx_text(cell) for cell in row]


def _xlsx_text(cell: Any) -> str:
    if cell.value is None:
        return ""
    if cell.data_type == "e":
        return UNREADABLE + str(cell.value)
    if isinstance(cell.value, dt.datetime):
        form = cell._style_id and cell.style_array.numFmtId
        return moment_text(cell.value, form in TIME_FORMATS or _shows_time(cell.number_format))
    return _text(cell.value)


def _xls_rows(data: bytes, sheet: str | None) -> Iterator[tuple[int, list[str]]]:
    try:
        book = xlrd.open_workbook(file_contents=data, logfile=io.StringIO(), formatting_info=True, ragged_rows=True)
    except xlrd.XLRDError as error:
        if "encrypted" in str(error):
            raise FeedChanged("the workbook is encrypted", code="F016") from error
        raise
    sheets = {one.name: one for one in book.sheets()}
    chosen = sheets[_chosen(list(sheets), [name for name in sheets if sheets[name].visibility == 0], sheet)]
    for number in range(chosen.nrows):
        yield number + 1, [_xls_text(book, cell) for cell in chosen.row(number)]


def _xls_text(book: Any, cell: Any) -> str:
    if cell.ctype == xlrd.XL_CELL_ERROR:
        return UNREADABLE + str(xlrd.error_text_from_code.get(cell.value, "#ERROR"))
    if cell.ctype == xlrd.XL_CELL_BOOLEAN:
        return _text(bool(cell.value))
    if cell.ctype != xlrd.XL_CELL_DATE:
        return _text(cell.value)
    form = book.xf_list[cell.xf_index].format_key
    try:
        moment = xldate_as_datetime(cell.value, book.datemode)
    except (XLDateError, OverflowError, ValueError):
        return UNREADABLE + str(cell.value)
    if 0 <= cell.value < 1:
        return _text(_whole_seconds(moment).time())
    return moment_text(moment, form in TIME_FORMATS or _shows_time(book.format_map[form].format_str))


def _shows_time(form: str) -> bool:
    """Whether a number format shows hours or seconds; what stands in quotes or brackets is no part of it."""
    return re.search("[hHsS]", re.sub(r'"[^"]*"|\[[^\]]*\]|\\.', "", form)) is not None


def moment_text(moment: dt.datetime, shows_time: bool) -> str:
    """A date, or a date and time where the cell shows one or holds more than it shows."""
    whole = _whole_seconds(moment)
    return whole.strftime("%Y-%m-%d %H:%M:%S" if shows_time or whole.time() != dt.time() else "%Y-%m-%d")


def _whole_seconds(moment: dt.datetime) -> dt.datetime:
    """Spreadsheets count days in fractions, which are right to less than a second only."""
    return (moment + dt.timedelta(microseconds=500_000)).replace(microsecond=0)


def _text(value: object) -> str:
    """A cell's value as text. What is no text, number, truth or time is shown and stays unreadable."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return number_text(value)
    if isinstance(value, dt.date):
        return value.isoformat()
    if isinstance(value, dt.time):
        return value.replace(microsecond=0).isoformat()
    return UNREADABLE + str(value)


def number_text(value: int | float) -> str:
    """The shortest decimal text of the fifteen digits that a spreadsheet keeps. A longer number was spoiled before it came: it
    is shown and stays unreadable."""
    if not math.isfinite(value) or abs(value) >= 10**DIGITS_TO_TRUST:
        return UNREADABLE + str(value)
    text = format(Decimal(f"{value:.{DIGITS_TO_TRUST}g}"), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
