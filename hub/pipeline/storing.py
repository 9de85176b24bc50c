"""Store: records, rejections and the intent to deliver in one commit; or hold the batch and say why."""

from __future__ import annotations

from collections.abc import Sequence

from hub.errors import ExpectationFailed, FeedChanged, Unbalanced
from hub.feed import Feed, RestSource, SftpSource
from hub.model import Batch, BatchState, Declared, Sorted, Tally
from hub.pipeline.balancing import check_balance
from hub.pipeline.house import House, lock_batch, note, read_parts
from hub.pipeline.reading import Reading, check_expectations, name_parts, read_rows
from hub.pipeline.recording import hold, record_account, record_decision
from hub.points import reach
from hub.registry import Registry
from hub.store import batches, conclusions, conservation, crosswalk, deliveries, records, repairs
from hub.store.database import Work, working

SPEAK_OF_CLUES = frozenset({"clue", "clue_step"})


def store_batch(house: House, feed: Feed, batch_id: int) -> BatchState:
    """Turn a fetched batch into records and rejections with the intent to deliver, in one commit; or hold it and say why.

    A batch that is further on already is left as it is.
    """
    with working(house.engine) as work:
        batch = lock_batch(work, batch_id)
        if batch.state is not BatchState.FETCHED:
            return batch.state
        reach("store.locked")
        try:
            reading = read_again(work, house, feed, batch)
            reach("store.read")
            write_reading(work, house.registry, feed, batch, reading)
        except (FeedChanged, ExpectationFailed, Unbalanced) as error:
            hold(work, feed.feed_id, batch_id, error.code, str(error))
            reach("store.held")
            note("held", feed=feed.feed_id, batch=batch_id, code=error.code)
            return BatchState.HELD
        reach("store.written")
    reach("store.committed")
    return BatchState.STORED


def read_again(work: Work, house: House, feed: Feed, batch: Batch) -> Reading:
    """What the archived bytes say by today's mapping, with the approved repairs on top. Writes nothing.

    Raises FeedChanged or ExpectationFailed when they say nothing that may be taken.
    """
    parts = read_parts(house, feed, batch)
    corrections = repairs.effective_corrections(work, batch.batch_id)
    reading = read_rows(feed, parts, batch.source_name, house.registry.codes, corrections)
    if batch.released_by is None:
        check_expectations(feed.spec.expect, reading.found)
    return reading


def write_reading(work: Work, registry: Registry, feed: Feed, batch: Batch, reading: Reading) -> None:
    """Put a reading in the place of the last one; nobody is sent what it has already.

    Raises Unbalanced (F019): then nothing was written, and the transaction can go on.
    """
    with work.begin_nested():  # what does not balance is taken back, so that the batch may be held in the same commit
        batches.forget_reading(work, batch.batch_id)
        batches.set_state(work, batch.batch_id, BatchState.STORED)
        _write(work, registry, feed, batch.batch_id, reading)
    record_account(work, "stored", feed.feed_id, batch.batch_id)
    _settle_earlier_versions(work, feed, batch)


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
        if again and held.batch_id < batch.batch_id and held.hold_code != Unbalanced.code:
            batches.set_state(work, held.batch_id, BatchState.REPORTED)
            record_decision(work, "settled", held, by_batch=batch.batch_id)
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
        tally = _tally(feed, reading, found, written, batches.printed_rows(work, batch_id))
        batches.write_tally(work, batch_id, tally)
        reach("store.tally_written")
        owe(work, registry, feed, batch_id, found.schema)
        reach("store.deliveries_written")
        note("stored", feed=feed.feed_id, batch=batch_id, schema=found.schema, stored=tally.stored_rows,
             rejected=tally.rejected_rows, unchanged=tally.unchanged_rows)  # fmt: skip
    check_balance(work, feed, batch_id, reading)
    reach("store.balanced")
    for alarm in (*reading.alarms, *reading.notes):
        batches.raise_alarm(work, feed.feed_id, batch_id, alarm)
    note_things(work, feed, batch_id, [found.schema for found in reading.found])


def owe(work: Work, registry: Registry, feed: Feed, batch_id: int, schema: str) -> None:
    """Owe the records of one schema of a batch to everyone who takes them, and write down what each is owed and what not."""
    routes = registry.routes(schema)
    deliveries.add_deliveries(work, batch_id, schema, routes, feed.feed_id)
    conservation.write_routing(work, batch_id, schema, routes)


def note_things(work: Work, feed: Feed, batch_id: int, schemas: Sequence[str]) -> None:
    """What new records say beyond themselves: which numbers mean one thing, and what a channel is to be told of its clues."""
    for schema in schemas:
        crosswalk.note_identities(work, batch_id, schema)
        reach("store.identities_written")
    if not SPEAK_OF_CLUES.isdisjoint(schemas):  # last of all: it waits for others who store clues or steps
        note("concluded", feed=feed.feed_id, batch=batch_id, owed=conclusions.owe_conclusions(work, batch_id))
        reach("store.conclusions_owed")


def _tally(feed: Feed, reading: Reading, found: Sorted, written: records.Written, printed: int | None) -> Tally:
    """Rows and fen of one schema. Fen no line shows legibly belong to the rejected lines: the file's total has them."""
    shown = written.stored_fen + written.rejected_fen + written.unchanged_fen
    declared = _declared(feed, reading, found.schema, printed)
    unread = 0 if declared.fen is None else declared.fen - shown
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
        unkept_rows=written.unkept_rows,
        unkept_fen=written.unkept_fen,
        declared_rows=declared.rows,
        declared_fen=declared.fen,
    )


def _declared(feed: Feed, reading: Reading, schema: str, printed: int | None) -> Declared:
    """What the partner says of the rows of one schema: the totals of a file for its lines, the rows counted page by page."""
    rows, source = feed.spec.records[schema].rows, feed.spec.source
    if isinstance(source, RestSource):
        return Declared(printed if rows == source.paging.rows.replace(".", "/") else None)
    return reading.parsed.declared if rows == "detail" else Declared()
