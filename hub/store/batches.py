"""Batches: what was fetched, how far each feed has come, and which batches wait for a person."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hub.model import Batch, BatchState, Fetched, FileStamp, Stage, Tally
from hub.store.database import Work, plain, rows_of

BATCH = """select batch_id, feed_id, source_name, digest, state, parts, fetched_at, hold_code, hold_message, released_by,
                  changed_at, now() as seen_at from batch """


# Held in the very commit that brought it: for what stands beside the bytes, not for what stands in them.
HELD_AT_THE_DOOR = "state = 'held' and hold_code in ('F001', 'F007', 'F025') and read_at = fetched_at"

# Nothing waits of the batch's own records, nor of those it repeats.
ALL_ANSWERED = """not exists (
                    select 1 from delivery where delivery.batch_id = batch.batch_id and delivery.state in ('waiting', 'submitted'))
                  and not exists (
                    select 1 from repetition as r join delivery as d on d.schema_name = r.schema_name and d.record_id = r.record_id
                    where r.batch_id = batch.batch_id and d.state in ('waiting', 'submitted'))"""


def _batch(row: sa.Row[Any]) -> Batch:
    values = dict(row._mapping)
    return Batch(**{**values, "state": BatchState(values["state"]), "parts": tuple(values["parts"])})


def read_batch(work: Work, batch_id: int, *, lock: bool = False) -> Batch | None:
    """The batch, or None. With ``lock`` a second worker waits here until the first has committed."""
    found = rows_of(work, BATCH + "where batch_id = :batch_id" + (" for update" if lock else ""), batch_id=batch_id)
    return _batch(found[0]) if found else None


def seen_stamps(work: Work, feed_id: str) -> frozenset[FileStamp]:
    """Files of a feed that need not be read again: same name, size and time as when they were.

    A file held for its digest, flag or signature file is looked at again, because those may be mended beside it.
    """
    sql = f"""select source_name, stamp_size, stamp_modified_at from batch
              where feed_id = :feed_id and stamp_size is not null and not ({HELD_AT_THE_DOOR})"""
    return frozenset(
        FileStamp(row.source_name, row.stamp_size, row.stamp_modified_at) for row in rows_of(work, sql, feed_id=feed_id)
    )


def add_batch(
    work: Work, feed_id: str, fetched: Fetched, digest: str, parts: Sequence[str], mapping_digest: str, hub_version: str
) -> tuple[int, bool]:
    """Write down a fetch and how far the feed has come, in one commit; returns the id and whether it is new.

    The same bytes under the same name are the same batch: fetching twice adds nothing.
    """
    stamp = fetched.stamp
    sql = """insert into batch (feed_id, source_name, digest, state, parts, stamp_size, stamp_modified_at, printed_rows,
                                mapping_digest, hub_version)
             values (:feed_id, :source_name, :digest, 'fetched', :parts, :size, :modified_at, :printed_rows,
                     :mapping_digest, :hub_version)
             on conflict (feed_id, source_name, digest) do update
                set stamp_size = excluded.stamp_size, stamp_modified_at = excluded.stamp_modified_at
             returning batch_id, (xmax = 0) as is_new"""
    values: dict[str, Any] = {"feed_id": feed_id, "source_name": fetched.name, "digest": digest, "parts": list(parts)}
    values |= {"size": stamp.size if stamp else None, "modified_at": stamp.modified_at if stamp else None}
    values |= {"printed_rows": fetched.printed_rows}
    values |= {"mapping_digest": mapping_digest, "hub_version": hub_version}
    row = rows_of(work, sql, **values)[0]
    if fetched.cursor is not None:
        move_cursor(work, feed_id, fetched.cursor)
    return row.batch_id, row.is_new


def find_batch(work: Work, feed_id: str, source_name: str, digest: str) -> int | None:
    """The batch of just these bytes under this name, if there is one."""
    sql = "select batch_id from batch where feed_id = :feed_id and source_name = :source_name and digest = :digest"
    found = rows_of(work, sql, feed_id=feed_id, source_name=source_name, digest=digest)
    return int(found[0].batch_id) if found else None


def move_cursor(work: Work, feed_id: str, position: str) -> None:
    """Remember where the next fetch of this feed starts."""
    sql = """insert into feed_cursor (feed_id, position) values (:feed_id, :position)
             on conflict (feed_id) do update set position = excluded.position, moved_at = now()"""
    work.execute(sa.text(sql), {"feed_id": feed_id, "position": position})


def read_cursor(work: Work, feed_id: str) -> str | None:
    found = rows_of(work, "select position from feed_cursor where feed_id = :feed_id", feed_id=feed_id)
    return found[0].position if found else None


def twin_of(work: Work, feed_id: str, batch_id: int, source_name: str, digest: str) -> sa.Row[Any] | None:
    """The first earlier batch with this file's name or its bytes. One that is held, or was and is settled, took no effect."""
    sql = """select batch_id, source_name, digest from batch
             where feed_id = :feed_id and batch_id < :batch_id and hold_code is null
               and (source_name = :source_name or digest = :digest)
             order by batch_id limit 1"""
    found = rows_of(work, sql, feed_id=feed_id, batch_id=batch_id, source_name=source_name, digest=digest)
    return found[0] if found else None


