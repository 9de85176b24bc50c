"""The verbs in order: fetch, store, acknowledge, deliver, collect, report. Each runs between two durable states and may be run
again at any time; it receives open connectors, so the same functions serve Airflow, the command line and the tests.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import uuid4

import sqlalchemy as sa

from connectors.interface import CallReporter, Fetcher, FileReporter, Receiver
from hub import __version__
from hub.archive import Archive
from hub.digest import sm3_hex
from hub.errors import ExpectationFailed, FeedChanged, NotAllowed, SubmissionRefused
from hub.feed import Expect, Feed, FileReport, Receives, SftpSource
from hub.mapping import Codes, columns_used, map_rows
from hub.model import Batch, BatchState, Fetched, Notice, Outcome, Parsed, ReceiptAnswer, Sorted, Stage, Status, Tally
from hub.parsing import parse_batch
from hub.registry import Registry
from hub.reporting import render_file, render_rows, report_path, schemas_told
from hub.store import batches, deliveries, records, statuses
from hub.store.database import Work, working
from hub.validation import sort_rows
from schemas.catalogue import SCHEMAS

log = logging.getLogger("hub")


@dataclass(frozen=True)
class House:
    """What every verb needs: the database, the archive, the feeds."""

    engine: sa.Engine
    archive: Archive
    registry: Registry


def note(step: str, **facts: object) -> None:
    """One structured line per step: ids and counts, never a row's value."""
    log.info("%s %s", step, " ".join(f"{name}={value}" for name, value in facts.items()))


# fetch ---------------------------------------------------------------------------------------------------------------


def fetch_feed(house: House, feed: Feed, fetcher: Fetcher) -> list[int]:
    """Bring what is new into the archive; returns the ids of the feed's batches that wait to be stored."""
    with working(house.engine) as work:
        cursor, seen = batches.read_cursor(work, feed.feed_id), batches.seen_stamps(work, feed.feed_id)
    for found in fetcher.fetch(cursor, seen):
        if isinstance(found, Notice):
            with working(house.engine) as work:
                batches.raise_alarm(work, feed.feed_id, None, f"{found.code} {found.message}")
            continue
        _keep(house, feed, found)
    with working(house.engine) as work:
        return [batch.batch_id for batch in batches.batches_in(work, [BatchState.FETCHED], feed.feed_id)]


def _keep(house: House, feed: Feed, found: Fetched) -> None:
    """Archive first, then one commit for batch and cursor: a crash between the two loses nothing and doubles nothing."""
    parts = [house.archive.keep(part) for part in found.parts]
    digest = parts[0] if len(parts) == 1 else sm3_hex("\n".join(parts).encode())
    with working(house.engine) as work:
        if found.fault is not None and found.stamp is None and batches.is_held(work, feed.feed_id, found.fault[0]):
            batches.raise_alarm(
                work, feed.feed_id, None, f"again: {found.fault[0]} {found.fault[1]}; raw bytes {digest}"
            )
            return
        batch_id, is_new = batches.add_batch(work, feed.feed_id, found, digest, parts, feed.digest, __version__)
        is_mended = not is_new and found.fault is None and batches.mend_hold(work, batch_id)
        fault = found.fault or _twin_fault(work, feed, batch_id, found.name, digest)
        if (is_new or is_mended) and fault is not None:
            batches.hold_batch(work, batch_id, *fault)
    note("fetched", feed=feed.feed_id, batch=batch_id, new=is_new, parts=len(parts))


def _twin_fault(work: Work, feed: Feed, batch_id: int, name: str, digest: str) -> tuple[str, str] | None:
    """A name used again for other bytes, or the same bytes under another name, is for a person to look at."""
    if not isinstance(feed.spec.source, SftpSource):
        return None
    twin = batches.twin_of(work, feed.feed_id, batch_id, name, digest)
    if twin is None:
        return None
    if twin.source_name == name:
        return "F006", f"batch {twin.batch_id} came under this name with other content"
    return "F004", f"batch {twin.batch_id} ({twin.source_name}) has the same content"


# store ---------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Reading:
    """What a batch says, before anything is written."""

    found: tuple[Sorted, ...]
    parsed: Parsed
    alarms: tuple[str, ...]


