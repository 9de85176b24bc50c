"""What comes back: return files, or calls with the status of each row."""

from __future__ import annotations

from hub.feed import CallReport, ConclusionCall, FeedSpec, FieldSpec, FileReport
from hub.mapping import Codes
from hub.specification.wording import code, table
from schemas.codes import CODE_LISTS

STAGES = {"intake": "接收回执 after intake", "outcome": "终态 after the receivers answered"}
FACTS = {
    "outcome": "结果 outcome",
    "code": "原因代码 reason code",
    "message": "原因说明 reason in words",
    "remote_id": "平台编号 the platform's number",
}


TOLD = {
    "serial": "我方收到的渠道编号 the clue's own serial number",
    "kind": "首次或更正 first or correction",
    "number": "第几次告知，从 1 起 which answer to this clue it is, from 1",
    "result": "核处结论 how the clue ended",
    "sentence": "一句话结论，不含任何人的信息，可以公开 the conclusion in one sentence; names nobody, may be published",
    "doc_no": "文书号 number of the document",
    "org_name": "办理单位 who concluded",
    "concluded_at": "办结时间 when it was concluded",
    "concluded_on": "办结日期 the day it was concluded",
    "due_on": "办理期限 until when it had to be concluded",
    "solved_people": "解决人数 people paid",
    "solved_fen": "解决金额 wages paid as a result",
}
KINDS = {"first": "首次 first", "correction": "更正 correction"}


def describe_reports(spec: FeedSpec, codes: Codes) -> list[str]:
    """One paragraph for each stage that is told; says so when nothing is."""
    if not spec.report and spec.conclusion is None:
        return ["### 状态回传 · Statuses back", "", "不回传。 Nothing is sent back.", ""]
    lines = ["### 状态回传 · Statuses back", ""]
    for stage, report in spec.report.items():
        if isinstance(report, FileReport):
            lines += [f"* {STAGES[stage]}：{code(report.file)}（{_form(report)}）"]
            if report.proof is not None:
                lines += [
                    f"* 收录证明 inclusion proof：{code(report.proof)}（JSON，一行 one line；`verify_exchange.py`）"
                ]
        else:
            lines += _call(stage, report, spec, codes)
    return [*lines, "", *_conclusion(spec, codes)]


def _conclusion(spec: FeedSpec, codes: Codes) -> list[str]:
    """What a clue came to: the path or call, then each cell or member."""
    report = spec.conclusion
    if report is None:
        return []
    is_call = isinstance(report, ConclusionCall)
    keys = sorted(spec.records["clue"].key) if is_call else []
    rows = [[code(word), "行的主键 the row's key", ""] for word in keys]
    rows += [[code(word), *_told(field, codes)] for word, field in report.fields.items()]
    if isinstance(report, ConclusionCall):
        place = f"{code(report.call)}，行在 row in {code(report.rows)}，每次一条 one at a time"
    else:
        place = (
            f"{code(report.file)}，每条一个文件 a file for each：首行 first line "
            f"{code(report.separator.join(('C', '{file}', '1')))}，次行依次为 then the cells，GB18030，"
            f"换行 line end {report.newline.upper()}"
        )
    heads = ("项 member" if is_call else "列 cell", "内容 what it says", "取值 codes")
    return [
        "### 核处结论 · Conclusions", "",
        "每条线索办结后告知一次，并案办理的线索各按自己的编号和期限告知；结论更正后再告知一次，序号加一。",
        "Told once when a clue is concluded; clues handled together are each told under their own number and deadline. "
        "A corrected conclusion is told again, with the next number.", "",
        f"* {place}", "", *table(heads, rows),
    ]  # fmt: skip


def _told(field: FieldSpec, codes: Codes) -> tuple[str, str]:
    """What a cell says, and how it is written."""
    if field.const is not None:
        return f"恒为 always {code(field.const)}", ""
    fact = field.from_ or ""
    if field.codes is not None:
        labels = KINDS if fact == "kind" else CODE_LISTS["clue_result"]
        theirs = codes[field.codes]
        return TOLD[fact], "，".join(f"{code(theirs[word])} {label}" for word, label in labels.items())
    return TOLD[fact], code(field.as_) if field.as_ else ""


def _form(report: FileReport) -> str:
    every = "逐行 every line" if report.form == "summary_and_every_line" else "仅退回行 rejected lines only"
    closed = f"；同样加密并签名 encrypted and signed：{report.encrypted}" if report.encrypted else ""
    return f"首行汇总，其后{every}；换行 line end {report.newline.upper()}{closed}"


def _call(stage: str, report: CallReport, spec: FeedSpec, codes: Codes) -> list[str]:
    keys = sorted({word for record in spec.records.values() for word in record.key})
    rows = [[code(word), "行的主键 the row's key", ""] for word in keys]
    for word, field in report.fields.items():
        told = f"恒为 always {code(field.const)}" if field.const is not None else FACTS[field.from_ or "outcome"]
        values = (
            "，".join(f"{code(theirs)} {ours}" for ours, theirs in codes[field.codes].items()) if field.codes else ""
        )
        rows.append([code(word), told, values])
    head = (
        f"* {STAGES[stage]}：{code(report.call)}，行在 rows in {code(report.rows)}，每次至多 at most {report.per_call}"
    )
    return [head, "", *table(("项 member", "内容 what it says", "取值 codes"), rows)]
