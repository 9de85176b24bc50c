"""Answers are read strictly: what two readers could understand differently is refused, never settled by luck."""

from typing import Any

import pytest
from engine_rows import read_form

from hub.errors import FeedChanged
from hub.feed import JsonFormat, XmlFormat
from hub.model import Rows
from hub.parsing import parse_batch, trees
from hub.parsing.trees import read_json, read_xml

JSON = JsonFormat(type="json")
XML = XmlFormat(type="xml", body="Answer")


def refused(call: Any, *arguments: Any) -> str:
    """The code under which something is refused."""
    with pytest.raises(FeedChanged) as error:
        call(*arguments)
    return error.value.code


def json_rows(*pages: str, path: str = "rows", columns: tuple[str, ...] = ()) -> Rows:
    """Rows of some JSON pages."""
    return parse_batch(JSON, [page.encode() for page in pages], {}, {path: frozenset(columns)}).rows[path]


def row_with(name: str, written: str) -> Rows:
    """A page of one row with one member."""
    return json_rows('{"rows": [{"' + name + '": ' + written + "}]}")


def xml_rows(*answers: str, path: str = "Row", columns: tuple[str, ...] = ()) -> Rows:
    """Rows of some XML answers."""
    return parse_batch(XML, [answer.encode() for answer in answers], {}, {path: frozenset(columns)}).rows[path]


def cells(rows: Rows, name: str) -> list[str | None]:
    """One column."""
    return rows.frame[name].to_list()


NOT_STRICT: list[tuple[str, bytes, str]] = [
    ("a key twice", b'{"a": 1, "a": 1}', "F033"),
    ("a key twice, deep inside", b'{"data": {"rows": [{"a": 1, "\\u0061": 2}]}}', "F033"),
    ("NaN", b'{"a": NaN}', "F033"),
    ("Infinity", b'{"a": [Infinity]}', "F033"),
    ("minus Infinity", b'{"a": -Infinity}', "F033"),
    ("half a letter", b'{"a": "\\ud800"}', "F033"),
    ("half a letter in a list", b'{"a": [["\\udfff x"]]}', "F033"),
    ("half a letter in a name", b'{"\\ud800": 1}', "F033"),
    ("a list on top", b'[{"a": 1}]', "F008"),
    ("a text on top", b'"rows"', "F008"),
    ("null on top", b"null", "F008"),
    ("nothing", b"", "F033"),
    ("truncated", b'{"rows": [{"a": "b', "F033"),
    ("something behind it", b'{"a": 1}{"a": 2}', "F033"),
    ("a comma too many", b'{"a": 1,}', "F033"),
    ("single quotes", b"{'a': 1}", "F033"),
    ("a control character", b'{"a": "b\x01"}', "F033"),
    ("a line break in a text", b'{"a": "b\nc"}', "F033"),
    ("a web page", b"<html><body>maintenance</body></html>", "F033"),
    ("lists as deep as the sea", b"[" * 100_000, "F030"),
    ("objects as deep as the sea", b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "F030"),
    ("objects deeper than any partner's", b'{"a":' * 65 + b"1" + b"}" * 65, "F030"),
    ("lists just within the interpreter's limit", b'{"a":' + b"[" * 900 + b"]" * 900 + b"}", "F030"),
    ("GB18030", '{"a": "张三"}'.encode("gb18030"), "F005"),
    ("UTF-16", '{"a": 1}'.encode("utf-16"), "F005"),
    ("a byte cut off a letter", '{"a": "张'.encode()[:-1], "F005"),
]


@pytest.mark.parametrize(("data", "code"), [case[1:] for case in NOT_STRICT], ids=[case[0] for case in NOT_STRICT])
def test_json_that_is_not_strict_is_refused(data: bytes, code: str) -> None:
    """As a fact about the feed, never as a crash."""
    assert refused(read_json, data) == code


@pytest.mark.parametrize(
    "number", ["0.1", "0.10", "-0", "1e400", "1E-7", "123456789012345678901234567890.000000001", "9" * 5000, "1.0"]
)
def test_numbers_keep_every_digit_that_was_sent(number: str) -> None:
    """A number is text until the mapping says how to read it."""
    assert read_json(b'{"a": %s}' % number.encode()) == {"a": number}
    assert cells(row_with("a", number), "a") == [number]


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ('"x"', "x"),
        ('""', ""),
        ("null", None),
        ("true", "true"),
        ("false", "false"),
        ('"\\ud842\\udfb7"', "𠮷"),
        ('"a\\u0000b"', "a\x00b"),
        ('{"x": [1, "农"]}', '{"x": ["1", "农"]}'),
    ],
)
def test_scalars_become_text(written: str, text: str | None) -> None:
    """Booleans by their JSON words, an object as its own text."""
    assert cells(row_with("a", written), "a") == [text]


