"""Statuses to what the partner reads: rows of a call in its own words, or the text of a return file. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hub.digest import sm3_hex
from hub.errors import MappingInvalid
from hub.feed import CallReport, FieldSpec, FileReport
from hub.lines import return_text
from hub.mapping import Codes
from hub.model import Batch, BatchState, Outcome, Stage, Status
from hub.reasons import reason

GOOD = frozenset({Outcome.STORED, Outcome.ACCEPTED})


def render_rows(report: CallReport, statuses: Sequence[Status], codes: Codes) -> dict[str, dict[str, str]]:
    """One row per row of theirs, by the place it speaks of: its key in their words, then the fields the mapping names.

    Several reasons are joined. A place is the same whenever the same row of the same batch is told again.
    """
    grouped: dict[tuple[str, tuple[tuple[str, str], ...], int], list[Status]] = {}
    for status in statuses:
        grouped.setdefault((status.schema, tuple(sorted(status.key.items())), status.row_no), []).append(status)
    return {_place(*group): _row(report, found, codes) for group, found in grouped.items()}


def _place(schema: str, key: tuple[tuple[str, str], ...], row_no: int) -> str:
    """Rows of two pages may have one number; their keys, which may name a person, tell them apart."""
    return f"{schema}/{row_no}/{sm3_hex(repr(key).encode())[:16]}"


def _row(report: CallReport, found: Sequence[Status], codes: Codes) -> dict[str, str]:
    facts = {
        "outcome": found[0].outcome.value,
        "code": found[0].code,
        "message": "；".join(_sentence(status) for status in found),
        "remote_id": found[0].remote_id,
    }
    return {**found[0].key, **{word: _value(spec, facts, codes) for word, spec in report.fields.items()}}


def _sentence(status: Status) -> str:
    return f"{status.field}：{status.message}" if status.field else status.message


def _value(spec: FieldSpec, facts: Mapping[str, str], codes: Codes) -> str:
    if spec.const is not None:
        return spec.const
    if spec.from_ is None or spec.from_ not in facts:
        raise MappingInvalid(f"a report knows {', '.join(facts)}, not {spec.from_}")
    text = facts[spec.from_]
    if spec.codes is None:
        return text
    if text not in codes[spec.codes]:
        raise MappingInvalid(f"mappings/codes/{spec.codes}.csv has no line for {text}")
    return codes[spec.codes][text]


def render_file(report: FileReport, batch: Batch, statuses: Sequence[Status], file_name: str, rows: int) -> bytes:
    """A return file in GB18030: the verdict on the file and its totals first, then lines.

    ``summary_and_bad_lines``: one line per reason of each bad row. ``summary_and_every_line``: one line per row.
    """
    bad = {(status.schema, status.row_no) for status in statuses if status.outcome not in GOOD}
    good = {(status.schema, status.row_no) for status in statuses} - bad
    rejected_header = any(status.printed_no == "0" and status.outcome not in GOOD for status in statuses)
    verdict, code, message = _verdict(batch, len(bad), len(good))
    shown = [s for s in statuses if s.printed_no != "0"] if not rejected_header else list(statuses)
    details = {(s.schema, s.row_no) for s in shown}
    summary = ["R", file_name, verdict, str(rows), str(len(good & details)), str(len(bad & details)), code, message]
    told = shown if report.form == "summary_and_every_line" else [s for s in shown if s.outcome not in GOOD]
    lines = [summary, *(_line(report, status) for status in told)]
    return return_text(lines, "|", report.newline)


def _verdict(batch: Batch, bad: int, good: int) -> tuple[str, str, str]:
    if batch.state is BatchState.HELD or batch.hold_code is not None:  # settled: held once, nothing of it was taken
        code = batch.hold_code or "F008"
        waits = batch.state is BatchState.HELD and code in ("F013", "F014", "F019")
        found = reason(code)
        return ("HELD" if waits else "REJECTED"), code, f"{found.zh}；{found.fix_zh}（{batch.hold_message}）"
    if bad and good:
        return "PARTIAL", "0000", "部分行已退回"
    return ("REJECTED", "0000", "所有行已退回") if bad else ("ACCEPTED", "0000", "全部接收")


def _line(report: FileReport, status: Status) -> list[str]:
    if report.form == "summary_and_bad_lines":
        return [status.printed_no, status.field, status.code, status.message]
    return [status.printed_no, status.outcome.value.upper(), status.remote_id, status.code, status.message]


def report_path(report: FileReport, source_name: str) -> tuple[str, str]:
    """Where the return file goes and the name of the file it answers; the day is the drop's own day folder."""
    return _filled_in(report.file, source_name), source_name.rpartition("/")[2]


def proof_path(path: str, source_name: str) -> str:
    """Where the inclusion proof of a return file goes; ``path`` is what the mapping says."""
    return _filled_in(path, source_name)


def _filled_in(path: str, source_name: str) -> str:
    folder, _, name = source_name.rpartition("/")
    return path.replace("{date}", folder.rpartition("/")[2]).replace("{name}", name)


def schemas_told(report: FileReport | CallReport, stage: Stage, schemas: Sequence[str]) -> list[str]:
    """The schemas a report speaks of."""
    chosen = report.of if isinstance(report, CallReport) and report.of else tuple(schemas)
    return [name for name in schemas if name in chosen]
