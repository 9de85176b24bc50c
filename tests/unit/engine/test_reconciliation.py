"""Reconciliation: two statements of one day, every difference on a line of its own, and nothing of a person on paper."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import date

import pytest

from hub.model import StatementLine
from hub.reconciliation import FILE, Kind, Reconciled, Side, State, Total, compare, missing, total_of
from hub.reconciliation.pages import render_csv, render_page, shown_key

DAY = date(2026, 11, 24)
LINE = StatementLine("account_txn", "313/T1", "accepted", fen=100, version=1, remote_id="SD1")


def kinds(ours: list[StatementLine], theirs: list[StatementLine]) -> list[str]:
    return [found.kind.value for found in compare(ours, theirs)]


@pytest.mark.parametrize(
    ("ours", "theirs", "found"),
    [
        ([LINE], [LINE], []),
        ([LINE], [], ["missing_there"]),
        ([], [LINE], ["missing_here"]),
        ([], [replace(LINE, status="refused")], ["missing_here"]),
        ([LINE], [replace(LINE, fen=101)], ["other_amount"]),
        ([LINE], [replace(LINE, fen=None)], []),
        ([LINE], [replace(LINE, status="refused")], ["other_status"]),
        ([replace(LINE, status="waiting")], [LINE], ["other_status"]),
        ([replace(LINE, status="held")], [LINE], ["other_status"]),
        ([replace(LINE, status="refused")], [], []),
        ([replace(LINE, status="refused")], [replace(LINE, status="waiting")], []),
        ([replace(LINE, version=2)], [LINE], ["other_version"]),
        ([replace(LINE, version=2, is_known=True)], [LINE], []),
        ([replace(LINE, is_known=True)], [replace(LINE, version=2)], ["other_version"]),
        ([LINE], [replace(LINE, remote_id="SD2")], ["other_number"]),
        ([LINE], [replace(LINE, remote_id="")], []),
        ([LINE], [replace(LINE, rows=2, fen=5)], ["other_rows", "other_amount"]),
        ([replace(LINE, digest="a")], [replace(LINE, digest="b")], ["other_content"]),
        ([LINE], [LINE, LINE], ["missing_here"]),
    ],
)
def test_each_difference_is_found(ours: list[StatementLine], theirs: list[StatementLine], found: list[str]) -> None:
    """Missing on either side, another amount, status, version, number, count or content, a line given twice."""
    assert kinds(ours, theirs) == found


def test_differences_come_by_record() -> None:
    """In the order of their keys, whichever side has them."""
    ours = [replace(LINE, key=key) for key in ("c", "a", "b")]
    theirs = [replace(LINE, key=key) for key in ("b", "d")]
    assert [(d.key, d.kind) for d in compare(ours, theirs)] == [
        ("a", Kind.MISSING_THERE),
        ("c", Kind.MISSING_THERE),
        ("d", Kind.MISSING_HERE),
    ]
    assert missing(ours, theirs) == [("account_txn", "c"), ("account_txn", "a")]


def test_only_what_was_taken_is_added_up() -> None:
    """A refused line counts on neither side."""
    assert total_of([LINE, replace(LINE, status="refused"), replace(LINE, fen=None)]) == Total(2, 100)


def reconciled(side: Side = "receiver", **facts: object) -> Reconciled:
    return replace(Reconciled("province", side, DAY, Total(1, 100), Total(1, 100)), **facts)  # type: ignore[arg-type]


def test_a_day_is_open_agreed_or_differs() -> None:
    """Open while there is no statement; it differs by a line or by its sums."""
    assert reconciled(theirs=None).state is State.OPEN
    assert reconciled().state is State.AGREED
    assert reconciled(theirs=Total(1, 101)).state is State.DIFFERS
    assert reconciled(differences=tuple(compare([LINE], []))).state is State.DIFFERS


def test_numbers_of_persons_are_masked() -> None:
    """A key that holds one shows its ends only; others stand as they are."""
    assert shown_key("account_txn", "313/T1") == "313/T1"
    assert shown_key(FILE, "a/b") == "a/b"
    assert (
        shown_key("worker_employment", "91370900MA57BQ03LT/370902199001011234")
        == "91370900MA57BQ03LT/3709**********1234"
    )
    assert "19900101" not in shown_key("worker_employment", "370902199001011234")


def test_the_csv_has_a_line_for_each_difference_and_no_formula() -> None:
    """Excel reads it as UTF-8 and runs nothing of it."""
    lines = (replace(LINE, key="=cmd|'/c calc'!A1"), replace(LINE, schema=FILE, key="f.txt", fen=-5))
    text = render_csv([reconciled(differences=tuple(compare(lines, [])))])
    assert text.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(text.decode("utf-8-sig"))))
    assert len(rows) == 3
    assert rows[1][3:6] == ["对方缺 missing there", "专户流水 account_txn", "'=cmd|'/c calc'!A1"]
    assert rows[2][9] == "-0.05"


def test_the_page_stands_alone_and_escapes_what_partners_wrote() -> None:
    """Chinese first, no script, nothing from outside, readable on a telephone."""
    line = replace(LINE, key="<script>alert(1)</script>", fen=10**20)
    page = render_page(DAY, [reconciled(differences=tuple(compare([line], []))), reconciled("origin", theirs=None)])
    assert "<script" not in page
    assert "http" not in page
    assert "src=" not in page
    assert 'name="viewport"' in page
    assert "1,000,000,000,000,000,000.00" in page
    for words in ("不符", "未对", "对方缺 missing there", "接收方", "报送方"):
        assert words in page
