"""What comes back: return files, or calls with the status of each row."""

from __future__ import annotations

from hub.feed import CallReport, FeedSpec, FileReport
from hub.mapping import Codes
from hub.specification.wording import code, table

STAGES = {"intake": "接收回执 after intake", "outcome": "终态 after the receivers answered"}
FACTS = {
    "outcome": "结果 outcome",
    "code": "原因代码 reason code",
    "message": "原因说明 reason in words",
    "remote_id": "平台编号 the platform's number",
}


def describe_reports(spec: FeedSpec, codes: Codes) -> list[str]:
    """One paragraph for each stage that is told; says so when nothing is."""
    if not spec.report:
        return ["### 状态回传 · Statuses back", "", "不回传。 Nothing is sent back.", ""]
    lines = ["### 状态回传 · Statuses back", ""]
    for stage, report in spec.report.items():
        if isinstance(report, FileReport):
            lines += [f"* {STAGES[stage]}：{code(report.file)}（{_form(report)}）"]
        else:
            lines += _call(stage, report, spec, codes)
    return [*lines, ""]


def _form(report: FileReport) -> str:
    every = "逐行 every line" if report.form == "summary_and_every_line" else "仅退回行 rejected lines only"
    return f"首行汇总，其后{every}；换行 line end {report.newline.upper()}"


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
