"""Spreadsheets become rows of text as a person sees them; what a stranger's workbook may do to us is bounded before it is read."""

import datetime as dt
import io
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from engine_rows import column, details, parse, read_form, refusal
from openpyxl.worksheet.worksheet import Worksheet

from hub.errors import FeedChanged
from hub.feed import Format
from hub.model import Declared
from hub.parsing import workbooks
from hub.parsing.workbooks import number_text
from hub.text import UNREADABLE

SHEETS = Path(__file__).parent / "sheets"
XML = '<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{}</sheetData></worksheet>'

NAMED = '<row r="2"><c t="str"><v>姓名</v></c><c t="str"><v>金额</v></c><c t="str"><v>日期</v></c></row>'


def sheet(**words: Any) -> Format:
    """Three columns below one line above them."""
    return read_form(**({"type": "sheet", "above": 1, "columns": ["姓名", "金额", "日期"]} | words))


def book(
    *rows: Sequence[Any], change: Callable[[Worksheet], None] | None = None, epoch: dt.datetime | None = None
) -> bytes:
    """A workbook whose first sheet has these rows below a title and the column names."""
    made = openpyxl.Workbook()
    if epoch is not None:
        made.epoch = epoch
    page = made.active
    assert isinstance(page, Worksheet)
    page.title = "工资"
    for row in (["2026年10月"], ["姓名", "金额", "日期"], *rows):
        page.append(list(row))
    if change is not None:
        change(page)
    return saved(made)


def saved(made: openpyxl.Workbook) -> bytes:
    file = io.BytesIO()
    made.save(file)
    return file.getvalue()