def test_rows_of_all_pages_are_numbered_through() -> None:
    """The part says which page, the line which row of the batch."""
    rows = json_rows('{"rows": [{"a": 1}, {"b": 2}]}', '{"rows": []}', '{"rows": [{"a": 3}]}')
    assert rows.frame.rows() == [(0, 1, "1", "1", None), (0, 2, "2", None, "2"), (2, 3, "3", "3", None)]
    assert rows.own == ("a", "b")


def test_nested_rows_know_their_parent() -> None:
    """Asked-for columns of the parent stand beside the row's own and are not its own."""
    first = '{"no": "G1", "x": 1, "events": [{"seq": 1}, {"seq": 2}]}'
    page = '{"data": {"rows": [' + first + ', {"no": "G2", "events": []}, {"no": "G3"}]}}'
    rows = json_rows(page, path="data/rows/events", columns=("seq", "../no"))
    assert rows.frame.drop("#part", "#line", "#no").rows() == [("1", "G1"), ("2", "G1")]
    assert rows.own == ("seq",)
    assert json_rows(page, path="data/rows").own == ("no", "x")


@pytest.mark.parametrize("page", ["{}", '{"rows": null}', '{"rows": []}', '{"rows": ""}', '{"other": 1}'])
def test_no_rows_are_an_empty_frame_with_the_columns_asked_for(page: str) -> None:
    """A quiet day is no error."""
    rows = json_rows(page, columns=("a", "../b"))
    assert rows.frame.is_empty()
    assert "../b" in rows.frame.columns


@pytest.mark.parametrize("rows", ["1", '"x"', "[1]", '["x"]', "[[{}]]", '[{"a": 1}, null]', '[{"a": 1}, ""]', "true"])
def test_rows_that_are_no_objects_are_refused(rows: str) -> None:
    """An empty place in a list is a row too: dropping it would lose it without a word."""
    assert refused(json_rows, '{"rows": ' + rows + "}") == "F008"


def test_one_object_where_a_list_is_due_is_one_row() -> None:
    """Some servers do so when there is only one."""
    assert cells(json_rows('{"rows": {"a": 1}}'), "a") == ["1"]


@pytest.mark.parametrize("name", ["#line", "#part", "#no", "#key", "!net_fen", "../no", "@area", "a\\u0000b"])
def test_a_member_with_one_of_our_own_names_is_refused(name: str) -> None:
    """It would overwrite what the hub itself knows of the row; a NUL in a name could not even be kept."""
    assert refused(row_with, name, '"x"') == "F008"


@pytest.mark.parametrize("name", ["*", "^.*$", "^a|b$"])
def test_a_member_whose_name_stands_for_others_is_refused(name: str) -> None:
    """Asked for by such a name, a frame gives all of its columns."""
    assert refused(row_with, name, '"x"') == "F008"


def test_rows_of_very_many_members_are_refused() -> None:
    """Each would be a column of every row."""
    page = '{"rows": [' + ", ".join(f'{{"a{number}": 1}}' for number in range(trees.MOST_NAMES + 1)) + "]}"
    assert refused(json_rows, page) == "F030"


def test_several_values_where_one_is_taken_are_refused() -> None:
    """Nobody knows which of them counts; an empty list holds nothing, and nobody asks what is not taken."""
    assert refused(lambda: json_rows('{"rows": [{"a": ["1", "2"]}]}', columns=("a",))) == "F008"
    assert refused(lambda: xml_rows("<Answer><Row><A>1</A><A>2</A></Row></Answer>", columns=("A",))) == "F008"
    assert json_rows('{"rows": [{"a": [], "b": "1", "c": ["x"]}]}', columns=("a", "b")).own == ("b",)


