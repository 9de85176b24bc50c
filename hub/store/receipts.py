"""Receipts: what a receiver answered about each record of a submission, written with the state it moves the delivery to."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from hub.feed import Receives
from hub.model import ReceiptAnswer
from hub.store.database import Work, plain, rows_of
from hub.store.deliveries import Submission
from schemas.catalogue import SCHEMAS

DONE = "update submission set answered_at = now(), state = 'answered' where submission_id = :id and answered_at is null"


@dataclass(frozen=True)
class OddAnswers:
    """What was odd about the answers to a submission; ids of deliveries and counts only.

    ``strays`` speak of nothing that was sent in it, ``contradicted`` records were given answers that exclude each other,
    ``unmentioned`` ones none.
    """

    strays: int = 0
    contradicted: int = 0
    unmentioned: int = 0


def write_receipts(
    work: Work, submission: Submission, answers: Sequence[ReceiptAnswer], receives: Receives, refusal: str | None = None
) -> OddAnswers:
    """Write one receipt for each record of a submission and move its delivery on, in one commit; returns what was odd.

    A delayed record waits twice as long each time. It is given up (refused, R002) after ``delayed_at_most`` tries, or at once
    when the receiver refused its parent. A record the receiver did not mention, or gave answers that exclude each other (R004),
    is delayed too: asked again under its key, never assumed. Nothing answered before is changed by what comes late.
    With ``refusal`` (its words) the receiver turned the submission down as a whole: all of it is delayed, given up as R003.
    """
    given, contradicted = _agreeing(answers)
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
             update delivery set changed_at = now(), splits = splits + :split,
                    state = case answered.outcome when 'delayed' then 'waiting' else answered.outcome end,
                    not_before = case answered.outcome when 'delayed'
                                 then now() + interval '1 second' * :delayed_seconds * 2 ^ least(delivery.attempts - 1, 10) end
             from answered where delivery.delivery_id = answered.delivery_id"""
    values: dict[str, Any] = {"given": json.dumps(list(given.values())), "submission_id": submission.submission_id}
    values |= {"code": "R001" if refusal is None else "S002", "message": plain(refusal or "")}
    values |= {"given_up_code": "R002" if refusal is None else "R003", "split": 0 if refusal is None else 1}
    values |= {"delayed_at_most": receives.delayed_at_most, "delayed_seconds": receives.delayed_seconds}
    odd = _compare_keys(work, submission, given, contradicted) if refusal is None else OddAnswers()
    work.execute(sa.text(sql), values)
    work.execute(sa.text(DONE), {"id": submission.submission_id})
    return odd


def refuse_records(work: Work, submission: Submission, keys: Sequence[str], code: str, message: str) -> int:
    """Write that these records of a submission are not sent, for a reason of ours; returns how many of it are left.

    A submission of which none is left is answered.
    """
    sql = """with aside as (
                update delivery set state = 'refused', changed_at = now()
                where submission_id = :submission_id and state = 'submitted' and idempotency_key = any(:keys)
                returning delivery_id)
             insert into receipt (delivery_id, submission_id, outcome, code, message)
             select delivery_id, :submission_id, 'refused', :code, :message from aside
             on conflict (delivery_id, submission_id) do nothing"""
    values = {"submission_id": submission.submission_id, "keys": list(keys), "code": code, "message": plain(message)}
    work.execute(sa.text(sql), values)
    sql = "select count(*) as records from delivery where submission_id = :id and state = 'submitted'"
    left = int(rows_of(work, sql, id=submission.submission_id)[0].records)
    if not left:
        work.execute(sa.text(DONE), {"id": submission.submission_id})
    return left


def _agreeing(answers: Sequence[ReceiptAnswer]) -> tuple[dict[str, dict[str, Any]], int]:
    """One answer per record, by its key; how many records were given two that exclude each other (those count as delayed)."""
    given: dict[str, dict[str, Any]] = {}
    contradicted: set[str] = set()
    for a in answers:
        facts: dict[str, Any] = {"key": a.idempotency_key, "outcome": a.outcome.value, "code": plain(a.code)}
        facts |= {"message": plain(a.message), "remote_id": None if a.remote_id is None else plain(str(a.remote_id))}
        before = given.setdefault(a.idempotency_key, facts)
        if before["outcome"] != facts["outcome"]:
            contradicted.add(a.idempotency_key)
    for key in contradicted:
        given[key] = {"key": key, "outcome": "delayed", "code": "R004", "message": "", "remote_id": None}
    return given, len(contradicted)


def _compare_keys(
    work: Work, submission: Submission, given: Mapping[str, Mapping[str, Any]], contradicted: int
) -> OddAnswers:
    sql = "select idempotency_key from delivery where submission_id = :id and state = 'submitted'"
    sent = {row.idempotency_key for row in rows_of(work, sql, id=submission.submission_id)}
    return OddAnswers(len(given.keys() - sent), contradicted, len(sent - given.keys()))


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
