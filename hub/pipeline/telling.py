"""Report: tell a partner what became of its rows, at intake and once the receivers have answered.

What a call tells is decided in one commit before it is sent, and sent again as it is when the hub died in between. A return file is
the whole answer each time: the same content put twice is one file.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from connectors.interface import CallReporter, FileReporter
from hub.digest import sm3_hex
from hub.feed import CallReport, Feed, FileReport, SftpSource
from hub.model import Batch, BatchState, Outcome, Stage, Status
from hub.pipeline.guarding import check_lease
from hub.pipeline.house import House, lock_batch, note
from hub.pipeline.recording import record_call_told, record_file_told
from hub.pipeline.remembering import Remembering
from hub.points import reach
from hub.reporting import render_file, render_rows, report_path, schemas_told
from hub.store import batches, statuses, told
from hub.store.database import Work, working
from schemas.catalogue import SCHEMAS

NOT_YET = {Stage.INTAKE: (BatchState.FETCHED,), Stage.OUTCOME: (BatchState.FETCHED, BatchState.STORED)}
"""States in which nothing is to be told at a stage."""


def report_batch(house: House, feed: Feed, batch: Batch, stage: Stage, reporter: FileReporter | CallReporter) -> int:
    """Tell the partner what became of its rows; returns how many rows were told. What was told already is not sent again."""
    report = feed.spec.report.get(stage.value)
    if isinstance(report, FileReport):
        read, rows = _tell_by_file(house, feed, batch, stage, report, reporter)  # type: ignore[arg-type]
    elif isinstance(report, CallReport):
        read, rows = _tell_by_calls(house, feed, batch, stage, report, reporter)  # type: ignore[arg-type]
    else:
        with working(house.engine) as work:
            read, rows = _as_it_stands(work, batch, stage), 0
    if read is None:
        return 0
    with working(house.engine) as work:
        batches.mark_told(work, batch.batch_id, stage, read.seen_at)
        if stage is Stage.OUTCOME:
            batches.mark_reported(work, batch.batch_id, read.changed_at)
        reach("tell.marking")
    reach("tell.marked")
    note("reported", feed=feed.feed_id, batch=batch.batch_id, stage=stage.value, rows=rows)
    return rows


def _as_it_stands(work: Work, batch: Batch, stage: Stage) -> Batch | None:
    """The batch, locked; None when it was sent, or is read, once more since: its word comes when that is done."""
    read = lock_batch(work, batch.batch_id)
    return None if read.state in NOT_YET[stage] else read


def _tell_by_file(
    house: House, feed: Feed, batch: Batch, stage: Stage, report: FileReport, reporter: FileReporter
) -> tuple[Batch | None, int]:
    """Put the return file, unless it lies there as it is; a crash before it is noted puts the same content again."""
    with working(house.engine) as work:
        read = _as_it_stands(work, batch, stage)
        if read is None:
            return None, 0
        rows = _statuses(work, feed, read, stage)
        path, name = report_path(report, batch.source_name)
        content = render_file(report, read, rows, name, batches.detail_rows(work, batch.batch_id))
        digest = sm3_hex(content)
        is_told = batches.last_reported(work, batch.batch_id, stage) == digest
    if not is_told:
        reach("tell.before_file")
        _put(house, feed, report, reporter, path, content)
        reach("tell.file_put")
        with working(house.engine) as work:
            batches.write_report(work, batch.batch_id, stage, digest, len(rows))
            record_file_told(work, batch, stage, digest, len(rows))
            reach("tell.noting_file")
        reach("tell.file_noted")
    return read, len(rows)


def _put(house: House, feed: Feed, report: FileReport, reporter: FileReporter, path: str, content: bytes) -> None:
    """As its partner reads it; encrypting again gives other bytes of the same file."""
    still_ours, source = partial(check_lease, house), feed.spec.source
    if report.encrypted is None or not isinstance(source, SftpSource):
        reporter.put(path, content, still_ours)
        return
    closed = house.containers.closed(source, report.encrypted, path.rpartition("/")[2], content)
    reporter.put(path, closed.data, still_ours, closed.signature)


def _tell_by_calls(
    house: House, feed: Feed, batch: Batch, stage: Stage, report: CallReport, reporter: CallReporter
) -> tuple[Batch | None, int]:
    """Send the calls that were decided before, then decide what is to be told now and send that: never another order."""
    caller = Remembering(house, feed.feed_id, stage, reporter)
    _send_open(house, batch, stage, report, caller)
    with working(house.engine) as work:
        read = _as_it_stands(work, batch, stage)
        if read is None:
            return None, 0
        found = _statuses(work, feed, read, stage)
        rows = [told.ToldRow(place, row) for place, row in render_rows(report, found, house.registry.codes).items()]
        told.add_calls(work, read, stage, rows, report.per_call)
        reach("tell.deciding_calls")
    reach("tell.calls_decided")
    _send_open(house, batch, stage, report, caller)
    return read, len(found)


def _send_open(house: House, batch: Batch, stage: Stage, report: CallReport, reporter: CallReporter) -> None:
    with working(house.engine) as work:
        waiting = told.open_calls(work, batch.batch_id, stage)
    for call in waiting:
        check_lease(house)
        reach("tell.before_call")
        reporter.send(report, call.rows, call.key)
        reach("tell.call_sent")
        with working(house.engine) as work:
            told.mark_sent(work, call.call_id)
            batches.write_report(work, batch.batch_id, stage, sm3_hex(call.key.encode()), len(call.rows))
            record_call_told(work, batch, stage, call.key, call.rows)
            reach("tell.noting_call")
        reach("tell.call_noted")


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


def batches_to_report(house: House, stage: Stage, feed_ids: Sequence[str]) -> list[Batch]:
    """Batches that owe their partner a word of this stage."""
    with working(house.engine) as work:
        return batches.unreported(work, stage, feed_ids)
