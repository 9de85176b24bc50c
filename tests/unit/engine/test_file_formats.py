"""A bank's file is taken as agreed or refused under the code of what is wrong; one bad line never costs the others."""

import pytest
from engine_rows import (
    BARS,
    WIDTHS,
    bars,
    column,
    haidai_payroll,
    parse,
    payroll_line,
    read_file,
    refusal,
    wenhe_payroll,
    wide,
    widths,
)

from hub.errors import FeedChanged
from hub.model import Declared
from hub.parsing import parse_batch
from hub.registry import Registry

ONE = "D|1|农业|1.00"
GOOD = bars(ONE, total="1.00")
WIDE = widths(wide(1, "农业", 100), total=100)
HAIDAI = "313_370902_PAYR_20261123_0001_v1.txt"
WENHE = "402_370902_PAYR_20261123_0001_v1.txt"


def swapped(data: str, old: str, new: str) -> str:
    """The file with one text replaced."""
    assert old in data
    return data.replace(old, new, 1)


@pytest.mark.parametrize(
    "data",
    [
        GOOD,
        bars(ONE, total="1.00", end="\n"),
        bars(ONE, total="1.00", end="\r"),
        bars(ONE, total="1.00", end="\r\r\n"),
        swapped(GOOD, "\r\nD", "\rD"),
        swapped(GOOD, "\r\nT", "\nT"),
        GOOD.removesuffix("\r\n"),
        bars(ONE, total="1.00", end="\r").removesuffix("\r"),
        GOOD + "\r\n\r\n",
        GOOD + "\x1a",
        swapped(GOOD, "\r\nD", "\r\n\r\n  \r\nD"),
    ],
)
def test_line_ends_and_blank_lines_change_nothing(data: str) -> None:
    """CRLF, LF, CR, mixed, doubled or missing at the end: the same rows."""
    assert column(BARS, data, "name") == ["农业"]


@pytest.mark.parametrize("end", [b"\r\n", b"\r", b"\r\r\n"])
def test_fixed_lines_may_end_otherwise_too(end: bytes) -> None:
    """The width does not count the line end."""
    assert column(WIDTHS, WIDE.replace(b"\n", end), "name") == ["农业"]


def test_a_carriage_return_inside_a_cell_stays_there() -> None:
    """It is one row's mistake, for the schema to turn down, not a line end."""
    assert column(BARS, bars("D|1|a\rb|0"), "name") == ["a\rb"]


REFUSED: list[tuple[str, str | bytes, str]] = [
    ("nothing", b"", "F009"),
    ("only blank lines", b" \r\n\r\n", "F009"),
    ("a letter that is not GB18030", GOOD.encode("gb18030").replace("农".encode("gb18030"), b"\xff\xff"), "F005"),
    ("cut inside the last letter", "H|313|农".encode("gb18030")[:-1], "F005"),
    ("UTF-8", GOOD.encode(), "F005"),
    ("UTF-8 with its mark", GOOD.encode("utf-8-sig"), "F005"),
    ("UTF-16", GOOD.encode("utf-16"), "F005"),
    ("no trailer", "".join(GOOD.splitlines(keepends=True)[:-1]), "F007"),
    ("header only", "H|313|20261123|0|0.00\r\n", "F007"),
    ("cut in the trailer", GOOD.removesuffix("|1.00\r\n"), "F008"),
    ("no header", "".join(GOOD.splitlines(keepends=True)[1:]), "F008"),
    ("two headers", swapped(GOOD, "D|", "H|313|20261123|1|1.00\r\nD|"), "F008"),
    ("two trailers", GOOD + "T|1|1.00\r\n", "F008"),
    ("a line before the header", ONE + "\r\n" + swapped(GOOD, ONE + "\r\n", ""), "F008"),
    ("a line after the trailer", GOOD + "D|2|b|0\r\n", "F008"),
    ("an unknown mark", swapped(GOOD, "T|", "X|?\r\nT|"), "F008"),
    ("a line break inside a cell", bars("D|1|a\nb|0"), "F008"),
    ("another separator", GOOD.replace("|", ","), "F008"),
    ("a column more in the header", swapped(GOOD, "|20261123|", "|20261123||"), "F008"),
    ("a column more in every line", bars("D|1|a|b|1.00", "D|2|a|b|1.00", total="2.00"), "F008"),
    ("a web page", b"<!DOCTYPE html><html><body>502</body></html>", "F008"),
    ("another bank", swapped(GOOD, "H|313|", "H|402|"), "F010"),
    ("another day", swapped(GOOD, "20261123", "20261122"), "F011"),
    ("a row more than declared", bars(ONE, "D|2|b|0", rows=1, total="1.00"), "F002"),
    ("a row less than declared", bars(ONE, rows=2, total="1.00"), "F002"),
    ("another count in the trailer", swapped(GOOD, "T|1|", "T|2|"), "F002"),
    ("no count", swapped(GOOD, "T|1|", "T||"), "F002"),
    ("rows where none are declared", bars(ONE, rows=0, total="1.00"), "F002"),
    ("a count in full-width digits", swapped(GOOD, "T|1|", "T|１|"), "F002"),
    ("one fen more than declared", bars(ONE, "D|2|b|0.01", total="1.00"), "F003"),
    ("one fen less than declared", bars(ONE, total="1.01"), "F003"),
    ("more than declared beside an amount that is none", bars(ONE, "D|2|b|1e5", total="0.99"), "F003"),
    ("more than declared beside a broken line", bars(ONE, "D|2|b|c|2.00", total="0.99"), "F003"),
    ("another amount in the trailer", swapped(GOOD, "T|1|1.00", "T|1|1.01"), "F003"),
    ("an amount in the trailer that is none", swapped(GOOD, "T|1|1.00", "T|1|1.0O"), "F003"),
    ("no amount in header and trailer", GOOD.replace("1|1.00\r", "1|\r"), "F003"),
    ("fen where yuan is agreed", bars("D|1|a|100", total="1.00"), "F003"),
    ("a gap in the line numbers", bars("D|1|a|0", "D|3|b|0"), "F012"),
    ("the first line number missing", bars("D|2|a|0", "D|3|b|0"), "F012"),
    ("line numbers from nought", bars("D|0|a|0", "D|1|b|0"), "F012"),
    ("a line number twice", bars("D|1|a|0", "D|1|b|0"), "F012"),
    ("fixed: a short header", WIDE.replace(b"\n", b"0\n", 1), "F008"),
    ("fixed: half a trailer", WIDE[:-6], "F008"),
    ("fixed: no trailer", WIDE[: WIDE.rindex(b"9")], "F007"),
    ("fixed: UTF-8", widths(wide(1, "农业".encode(), 100), total=100), "F005"),
    ("fixed: another bank", WIDE.replace(b"0402", b"0313"), "F010"),
    ("fixed: another day", WIDE.replace(b"20261123", b"20261122"), "F011"),
    ("fixed: one fen off", widths(wide(1, "a", 100), total=101), "F003"),
    (
        "fixed: more than declared beside an amount that is none",
        widths(wide(1, "a", 100), b"1002" + b"b".ljust(8) + b"x".ljust(9), total=99),
        "F003",
    ),
    ("fixed: one row off", widths(wide(1, "a", 100), rows=2, total=100), "F002"),
    ("fixed: a gap", widths(wide(1, "a", 0), wide(3, "b", 0)), "F012"),
    ("fixed: every line too long", widths(wide(1, "a", 0) + b" ", wide(2, "b", 0) + b" "), "F008"),
    ("fixed: a delimited file", GOOD, "F008"),
]