def read_rows(feed: Feed, parts: Sequence[bytes], source_name: str, codes: Codes) -> Reading:
    """Parse, map and sort the rows of a batch. Pure. Raises FeedChanged when the batch is not as agreed."""
    spec = feed.spec
    wanted: dict[str, frozenset[str]] = {}
    for record in spec.records.values():
        wanted[record.rows] = wanted.get(record.rows, frozenset()) | columns_used(record)
    parsed = parse_batch(spec.source.format, parts, name_parts(feed, source_name), wanted)
    found, alarms = [], []
    for name in [name for name in SCHEMAS if name in spec.records]:
        record, rows = spec.records[name], parsed.rows[spec.records[name].rows]
        mapped = map_rows(record, SCHEMAS[name], rows, codes)
        found.append(sort_rows(name, record, mapped, rows))
        alarms += [f"{name}: {alarm}" for alarm in mapped.alarms]
    return Reading(tuple(found), parsed, tuple(alarms))


def name_parts(feed: Feed, source_name: str) -> Mapping[str, str]:
    """The parts of a file's name by the agreed pattern; empty for feeds that are no files."""
    source = feed.spec.source
    if not isinstance(source, SftpSource):
        return {}
    pieces = re.split(r"\{(\w+)\}", source.name)
    pattern = "".join(f"(?P<{piece}>[^_]+)" if odd % 2 else re.escape(piece) for odd, piece in enumerate(pieces))
    match = re.fullmatch(pattern, source_name.rpartition("/")[2])
    if match is None:
        raise FeedChanged(f"the file name does not have the agreed parts {source.name}", code="F008")
    return match.groupdict()


def check_expectations(expect: Expect, found: Sequence[Sorted]) -> None:
    """Raises ExpectationFailed: F014 rows out of range, F013 too large a share rejected."""
    counts = [(rows.schema, rows.records.height + rows.rejections.height, rows.rejections.height) for rows in found]
    most = max((total for _, total, _ in counts), default=0)
    if expect.rows is not None and not expect.rows[0] <= most <= expect.rows[1]:
        raise ExpectationFailed(f"{most} rows came, {expect.rows[0]} to {expect.rows[1]} are expected", code="F014")
    for schema, total, rejected in counts:
        if expect.rejected_share is not None and total > 1 and rejected > expect.rejected_share * total:
            raise ExpectationFailed(
                f"{rejected} of {total} rows of {schema} are rejected, at most {expect.rejected_at_most} is expected",
                code="F013",
            )


def store_batch(house: House, feed: Feed, batch_id: int) -> BatchState:
    """Turn a fetched batch into records and rejections with the intent to deliver, in one commit; or hold it and say why.

    A batch that is further on already is left as it is.
    """
    with working(house.engine) as work:
        batch = _lock(work, batch_id)
        if batch.state is not BatchState.FETCHED:
            return batch.state
        batches.forget_reading(work, batch_id)
        try:
            reading = read_rows(
                feed, [house.archive.read(part) for part in batch.parts], batch.source_name, house.registry.codes
            )
            if batch.released_by is None:
                check_expectations(feed.spec.expect, reading.found)
        except (FeedChanged, ExpectationFailed) as error:
            batches.hold_batch(work, batch_id, error.code, str(error))
            note("held", feed=feed.feed_id, batch=batch_id, code=error.code)
            return BatchState.HELD
        _write(work, house.registry, feed, batch_id, reading)
        batches.set_state(work, batch_id, BatchState.STORED)
        _settle_earlier_versions(work, feed, batch)
    return BatchState.STORED


def _settle_earlier_versions(work: Work, feed: Feed, batch: Batch) -> None:
    """A file that was held is settled when a corrected one comes: the same name, or the same but for its ``version``."""
    if not isinstance(feed.spec.source, SftpSource):
        return
    known = {**name_parts(feed, batch.source_name), "version": ""}
    for held in batches.batches_in(work, [BatchState.HELD], feed.feed_id):
        try:
            again = {**name_parts(feed, held.source_name), "version": ""} == known
        except FeedChanged:
            continue
        if again and held.batch_id < batch.batch_id:
            batches.set_state(work, held.batch_id, BatchState.REPORTED)
            note("settled", feed=feed.feed_id, batch=held.batch_id, by=batch.batch_id)


def _lock(work: Work, batch_id: int) -> Batch:
    batch = batches.read_batch(work, batch_id, lock=True)
    if batch is None:
        raise NotAllowed(f"there is no batch {batch_id}")
    return batch