def set_state(work: Work, batch_id: int, state: BatchState) -> None:
    """Move a batch on. Reading it (``stored``) starts the clock of its intake report anew."""
    sql = """update batch set state = :state, changed_at = now(),
                    read_at = case when :state = 'stored' then now() else read_at end where batch_id = :batch_id"""
    work.execute(sa.text(sql), {"batch_id": batch_id, "state": state.value})


def hold_batch(work: Work, batch_id: int, code: str, message: str, *, is_told: bool = True) -> None:
    """A person must act; nothing of the batch goes further until then. Its partner is told of it, unless it was told before."""
    sql = """update batch set state = 'held', hold_code = :code, hold_message = :message, changed_at = now(),
                    read_at = case when :is_told then now() else read_at end where batch_id = :batch_id"""
    work.execute(sa.text(sql), {"batch_id": batch_id, "code": code, "message": plain(message), "is_told": is_told})


def mend_hold(work: Work, batch_id: int) -> bool:
    """Let a batch go on whose digest or flag was put right beside the same bytes; whether it was held for one of these."""
    sql = f"""update batch set state = 'fetched', hold_code = null, hold_message = null, changed_at = now()
              where batch_id = :batch_id and {HELD_AT_THE_DOOR} returning batch_id"""
    return bool(rows_of(work, sql, batch_id=batch_id))


def release_hold(work: Work, batch_id: int, by: str | None) -> None:
    """Back to ``fetched``, so that the next step takes it up; ``by`` names the officer who took the decision."""
    sql = """update batch set state = 'fetched', hold_code = null, hold_message = null,
                    released_by = coalesce(:by, released_by), changed_at = now()
             where batch_id = :batch_id"""
    work.execute(sa.text(sql), {"batch_id": batch_id, "by": by})


def batches_in(work: Work, states: Iterable[BatchState], feed_id: str | None = None) -> list[Batch]:
    """Batches in one of these states, oldest first; of one feed or of all."""
    sql = (
        BATCH
        + """where state = any(:states) and (cast(:feed_id as text) is null or feed_id = :feed_id) order by batch_id"""
    )
    return [_batch(row) for row in rows_of(work, sql, states=[state.value for state in states], feed_id=feed_id)]


def is_held(work: Work, feed_id: str, code: str) -> bool:
    """Whether a batch of this feed is held for this reason already."""
    sql = "select 1 from batch where feed_id = :feed_id and state = 'held' and hold_code = :code limit 1"
    return bool(rows_of(work, sql, feed_id=feed_id, code=code))


def answered_batches(work: Work) -> list[int]:
    """Stored batches whose deliveries are all answered, those of the records they repeat as well; one worker's until the commit."""
    sql = (
        f"select batch_id from batch where state = 'stored' and {ALL_ANSWERED} order by batch_id for update skip locked"
    )
    return [row.batch_id for row in rows_of(work, sql)]


def mark_delivered(work: Work, batch_ids: Sequence[int]) -> None:
    """Move these batches on."""
    sql = "update batch set state = 'delivered', changed_at = now() where batch_id = any(:ids)"
    work.execute(sa.text(sql), {"ids": list(batch_ids)})


def printed_rows(work: Work, batch_id: int) -> int | None:
    """The rows of a batch as they were counted when it was fetched, where anybody counted them."""
    found = rows_of(work, "select printed_rows from batch where batch_id = :batch_id", batch_id=batch_id)
    return found[0].printed_rows if found else None


def write_tally(work: Work, batch_id: int, tally: Tally) -> None:
    columns = ", ".join(name for name in Tally.__dataclass_fields__ if name != "schema")
    places = ", ".join(f":{name}" for name in Tally.__dataclass_fields__ if name != "schema")
    sql = f"insert into tally (batch_id, schema_name, {columns}) values (:batch_id, :schema, {places})"
    work.execute(sa.text(sql), {"batch_id": batch_id, **vars(tally)})


