"""Deliveries: which record owes which receiver a sending, what was sent in one submission, and what came back."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from hub.feed import Receives
from hub.model import ReceiptAnswer
from hub.store.database import Work, plain, rows_of
from schemas.catalogue import SCHEMAS

# Envelope columns of a record table; everything else is the shared schema's.
ENVELOPE = ("record_id", "batch_id", "part_no", "row_no", "printed_no", "source_key", "record_key", "version",
            "content_digest", "fen", "is_current", "stored_at")  # fmt: skip

OWED = "receiver, schema_name, record_id, record_key, version, batch_id, row_no, fen, idempotency_key"


@dataclass(frozen=True)
class Submission:
    """Records sent together. ``batch_key`` is ours and never changes; ``serial_code`` is the receiver's, once it gave one."""

    submission_id: int
    receiver: str
    schema: str
    batch_key: str
    serial_code: str | None


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

    A later version of a business key stays behind until the earlier one is answered. Records that came back go out in ever
    smaller groups, so that one record a receiver cannot read does not take its neighbours along for good.
    """
    opened = """insert into submission (receiver, schema_name, batch_key) values (:receiver, :schema, :batch_key)
                returning submission_id"""
    submission_id = rows_of(work, opened, receiver=receiver, schema=schema, batch_key=batch_key)[0].submission_id
    sql = """with locked as (
                select delivery_id, attempts from delivery as d
                where receiver = :receiver and schema_name = :schema and state = 'waiting'
                  and (not_before is null or not_before <= now())
                  and not exists (select 1 from delivery as e
                                  where e.receiver = d.receiver and e.schema_name = d.schema_name and e.record_key = d.record_key
                                    and e.version < d.version and e.state in ('waiting', 'submitted'))
                order by attempts, delivery_id limit :limit for update skip locked),
             ranked as (
                select delivery_id, attempts, min(attempts) over () as fewest,
                       row_number() over (order by attempts, delivery_id) as place
                from locked),
             next as (
                select delivery_id from ranked
                where attempts = fewest and place <= greatest(1, :limit / (4 ^ least(fewest, 8)::int)))
             update delivery set state = 'submitted', submission_id = :submission_id, attempts = attempts + 1, changed_at = now()
             from next where delivery.delivery_id = next.delivery_id"""
    values = {"receiver": receiver, "schema": schema, "limit": limit, "submission_id": submission_id}
    if work.execute(sa.text(sql), values).rowcount == 0:
        work.execute(sa.text("delete from submission where submission_id = :id"), {"id": submission_id})
        return None
    return Submission(submission_id, receiver, schema, batch_key, None)


def open_submissions(work: Work, receiver: str) -> list[Submission]:
    """Submissions without an answer yet, oldest first. One without serial code may or may not have reached the receiver."""
    sql = """select submission_id, receiver, schema_name, batch_key, serial_code from submission
             where receiver = :receiver and answered_at is null order by submission_id"""
    return [
        Submission(row.submission_id, row.receiver, row.schema_name, row.batch_key, row.serial_code)
        for row in rows_of(work, sql, receiver=receiver)
    ]


def payload_of(work: Work, submission: Submission) -> list[dict[str, Any]]:
    """The records of a submission as they are sent: the shared schema's fields, with keys and version."""
    fields = " - ".join(f"'{name}'" for name in ENVELOPE)
    sql = f"""select delivery.idempotency_key, delivery.record_key, delivery.version, to_jsonb(r) - {fields} as fields
              from delivery join record.{submission.schema} as r using (record_id)
              where submission_id = :submission_id order by delivery_id"""
    found = rows_of(work, sql, submission_id=submission.submission_id)
    return [
        {"idempotencyKey": row.idempotency_key, "recordKey": row.record_key, "version": row.version, **row.fields}
        for row in found
    ]


def write_serial(work: Work, submission_id: int, serial_code: str) -> None:
    sql = "update submission set serial_code = :serial, submitted_at = now() where submission_id = :id"
    work.execute(sa.text(sql), {"serial": serial_code, "id": submission_id})


