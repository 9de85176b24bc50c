"""Report: tell a partner what became of its rows, at intake and once the receiver has answered."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from connectors.interface import CallReporter, FileReporter
from hub.digest import sm3_hex
from hub.feed import Feed, FileReport
from hub.model import Batch, BatchState, Outcome, Stage, Status
from hub.pipeline.house import House, lock_batch, note
from hub.points import reach
from hub.reporting import render_file, render_rows, report_path, schemas_told
from hub.store import batches, statuses
from hub.store.database import Work, working
from schemas.catalogue import SCHEMAS


def report_batch(house: House, feed: Feed, batch: Batch, stage: Stage, reporter: FileReporter | CallReporter) -> int:
    """Tell the partner what became of its rows; returns how many rows were told. What was told already is not sent again."""
    report = feed.spec.report.get(stage.value)
    rows: list[Status] = []
    reach("report.begun")
    if report is not None:
        with working(house.engine) as work:
            rows = _statuses(work, feed, batch, stage)
            printed = batches.detail_rows(work, batch.batch_id)
        if isinstance(report, FileReport):
            path, name = report_path(report, batch.source_name)
            content = render_file(report, batch, rows, name, printed)
            _once(house, batch, stage, content, len(rows), lambda: reporter.put(path, content), replaces=True)  # type: ignore[union-attr]
        else:
            told = render_rows(report, rows, house.registry.codes)
            for start in range(0, len(told), report.per_call):
                chunk = told[start : start + report.per_call]
                key = sm3_hex(f"{batch.digest}|{stage.value}|{chunk}".encode())[:32]
                _once(house, batch, stage, key.encode(), len(chunk), lambda: reporter.send(report, chunk, key))  # type: ignore[union-attr] # noqa: B023
    with working(house.engine) as work:
        batches.write_report(work, batch.batch_id, stage, "", 0)
        reach("report.stage_noted")
        if stage is Stage.OUTCOME and lock_batch(work, batch.batch_id).state is BatchState.DELIVERED:
            batches.set_state(work, batch.batch_id, BatchState.REPORTED)
            reach("report.state_moved")
    reach("report.committed")
    note("reported", feed=feed.feed_id, batch=batch.batch_id, stage=stage.value, rows=len(rows))
    return len(rows)


def _statuses(work: Work, feed: Feed, batch: Batch, stage: Stage) -> list[Status]:
    """Rejections are told at the first stage that reports at all; a call at the end speaks of what was delivered."""
    report = feed.spec.report[stage.value]
    if batch.state is BatchState.HELD or batch.hold_code is not None:
        return []
    schemas = schemas_told(report, stage, [name for name in SCHEMAS if name in feed.spec.records])
    found = statuses.read_statuses(work, batch.batch_id, stage, schemas, every_row=isinstance(report, FileReport))
    told_before = (
        stage is Stage.OUTCOME and Stage.INTAKE.value in feed.spec.report and not isinstance(report, FileReport)
    )
    return [status for status in found if not (told_before and status.outcome is Outcome.REJECTED)]


def _once(
    house: House,
    batch: Batch,
    stage: Stage,
    content: bytes,
    rows: int,
    send: Callable[[], None],
    *,
    replaces: bool = False,
) -> None:
    """Send and note it. A crash between the two sends the same content under the same key again, which the partner knows.

    A call told once stays told; a return file that was replaced since is put again.
    """
    digest = sm3_hex(content)
    with working(house.engine) as work:
        if replaces:
            is_told = batches.last_reported(work, batch.batch_id, stage) == digest
        else:
            is_told = batches.is_reported(work, batch.batch_id, stage, digest)
    if is_told:
        return
    reach("report.due")
    send()
    reach("report.sent")
    with working(house.engine) as work:
        batches.write_report(work, batch.batch_id, stage, digest, rows)
        reach("report.written")
    reach("report.noted")


def batches_to_report(house: House, stage: Stage, feed_ids: Sequence[str]) -> list[Batch]:
    """Batches that owe their partner a word of this stage."""
    with working(house.engine) as work:
        return batches.unreported(work, stage, feed_ids)
