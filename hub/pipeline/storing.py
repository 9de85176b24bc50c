"""Store: records, rejections and the intent to deliver in one commit; or hold the batch and say why."""

from __future__ import annotations

from hub.errors import ExpectationFailed, FeedChanged
from hub.feed import Feed, SftpSource
from hub.model import Batch, BatchState, Sorted, Tally
from hub.pipeline.house import House, lock_batch, note
from hub.pipeline.reading import Reading, check_expectations, name_parts, read_rows
from hub.points import reach
from hub.registry import Registry
from hub.store import batches, crosswalk, deliveries, records
from hub.store.database import Work, working


def store_batch(house: House, feed: Feed, batch_id: int) -> BatchState:
    """Turn a fetched batch into records and rejections with the intent to deliver, in one commit; or hold it and say why.

    A batch that is further on already is left as it is.
    """
    with working(house.engine) as work:
        batch = lock_batch(work, batch_id)
        if batch.state is not BatchState.FETCHED:
            return batch.state
        reach("store.locked")
        batches.forget_reading(work, batch_id)
        try:
            reading = read_rows(
                feed, [house.archive.read(part) for part in batch.parts], batch.source_name, house.registry.codes
            )
            if batch.released_by is None:
                check_expectations(feed.spec.expect, reading.found)
        except (FeedChanged, ExpectationFailed) as error:
            batches.hold_batch(work, batch_id, error.code, str(error))
            reach("store.held")
            note("held", feed=feed.feed_id, batch=batch_id, code=error.code)
            return BatchState.HELD
        reach("store.read")
        _write(work, house.registry, feed, batch_id, reading)
        batches.set_state(work, batch_id, BatchState.STORED)
        reach("store.state_set")
        _settle_earlier_versions(work, feed, batch)
        reach("store.written")
    reach("store.committed")
    return BatchState.STORED


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
            reach("store.settled")
            note("settled", feed=feed.feed_id, batch=held.batch_id, by=batch.batch_id)


def _file_told_of(feed: Feed, batch: Batch) -> tuple[str, dict[str, str]]:
    """What all versions of a file have in common. Where no day stands in the name, its folder tells the days apart."""
    parts = name_parts(feed, batch.source_name)
    return "" if "date" in parts else batch.source_name.rpartition("/")[0], {**parts, "version": ""}


def _write(work: Work, registry: Registry, feed: Feed, batch_id: int, reading: Reading) -> None:
    answer_every_row = isinstance(feed.spec.source, SftpSource)
    for found in reading.found:
        written = records.write_rows(work, batch_id, found, answer_every_row=answer_every_row)
        reach("store.rows_written")
        tally = _tally(feed, reading, found, written)
        batches.write_tally(work, batch_id, tally)
        reach("store.tally_written")
        deliveries.add_deliveries(work, batch_id, found.schema, registry.routes(found.schema), feed.feed_id)
        reach("store.deliveries_written")
        note("stored", feed=feed.feed_id, batch=batch_id, schema=found.schema, stored=tally.stored_rows,
             rejected=tally.rejected_rows, unchanged=tally.unchanged_rows)  # fmt: skip
    for found in reading.found:
        crosswalk.note_identities(work, batch_id, found.schema)
        reach("store.identities_written")
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