def _write(work: Work, registry: Registry, feed: Feed, batch_id: int, reading: Reading) -> None:
    answer_every_row = isinstance(feed.spec.source, SftpSource)
    for found in reading.found:
        written = records.write_rows(work, batch_id, found, answer_every_row=answer_every_row)
        tally = _tally(feed, reading, found, written)
        batches.write_tally(work, batch_id, tally)
        deliveries.add_deliveries(work, batch_id, found.schema, registry.receivers(found.schema), feed.feed_id)
        note("stored", feed=feed.feed_id, batch=batch_id, schema=found.schema, stored=tally.stored_rows,
             rejected=tally.rejected_rows, unchanged=tally.unchanged_rows)  # fmt: skip
    for alarm in reading.alarms:
        batches.raise_alarm(work, feed.feed_id, batch_id, alarm)


def _tally(feed: Feed, reading: Reading, found: Sorted, written: records.Written) -> Tally:
    """Rows and fen of one schema. Fen no line shows legibly belong to the rejected lines: the file's total has them."""
    shown = written.stored_fen + written.rejected_fen + written.unchanged_fen
    declared = reading.parsed.declared.fen if feed.spec.records[found.schema].rows == "detail" else None
    unread = 0 if declared is None else declared - shown
    return Tally(
        schema=found.schema,
        fetched_rows=written.stored_rows + written.rejected_rows + written.unchanged_rows,
        fetched_fen=shown + unread,
        stored_rows=written.stored_rows,
        stored_fen=written.stored_fen,
        rejected_rows=written.rejected_rows,
        rejected_fen=written.rejected_fen + unread,
        unchanged_rows=written.unchanged_rows,
        unchanged_fen=written.unchanged_fen,
        unread_fen=unread,
    )


# report --------------------------------------------------------------------------------------------------------------


def report_batch(house: House, feed: Feed, batch: Batch, stage: Stage, reporter: FileReporter | CallReporter) -> int:
    """Tell the partner what became of its rows; returns how many rows were told. What was told already is not sent again."""
    report = feed.spec.report.get(stage.value)
    rows: list[Status] = []
    if report is not None:
        with working(house.engine) as work:
            rows = _statuses(work, feed, batch, stage)
            printed = batches.detail_rows(work, batch.batch_id)
        if isinstance(report, FileReport):
            path, name = report_path(report, batch.source_name)
            content = render_file(report, batch, rows, name, printed)
            _once(house, batch, stage, content, len(rows), lambda: reporter.put(path, content))  # type: ignore[union-attr]
        else:
            told = render_rows(report, rows, house.registry.codes)
            for start in range(0, len(told), report.per_call):
                chunk = told[start : start + report.per_call]
                key = sm3_hex(f"{batch.digest}|{stage.value}|{chunk}".encode())[:32]
                _once(house, batch, stage, key.encode(), len(chunk), lambda: reporter.send(report, chunk, key))  # type: ignore[union-attr] # noqa: B023
    with working(house.engine) as work:
        batches.write_report(work, batch.batch_id, stage, "", 0)
        if stage is Stage.OUTCOME and batch.state is BatchState.DELIVERED:
            batches.set_state(work, batch.batch_id, BatchState.REPORTED)
    note("reported", feed=feed.feed_id, batch=batch.batch_id, stage=stage.value, rows=len(rows))
    return len(rows)


def _statuses(work: Work, feed: Feed, batch: Batch, stage: Stage) -> list[Status]:
    """Rejections are told at the first stage that reports at all; a call at the end speaks of what was delivered."""
    report = feed.spec.report[stage.value]
    if batch.state is BatchState.HELD:
        return []
    schemas = schemas_told(report, stage, [name for name in SCHEMAS if name in feed.spec.records])
    found = statuses.read_statuses(work, batch.batch_id, stage, schemas, every_row=isinstance(report, FileReport))
    told_before = (
        stage is Stage.OUTCOME and Stage.INTAKE.value in feed.spec.report and not isinstance(report, FileReport)
    )
    return [status for status in found if not (told_before and status.outcome is Outcome.REJECTED)]


def _once(house: House, batch: Batch, stage: Stage, content: bytes, rows: int, send: Callable[[], None]) -> None:
    """Send and note it. A crash between the two sends the same content under the same key again, which the partner knows."""
    digest = sm3_hex(content)
    with working(house.engine) as work:
        if batches.is_reported(work, batch.batch_id, stage, digest):
            return
    send()
    with working(house.engine) as work:
        batches.write_report(work, batch.batch_id, stage, digest, rows)


def batches_to_report(house: House, stage: Stage, feed_ids: Sequence[str]) -> list[Batch]:
    """Batches that owe their partner a word of this stage."""
    with working(house.engine) as work:
        return batches.unreported(work, stage, feed_ids)


# deliver -------------------------------------------------------------------------------------------------------------


