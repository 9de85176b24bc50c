"""What the partner reads: return files to the byte, rows of a call in its own words."""

import datetime as dt
from typing import Any

import pytest

from hub.errors import MappingInvalid
from hub.feed import CallReport, FileReport
from hub.model import Batch, BatchState, Outcome, Stage, Status
from hub.reasons import reason
from hub.registry import Registry
from hub.reporting import render_file, render_rows, report_path, schemas_told

RET = FileReport(file="out/{date}/RET_{name}", form="summary_and_bad_lines", newline="crlf")
FIN = FileReport(file="out/{date}/FIN_{name}", form="summary_and_every_line", newline="lf")
NAME = "313_370902_PAYR_20261123_0001_v1.txt"


def batch(state: BatchState = BatchState.STORED, code: str | None = None, message: str | None = None) -> Batch:
    """A batch in some state."""
    when = dt.datetime(2026, 11, 23, tzinfo=dt.UTC)
    return Batch(1, "haidai_payrolls", f"in/20261123/{NAME}", "0" * 64, state, ("0" * 64,), when, code, message)


def line(row_no: int, outcome: Outcome, **facts: Any) -> Status:
    """The status of one wage."""
    good: dict[str, Any] = {
        "schema": "payroll_line",
        "printed_no": str(row_no),
        "key": {},
        "code": "0000",
        "message": "",
    }
    return Status(row_no=row_no, outcome=outcome, **good | facts)


def head(outcome: Outcome, **facts: Any) -> Status:
    """The status of the batch in the file's header."""
    return line(1, outcome, schema="payroll_batch", printed_no="0", **facts)


def bad(row_no: int, field: str, code: str, outcome: Outcome = Outcome.REJECTED) -> Status:
    """A wage turned down for one reason."""
    return line(row_no, outcome, field=field, code=code, message=reason(code).zh)


def lines(report: FileReport, of: Batch, *statuses: Status, rows: int | None = None) -> list[str]:
    """The lines of a return file without their ends, which are checked."""
    counted = len({status.row_no for status in statuses if status.printed_no != "0"}) if rows is None else rows
    text = render_file(report, of, statuses, NAME, counted).decode("gb18030")
    end = "\r\n" if report.newline == "crlf" else "\n"
    assert text.endswith(end)
    assert text.replace(end, "").count("\r") + text.replace(end, "").count("\n") == 0
    return text.removesuffix(end).split(end)


def test_a_good_file_is_answered_by_one_line() -> None:
    """Nothing is to be corrected."""
    found = lines(RET, batch(), head(Outcome.STORED), line(1, Outcome.STORED), line(2, Outcome.STORED))
    assert found == [f"R|{NAME}|ACCEPTED|2|2|0|0000|全部接收"]


def test_every_reason_of_a_bad_line_has_its_own_line() -> None:
    """With the number as printed, the bank's column, the code and the Chinese sentence; rows are counted once."""
    found = lines(
        RET,
        batch(),
        line(1, Outcome.STORED),
        bad(2, "证件号码", "L103"),
        bad(2, "实发金额", "L109"),
        bad(3, "", "L115"),
    )
    assert found == [
        f"R|{NAME}|PARTIAL|3|1|2|0000|部分行已退回",
        "2|证件号码|L103|校验位错误",
        "2|实发金额|L109|金额无法识别",
        "3||L115|该行的列数与约定不符",
    ]


def test_a_file_of_bad_lines_only_is_rejected() -> None:
    """The verdict of the file, without a file code."""
    assert lines(RET, batch(), bad(1, "姓名", "L101")) == [
        f"R|{NAME}|REJECTED|1|0|1|0000|所有行已退回",
        "1|姓名|L101|必填项为空",
    ]


def test_a_rejected_header_is_told_as_line_nought() -> None:
    """A good header is not a row of the file."""
    found = lines(
        RET, batch(), head(Outcome.REJECTED, field="工资月份", code="L102", message="格式不符"), line(1, Outcome.STORED)
    )
    assert found[1:] == ["0|工资月份|L102|格式不符"]


def test_a_held_file_says_why_and_what_to_do() -> None:
    """The file code, what it means, the way out and what was seen."""
    held = batch(BatchState.HELD, "F003", "the file declares 101 fen and its lines add up to 100 fen")
    found = reason("F003")
    assert lines(RET, held) == [
        f"R|{NAME}|REJECTED|0|0|0|F003|{found.zh}；{found.fix_zh}（the file declares 101 fen and its lines add up to 100 fen）"
    ]


@pytest.mark.parametrize(
    ("code", "verdict"), [("F013", "HELD"), ("F014", "HELD"), ("F008", "REJECTED"), (None, "REJECTED")]
)
def test_a_file_that_waits_for_an_officer_is_held_and_any_other_rejected(code: str | None, verdict: str) -> None:
    """Only expectations can be released; everything else needs a new file."""
    summary = lines(RET, batch(BatchState.HELD, code, "x"))[0].split("|")
    assert summary[2] == verdict
    assert summary[6] == (code or "F008")


def test_the_final_file_has_a_line_for_each_row() -> None:
    """Status, the province's number, code and message, ended as that bank ends its lines."""
    found = lines(
        FIN,
        batch(),
        head(Outcome.ACCEPTED, remote_id="P9"),
        line(1, Outcome.ACCEPTED, remote_id="P10", code="0", message="成功"),
        line(2, Outcome.REFUSED, code="2003", message="参数值不正确"),
        line(3, Outcome.REJECTED, code="L103", message="校验位错误"),
    )
    assert found == [
        f"R|{NAME}|PARTIAL|3|1|2|0000|部分行已退回",
        "1|ACCEPTED|P10|0|成功",
        "2|REFUSED||2003|参数值不正确",
        "3|REJECTED||L103|校验位错误",
    ]