def raise_alarm(work: Work, feed_id: str, batch_id: int | None, message: str) -> None:
    """Something an admin should know that stops nothing; said once a day and feed, because a flood is read by nobody."""
    sql = """insert into alarm (feed_id, batch_id, message)
             select cast(:feed_id as text), cast(:batch_id as bigint), cast(:message as text)
             where not exists (select 1 from alarm where feed_id = :feed_id and message = :message
                                      and raised_at > now() - interval '1 day')"""
    work.execute(sa.text(sql), {"feed_id": feed_id, "batch_id": batch_id, "message": plain(message)})


def read_alarms(work: Work, most: int) -> Sequence[sa.Row[Any]]:
    """The newest alarms, those of no batch included, oldest of them first."""
    sql = """select * from (select alarm_id, raised_at, feed_id, batch_id, message from alarm order by alarm_id desc limit :most)
             as newest order by alarm_id"""
    return rows_of(work, sql, most=most)


def forget_reading(work: Work, batch_id: int) -> None:
    """Before a batch is read again: drop what the last reading concluded. Records stay, they are versioned."""
    for table in ("rejection", "repetition", "tally", "routing", "alarm"):
        work.execute(sa.text(f"delete from {table} where batch_id = :batch_id"), {"batch_id": batch_id})


def last_reported(work: Work, batch_id: int, stage: Stage) -> str | None:
    """The digest of the report of this stage that went out last; a return file stands as it was put last."""
    sql = """select digest from report where batch_id = :batch_id and stage = :stage and digest <> ''
             order by sent_at desc limit 1"""
    found = rows_of(work, sql, batch_id=batch_id, stage=stage.value)
    return found[0].digest if found else None


def write_report(work: Work, batch_id: int, stage: Stage, digest: str, rows: int) -> None:
    """Note a report as sent; ``digest`` is of its content, so another content is another report."""
    sql = """insert into report (batch_id, stage, digest, row_count, sent_at) values (:batch_id, :stage, :digest, :rows, now())
             on conflict (batch_id, stage, digest) do update set sent_at = now()"""
    work.execute(sa.text(sql), {"batch_id": batch_id, "stage": stage.value, "digest": digest, "rows": rows})


def mark_told(work: Work, batch_id: int, stage: Stage, as_of: datetime | None) -> None:
    """The partner knows everything of this stage as it stood at that moment; what changed since is still owed."""
    sql = """insert into report (batch_id, stage, digest, row_count, sent_at) values (:batch_id, :stage, '', 0, :as_of)
             on conflict (batch_id, stage, digest) do update set sent_at = greatest(report.sent_at, excluded.sent_at)"""
    work.execute(sa.text(sql), {"batch_id": batch_id, "stage": stage.value, "as_of": as_of})


def mark_reported(work: Work, batch_id: int, changed_at: datetime | None) -> bool:
    """The batch has gone its way, unless it was moved since it was read: then its partner is owed another word."""
    sql = """update batch set state = 'reported', changed_at = now()
             where batch_id = :batch_id and state = 'delivered' and changed_at = :changed_at returning batch_id"""
    return bool(rows_of(work, sql, batch_id=batch_id, changed_at=changed_at))


def unreported(work: Work, stage: Stage, feed_ids: Sequence[str]) -> list[Batch]:
    """Batches that owe their partner a report of this stage: read and not told since, or answered (``delivered``).

    A receiver that joined since, or got the records once more, is waited for: an answer is told once, and never as a delay.
    """
    untold = """state in ('stored', 'delivered', 'reported', 'held') and not exists (
                    select 1 from report where report.batch_id = batch.batch_id and report.stage = 'intake'
                           and report.sent_at >= batch.read_at)"""
    owed = untold if stage is Stage.INTAKE else f"state = 'delivered' and {ALL_ANSWERED}"
    sql = BATCH + f"where {owed} and feed_id = any(:feed_ids) order by batch_id"
    return [_batch(row) for row in rows_of(work, sql, feed_ids=list(feed_ids))]


def detail_rows(work: Work, batch_id: int) -> int:
    """Rows of the batch as its partner counts them: the detail lines read, or what its flag says of a held file."""
    sql = """select coalesce((select max(fetched_rows) from tally where batch_id = :batch_id),
                             (select printed_rows from batch where batch_id = :batch_id), 0) as rows"""
    return int(rows_of(work, sql, batch_id=batch_id)[0].rows)
