"""Lines are cut into cells exactly; a line that does not fit is set aside whole, with its code and its number."""

import pytest
from engine_rows import BARS, WIDTHS, bars, cell, column, details, parse, wide, widths

from hub.parsing.cells import cut_delimited, cut_fixed

RARE = ("䶮", "㭎", "𠮷", "㛃", "囍")


@pytest.mark.parametrize(
    ("line", "cells"),
    [
        ("D|1|张三|1.00", ["D", "1", "张三", "1.00"]),
        ("D||| ", ["D", "", "", " "]),
        (r"D|1|a\|b|1.00", ["D", "1", "a|b", "1.00"]),
        (r"D|1|\||1.00", ["D", "1", "|", "1.00"]),
        (r"D|1|\|\|a\||1.00", ["D", "1", "||a|", "1.00"]),
        (r"D|1|a\b|1.00", ["D", "1", r"a\b", "1.00"]),
        ('D|1|"a|1.00', ["D", "1", '"a', "1.00"]),
        ("D|1|=cmd|1.00", ["D", "1", "=cmd", "1.00"]),
        ("D|1|a\x00\x01\x0b\x1c\u2028b|1.00", ["D", "1", "a\x00\x01\x0b\x1c\u2028b", "1.00"]),
        ("D|1|\ue000\ue001|1.00", ["D", "1", "\ue000\ue001", "1.00"]),
        ("D|1|\U000f0000\\|\U000f0001|1.00", ["D", "1", "\U000f0000|\U000f0001", "1.00"]),
    ],
)
def test_bars_are_cut_and_nothing_else_is_touched(line: str, cells: list[str]) -> None:
    """Only an escaped bar is rewritten: quotes, blanks, controls and private letters stay for the schema to judge."""
    cut = cut_delimited([line], [7], ["a", "b", "c", "d"], "|", "\\")
    assert cut.frame.row(0) == (0, 7, *cells)
    assert cut.broken.is_empty()


@pytest.mark.parametrize("line", ["D|1|张三", "D|1|张|三|1.00", "D", "", "D|1|a\\|1.00", "|" * 10])
def test_a_line_with_other_columns_is_set_aside_whole(line: str) -> None:
    """Neither padded nor shortened: L115 with the whole text."""
    cut = cut_delimited(["D|1|a|1.00", line], [2, 3], ["a", "b", "c", "d"], "|", "\\")
    assert cut.frame["#line"].to_list() == [2]
    assert cut.broken.rows() == [(0, 3, line, "L115")]


def test_without_an_escape_a_backslash_is_a_letter() -> None:
    """The escape is what the mapping agreed, or nothing."""
    assert cut_delimited([r"a\|b"], [1], ["x", "y"], "|", None).frame.row(0) == (0, 1, "a\\", "b")


@pytest.mark.parametrize("letter", RARE)
def test_rare_names_come_through_both_formats(letter: str) -> None:
    """Four-byte GB18030 is read in delimited and in fixed-width lines, where it counts four."""
    assert column(BARS, bars(f"D|1|{letter}三|0"), "name") == [letter + "三"]
    assert column(WIDTHS, widths(wide(1, letter + "三", 0)), "name") == [letter + "三"]


@pytest.mark.parametrize("lead", range(0x81, 0xFE, 12))
def test_a_second_byte_that_is_a_bar_or_a_backslash_is_no_bar_and_no_backslash(lead: int) -> None:
    """0x7C and 0x5C also end a two-byte letter: text is decoded before it is cut."""
    for trail in b"|\\":
        raw = bytes([lead, trail])
        data = bars("D|1|@@|0").encode().replace(b"@@", raw)
        assert column(BARS, data, "name") == [raw.decode("gb18030")]
        assert column(WIDTHS, widths(wide(1, raw, 0)), "name") == [raw.decode("gb18030")]


