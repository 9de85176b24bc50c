"""Lines without marks, lines of column names, quoted cells, long separators, other encodings, totals at one end only."""

from typing import Any

import pytest
from engine_rows import NAME_PARTS, column, details, parse, read_form, refusal
from pydantic import ValidationError

from hub.errors import FeedChanged
from hub.feed import Format
from hub.limits import LONGEST_LINE
from hub.model import Declared
from hub.parsing import parse_batch


def commas(**words: Any) -> Format:
    """Column names above the rows, cells quoted as in CSV."""
    detail = {"names": True, "columns": ["序号", "姓名", "金额"]}
    return read_form(**({"type": "delimited", "separator": ",", "quote": '"', "detail": detail} | words))


def ends(**words: Any) -> Format:
    """An unmarked header, rows, an unmarked trailer."""
    plain = {
        "type": "delimited",
        "separator": "|!",
        "header": {"columns": ["bank", "day"]},
        "detail": {"columns": ["no", "name", "amount"]},
        "trailer": {"columns": ["rows", "sum"]},
        "totals": {"rows": "rows", "amount": "sum", "of": "amount", "as": "yuan_commas"},
        "agreed": {"day": {"equals": "@date", "else": "F011"}},
    }
    return read_form(**(plain | words))


NAMES = "序号,姓名,金额\r\n"
PLAIN = "313|!20261123\r\n1|!张|三|!1,000.00\r\n2|!李四|!0.05\r\n2|!1,000.05\r\n"


@pytest.mark.parametrize(
    ("line", "cells"),
    [
        ("1,张三,1.00", ["1", "张三", "1.00"]),
        ('"1","张三","1.00"', ["1", "张三", "1.00"]),
        ('1,"张,三",1.00', ["1", "张,三", "1.00"]),
        ('1,"张""三""",1.00', ["1", '张"三"', "1.00"]),
        ('"","",""', ["", "", ""]),
        (',"",', ["", "", ""]),
        ('1," 张 ",1.00', ["1", " 张 ", "1.00"]),
    ],
)
def test_quoted_cells_are_read_as_csv(line: str, cells: list[str]) -> None:
    """Separators inside quotes are letters, doubled quotes are one."""
    rows = details(commas(), NAMES + line + "\r\n").frame
    assert [rows[name].item() for name in ("序号", "姓名", "金额")] == cells
    assert rows.select("#line", "#no").row(0) == (2, "1")


@pytest.mark.parametrize(
    "line",
    [
        '1,"张三,1.00',
        '1,张"三,1.00',
        '1,"张"三,1.00',
        '1,"张" ,1.00',
        "1,张三",
        "1,张三,1.00,",
        '"1,张三,1.00"',
        '1,"张三",1"',
    ],
)
def test_a_line_that_is_no_csv_is_set_aside(line: str) -> None:
    """L115 with the whole text; the row beside it is read."""
    rows = details(commas(), f"{NAMES}2,李四,2.00\r\n{line}\r\n")
    assert rows.broken is not None
    assert rows.broken.select("#line", "#text", "#code").rows() == [(3, line, "L115")]
    assert rows.frame["姓名"].to_list() == ["李四"]


def test_a_line_end_inside_quotes_costs_that_row_only() -> None:
    """It is not agreed to; both halves are set aside."""
    rows = details(commas(), NAMES + '1,"张\n三",1.00\r\n2,李四,2.00\r\n')
    assert rows.broken is not None
    assert rows.broken["#code"].to_list() == ["L115", "L115"]
    assert rows.frame["姓名"].to_list() == ["李四"]


