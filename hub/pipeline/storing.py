"""Store: records, rejections and the intent to deliver in one commit; or hold the batch and say why."""

from __future__ import annotations

from hub.errors import ExpectationFailed, FeedChanged
from hub.feed import Feed, SftpSource
from hub.model import Batch, BatchState, Sorted, Tally
from hub.pipeline.house import House, lock_batch, note
from hub.pipeline.reading import Reading, check_expectations, name_parts, read_rows
from hub.registry import Registry
from hub.store import batches, crosswalk, deliveries, records, repairs
from hub.store.database import Work, working


def store_batch(house: House, feed: Feed, batch_id: int) -> BatchState:
    """Turn a fetched batch into records and rejections with the intent to deliver, in one commit; or hold it and say why.

    A batch that is further on already is left as it is.
    """
    with working(house.engine) as work:
        batch = lock_batch(work, batch_id)
        if batch.state is not BatchState.FETCHED:
            return batch.state
        try:
            reading = read_again(work, house, feed, batch)
        except (FeedChanged, ExpectationFailed) as error:
            return _hold_or_leave(work, batch, error)
        write_reading(work, house.registry, feed, batch, reading)
    return BatchState.STORED


def read_again(work: Work, house: House, feed: Feed, batch: Batch) -> Reading:
    """What the archived bytes say by today's mapping, with the approved repairs on top. Writes nothing.

    Raises FeedChanged or ExpectationFailed when they say nothing that may be taken.
    """
    parts = [house.archive.read(part) for part in batch.parts]
    corrections = repairs.effective_corrections(work, batch.batch_id)
    reading = read_rows(feed, parts, batch.source_name, house.registry.codes, corrections)
    if batch.released_by is None:
        check_expectations(feed.spec.expect, reading.found)
    return reading


def write_reading(work: Work, registry: Registry, feed: Feed, batch: Batch, reading: Reading) -> None:
    """Put a reading in the place of the last one; nobody is sent what it has already."""
    batches.forget_reading(work, batch.batch_id)
    _write(work, registry, feed, batch.batch_id, reading)
    batches.set_state(work, batch.batch_id, BatchState.STORED)
    _settle_earlier_versions(work, feed, batch)


def _hold_or_leave(work: Work, batch: Batch, error: FeedChanged | ExpectationFailed) -> BatchState:
    """Hold a new batch. One whose records are with their receivers stays what it was: to call it refused would not be true."""
    if repairs.has_tally(work, batch.batch_id):
        batches.raise_alarm(
            work, batch.feed_id, batch.batch_id, f"batch {batch.batch_id} could not be read again: {error.code} {error}"
        )
        batches.set_state(work, batch.batch_id, BatchState.STORED)
        note("left", feed=batch.feed_id, batch=batch.batch_id, code=error.code)
        return BatchState.STORED
    batches.hold_batch(work, batch.batch_id, error.code, str(error))
    note("held", feed=batch.feed_id, batch=batch.batch_id, code=error.code)
    return BatchState.HELD


def _settle_earlier_versions(work: Work, feed: Feed, batch: Batch) -> None:
    """A file that was held is settled when a corrected one comes: the same name, or the same but for its ``version``."""
    if not isinstance(feed.spec.source, SftpSource):
        return
    known = _file_told_of(feed, batch)
    for held in batches.batches_in(work, [BatchState.HELD], feed.feed_id):
        try:
            again = _file_told_of(feed, held) == known
        except FeedChanged:
            continue
        if again and held.batch_id < batch.batch_id:
            batches.set_state(work, held.batch_id, BatchState.REPORTED)
            note("settled", feed=feed.feed_id, batch=held.batch_id, by=batch.batch_id)


def _file_told_of(feed: Feed, batch: Batch) -> tuple[str, dict[str, str]]:
    """What all versions of a file have in common. Where no day stands in the name, its folder tells the days apart."""
    parts = name_parts(feed, batch.source_name)
    return "" if "date" in parts else batch.source_name.rpartition("/")[0], {**parts, "version": ""}


def _write(work: Work, registry: Registry, feed: Feed, batch_id: int, reading: Reading) -> None:
    answer_every_row = isinstance(feed.spec.source, SftpSource)
    for found in reading.found:
        written = records.write_rows(work, batch_id, found, answer_every_row=answer_every_row)
        tally = _tally(feed, reading, found, written)
        batches.write_tally(work, batch_id, tally)
        deliveries.add_deliveries(work, batch_id, found.schema, registry.routes(found.schema), feed.feed_id)
        note("stored", feed=feed.feed_id, batch=batch_id, schema=found.schema, stored=tally.stored_rows,
             rejected=tally.rejected_rows, unchanged=tally.unchanged_rows)  # fmt: skip
    for found in reading.found:
        crosswalk.note_identities(work, batch_id, found.schema)
    for alarm in (*reading.alarms, *reading.notes):
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
