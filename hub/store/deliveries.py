"""Deliveries: which record owes which receiver a sending, what was sent in one submission, and what came back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from hub.errors import Unwritable
from hub.sealing import Destroyed
from hub.store.database import Work, rows_of
from hub.store.places import Place, record_place, record_row
from hub.store.sealed import from_json, open_columns
from schemas.catalogue import SCHEMAS

# Envelope columns of a record table; everything else is the shared schema's.
ENVELOPE = ("record_id", "batch_id", "part_no", "row_no", "printed_no", "source_key", "record_key", "version",
            "content_digest", "fen", "is_current", "stored_at", "sealed_key")  # fmt: skip

OWED = "receiver, schema_name, record_id, record_key, version, batch_id, row_no, fen, idempotency_key"


@dataclass(frozen=True)
class Submission:
    """Records sent together. ``batch_key`` is ours and never changes; ``serial_code`` is the receiver's, once it gave one.

    Without serial code and answer nobody knows whether it reached the receiver; ``refusals`` counts how often it was turned down
    as a whole for no agreed reason.
    """

    submission_id: int
    receiver: str
    schema: str
    batch_key: str
    serial_code: str | None
    refusals: int = 0


def add_deliveries(work: Work, batch_id: int, schema: str, routes: Sequence[tuple[str, str]], feed_id: str) -> None:
    """Write the intent to send beside the records themselves, in their commit: to each receiver whose area the record lies in.

    Of a batch that is read again, what was corrected since is no news: a receiver that joined later has the correction.

    The idempotency key is frozen here: feed, business key, version and content. A resend of the same fact carries the same
    key; a content that comes back after another one was sent in between does not.
    """
    sql = f"""insert into delivery ({OWED})
              select receiver, cast(:schema as text), record_id, record_key, version, batch_id, row_no, fen,
                     {_idempotency_key("cast(:feed_id as text)")}
              from record.{schema} join unnest(cast(:receivers as text[]), cast(:areas as text[]))
                                      with ordinality as route (receiver, area, place)
                   on starts_with({SCHEMAS[schema].area}, route.area)
              where batch_id = :batch_id and is_current order by record_id, route.place
              on conflict (receiver, schema_name, record_key, version) do nothing"""
    values: dict[str, Any] = {"schema": schema, "feed_id": feed_id, "batch_id": batch_id}
    values |= {"receivers": [name for name, _ in routes], "areas": [area for _, area in routes]}
    if routes:
        work.execute(sa.text(sql), values)


def add_missing(work: Work, receiver: str, schema: str, areas: Sequence[str]) -> int:
    """Owe a receiver what stands on record in its areas and was never owed to it; returns how many records."""
    sql = f"""insert into delivery ({OWED})
              select cast(:receiver as text), cast(:schema as text), record_id, record_key, version, batch_id, row_no, fen,
                     {_idempotency_key("feed_id")}
              from record.{schema} as r join batch using (batch_id)
              where is_current and {SCHEMAS[schema].area} ~ :shape
                and not exists (select 1 from delivery as d where d.receiver = :receiver and d.schema_name = :schema
                                                              and d.record_key = r.record_key and d.version >= r.version)
              order by record_id
              on conflict (receiver, schema_name, record_key, version) do nothing"""
    shape = f"^({'|'.join(areas)})"
    return work.execute(sa.text(sql), {"receiver": receiver, "schema": schema, "shape": shape}).rowcount


def _idempotency_key(feed_id: str) -> str:
    """SQL for the key of a record's version: what the receiver knows a second sending by."""
    facts = f"{feed_id}, cast(:schema as text), record_key, version, content_digest"
    return f"encode(sha256(convert_to(concat_ws('|', {facts}), 'UTF8')), 'hex')"


def schemas_due(work: Work, receiver: str) -> set[str]:
    """The schemas of which something may go to this receiver now."""
    sql = """select distinct schema_name from delivery
             where receiver = :receiver and state = 'waiting' and (not_before is null or not_before <= now())"""
    return {row.schema_name for row in rows_of(work, sql, receiver=receiver)}


def claim_waiting(work: Work, receiver: str, schema: str, batch_key: str, limit: int) -> Submission | None:
    """Bind up to ``limit`` waiting deliveries to a new submission; None when nothing waits.

    A later version of a business key stays behind until the earlier one is answered. Records that came back because the whole
    submission was turned down go out in ever smaller groups, so that one record a receiver cannot read does not take its
    neighbours along for good; those that are only delayed go out together.
    """
    opened = """insert into submission (receiver, schema_name, batch_key) values (:receiver, :schema, :batch_key)
                returning submission_id"""
    submission_id = rows_of(work, opened, receiver=receiver, schema=schema, batch_key=batch_key)[0].submission_id
    sql = """with locked as (
                select delivery_id, splits from delivery as d
                where receiver = :receiver and schema_name = :schema and state = 'waiting'
                  and (not_before is null or not_before <= now())
                  and not exists (select 1 from delivery as e
                                  where e.receiver = d.receiver and e.schema_name = d.schema_name and e.record_key = d.record_key
                                    and e.version < d.version and e.state in ('waiting', 'submitted'))
                order by splits, delivery_id limit :limit for update skip locked),
             ranked as (
                select delivery_id, splits, min(splits) over () as fewest, row_number() over (order by splits, delivery_id) as place
                from locked),
             next as (
                select delivery_id from ranked
                where splits = fewest and place <= greatest(1, :limit / (4 ^ least(fewest, 8)::int)))
             update delivery set state = 'submitted', submission_id = :submission_id, attempts = attempts + 1, changed_at = now()
             from next where delivery.delivery_id = next.delivery_id"""
    values = {"receiver": receiver, "schema": schema, "limit": limit, "submission_id": submission_id}
    if work.execute(sa.text(sql), values).rowcount == 0:
        work.execute(sa.text("delete from submission where submission_id = :id"), {"id": submission_id})
        return None
    return Submission(submission_id, receiver, schema, batch_key, None)