@pytest.mark.parametrize("quote", ['"', None])
def test_a_long_line_is_cut_without_delay(quote: str | None) -> None:
    """As many separators or quotes as a line may have are a broken line, not an hour's work."""
    for letter in (",", '"', '""', '",'):
        filling = letter * (LONGEST_LINE // len(letter))
        data = NAMES + "2,李四,2.00\r\n" + (filling + "\r\n") * 30
        assert details(commas(quote=quote), data).frame["姓名"].to_list() == ["李四"]
        assert refusal(commas(quote=quote), filling + "\r\n1,a,1\r\n") == "F008"
        assert refusal(commas(quote=quote), data + filling + ",,,\r\n") == "F031"


NAME_LINES = [
    ("序号,姓名\r\n", "column 金额 is missing"),
    ("序号,姓名,金额,备注\r\n", "column '备注' is not agreed"),
    ("序号,姓名,实发\r\n", "column 金额 is missing"),
    ("序号,金额,姓名\r\n", "column 姓名 does not stand in its place"),
    ("序号,姓名,金额,金额\r\n", "column '金额' is not agreed, or stands twice"),
    ("序号|姓名|金额\r\n", "names is missing"),
    ("1,张三,1.00\r\n", "names is missing"),
]


@pytest.mark.parametrize(("names", "message"), NAME_LINES)
def test_other_column_names_hold_the_file(names: str, message: str) -> None:
    """F008 says which column; a row where names should stand is not quoted, because it is about somebody."""
    with pytest.raises(FeedChanged, match=message) as error:
        parse(commas(), names + "1,张三,1.00\r\n")
    assert error.value.code == "F008"
    assert "张三" not in str(error.value)


@pytest.mark.parametrize("names", ["序号, 姓名 ,金额", '"序号","姓名","金额"', "序号,姓 名,金额\u3000"])
def test_white_space_and_quotes_make_no_other_name(names: str) -> None:
    """A name is its letters."""
    assert column(commas(), f"{names}\r\n1,张三,1.00\r\n", "姓名") == ["张三"]


def test_names_stand_below_a_header_and_before_marked_rows() -> None:
    """Marks, names and ends may be agreed together."""
    form = commas(
        quote=None,
        header={"mark": "H", "columns": ["mark", "day"]},
        detail={"mark": "D", "names": True, "columns": ["标识", "姓名"]},
        trailer={"columns": ["rows"]},
        totals={"rows": "rows"},
    )
    assert column(form, "H,20261123\n标识,姓名\nD,张三\n1\n", "姓名") == ["张三"]
    assert refusal(form, "H,20261123\nD,张三\n1\n") == "F008"
    assert refusal(form, "H,20261123\n标识,姓名\nD,张三\n") == "F007"
    assert refusal(form, "标识,姓名\nD,张三\n1\n") == "F008"
    assert refusal(form, "H,20261123\n标识,姓名\n张三\n1\n") == "F008"
    assert refusal(form, "H,20261123\n") == "F008"


def test_unmarked_ends_are_told_by_their_place() -> None:
    """First line, last line; the separator is any text, and part of it is a letter."""
    parsed = parse(ends(), PLAIN, "../bank")
    assert parsed.rows["detail"].frame.select("#line", "#no", "name", "../bank").rows() == [
        (2, "1", "张|三", "313"),
        (3, "2", "李四", "313"),
    ]
    assert parsed.declared == Declared(2, 100_005)
    assert column(ends(), PLAIN.replace("\r\n", "\r"), "name") == ["张|三", "李四"]


UNMARKED = [
    ("one line only", "313|!20261123\r\n", "F007"),
    ("nothing", " \r\n", "F009"),
    ("a row lost", PLAIN.replace("2|!李四|!0.05\r\n", ""), "F002"),
    ("a fen lost", PLAIN.replace("|!0.05", "|!0.04"), "F003"),
    ("cut before its trailer", PLAIN.removesuffix("2|!1,000.05\r\n"), "F008"),
    ("another day", PLAIN.replace("20261123", "20261122"), "F011"),
    ("no header", PLAIN.removeprefix("313|!20261123\r\n"), "F008"),
    ("two files in one", PLAIN * 2, "F002"),
]


@pytest.mark.parametrize(("data", "code"), [case[1:] for case in UNMARKED], ids=[case[0] for case in UNMARKED])
def test_an_unmarked_file_that_is_not_as_agreed_is_refused(data: str, code: str) -> None:
    """The same codes as with marks."""
    assert refusal(ends(), data) == code


def test_no_cut_of_an_unmarked_file_is_taken() -> None:
    """Its totals tell, wherever it ends."""
    whole = PLAIN.encode("gb18030")
    taken = []
    for size in range(len(whole.rstrip())):
        try:
            parse(ends(), whole[:size])
            taken.append(size)
        except FeedChanged:
            pass
    assert taken == []


def test_unmarked_fixed_lines_are_told_by_their_place_too() -> None:
    """A row may begin with what is a mark at the end."""
    form = read_form(
        type="fixed",
        detail={"columns": {"no": 2, "name": 4}},
        trailer={"mark": "9", "columns": {"mark": 1, "rows": 2}},
        totals={"rows": "rows"},
    )
    assert column(form, "01张三\n90李四\n902\n", "name") == ["张三", "李四"]
    assert refusal(form, "01张三\n02李四\n") == "F007"


@pytest.mark.parametrize("cell", ["张三", "6217000000000000018"])
@pytest.mark.parametrize("totals", [{"rows": "rows"}, {"amount": "rows", "of": "amount", "as": "yuan"}])
def test_what_stands_where_a_total_belongs_is_not_quoted(cell: str, totals: dict[str, str]) -> None:
    """Without its last line, a file's last row is taken for it."""
    form = ends(header=None, trailer={"columns": ["rows", "sum"]}, totals=totals, agreed={})
    with pytest.raises(FeedChanged) as error:
        parse(form, f"1|!a|!1.00\n{cell}|!x")
    assert cell not in str(error.value)


@pytest.mark.parametrize(
    ("header", "trailer", "totals", "declared"),
    [
        ("3|!1.00", None, {"rows": "rows"}, "F002"),
        ("2|!9.00", None, {"rows": "rows"}, Declared(2, None)),
        ("2|!1.05", None, {"rows": "rows", "amount": "sum", "of": "amount", "as": "yuan"}, Declared(2, 105)),
        (None, "7|!1.05", {"amount": "sum", "of": "amount", "as": "yuan"}, Declared(None, 105)),
        (None, "7|!1.06", {"amount": "sum", "of": "amount", "as": "yuan"}, "F003"),
        ("2|!1.05", "2|!1.05", {"rows": "rows", "amount": "sum", "of": "amount", "as": "yuan"}, Declared(2, 105)),
        ("2|!1.05", "3|!1.05", {"rows": "rows"}, "F002"),
        ("2|!1.05", "2|!1.06", {"amount": "sum", "of": "amount", "as": "yuan"}, "F003"),
    ],
)
def test_totals_stand_at_either_end_or_at_both(
    header: str | None, trailer: str | None, totals: dict[str, str], declared: Declared | str
) -> None:
    """Rows, an amount, or both; what stands twice must be right twice."""
    line = {"columns": ["rows", "sum"]}
    form = ends(header=line if header else None, trailer=line if trailer else None, totals=totals, agreed={})
    data = "\n".join(text for text in (header, "1|!a|!1.00", "2|!b|!0.05", trailer) if text)
    assert (refusal(form, data) if isinstance(declared, str) else parse(form, data).declared) == declared


ENCODED = [
    ("utf-16", "utf-16", None),
    ("utf-16", "utf-16-le", "F005"),
    ("utf-16", "utf-8", "F005"),
    ("utf-16", "utf-8-sig", "F005"),
    ("utf-16", "gb18030", "F005"),
    ("utf-8", "utf-8", None),
    ("utf-8", "utf-8-sig", None),
    ("utf-8", "gb18030", "F005"),
    ("utf-8", "utf-16", "F005"),
    ("gb18030", "gb18030", None),
    ("gb18030", "utf-8", "F005"),
    ("gb18030", "utf-16", "F005"),
]


@pytest.mark.parametrize(("agreed", "sent", "code"), ENCODED)
def test_only_the_agreed_encoding_is_read(agreed: str, sent: str, code: str | None) -> None:
    """UTF-16 with its mark only, UTF-8 with or without."""
    form, data = commas(encoding=agreed), (NAMES + "1,㛃𠮷䶮,1.00\r\n").encode(sent)
    assert (refusal(form, data) if code else column(form, data, "姓名")) == (code or ["㛃𠮷䶮"])


def test_utf_16_of_either_byte_order_and_never_a_half() -> None:
    """The mark says which; an odd byte or half a pair is F005."""
    text = "\ufeff" + NAMES + "1,𠮷,1.00\r\n"
    assert column(commas(encoding="utf-16"), text.encode("utf-16-be"), "姓名") == ["𠮷"]
    assert refusal(commas(encoding="utf-16"), text.encode("utf-16-be")[:-1]) == "F005"
    assert (
        refusal(commas(encoding="utf-16"), text.replace("𠮷", "\ud842").encode("utf-16-be", "surrogatepass")) == "F005"
    )
    assert refusal(commas(encoding="utf-16"), b"\xff\xfe") == "F009"


@pytest.mark.parametrize(
    "words",
    [
        {"escape": "\\"},
        {"separator": ""},
        {"quote": '""'},
        {"header": {"names": True, "columns": ["a"]}},
        {"detail": {"columns": []}},
        {"encoding": "gbk"},
        {"totals": {}},
        {"totals": {"amount": "a"}},
        {"totals": {"rows": "a", "of": "b"}},
    ],
)
def test_a_layout_that_nobody_could_read_is_no_layout(words: dict[str, Any]) -> None:
    """Found when the mapping is read."""
    with pytest.raises(ValidationError):
        commas(**words)


def test_utf_16_cannot_be_cut_by_bytes() -> None:
    """So fixed-width lines never come in it."""
    with pytest.raises(ValidationError):
        read_form(type="fixed", encoding="utf-16", detail={"columns": {"a": 1}})


def test_a_file_of_json_or_xml_knows_its_name() -> None:
    """Parts of the file name are columns there too; a byte order mark is no letter."""
    wanted = {"rows": frozenset({"a", "@date"})}
    data = b'\xef\xbb\xbf{"rows": [{"a": "1"}]}'
    frame = parse_batch(read_form(type="json"), [data], NAME_PARTS, wanted).rows["rows"].frame
    assert frame.select("a", "@date").rows() == [("1", "20261123")]
    data = '<?xml version="1.0" encoding="GB18030"?><out><rows><a>张㛃</a></rows></out>'.encode("gb18030")
    parsed = parse_batch(read_form(type="xml", body="out"), [data], NAME_PARTS, wanted)
    assert parsed.rows["rows"].frame.select("a", "@date").rows() == [("张㛃", "20261123")]
    assert parsed.rows["rows"].own == ("a",)