@pytest.mark.parametrize(("data", "code"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_a_file_that_is_not_as_agreed_is_refused(request: pytest.FixtureRequest, data: str | bytes, code: str) -> None:
    """The code says what is wrong, so that the partner knows what to send."""
    form = WIDTHS if "fixed" in request.node.callspec.id else BARS
    assert refusal(form, data) == code


@pytest.mark.parametrize("name", ["农业", "联通", "张三", "ab", "一", "王二小 李四"])
def test_short_texts_are_not_mistaken_for_utf_8(name: str) -> None:
    """农业 in GB18030 is also valid UTF-8 (ũҵ); no Chinese comes of it, so the agreed encoding stands."""
    assert column(BARS, bars(f"D|1|{name}|0"), "name") == [name]
    assert column(WIDTHS, widths(wide(1, name[:4], 0)), "name") == [name[:4].strip()]


def test_a_utf_8_feed_may_carry_the_mark() -> None:
    """Where UTF-8 is agreed, its byte order mark is taken off once, and GB18030 is refused."""
    form = BARS.model_copy(update={"encoding": "utf-8"})
    assert column(form, GOOD.encode("utf-8-sig"), "name") == ["农业"]
    assert refusal(form, swapped(GOOD, "农业", "张三").encode("gb18030")) == "F005"


def test_a_file_without_business_is_a_good_file() -> None:
    """Header and trailer alone, in both formats."""
    for form, data in ((BARS, bars()), (WIDTHS, widths()), (BARS, bars().replace("|0|", "|000|"))):
        parsed = parse(form, data)
        assert parsed.rows["detail"].frame.is_empty()
        assert parsed.declared == Declared(0, 0)


def test_totals_are_declared_in_fen() -> None:
    """Rows and fen as the file itself gives them, negative balances included."""
    assert parse(BARS, bars("D|1|a|-0.01", "D|2|b|1.00", total="0.99")).declared == Declared(2, 99)
    negative = widths(b"1001" + b"a".ljust(8) + b"-00000001", wide(2, "b", 100), total=99)
    assert parse(WIDTHS, negative).declared == Declared(2, 99)


@pytest.mark.parametrize("amount", ["1,00", "２.00", "", "1e5", "2.005"])
def test_a_line_without_a_legible_amount_does_not_cost_the_file(amount: str) -> None:
    """The file's own total stands, so that the missing fen can be accounted to that line."""
    parsed = parse(BARS, bars(ONE, f"D|2|b|{amount}", total="3.00"))
    assert parsed.declared == Declared(2, 300)
    assert parsed.rows["detail"].frame["amount"].to_list() == ["1.00", amount]


def test_a_set_aside_line_is_counted_and_its_fen_are_missing() -> None:
    """L115 lines belong to the declared rows."""
    parsed = parse(BARS, bars(ONE, "D|2|b|c|2.00", total="3.00"))
    assert parsed.declared == Declared(2, 300)
    assert refusal(BARS, bars(ONE, "D|2|b|c|2.00", rows=1, total="3.00")) == "F002"


def test_an_illegible_line_number_hides_one_gap_and_no_more() -> None:
    """It may be the missing one."""
    assert column(BARS, bars("D|1|a|0", "D|x|b|0", "D|3|c|0"), "name") == ["a", "b", "c"]
    assert refusal(BARS, bars("D|1|a|0", "D|x|b|0", "D|5|c|0")) == "F012"


def test_lines_may_stand_in_another_order() -> None:
    """Only a gap says that a line was lost."""
    assert column(BARS, bars("D|2|b|0", "D|1|a|0"), "name") == ["b", "a"]


@pytest.mark.parametrize("filling", ["x", "|", "\\|", "张", "\x00"])
def test_a_line_of_ten_megabytes_holds_the_file(filling: str) -> None:
    """Nobody knows how many rows were lost in it; it is never a crash."""
    huge = filling * (10_000_000 // len(filling.encode("gb18030")))
    assert refusal(BARS, bars(ONE, f"D|2|{huge}|0", total="1.00")) == "F031"
    assert refusal(WIDTHS, widths(wide(1, "a", 0), wide(2, huge, 0))) == "F031"


def test_a_message_names_the_place_of_the_broken_letter() -> None:
    """The bank finds the line without searching."""
    data = bars("D|1|张|0", "D|2|@|0").encode("gb18030").replace(b"@", b"\xff")
    with pytest.raises(FeedChanged, match="line 3 is not gb18030"):
        parse(BARS, data)


def test_a_file_split_into_parts_is_one_file() -> None:
    """Parts are joined as bytes, even inside a letter."""
    data = GOOD.encode("gb18030")
    middle = data.index("农".encode("gb18030")) + 1
    parsed = parse_batch(BARS, [data[:middle], data[middle:]], {"date": "20261123"}, {"detail": frozenset()})
    assert parsed.rows["detail"].frame["name"].to_list() == ["农业"]


def test_a_wage_file_of_haidai_becomes_a_batch_and_its_lines(registry: Registry) -> None:
    """The real mapping of the delimited format, to the fen."""
    lines = [payroll_line(), payroll_line(行号="2", 姓名="㭎\\|䶮", 实发金额="0.29", 失败代码="")]
    found = read_file(
        registry.feeds["haidai_payrolls"], registry.codes, haidai_payroll(*lines, total="5000.29"), HAIDAI
    )
    assert found["payroll_batch"].records["total_fen"].to_list() == [500_029]
    assert found["payroll_line"].records["net_fen"].to_list() == [500_000, 29]
    assert found["payroll_line"].records["worker_name"].to_list() == ["张三", "㭎|䶮"]
    assert found["payroll_line"].records["pay_month"].unique().to_list() == ["2026-10"]
    assert found["payroll_line"].rejections.is_empty()


def test_a_wage_file_of_wenhe_becomes_a_batch_and_its_lines(registry: Registry) -> None:
    """The real mapping of the fixed-width format, to the fen."""
    feed = registry.feeds["wenhe_payrolls"]
    lines = [
        payroll_line(行号="000001", 实发金额="000000000500000", 发放结果="0000"),
        payroll_line(行号="000002", 姓名="𠮷买买提江·艾合买提", 实发金额="000000000000029", 发放结果="0000"),
    ]
    found = read_file(feed, registry.codes, wenhe_payroll(feed, lines, 500_029), WENHE)
    assert found["payroll_batch"].records["total_fen"].to_list() == [500_029]
    assert found["payroll_line"].records["net_fen"].to_list() == [500_000, 29]
    assert found["payroll_line"].records["worker_name"].to_list() == ["张三", "𠮷买买提江·艾合买提"]
    assert found["payroll_line"].records["result"].to_list() == ["success", "success"]
    assert found["payroll_line"].rejections.is_empty()


@pytest.mark.parametrize("form", [BARS, WIDTHS])
def test_no_cut_of_a_good_file_is_taken(form: object) -> None:
    """A file that ends early is refused wherever it was cut, unless only its last line end is missing."""
    assert isinstance(form, type(BARS) | type(WIDTHS))
    whole = bars("D|1|农业|1.05", total="1.05").encode("gb18030") if form is BARS else WIDE
    assert [size for size in range(len(whole.rstrip())) if not _is_refused(form, whole[:size])] == []


def _is_refused(form: object, data: bytes) -> bool:
    try:
        parse(form, data)  # type: ignore[arg-type]
    except FeedChanged:
        return True
    return False