def open_submissions(work: Work, receiver: str) -> list[Submission]:
    """Submissions without an answer yet, oldest first. One without serial code may or may not have reached the receiver."""
    sql = """select submission_id, receiver, schema_name as schema, batch_key, serial_code, refusals from submission
             where receiver = :receiver and answered_at is null order by submission_id"""
    return [Submission(**row._mapping) for row in rows_of(work, sql, receiver=receiver)]


def bound_records(work: Work, submission: Submission) -> list[str]:
    """The idempotency keys of the records that a submission has to hand over, in the order in which they were owed."""
    sql = """select idempotency_key from delivery where submission_id = :submission_id and state = 'submitted'
             order by delivery_id"""
    return [row.idempotency_key for row in rows_of(work, sql, submission_id=submission.submission_id)]


def payload_of(work: Work, submission: Submission, keys: Sequence[str]) -> list[dict[str, Any]]:
    """These records of a submission as they are sent: the shared schema's fields, with keys and version."""
    place = record_place(submission.schema)
    fields = " - ".join(f"'{name}'" for name in (*ENVELOPE, *(f"{column}_index" for column in place.indexed)))
    sql = f"""select delivery.idempotency_key, delivery.record_key, delivery.version, to_jsonb(r) - {fields} as fields
              from delivery join record.{submission.schema} as r using (record_id)
              where submission_id = :submission_id and delivery.idempotency_key = any(:keys) order by delivery_id"""
    found = rows_of(work, sql, submission_id=submission.submission_id, keys=list(keys))
    _open_fields(work, place, found)
    return [
        {"idempotencyKey": row.idempotency_key, "recordKey": row.record_key, "version": row.version, **row.fields}
        for row in found
    ]


def _open_fields(work: Work, place: Place, found: Sequence[sa.Row[Any]]) -> None:
    """Put the texts of sealed fields in their places, all rows of a column at once. Raises Unwritable for those that are gone."""
    rows = [record_row(row.version, row.record_key) for row in found]
    sealed = {column: [from_json(row.fields[column]) for row in found] for column in place.columns}
    gone = set()
    for column, texts in open_columns(work, place, rows, sealed).items():
        for row, text in zip(found, texts, strict=True):
            row.fields[column] = text
            if isinstance(text, Destroyed):
                gone.add(row.idempotency_key)
    if gone:
        raise Unwritable("personal values whose key was destroyed", sorted(gone))


def write_serial(work: Work, submission_id: int, serial_code: str) -> None:
    """The receiver has it, under this serial code; what is answered already stays so."""
    sql = """update submission set serial_code = :serial, submitted_at = now(), state = 'submitted'
             where submission_id = :id and answered_at is null"""
    work.execute(sa.text(sql), {"serial": serial_code, "id": submission_id})


def unknown_submissions(work: Work) -> Sequence[sa.Row[Any]]:
    """Submissions of which nobody knows whether they took effect: receiver, schema, records, since when, how often asked."""
    sql = """select submission_id, receiver, schema_name, count(delivery_id) as records, opened_at, inquiries, refusals
             from submission left join delivery using (submission_id, receiver, schema_name)
             where submission.state = 'unknown' group by 1, 2, 3, 5, 6, 7 order by submission_id"""
    return rows_of(work, sql)


def mark_unknown(work: Work, submission_id: int) -> None:
    """It was sent and no answer came: nobody knows whether it took effect, until the receiver is asked."""
    sql = "update submission set state = 'unknown' where submission_id = :id and serial_code is null and answered_at is null"
    work.execute(sa.text(sql), {"id": submission_id})


def note_inquiry(work: Work, submission_id: int) -> None:
    """The receiver was asked whether it has this submission; kept for those who watch unknown outcomes."""
    work.execute(
        sa.text("update submission set inquiries = inquiries + 1 where submission_id = :id"), {"id": submission_id}
    )


def note_refusal(work: Work, submission_id: int) -> int:
    """Count that a submission was turned down as a whole for no agreed reason; returns how often by now."""
    sql = (
        "update submission set refusals = refusals + 1, state = 'unknown' where submission_id = :id returning refusals"
    )
    return int(rows_of(work, sql, id=submission_id)[0].refusals)


def waiting_count(work: Work, receiver: str) -> tuple[int, float | None]:
    """How many deliveries are not answered yet, and in how many seconds the next of them may go (None: none waits)."""
    sql = """select count(*) as waiting,
                    extract(epoch from min(coalesce(not_before, now())) filter (where state = 'waiting') - now()) as seconds
             from delivery where receiver = :receiver and state in ('waiting', 'submitted')"""
    row = rows_of(work, sql, receiver=receiver)[0]
    return row.waiting, None if row.seconds is None else max(0.0, float(row.seconds))
