"""Corrections of cells on top of parsed rows: only what is named changes, and nothing is invented."""

from __future__ import annotations

import polars as pl
import pytest

from hub.corrections import Correction, correct_rows
from hub.errors import FeedChanged
from hub.model import Declared, Parsed, Rows

PLACE = {"#part": pl.Int32, "#line": pl.Int32}
WANTED = {"detail": frozenset({"姓名", "卡号", "../工资月份", "备注"})}


def parsed() -> Parsed:
    """Three lines of a file, one of them broken."""
    frame = pl.DataFrame(
        {"#part": [0, 0], "#line": [2, 4], "#no": ["1", "3"], "姓名": ["甲", "乙"], "卡号": ["6", None],
         "../工资月份": ["202610", "202610"]},
        schema_overrides=PLACE,
    )  # fmt: skip
    broken = pl.DataFrame(
        {"#part": [0], "#line": [3], "#no": ["2"], "#text": ["D|2"], "#code": ["L115"]}, schema_overrides=PLACE
    )
    return Parsed({"detail": Rows(frame, ("姓名", "卡号"), frozenset(), broken)}, Declared(3, 100))


def corrected(*corrections: Correction) -> Rows:
    found = correct_rows(parsed(), corrections, WANTED)
    assert found.declared == Declared(3, 100)
    return found.rows["detail"]


def test_without_corrections_nothing_changes() -> None:
    """The very same rows."""
    assert correct_rows(parsed(), (), WANTED).rows["detail"].frame.equals(parsed().rows["detail"].frame)


@pytest.mark.parametrize("value", ["7", "", " 7 "])
def test_only_the_named_cell_changes(value: str) -> None:
    """An empty text is a value too; every other cell and the order stay."""
    rows = corrected(Correction("detail", 0, 4, {"卡号": value}))
    assert rows.frame["卡号"].to_list() == ["6", value]
    assert rows.frame.drop("卡号").equals(parsed().rows["detail"].frame.drop("卡号"))


def test_the_later_correction_of_a_row_wins_cell_by_cell() -> None:
    """Two repairs of one row, one after the other."""
    rows = corrected(Correction("detail", 0, 2, {"卡号": "7", "姓名": "丙"}), Correction("detail", 0, 2, {"卡号": "8"}))
    assert rows.frame.row(0, named=True)["卡号"] == "8"
    assert rows.frame.row(0, named=True)["姓名"] == "丙"


def test_what_the_head_says_can_be_corrected_for_one_row() -> None:
    """A parent's cell as the row sees it."""
    rows = corrected(Correction("detail", 0, 2, {"../工资月份": "202611"}))
    assert rows.frame["../工资月份"].to_list() == ["202611", "202610"]
    assert rows.own == ("姓名", "卡号")


def test_a_member_that_no_row_had_can_be_given_when_the_mapping_reads_it() -> None:
    """Every other row goes without it."""
    rows = corrected(Correction("detail", 0, 2, {"备注": "x"}))
    assert rows.frame["备注"].to_list() == ["x", None]
    assert rows.own == ("姓名", "卡号", "备注")


def test_a_broken_line_becomes_a_row_in_its_place() -> None:
    """With what is given for it and what all rows share; its text is no rejection any more."""
    rows = corrected(Correction("detail", 0, 3, {"姓名": "丁", "卡号": "9"}))
    assert rows.frame.select("#line", "#no", "姓名", "卡号", "../工资月份").row(1) == (3, "2", "丁", "9", "202610")
    assert rows.broken is not None
    assert rows.broken.is_empty()


@pytest.mark.parametrize(
    ("place", "line", "column"),
    [("detail", 9, "卡号"), ("detail", 2, "没有"), ("detail", 2, "#line"), ("header", 1, "卡号")],
)
def test_what_is_not_there_cannot_be_corrected(place: str, line: int, column: str) -> None:
    """No such row, column or place; the hub's own columns are nobody's to set."""
    with pytest.raises(FeedChanged) as caught:
        correct_rows(parsed(), [Correction(place, 0, line, {column: "secret"})], WANTED)
    assert caught.value.code == "F008"
    assert "secret" not in str(caught.value)