NOT_XML: list[tuple[str, str | bytes, str]] = [
    ("nothing", "", "F033"),
    ("truncated", "<Answer><Row><A>1</A>", "F033"),
    ("a control character", "<Answer><Row><A>&#x1;</A></Row></Answer>", "F033"),
    ("two roots", "<Answer/><Answer/>", "F033"),
    ("a web page", "<html><body>maintenance<br></body></html>", "F033"),
    ("another body", "<Reply><Row><A>1</A></Row></Reply>", "F008"),
    ("the body's name in other letters", "<answer><Row><A>1</A></Row></answer>", "F008"),
    ("a document type", "<!DOCTYPE Answer><Answer/>", "F022"),
    ("a document type elsewhere", '<!DOCTYPE Answer SYSTEM "http://127.0.0.1:1/x.dtd"><Answer/>', "F022"),
    (
        "an external entity",
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><Answer><Row><A>&x;</A></Row></Answer>',
        "F022",
    ),
    ("an internal entity", '<!DOCTYPE a [<!ENTITY x "y">]><Answer><Row><A>&x;</A></Row></Answer>', "F022"),
    ("a parameter entity", '<!DOCTYPE a [<!ENTITY % x SYSTEM "file:///etc/hostname"> %x;]><Answer/>', "F022"),
    ("an unknown entity", "<Answer><Row><A>&nbsp;</A></Row></Answer>", "F033"),
    (
        "a billion laughs",
        '<!DOCTYPE a [<!ENTITY b0 "ha">'
        + "".join(f'<!ENTITY b{n} "{f"&b{n - 1};" * 10}">' for n in range(1, 10))
        + "]><Answer><Row><A>&b9;</A></Row></Answer>",
        "F022",
    ),
    ("elements as deep as the sea", "<Answer>" + "<a>" * 5000 + "</a>" * 5000 + "</Answer>", "F030"),
    ("a letter cut in two", "<Answer><Row><A>张".encode()[:-1], "F033"),
    ("GB18030 without saying so", "<Answer><Row><A>张</A></Row></Answer>".encode("gb18030"), "F005"),
    ("a text of twelve megabytes", "<Answer><Row><A>" + "x" * 12_000_000 + "</A></Row></Answer>", "F033"),
]


@pytest.mark.parametrize(("data", "code"), [case[1:] for case in NOT_XML], ids=[case[0] for case in NOT_XML])
def test_xml_that_is_not_as_agreed_is_refused(data: str | bytes, code: str) -> None:
    """No document types, no entities, nothing fetched; as a fact about the feed, never as a crash."""
    assert refused(read_xml, data.encode() if isinstance(data, str) else data, "Answer") == code


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("<A>1.10</A>", "1.10"),
        ("<A>BH<!-- x -->1</A>", "BH1"),
        ("<A>BH<?x y?>1</A>", "BH1"),
        ("<A><![CDATA[a<b]]></A>", "a<b"),
        ("<A>&lt;&#x20BB7;&amp;</A>", "<𠮷&"),
        ("<A/>", ""),
        ("<A></A>", ""),
        ("<z:A xmlns:z='urn:z'>1</z:A>", "1"),
        ("<A x='2'>1</A>", "1"),
        ("<A> a </A>", " a "),
    ],
)
def test_element_text_is_what_stands_there(written: str, text: str) -> None:
    """Comments are not part of it, and numbers stay text."""
    assert cells(xml_rows(f"<Answer><Row>{written}</Row></Answer>"), "A") == [text]


def test_the_body_is_found_inside_an_envelope_of_any_prefix() -> None:
    """Namespaces are dropped; the declared encoding is obeyed."""
    answer = (
        '<?xml version="1.0" encoding="GB18030"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
        '<Answer xmlns="urn:x"><Row><A>张</A></Row></Answer></s:Body></s:Envelope>'
    )
    rows = parse_batch(XML, [answer.encode("gb18030")], {}, {"Row": frozenset()}).rows["Row"]
    assert cells(rows, "A") == ["张"]


def test_rows_and_their_children_are_two_places() -> None:
    """One or many make no difference, in rows and in their events."""
    one = "<Answer><Row><No>G1</No><Event><Seq>1</Seq></Event></Row></Answer>"
    many = "<Answer><Row><No>G2</No><Event><Seq>1</Seq></Event><Event><Seq>2</Seq></Event></Row><Row><No>G3</No></Row></Answer>"
    assert cells(xml_rows(one, many), "No") == ["G1", "G2", "G3"]
    assert xml_rows(one, many).own == ("No",)
    events = xml_rows(one, many, path="Row/Event", columns=("Seq", "../No"))
    assert events.frame.select("#part", "#line", "Seq", "../No").rows() == [
        (0, 1, "1", "G1"), (1, 2, "1", "G2"), (1, 3, "2", "G2"),
    ]  # fmt: skip


def test_an_answer_without_rows_is_a_quiet_one() -> None:
    """With or without other members."""
    assert xml_rows("<Answer/>", "<Answer><Code>0000</Code></Answer>").frame.is_empty()


def test_an_empty_row_among_others_is_not_dropped() -> None:
    """It has no columns, so the answer is not as agreed."""
    assert refused(xml_rows, "<Answer><Row><A>1</A></Row><Row/></Answer>") == "F008"


def test_the_kind_of_answer_is_what_the_mapping_agreed() -> None:
    """JSON where XML is due is refused, and the other way round."""
    assert refused(xml_rows, '{"rows": []}') == "F033"
    assert refused(json_rows, "<Answer/>") == "F033"
    assert read_form(type="json") == JSON