def deliver_waiting(house: House, partner: str, receives: Receives, receiver: Receiver) -> int:
    """Submit everything that waits for one receiver, parents before children; returns how many records went out.

    Submissions whose outcome is unknown are asked about first: sent again under the same key, which the receiver knows.
    """
    with working(house.engine) as work:
        unknown = [s for s in deliveries.open_submissions(work, partner) if s.serial_code is None]
    sent = sum(_submit(house, submission, receives, receiver) for submission in unknown)
    for schema in [name for name in SCHEMAS if name in receives.schemas]:
        while True:
            with working(house.engine) as work:
                claimed = deliveries.claim_waiting(work, partner, schema, uuid4().hex, receives.max_batch)
            if claimed is None:
                break
            sent += _submit(house, claimed, receives, receiver)
    return sent


def _submit(house: House, submission: deliveries.Submission, receives: Receives, receiver: Receiver) -> int:
    """Send one submission. One that is refused as a whole goes back, to be tried in smaller parts, and blocks no other."""
    with working(house.engine) as work:
        payload = deliveries.payload_of(work, submission)
    try:
        serial = receiver.submit(submission.schema, submission.batch_key, payload)
    except SubmissionRefused as error:
        log.error("submission %s was refused: %s", submission.submission_id, error)
        with working(house.engine) as work:
            deliveries.write_receipts(work, submission, [], receives, refusal=str(error))
        return 0
    with working(house.engine) as work:
        deliveries.write_serial(work, submission.submission_id, serial)
    note(
        "submitted",
        receiver=submission.receiver,
        submission=submission.submission_id,
        schema=submission.schema,
        records=len(payload),
    )
    return len(payload)


def collect_receipts(house: House, partner: str, receives: Receives, receiver: Receiver) -> int:
    """Ask after every open submission once and write down what was answered; returns how many submissions are still open."""
    with working(house.engine) as work:
        waiting = [s for s in deliveries.open_submissions(work, partner) if s.serial_code is not None]
    still_open = 0
    for submission in waiting:
        answers, refusal = _poll(submission, receiver)
        if answers is None:
            still_open += 1
            continue
        with working(house.engine) as work:
            deliveries.write_receipts(work, submission, answers, receives, refusal)
        note("answered", receiver=partner, submission=submission.submission_id, records=len(answers))
    return still_open


def _poll(submission: deliveries.Submission, receiver: Receiver) -> tuple[list[ReceiptAnswer] | None, str | None]:
    try:
        return receiver.poll(submission.serial_code or ""), None
    except SubmissionRefused as error:
        log.error("submission %s: %s", submission.submission_id, error)
        return [], str(error)


def next_delivery(house: House, partner: str) -> float | None:
    """Seconds until the next waiting record may go to this receiver; None when none waits."""
    with working(house.engine) as work:
        return deliveries.waiting_count(work, partner)[1]


def mark_delivered(house: House) -> list[int]:
    """Move on every stored batch whose records are all answered; returns their ids."""
    with working(house.engine) as work:
        return batches.mark_delivered(work)


# by hand -------------------------------------------------------------------------------------------------------------


def release_batch(house: House, batch_id: int, by: str) -> None:
    """An officer lets a batch pass although it is not as expected. Raises NotAllowed for a file that is not as agreed."""
    with working(house.engine) as work:
        batch = _lock(work, batch_id)
        if batch.state is not BatchState.HELD or batch.hold_code not in ("F013", "F014"):
            held = f"held with {batch.hold_code}" if batch.state is BatchState.HELD else batch.state.value
            raise NotAllowed(f"batch {batch_id} is {held}; only an expectation (F013, F014) can be released")
        batches.release_hold(work, batch_id, by)


def close_batch(house: House, batch_id: int) -> None:
    """A held batch is settled otherwise: nothing of it is taken, its reason stays readable. Raises NotAllowed for any other."""
    with working(house.engine) as work:
        batch = _lock(work, batch_id)
        if batch.state is not BatchState.HELD:
            raise NotAllowed(f"batch {batch_id} is {batch.state.value}, not held")
        batches.set_state(work, batch_id, BatchState.REPORTED)


def replay_batch(house: House, batch_id: int) -> None:
    """Read a batch again from the archive with today's mapping; what it says again is known and changes nothing."""
    with working(house.engine) as work:
        batch = _lock(work, batch_id)
        if batch.state is BatchState.HELD and batch.hold_code in ("F001", "F004", "F006", "F007"):
            raise NotAllowed(
                f"batch {batch_id} is held with {batch.hold_code}: reading it again changes nothing, a new file is needed"
            )
        batches.release_hold(work, batch_id, None)