def test_numbers_are_given_back_as_they_were_printed() -> None:
    """Wenhe fills its numbers with zeros."""
    assert lines(RET, batch(), line(1, Outcome.REJECTED, printed_no="000001", code="L101", message="必填项为空"))[
        1
    ] == ("000001||L101|必填项为空")


def test_bars_and_line_ends_in_a_text_shift_nothing() -> None:
    """A bar becomes a full-width one, a line end a space."""
    found = lines(FIN, batch(), line(1, Outcome.REFUSED, code="2003", message="a|b\r\nc\nd", remote_id="|"))
    assert found[1] == "1|REFUSED|／|2003|a／b  c d"


def test_every_letter_survives_gb18030() -> None:
    """Rare names in a receiver's message too."""
    assert lines(FIN, batch(), line(1, Outcome.REFUSED, message="𠮷㭎䶮😀\ufffd"))[1].endswith("|𠮷㭎䶮😀\ufffd")


def test_the_return_file_goes_beside_the_drop() -> None:
    """The day is the drop's own day folder, and the name is the drop's."""
    assert report_path(RET, f"in/20261123/{NAME}") == (f"out/20261123/RET_{NAME}", NAME)
    assert report_path(RET, f"chroot/in/20261122/{NAME}") == (f"out/20261122/RET_{NAME}", NAME)


def call(**fields: Any) -> CallReport:
    """A report that is sent as rows of a call."""
    return CallReport.model_validate({"call": "/x", "rows": "items", "fields": fields})


def test_a_row_of_a_call_carries_their_key_and_our_verdict() -> None:
    """In their words, through their code table."""
    report = call(STATUS={"from": "outcome", "codes": "words"}, ID="remote_id", CODE="code", FROM={"const": "hub"})
    status = line(1, Outcome.ACCEPTED, key={"CLUE_CODE": "C1"}, remote_id="P1", code="0")
    assert list(render_rows(report, [status], {"words": {"accepted": "已入库"}}).values()) == [
        {"CLUE_CODE": "C1", "STATUS": "已入库", "ID": "P1", "CODE": "0", "FROM": "hub"}
    ]


def test_several_reasons_of_a_row_are_joined_in_one_message() -> None:
    """Each with its column, where there is one; the first gives the code."""
    report = call(REASON="message", CODE="code")
    first = bad(1, "姓名", "L101"), bad(1, "电话", "L102"), bad(1, "", "L115")
    rows = list(render_rows(report, [*first, bad(2, "姓名", "L114")], {}).values())
    assert rows == [
        {"REASON": "姓名：必填项为空；电话：格式不符；该行的列数与约定不符", "CODE": "L101"},
        {"REASON": "姓名：文字乱码", "CODE": "L114"},
    ]


def test_rows_of_two_schemas_with_one_number_are_two_rows() -> None:
    """A guarantee and its event are told apart by schema and key."""
    report = call(Code="code")
    rows = render_rows(
        report, [head(Outcome.STORED, key={"No": "G1"}), line(1, Outcome.STORED, key={"No": "G1", "Seq": "1"})], {}
    )
    assert list(rows.values()) == [{"No": "G1", "Code": "0000"}, {"No": "G1", "Seq": "1", "Code": "0000"}]


def test_an_outcome_without_a_word_of_theirs_is_our_mistake() -> None:
    """Never sent as our own word."""
    report = call(STATUS={"from": "outcome", "codes": "words"})
    with pytest.raises(MappingInvalid, match=r"words\.csv has no line for delayed"):
        render_rows(report, [line(1, Outcome.DELAYED)], {"words": {"accepted": "已入库"}})


def test_a_report_knows_four_facts_and_no_more() -> None:
    """A wrong word is found at once."""
    with pytest.raises(MappingInvalid, match="outcome, code, message, remote_id"):
        render_rows(call(STATUS="verdict"), [line(1, Outcome.STORED)], {})


def test_a_report_may_speak_of_some_schemas_only() -> None:
    """A permit is answered once, not once as project and once as permit."""
    some = CallReport.model_validate({"call": "/x", "rows": "r", "of": ["project"], "fields": {}})
    assert schemas_told(some, Stage.OUTCOME, ["project", "permit"]) == ["project"]
    assert schemas_told(call(), Stage.OUTCOME, ["project", "permit"]) == ["project", "permit"]
    assert schemas_told(RET, Stage.INTAKE, ["payroll_batch", "payroll_line"]) == ["payroll_batch", "payroll_line"]


@pytest.mark.parametrize("feed_id", ["bureau_permits", "bureau_approvals", "daizong_guarantees", "nat_clues"])
def test_every_final_outcome_has_a_word_in_the_real_tables(registry: Registry, feed_id: str) -> None:
    """Accepted, refused and rejected can all be said to each partner."""
    report = registry.feeds[feed_id].spec.report["outcome"]
    assert isinstance(report, CallReport)
    for outcome in (Outcome.ACCEPTED, Outcome.REFUSED, Outcome.REJECTED):
        (row,) = render_rows(report, [line(1, outcome, key={"no": "1"})], registry.codes).values()
        assert all(isinstance(text, str) for text in row.values())


def test_every_intake_outcome_has_a_word_in_the_real_table(registry: Registry) -> None:
    """The clue platform is told at intake what was taken and what was not."""
    report = registry.feeds["nat_clues"].spec.report["intake"]
    assert isinstance(report, CallReport)
    found = render_rows(report, [line(1, Outcome.STORED), line(2, Outcome.REJECTED)], registry.codes)
    assert [row["STATUS"] for row in found.values()] == ["202", "203"]
