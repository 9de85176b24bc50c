"""Incidents and the notices of them: one open incident of a kind and subject, one notice of each occasion."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hub.incidents import Incident, Kind, Notice, Occasion, Wanted
from hub.store.database import Work, rows_of

COLUMNS = "incident_id, kind, subject, level, detail, due_at, opened_at, closed_at"
TURN = 7_019_001
"""The lock of decision 0018; nothing else uses this number."""


def take_turn(work: Work) -> None:
    """Wait until no other evaluation is under way; the turn ends with the transaction."""
    work.execute(sa.text("select pg_advisory_xact_lock(:turn)"), {"turn": TURN})


def open_incidents(work: Work) -> list[Incident]:
    """All that are open, oldest first."""
    return [
        _incident(row._mapping)
        for row in rows_of(work, f"select {COLUMNS} from incident where closed_at is null order by 1")
    ]


def newest_incidents(work: Work, most: int) -> list[Incident]:
    """The newest, open or not, oldest of them first."""
    sql = f"""select * from (select {COLUMNS} from incident order by incident_id desc limit :most) as newest
              order by incident_id"""
    return [_incident(row._mapping) for row in rows_of(work, sql, most=most)]


def open_incident(work: Work, wanted: Wanted, moment: datetime) -> None:
    """Open it and write its notice; nothing when it is open already."""
    sql = """insert into incident (kind, subject, level, detail, due_at, opened_at)
             values (:kind, :subject, :level, cast(:detail as jsonb), :due_at, :moment)
             on conflict (kind, subject) where closed_at is null do nothing returning incident_id"""
    values = {"kind": wanted.kind.value, "subject": wanted.subject, "level": wanted.level, "due_at": wanted.due_at}
    for row in rows_of(work, sql, **values, detail=json.dumps(dict(wanted.detail)), moment=moment):
        _write_notice(work, row.incident_id, Occasion.OPENED, moment)


def renew_incident(work: Work, incident: Incident, wanted: Wanted, moment: datetime) -> None:
    """Keep the counts of an open one fresh; when it got worse, write a notice of that."""
    sql = """update incident set level = greatest(level, :level), detail = cast(:detail as jsonb)
             where incident_id = :id and closed_at is null"""
    values = {"id": incident.incident_id, "level": wanted.level, "detail": json.dumps(dict(wanted.detail))}
    work.execute(sa.text(sql), values)
    if wanted.level > incident.level:
        _write_notice(work, incident.incident_id, Occasion.WORSENED, moment)


def close_incident(work: Work, incident: Incident, moment: datetime) -> None:
    """Close it and write its notice; nothing when it is closed already."""
    sql = "update incident set closed_at = :moment where incident_id = :id and closed_at is null returning incident_id"
    for row in rows_of(work, sql, id=incident.incident_id, moment=moment):
        _write_notice(work, row.incident_id, Occasion.CLOSED, moment)


def _write_notice(work: Work, incident_id: int, occasion: Occasion, moment: datetime) -> None:
    sql = """insert into notice (incident_id, occasion, made_at) values (:id, :occasion, :moment)
             on conflict (incident_id, occasion) do nothing"""
    work.execute(sa.text(sql), {"id": incident_id, "occasion": occasion.value, "moment": moment})


def waiting_notices(work: Work, moment: datetime) -> int:
    """How many notices could go out now."""
    sql = """select count(*) as waiting from notice
             where sent_at is null and (not_before is null or not_before <= :moment)"""
    return int(rows_of(work, sql, moment=moment)[0].waiting)


def claim_notice(work: Work, moment: datetime) -> Notice | None:
    """The oldest notice that may go out, kept from every other sender until the commit; None when there is none.

    Of one incident the earlier notice goes first, also when its sending was put off.
    """
    sql = f"""select notice_id, notice_key, occasion, attempts, {COLUMNS}
              from notice join incident using (incident_id)
              where sent_at is null and (not_before is null or not_before <= :moment)
                and not exists (select 1 from notice as earlier where earlier.incident_id = notice.incident_id
                                and earlier.notice_id < notice.notice_id and earlier.sent_at is null)
              order by notice_id limit 1 for update of notice skip locked"""
    for row in rows_of(work, sql, moment=moment):
        facts = row._mapping
        return Notice(row.notice_id, str(row.notice_key), Occasion(row.occasion), row.attempts, _incident(facts))
    return None


def mark_sent(work: Work, notice: Notice, moment: datetime) -> None:
    sql = "update notice set sent_at = :moment, attempts = attempts + 1 where notice_id = :id"
    work.execute(sa.text(sql), {"id": notice.notice_id, "moment": moment})


def put_off(work: Work, notice: Notice, until: datetime) -> None:
    """It could not be sent; the next try is not before this."""
    sql = "update notice set not_before = :until, attempts = attempts + 1 where notice_id = :id"
    work.execute(sa.text(sql), {"id": notice.notice_id, "until": until})


def _incident(facts: Mapping[Any, Any]) -> Incident:
    values = {name: facts[name] for name in Incident.__dataclass_fields__}
    return Incident(**{**values, "kind": Kind(facts["kind"])})
