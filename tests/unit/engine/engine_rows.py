"""Tiny layouts, tiny files and the two banks' real ones, for the tests of the engine. All numbers are invented."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

import pytest
from pydantic import TypeAdapter
from stdnum import luhn
from stdnum.cn import ric, uscc
from stdnum.iso7064 import mod_11_10

from hub.errors import FeedChanged
from hub.feed import Feed, FixedFormat, Format, RecordSpec, SftpSource
from hub.mapping import Codes, Mapped, columns_used, map_rows
from hub.model import Parsed, Rows, Sorted
from hub.parsing import parse_batch
from hub.validation import sort_rows
from schemas.catalogue import SCHEMAS

TODAY = dt.date(2026, 11, 23)

CONTRACTOR = "91370902MA0000001" + uscc.calc_check_digit("91370902MA0000001")
CNAPS = "31346300001" + mod_11_10.calc_check_digit("31346300001")
CARD = "621700000000000001" + luhn.calc_check_digit("621700000000000001")
ID_NO = "37090219900101123" + ric.calc_check_digit("370902199001011230")
PERMIT = "370902202603150101"


def read_form(**words: Any) -> Format:
    """A format as a mapping file would give it."""
    form: Format = TypeAdapter(Format).validate_python(words)
    return form


BARS = read_form(
    type="delimited",
    separator="|",
    escape="\\",
    header={"mark": "H", "columns": ["mark", "bank", "day", "rows", "sum"]},
    detail={"mark": "D", "columns": ["mark", "no", "name", "amount"]},
    trailer={"mark": "T", "columns": ["mark", "rows", "sum"]},
    line="no",
    totals={"rows": "rows", "amount": "sum", "of": "amount", "as": "yuan"},
    agreed={"bank": {"equals": "313", "else": "F010"}, "day": {"equals": "@date", "else": "F011"}},
)
WIDTHS = read_form(
    type="fixed",
    header={"mark": "0", "columns": {"mark": 1, "bank": 3, "day": 8, "rows": 4, "sum": 9}},
    detail={"mark": "1", "columns": {"mark": 1, "no": 3, "name": 8, "amount": 9}},
    trailer={"mark": "9", "columns": {"mark": 1, "rows": 4, "sum": 9}},
    line="no",
    totals={"rows": "rows", "amount": "sum", "of": "amount", "as": "fen"},
    agreed={"bank": {"equals": "402", "else": "F010"}, "day": {"equals": "@date", "else": "F011"}},
)
NAME_PARTS = {"date": "20261123", "area": "370902"}


def bars(*details: str, rows: int | None = None, total: str = "0.00", end: str = "\r\n") -> str:
    """A file of the layout BARS around these detail lines."""
    count = len(details) if rows is None else rows
    return "".join(line + end for line in (f"H|313|20261123|{count}|{total}", *details, f"T|{count}|{total}"))


def widths(*details: bytes, rows: int | None = None, total: int = 0) -> bytes:
    """A file of the layout WIDTHS around these detail lines."""
    count = len(details) if rows is None else rows
    lines = (f"040220261123{count:04d}{total:09d}".encode(), *details, f"9{count:04d}{total:09d}".encode())
    return b"".join(line + b"\n" for line in lines)


def cell(text: str, width: int) -> bytes:
    """Text filled with spaces to a width in GB18030 bytes."""
    return text.encode("gb18030").ljust(width)


def wide(no: int, name: str | bytes, fen: int) -> bytes:
    """A detail line of the layout WIDTHS."""
    text = name if isinstance(name, bytes) else name.encode("gb18030")
    return f"1{no:03d}".encode() + text.ljust(8) + f"{fen:09d}".encode()


def parse(form: Format, data: str | bytes, *columns: str) -> Parsed:
    """Parse one file; text is sent as GB18030."""
    content = data.encode("gb18030") if isinstance(data, str) else data
    return parse_batch(form, [content], NAME_PARTS, {"detail": frozenset(columns)})


def details(form: Format, data: str | bytes) -> Rows:
    """The detail rows of one file."""
    return parse(form, data).rows["detail"]


def column(form: Format, data: str | bytes, name: str) -> list[str]:
    """One column of the detail rows."""
    return details(form, data).frame[name].to_list()


def refusal(form: Format, data: str | bytes) -> str:
    """The file code under which a file is refused."""
    with pytest.raises(FeedChanged) as error:
        parse(form, data)
    return error.value.code


def read_file(feed: Feed, codes: Codes, data: bytes, name: str) -> dict[str, Sorted]:
    """The whole way of a bank's file through the pure engine: parse, map, sort."""
    assert isinstance(feed.spec.source, SftpSource)
    parts = dict(zip(("bank", "area", "type", "date", "seq", "version"), name.split("_"), strict=True))
    wanted = {spec.rows: frozenset[str]() for spec in feed.spec.records.values()}
    for spec in feed.spec.records.values():
        wanted[spec.rows] |= columns_used(spec)
    parsed = parse_batch(feed.spec.source.format, [data], parts, wanted)
    found = {}
    for schema, spec in feed.spec.records.items():
        rows = parsed.rows[spec.rows]
        found[schema] = sort_rows(schema, spec, map_rows(spec, SCHEMAS[schema], rows, codes), rows)
    return found


def map_and_sort(schema: str, record: RecordSpec, rows: Rows, codes: Codes | None = None) -> tuple[Mapped, Sorted]:
    """Rows of text through the mapping and the schema."""
    mapped = map_rows(record, SCHEMAS[schema], rows, codes or {})
    return mapped, sort_rows(schema, record, mapped, rows)


def payroll_line(**changes: str) -> dict[str, str]:
    """One wage of haidai's PAYR layout."""
    good = {
        "工资批次号": "P1", "行号": "1", "姓名": "张三", "证件类型": "01", "证件号码": ID_NO, "卡号": CARD, "联行号": CNAPS,
        "实发金额": "5000.00", "发放结果": "S", "失败代码": "", "发放时间": "20261120101112", "银行流水号": "S1",
    }  # fmt: skip
    return good | changes


def haidai_payroll(*lines: dict[str, str], total: str, end: str = "\r\n") -> bytes:
    """A PAYR file of haidai."""
    head = (
        f"H|1.0|313|PAYR|20261123|B1|{len(lines)}|{total}|CNY|yuan|GB18030|20261123181500|P1|{PERMIT}|10000001|2026-10"
    )
    body = ["|".join(["D", str(no), *line.values()]) for no, line in enumerate(lines, 1)]
    text = [f"{head}|{CONTRACTOR}", *body, f"T|{len(lines)}|{total}"]
    return "".join(line + end for line in text).encode("gb18030")


def wenhe_payroll(feed: Feed, lines: Sequence[dict[str, str]], total: int) -> bytes:
    """A PAYR file of wenhe, at the widths of the mapping."""
    form = feed.spec.source.format
    assert isinstance(form, FixedFormat)
    size = {spec.name: spec.width for spec in form.detail.columns}
    head = f"0402PAYR20261123{'B1':20}{len(lines):08d}{total:015d}20261123181500{'P1':20}{PERMIT}{'10000001':32}202610{CONTRACTOR}"
    body = [
        b"1" + f"{no:06d}".encode() + b"".join(cell(text, size[name]) for name, text in line.items())
        for no, line in enumerate(lines, 1)
    ]
    return b"".join(line + b"\n" for line in (head.encode(), *body, f"9{len(lines):08d}{total:015d}".encode()))