def with_part(data: bytes, name: str, content: bytes) -> bytes:
    """The workbook with one of its parts replaced or added."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.namelist():
            if entry != name:
                new.writestr(entry, old.read(entry))
        new.writestr(name, content)
    return file.getvalue()


def with_rows(xml: str) -> bytes:
    """A workbook whose sheet is this XML."""
    return with_part(book(), "xl/worksheets/sheet1.xml", XML.format(xml).encode())


CELLS = [
    (5000.29, "5000.29"),
    (5000, "5000"),
    (5000.0, "5000"),
    (0.1 + 0.2, "0.3"),
    (1234.5600000000001, "1234.56"),
    (-0.05, "-0.05"),
    (0.0000001, "0.0000001"),
    (999_999_999_999_999, "999999999999999"),
    (1_000_000_000_000_000, UNREADABLE + "1000000000000000"),
    ("6217000000000000018", "6217000000000000018"),
    (6217000000000000018, UNREADABLE + "6.217e+18"),
    ("0012", "0012"),
    (" 张 三\n", " 张 三\n"),
    (True, "true"),
    (None, ""),
    (dt.date(2026, 11, 23), "2026-11-23"),
    (dt.datetime(2026, 11, 23, 18, 15), "2026-11-23 18:15:00"),
    (dt.datetime(2026, 11, 23), "2026-11-23 00:00:00"),
    (dt.time(18, 15), "18:15:00"),
    ("=1+1", ""),
    ("#REF!", UNREADABLE + "#REF!"),
    ("=cmd|' /C calc'!A0", ""),
]


@pytest.mark.parametrize(("value", "text"), CELLS, ids=[repr(value) for value, _ in CELLS])
def test_a_cell_is_the_text_a_person_sees(value: Any, text: str) -> None:
    """Numbers at their fifteen digits, times to the second; a formula gives its value, and none has been computed here."""
    assert column(sheet(), book(["张三", value, "x"]), "金额") == [text]


@pytest.mark.parametrize("number", [float("nan"), float("inf"), 1e15, -1e15, 1e300])
def test_numbers_that_nobody_can_trust_stay_unreadable(number: float) -> None:
    """Never rounded into something that looks right."""
    assert number_text(number).startswith(UNREADABLE)


@pytest.mark.parametrize("seconds", range(0, 86_400, 7_919))
def test_times_are_right_to_the_second(seconds: int) -> None:
    """Though spreadsheets count them in fractions of days."""
    moment = dt.datetime(2026, 11, 23) + dt.timedelta(seconds=seconds)
    assert column(sheet(), book(["张三", moment, "x"]), "金额") == [str(moment)]


@pytest.mark.parametrize("epoch", [dt.datetime(1899, 12, 30), dt.datetime(1904, 1, 1)])
def test_days_are_counted_from_either_year(epoch: dt.datetime) -> None:
    """1900, and 1904 on old Macintoshes."""
    assert column(sheet(), book(["张三", 1, dt.date(2026, 11, 23)], epoch=epoch), "日期") == ["2026-11-23"]


@pytest.mark.parametrize(
    ("number", "text"),
    [(31, "2026-11-23"), (57, "2026-11-23"), (14, "2026-11-23"), (22, "2026-11-23 00:00:00"), (0, "46349")],
)
def test_formats_known_by_their_number_alone_are_dates(number: int, text: str) -> None:
    """Chinese Excel writes 2026年11月23日 as format 31 and says no more about it."""
    styles = (
        '<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><cellXfs count="2"><xf numFmtId="0"/>'
        f'<xf numFmtId="{number}" applyNumberFormat="1"/></cellXfs></styleSheet>'
    )
    data = with_part(
        with_rows(f'{NAMED}<row r="3"><c r="C3" s="1"><v>46349</v></c></row>'), "xl/styles.xml", styles.encode()
    )
    assert column(sheet(), data, "日期") == [text]


def test_a_formula_gives_the_value_it_last_had() -> None:
    """And an error stays an error."""
    cells = (
        '<c r="A3" t="str"><f>B1&amp;"x"</f><v>张三</v></c><c r="B3"><f>1+1</f><v>2</v></c>'
        '<c r="C3" t="e"><f>1/0</f><v>#DIV/0!</v></c>'
    )
    frame = details(sheet(), with_rows(f'{NAMED}<row r="3">{cells}</row>')).frame
    assert frame.select("姓名", "金额", "日期").row(0) == ("张三", "2", UNREADABLE + "#DIV/0!")


def test_rows_are_known_by_the_number_beside_them() -> None:
    """Blank rows do not count among the rows; hidden ones do; a merged cell is its first."""

    def change(page: Worksheet) -> None:
        page.row_dimensions[4].hidden = True
        page.merge_cells("A5:A6")

    data = book(["张三", 1], ["李四", 2], ["王五", 3], [None, 4], [], ["赵六", 5], change=change)
    frame = details(sheet(), data).frame
    assert frame.select("#line", "#no", "姓名", "金额").rows() == [
        (3, "1", "张三", "1"),
        (4, "2", "李四", "2"),
        (5, "3", "王五", "3"),
        (6, "4", "", "4"),
        (8, "5", "赵六", "5"),
    ]


def test_a_row_with_something_to_its_right_is_set_aside() -> None:
    """L115, whole; spaces there are nothing."""
    rows = details(sheet(), book(["张三", 1, "x", "备注"], ["李四", 2, "x", " "]))
    assert rows.broken is not None
    assert rows.broken.select("#line", "#no", "#text", "#code").rows() == [(3, "1", "张三\t1\tx\t备注", "L115")]
    assert rows.frame["姓名"].to_list() == ["李四"]


def test_the_last_row_adds_up() -> None:
    """It is no row of data, and what it says must be so."""
    form = sheet(trailer="合计", totals={"amount": "金额", "of": "金额", "as": "yuan"})
    rows = (["张三", 1000.1, "x"], ["李四", 0.05, "x"])
    parsed = parse(form, book(*rows, [" 合计 ", 1000.15]))
    assert (parsed.rows["detail"].frame["姓名"].to_list(), parsed.declared) == (
        ["张三", "李四"],
        Declared(None, 100_015),
    )
    assert refusal(form, book(*rows, ["合计", 1000.16])) == "F003"
    assert refusal(form, book(*rows)) == "F007"
    assert refusal(form, book(*rows, ["合计", 1000.15], ["制表人"])) == "F008"
    assert refusal(form, book(["合计", 1], *rows, ["合计", 1000.15])) == "F008"
    assert refusal(form, book(*rows, ["合计", 1000.15, "", "备注"])) == "F008"
    counted = sheet(trailer="合计", totals={"rows": "日期"})
    assert parse(counted, book(*rows, ["合计", "", 2])).declared == Declared(2, None)
    assert refusal(counted, book(*rows, ["合计", "", 3])) == "F002"


def test_a_gap_in_the_printed_numbers_holds_the_sheet() -> None:
    """As in any file."""
    form = sheet(line="金额")
    assert column(form, book(["张三", 2], ["李四", 1]), "#no") == ["2", "1"]
    assert refusal(form, book(["张三", 1], ["李四", 3])) == "F012"


NAMES = [
    (["姓名", "金额"], "column 日期 is missing"),
    (["姓名", "金额", "日期", "备注"], "column '备注' is not agreed"),
    (["姓名", "实发", "日期"], "column 金额 is missing"),
    (["金额", "姓名", "日期"], "column 姓名 does not stand in its place"),
    (["张三", 1, "x"], "names is missing"),
]


@pytest.mark.parametrize(("names", "message"), NAMES)
def test_other_columns_hold_the_sheet(names: list[Any], message: str) -> None:
    """F008 names the column."""
    made = openpyxl.Workbook()
    for row in (["2026年10月"], names, ["张三", 1, "x"]):
        made.active.append(row)
    with pytest.raises(FeedChanged, match=message) as error:
        parse(sheet(), saved(made))
    assert error.value.code == "F008"


def test_names_may_be_wrapped() -> None:
    """A line end inside a heading is layout."""
    assert column(sheet(columns=["姓 名", "金额", "日期"]), book(["张三", 1, "x"]), "金额") == ["1"]


def test_the_first_sheet_to_be_seen_is_read_unless_one_is_named() -> None:
    """A hidden one in front of it is not what the partner shows."""
    made = openpyxl.Workbook()
    for title, name in (("隐", "甲"), ("明", "乙")):
        page = made.create_sheet(title)
        for row in ([], ["姓名", "金额", "日期"], [name, 1, "x"]):
            page.append(row)
    made.remove(made.worksheets[0])
    made["隐"].sheet_state = "hidden"
    made.active = 1
    assert column(sheet(), saved(made), "姓名") == ["乙"]
    assert column(sheet(sheet="隐"), saved(made), "姓名") == ["甲"]
    assert refusal(sheet(sheet="无"), saved(made)) == "F008"


@pytest.mark.parametrize("name", ["wages.xls", "wages_1904.xls"])
def test_the_old_format_is_read_alike(name: str) -> None:
    """Made by another program; a hidden sheet stands in front and a row is hidden."""
    form = read_form(type="sheet", above=1, columns=["序号", "姓名", "金额", "日期", "时间"], line="序号")
    frame = details(form, (SHEETS / name).read_bytes()).frame
    assert frame.drop("#part", "#no").rows() == [
        (3, "1", "张三", "5000.29", "2026-11-23", "2026-11-23 18:15:00"),
        (4, "2", "㛃四", UNREADABLE + "1234567890123456.0", "2026-11-24", "2026-11-24 00:00:00"),
        (5, "3", "王五", UNREADABLE + "#REF!", "", ""),
    ]


GOOD = book(["张三", 1, "x"])
OLD = (SHEETS / "wages.xls").read_bytes()
BOMB = with_part(GOOD, "xl/media/a.xml", b" " * 50_000_000)
BAD = [
    ("nothing", b"", "F009"),
    ("blank", b" \n", "F009"),
    ("text named xlsx", "姓名,金额,日期\n".encode("gb18030"), "F005"),
    ("a web page named xls", b"<html><table><tr><td>1</td></tr></table></html>", "F005"),
    ("xml of 2003 named xls", b'<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?>', "F005"),
    ("another zip", with_part(b"PK\x05\x06" + b"\0" * 18, "a.txt", b"1"), "F005"),
    ("cut off", GOOD[: len(GOOD) // 2], "F007"),
    ("cut at its end", GOOD[:-1], "F007"),
    ("old, cut off", OLD[: len(OLD) // 2], "F007"),
    ("old, cut in its head", OLD[:600], "F007"),
    ("an old document that is no workbook", OLD[:8] + bytes(2_000), "F007"),
    ("encrypted", OLD[:512] + "EncryptedPackage".encode("utf-16-le") + OLD[512:], "F016"),
    ("a bomb", BOMB, "F016"),
    ("a part twice", GOOD, "F016"),
    ("no sheet in it", with_part(GOOD, "xl/worksheets/sheet1.xml", b"<"), "F007"),
    ("entities", with_part(GOOD, "xl/worksheets/sheet1.xml", b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'), "F022"),
    ("a row at the end of the world", with_rows('<row r="99999999999"><c r="A1"><v>1</v></c></row>'), "F030"),
    ("a cell at the right end", with_rows('<row r="2"><c r="XFD2"><v>1</v></c></row>'), "F030"),
    ("a number that is none", with_rows('<row r="2"><c r="A2"><v>x</v></c></row>'), "F007"),
    ("a text that is not there", with_rows('<row r="2"><c r="A2" t="s"><v>99</v></c></row>'), "F007"),
    ("no rows", with_rows(""), "F009"),
    ("only the title", with_rows('<row r="1"><c r="A1"><v>1</v></c></row>'), "F009"),
]


@pytest.mark.parametrize(("data", "code"), [case[1:] for case in BAD], ids=[case[0] for case in BAD])
def test_a_sheet_that_cannot_be_read_is_refused_with_its_reason(
    request: pytest.FixtureRequest, data: bytes, code: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Never a crash, never a word of the reader's own on the screen."""
    if "twice" in request.node.callspec.id:
        file = io.BytesIO(data)
        with zipfile.ZipFile(file, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("xl/workbook.xml", b"")
        data = file.getvalue()
    assert refusal(sheet(), data) == code
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("data", [GOOD, OLD], ids=["xlsx", "xls"])
def test_no_damage_is_a_crash(data: bytes) -> None:
    """Every so many bytes cut off or turned round: read, or refused with a code."""
    codes = set()
    for place in range(0, len(data), 97):
        for spoiled in (data[:place], data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :]):
            try:
                parse(sheet(), spoiled)
            except FeedChanged as error:
                codes.add(error.code)
    assert codes <= {"F005", "F007", "F008", "F009", "F016", "F030", "F022"}


def test_sizes_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows, tags, parts and bytes: more than any partner needs is refused before it is read."""
    many = book(*(["张三", 1, "x"] for _ in range(20)))
    for limit, value, code in (
        ("MOST_ROWS", 10, "F030"),
        ("MOST_CELLS", 50, "F030"),
        ("MOST_LETTERS", 50, "F030"),
        ("MOST_TAGS", 50, "F016"),
        ("MOST_FILES", 2, "F016"),
        ("LARGEST_XLSX", 99, "F016"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(workbooks, limit, value)
            assert refusal(sheet(), many) == code
    monkeypatch.setattr(workbooks, "MOST_CELLS", 10_000)
    assert refusal(sheet(), with_rows('<row><c r="XFD1"/></row>')) == "F030"
    monkeypatch.setattr(workbooks, "LARGEST_XLS", 100)
    assert refusal(sheet(), OLD) == "F016"