def test_widths_count_bytes_and_not_letters() -> None:
    """Columns behind Chinese text stand where the bytes say."""
    rows = details(WIDTHS, widths(wide(1, "买买提江", 1), wide(2, "王", 22), wide(3, "Ab 𠮷", 333), total=356)).frame
    assert rows["name"].to_list() == ["买买提江", "王", "Ab 𠮷"]
    assert rows["amount"].to_list() == ["000000001", "000000022", "000000333"]


@pytest.mark.parametrize(
    "name", [b"a" * 7 + "张".encode("gb18030")[:1], b"ab" + "𠮷".encode("gb18030")[:3] + b"   ", b"\xff\xfe      "]
)
def test_a_letter_cut_in_two_costs_its_line(name: bytes) -> None:
    """L116, and the other lines are read."""
    rows = details(WIDTHS, widths(wide(1, "张三", 1), wide(2, name, 2), total=3))
    assert rows.frame["name"].to_list() == ["张三"]
    assert rows.broken is not None
    assert rows.broken.select("#line", "#no", "#code").rows() == [(3, "2", "L116")]


def test_a_cut_letter_never_swallows_the_next_column() -> None:
    """Half a letter before a digit is half a letter, although the two bytes could be read as something."""
    cut = cut_fixed(["ab\x815"], [1], [("a", 3), ("b", 1)], "gb18030")
    assert cut.broken["#code"].to_list() == ["L116"]


@pytest.mark.parametrize("line", [wide(2, "张三", 2)[:-1], wide(2, "张三", 2) + b" ", b"1", b"1" + b"x" * 500])
def test_short_and_long_fixed_lines_are_set_aside(line: bytes) -> None:
    """L115 with the whole text."""
    rows = details(WIDTHS, widths(wide(1, "张三", 1), line, total=3))
    assert rows.broken is not None
    assert rows.broken.select("#line", "#text", "#code").rows() == [(3, line.decode("gb18030"), "L115")]


def test_only_filling_is_taken_off_a_fixed_cell() -> None:
    """Spaces are filling; a control character is a mistake that the schema must see."""
    assert column(WIDTHS, widths(wide(1, b" a b \x1f", 0)), "name") == ["a b \x1f"]
    assert cell("农", 4) == "农  ".encode("gb18030")


def test_a_set_aside_line_is_named_by_its_place_among_the_details() -> None:
    """Blank lines and the header do not count."""
    data = bars("D|1|a|1.00", "", "D|2|b|c|1.00", "D|3|d|1.00", rows=3, total="3.00")
    rows = details(BARS, data)
    assert rows.broken is not None
    assert rows.broken.select("#line", "#no").rows() == [(4, "2")]
    assert rows.frame.select("#line", "#no").rows() == [(2, "1"), (5, "3")]


def test_a_line_is_named_by_the_number_the_partner_printed() -> None:
    """As printed, zeros and all; by its place where nothing is printed."""
    assert column(WIDTHS, widths(wide(2, "b", 0), wide(1, "a", 0)), "#no") == ["002", "001"]
    assert column(BARS, bars("D|1|a|0", "D| |b|0"), "#no") == ["1", "2"]
    without = BARS.model_copy(update={"line": None})
    assert column(without, bars("D|8|a|0", "D|7|b|0"), "#no") == ["1", "2"]


def test_parents_and_name_parts_are_added_only_when_asked_for() -> None:
    """A mapping pays for the columns it reads."""
    asked = parse(BARS, bars("D|1|a|0"), "../day", "@area", "name").rows["detail"].frame
    assert asked.drop("#part", "#line", "#no").row(0, named=True) == {
        "mark": "D", "no": "1", "name": "a", "amount": "0", "../day": "20261123", "@area": "370902",
    }  # fmt: skip
    assert [name for name in details(BARS, bars("D|1|a|0")).frame.columns if name[0] in ".@"] == []


def test_no_lines_are_no_cells() -> None:
    """A day without business."""
    assert (
        cut_delimited([], [], ["a", "b"], "|", "\\").frame.schema
        == cut_delimited(["1|2"], [1], ["a", "b"], "|", "\\").frame.schema
    )
    assert cut_fixed([], [], [("a", 1)], "gb18030").frame.is_empty()