def write_receipts(
    work: Work, submission: Submission, answers: Sequence[ReceiptAnswer], receives: Receives, refusal: str | None = None
) -> None:
    """Write one receipt for each record of a submission and move its delivery on, in one commit.

    A delayed record waits twice as long each time. It is given up (refused, R002) after ``delayed_at_most`` tries, or at once
    when the receiver refused its parent. A record the receiver did not mention is delayed too: asked again, never assumed.
    With ``refusal`` (its words) the receiver turned the submission down as a whole: all of it is delayed, given up as R003.
    """
    given: dict[str, dict[str, Any]] = {}
    for a in answers:  # of two answers to one record the first counts; receipt and state cannot differ
        facts: dict[str, str | None] = {"outcome": a.outcome.value, "code": plain(a.code), "message": plain(a.message)}
        facts["remote_id"] = None if a.remote_id is None else plain(str(a.remote_id))
        given.setdefault(a.idempotency_key, {"key": a.idempotency_key, **facts})
    orphaned = _parent_refused(submission.schema, receives.records)
    sql = f"""with given as (select * from jsonb_to_recordset(cast(:given as jsonb))
                                as g(key text, outcome text, code text, message text, remote_id text)),
             judged as (
                select d.delivery_id, coalesce(g.code, :code) as code, coalesce(g.message, :message) as message, g.remote_id,
                       coalesce(g.outcome, 'delayed') as outcome,
                       d.attempts > :delayed_at_most or {orphaned} as given_up
                from delivery as d left join given as g on g.key = d.idempotency_key
                where d.submission_id = :submission_id and d.state = 'submitted'),
             answered as (
                select delivery_id, message, remote_id,
                       case when outcome = 'delayed' and given_up then 'refused' else outcome end as outcome,
                       case when outcome = 'delayed' and given_up then :given_up_code else code end as code
                from judged),
             written as (
                insert into receipt (delivery_id, submission_id, outcome, code, message, remote_id)
                select delivery_id, :submission_id, outcome, code, message, remote_id from answered
                on conflict (delivery_id, submission_id) do nothing)
             update delivery set changed_at = now(),
                    state = case answered.outcome when 'delayed' then 'waiting' else answered.outcome end,
                    not_before = case answered.outcome when 'delayed'
                                 then now() + interval '1 second' * :delayed_seconds * 2 ^ (delivery.attempts - 1) end
             from answered where delivery.delivery_id = answered.delivery_id"""
    values: dict[str, Any] = {"given": json.dumps(list(given.values())), "submission_id": submission.submission_id}
    values |= {"code": "R001" if refusal is None else "S002", "message": plain(refusal or "")}
    values |= {"given_up_code": "R002" if refusal is None else "R003"}
    values |= {"delayed_at_most": receives.delayed_at_most, "delayed_seconds": receives.delayed_seconds}
    work.execute(sa.text(sql), values)
    work.execute(
        sa.text("update submission set answered_at = now() where submission_id = :id"), {"id": submission.submission_id}
    )


def wake_refused(work: Work, batch_id: int) -> int:
    """Let the refused deliveries of a batch go out once more, as if for the first time; returns how many.

    One that a later version followed stays as it is: sent after it, it would take the correction back.
    """
    sql = """update delivery as d set state = 'waiting', attempts = 0, not_before = null, changed_at = now()
             where batch_id = :batch_id and state = 'refused'
               and not exists (select 1 from delivery as e
                               where e.receiver = d.receiver and e.schema_name = d.schema_name and e.record_key = d.record_key
                                 and e.version > d.version)"""
    return work.execute(sa.text(sql), {"batch_id": batch_id}).rowcount


def _parent_refused(schema: str, taken: Collection[str]) -> str:
    """SQL that is true for a delivery ``d`` whose parent record this receiver refused and has not taken since.

    A parent that it does not take at all is no obstacle.
    """
    found = ["false"]
    for parent in [name for name in SCHEMAS[schema].parents if name in taken]:
        key = " || '/' || ".join(f"r.{column}" for column in SCHEMAS[parent].business_key)
        found.append(
            f"""exists (select 1 from record.{schema} as r join delivery as p
                        on p.receiver = d.receiver and p.schema_name = '{parent}' and p.record_key = {key}
                        where r.record_id = d.record_id having bool_and(p.state = 'refused'))"""
        )
    return " or ".join(found)


def waiting_count(work: Work, receiver: str) -> tuple[int, float | None]:
    """How many deliveries are not answered yet, and in how many seconds the next of them may go (None: none waits)."""
    sql = """select count(*) as waiting,
                    extract(epoch from min(coalesce(not_before, now())) filter (where state = 'waiting') - now()) as seconds
             from delivery where receiver = :receiver and state in ('waiting', 'submitted')"""
    row = rows_of(work, sql, receiver=receiver)[0]
    return row.waiting, None if row.seconds is None else max(0.0, float(row.seconds))
