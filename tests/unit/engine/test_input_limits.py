"""What is beyond a limit, or breaks a reader, is refused with its own code; what people open in a spreadsheet runs nothing."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from engine_rows import BARS, ID_NO, bars, haidai_payroll, parse, payroll_line, read_file, read_form, refusal

import hub
from hub import limits, parsing
from hub.conservation import Amount
from hub.errors import FeedChanged
from hub.lines import harmless, return_text
from hub.mapping import LETTERS_SHOWN, brief
from hub.parsing import lines, trees
from hub.parsing.trees import read_json, read_xml
from hub.reasons import reason
from hub.reconciliation import Reconciled
from hub.reconciliation.pages import render_page
from hub.text import visible

ONE = "D|1|张三|1.00"


def code_of(call: Any, *words: Any) -> str:
    with pytest.raises(FeedChanged) as error:
        call(*words)
    return error.value.code


def test_every_limit_has_a_code_that_its_sender_reads() -> None:
    """File codes, line codes, or of what a partner calls here the door's; and a reason in both languages."""
    found = [one for group in limits.LIMITS.values() for one in group]
    assert all(reason(one.code).level in ("file", "line") or one.code.startswith("S07") for one in found)
    assert all(one.why_zh and one.why_en and one.what_zh and one.what_en for one in found)


def test_no_bound_on_input_is_written_anywhere_else() -> None:
    """Readers import theirs: the page would not know of another one."""
    for path in (Path(hub.__file__).parent / "parsing").glob("*.py"):
        assert not re.search(r"^(LARGEST|LONGEST|DEEPEST|GROWS)\w* =", path.read_text("utf-8"), re.MULTILINE), path.name


@pytest.mark.parametrize(
    ("module", "limit", "value", "code"),
    [(parsing, "LARGEST_FILE", 20, "F030"), (lines, "MOST_LINES", 2, "F030"), (lines, "LONGEST_LINE", 10, "F031")],
)
def test_a_file_beyond_a_limit_is_held(
    module: Any, limit: str, value: int, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Size, lines, length of a line."""
    assert parse(BARS, bars(ONE, total="1.00"))
    monkeypatch.setattr(module, limit, value)
    assert refusal(BARS, bars(ONE, total="1.00")) == code


@pytest.mark.parametrize(("limit", "value"), [("LARGEST_TREE", 10), ("MOST_PIECES", 2)])
def test_a_tree_beyond_a_limit_is_held(limit: str, value: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is built in memory."""
    monkeypatch.setattr(trees, limit, value)
    assert code_of(read_json, b'{"rows": [{"a": 1, "b": 2}]}') == "F030"
    assert code_of(read_xml, b"<Answer><Row><A>1</A></Row></Answer>", "Answer") == "F030"


def _panic() -> BaseException:
    """A panic of polars' own, which is no Exception."""
    return pl.exceptions.PanicException("called `Option::unwrap()` on 张三")


@pytest.mark.parametrize("error", [_panic(), RecursionError("张三"), KeyError("张三"), ValueError("张三")])
def test_a_reader_that_fails_holds_the_file_and_quotes_nothing(
    error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F034 names the kind of failure only."""

    def fail(*words: object) -> None:
        raise error

    monkeypatch.setattr(parsing.files, "parse_file", fail)
    with pytest.raises(FeedChanged) as caught:
        parse(BARS, bars(ONE, total="1.00"))
    assert caught.value.code == "F034"
    assert "张三" not in str(caught.value)


@pytest.mark.parametrize("error", [MemoryError(), KeyboardInterrupt()])
def test_what_is_no_fault_of_the_file_holds_nothing(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is tried again."""

    def fail(*words: object) -> None:
        raise error

    monkeypatch.setattr(parsing.files, "parse_file", fail)
    with pytest.raises(type(error)):
        parse(BARS, bars(ONE, total="1.00"))


def test_a_long_text_is_kept_with_its_beginning_and_length() -> None:
    """The bytes are in the archive."""
    frame = pl.DataFrame({"a": ["x" * (limits.LONGEST_CELL + 1), "y" * limits.LONGEST_CELL, None, "z"]})
    found = frame.select(brief("a"))["a"].to_list()
    assert found == ["x" * LETTERS_SHOWN + f"…（{limits.LONGEST_CELL + 1} 字）", "y" * limits.LONGEST_CELL, None, "z"]


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"), ("+1", "'+1"), ("-2+3", "'-2+3"), ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t=1"), ("\r=1", "'\r=1"), ("\n=1", "'\n=1"), ("＝1", "'＝1"), ("＋1", "'＋1"), ("＠x", "'＠x"),
        ("  =1", "'  =1"), ("\u3000=1", "'\u3000=1"), ("\ufeff=1", "'\ufeff=1"),
        ("-1,234.50", "-1,234.50"), ("-5", "-5"), ("5", "5"), ("", ""), ("张=三", "张=三"), ("a-b", "a-b"),
    ],
)  # fmt: skip
def test_a_spreadsheet_runs_nothing_of_ours(cell: str, written: str) -> None:
    """An apostrophe before whatever it may take for a formula; negative amounts stay amounts."""
    assert harmless(cell) == written


def test_a_machine_reads_what_came() -> None:
    """A return file keeps the text: an apostrophe would be another value."""
    assert return_text([["1", "=1+1"]], "|", "lf") == b"1|=1+1\n"


def test_a_page_shows_markup_as_text() -> None:
    """Nothing that a partner wrote becomes a tag."""
    page = render_page(date(2026, 11, 23), [Reconciled("<b>x</b>", "origin", date(2026, 11, 23), Amount(1, 1), None)])
    assert "<b>x</b>" not in page
    assert "&lt;b&gt;x" in page


def test_a_terminal_obeys_nothing() -> None:
    """Escapes, and what turns the writing direction, are shown as they are written."""
    assert visible("a\x1b[2J\x07\u202eb\x9b1m\n张") == "a\\x1b[2J\\x07\\u202eb\\x9b1m\n张"


def test_a_number_that_a_spreadsheet_spoiled_is_said_so(registry: Any) -> None:
    """L128 in every column of codes and numbers; money keeps its own code."""
    spoiled = payroll_line(证件号码="3.70902E+17", 行号="2", 银行流水号="S2")
    money = payroll_line(实发金额="5.00E+3", 行号="3", 银行流水号="S3", 证件号码=ID_NO)
    data = haidai_payroll(payroll_line(), spoiled, money, total="15000.00")
    found = read_file(registry.feed("haidai_payrolls"), registry.codes, data, "313_370900_PAYR_20261123_0001_v1.txt")
    told = {
        row["#no"]: {why["code"] for why in row["#reasons"]}
        for row in found["payroll_line"].rejections.iter_rows(named=True)
    }
    assert told == {"2": {"L128"}, "3": {"L109"}}


def test_xml_in_an_encoding_nobody_agreed_on_is_refused() -> None:
    """UTF-7 turns plain letters into markup."""
    data = b'<?xml version="1.0" encoding="UTF-7"?><Answer><Row><A>+ADw-x/+AD4-</A></Row></Answer>'
    assert code_of(read_xml, data, "Answer") == "F005"
    assert read_form(type="xml", body="Answer")
