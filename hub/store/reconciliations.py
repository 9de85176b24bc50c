"""Reconciliation in the database: our side of a day, what was found, and what goes out once more because of it."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import Any

import sqlalchemy as sa

from hub.feed import Receives
from hub.model import StatementLine
from hub.reconciliation import FILE, Difference, Kind, Reconciled, Total
from hub.store.database import Work, plain, rows_of

# The answer that counts is a delivery's last one; of several versions of a key, the newest that was answered.
ANSWERED = """select d.schema_name, d.record_key, d.version, d.fen, d.state, t.outcome, t.code, t.message, t.remote_id
              from receipt as t join delivery as d using (delivery_id)
              where d.receiver = :receiver and t.outcome <> 'delayed' and {which}
                and not exists (select 1 from receipt as n where n.delivery_id = t.delivery_id and n.receipt_id > t.receipt_id
                                       and n.outcome <> 'delayed')
                and not exists (select 1 from delivery as e join receipt as n using (delivery_id)
                                where e.receiver = d.receiver and e.schema_name = d.schema_name and e.record_key = d.record_key
                                  and e.version > d.version and n.outcome <> 'delayed')
              order by d.schema_name, d.record_key"""


def answered_on(
    work: Work, receiver: str, receives: Receives, day: date, moneyless: Collection[str]
) -> list[StatementLine]:
    """What a receiver answered on a day of Shanghai, by our receipts. ``moneyless`` schemas go to it without their amount."""
    which = "t.answered_at >= cast(:day as date) and t.answered_at < cast(:day as date) + 1"
    found = rows_of(work, ANSWERED.format(which=which), receiver=receiver, day=day)
    return [_answered(row, receives, moneyless) for row in found]


def answered_of(
    work: Work, receiver: str, receives: Receives, keys: Sequence[tuple[str, str]], moneyless: Collection[str]
) -> list[StatementLine]:
    """What we know of these records at a receiver, whenever it was answered; those that wait for an answer too."""
    which = """(d.schema_name, d.record_key) in
               (select * from unnest(cast(:schemas as text[]), cast(:keys as text[])))"""
    values: dict[str, Any] = {"receiver": receiver}
    values |= {"schemas": [schema for schema, _ in keys], "keys": [key for _, key in keys]}
    found = [_answered(row, receives, moneyless) for row in rows_of(work, ANSWERED.format(which=which), **values)]
    known = {(line.schema, line.key) for line in found}
    waiting = f"""select distinct schema_name, record_key from delivery as d
                  where receiver = :receiver and state in ('waiting', 'submitted') and {which}"""
    rest = (StatementLine(row.schema_name, row.record_key, "waiting") for row in rows_of(work, waiting, **values))
    return found + [line for line in rest if (line.schema, line.key) not in known]


def _answered(row: sa.Row[Any], receives: Receives, moneyless: Collection[str]) -> StatementLine:
    has_it = row.code in receives.exists.codes or any(words in row.message for words in receives.exists.words)
    return StatementLine(
        row.schema_name,
        row.record_key,
        row.outcome,
        fen=None if row.schema_name in moneyless else row.fen,
        version=row.version,
        remote_id=row.remote_id or "",
        is_known=has_it,
    )


def files_of(work: Work, details: Mapping[str, str], day: date) -> list[StatementLine]:
    """The files of a business day by feed: rows and fen of the schema that its lines become (``details``).

    The day is that of the file's folder; files without one count by the day they came.
    """
    sql = """select distinct on (b.source_name) b.source_name, b.digest, b.state, b.hold_code,
                    coalesce(t.fetched_rows, b.printed_rows, 0) as rows, coalesce(t.declared_fen, t.fetched_fen) as fen
             from batch as b
             join unnest(cast(:feeds as text[]), cast(:schemas as text[])) as f (feed_id, schema_name) using (feed_id)
             left join tally as t on t.batch_id = b.batch_id and t.schema_name = f.schema_name
             where case when b.source_name ~ '(^|/)[0-9]{8}/' then b.source_name ~ ('(^|/)' || :folder || '/')
                   else b.fetched_at >= cast(:day as date) and b.fetched_at < cast(:day as date) + 1 end
             order by b.source_name, b.hold_code nulls first, b.batch_id desc"""
    values = {"feeds": list(details), "schemas": list(details.values()), "folder": f"{day:%Y%m%d}", "day": day}
    return [
        StatementLine(
            FILE,
            row.source_name.rpartition("/")[2],
            "held" if row.hold_code else "waiting" if row.state == "fetched" else "accepted",
            rows=int(row.rows),
            fen=row.fen,
            digest=row.digest,
        )
        for row in rows_of(work, sql, **values)
    ]


def fetched_of(work: Work, feed_ids: Sequence[str], day: date) -> Total:
    """Rows and fen that came of these feeds on a day."""
    sql = """select coalesce(sum(fetched_rows), 0)::bigint as rows, coalesce(sum(fetched_fen), 0) as fen
             from tally join batch using (batch_id)
             where feed_id = any(:feeds) and fetched_at >= cast(:day as date) and fetched_at < cast(:day as date) + 1"""
    row = rows_of(work, sql, feeds=list(feed_ids), day=day)[0]
    return Total(row.rows, row.fen)


def write_reconciliation(work: Work, found: Reconciled) -> int:
    """Write down a day; again, it replaces what was found before and keeps who settled a difference that is still there."""
    sql = """insert into reconciliation (partner, side, day, state, ours_rows, ours_fen, theirs_rows, theirs_fen)
             values (:partner, :side, :day, :state, :ours_rows, :ours_fen, :theirs_rows, :theirs_fen)
             on conflict (partner, side, day) do update set state = excluded.state, made_at = now(),
                ours_rows = excluded.ours_rows, ours_fen = excluded.ours_fen,
                theirs_rows = excluded.theirs_rows, theirs_fen = excluded.theirs_fen
             returning reconciliation_id"""
    values: dict[str, Any] = {
        "partner": found.partner,
        "side": found.side,
        "day": found.day,
        "state": found.state.value,
    }
    values |= {"ours_rows": found.ours.rows, "ours_fen": found.ours.fen}
    values |= {
        "theirs_rows": found.theirs.rows if found.theirs else None,
        "theirs_fen": found.theirs.fen if found.theirs else None,
    }
    number = int(rows_of(work, sql, **values)[0].reconciliation_id)
    lines = [
        {"kind": d.kind.value, "schema": d.schema, "key": d.key, "ours": _facts(d.ours), "theirs": _facts(d.theirs)}
        for d in found.differences
    ]
    sql = """insert into difference (reconciliation_id, kind, schema_name, record_key, ours, theirs)
             select :number, kind, schema, key, ours, theirs
             from jsonb_to_recordset(cast(:lines as jsonb)) as g(kind text, schema text, key text, ours jsonb, theirs jsonb)
             on conflict (reconciliation_id, kind, schema_name, record_key) do update
                set ours = excluded.ours, theirs = excluded.theirs, seen_at = now()"""
    work.execute(sa.text(sql), {"number": number, "lines": plain(json.dumps(lines))})
    gone = "delete from difference where reconciliation_id = :number and seen_at < now()"
    work.execute(sa.text(gone), {"number": number})
    return number


def _facts(line: StatementLine | None) -> dict[str, Any] | None:
    return (
        None if line is None else {name: value for name, value in asdict(line).items() if name not in ("schema", "key")}
    )


def read_day(work: Work, day: date) -> list[Reconciled]:
    """Everything found of a day: what differs first, then by side and partner."""
    sql = """select * from reconciliation where day = :day order by state <> 'differs', state = 'open', side desc, partner"""
    found = rows_of(work, sql, day=day)
    sql = """select reconciliation_id, kind, schema_name, record_key, ours, theirs
             from difference where reconciliation_id = any(:ids) order by schema_name, record_key, kind"""
    differences: dict[int, list[Difference]] = {}
    for row in rows_of(work, sql, ids=[row.reconciliation_id for row in found]):
        place = (row.schema_name, row.record_key)
        ours, theirs = (None if one is None else StatementLine(*place, **one) for one in (row.ours, row.theirs))
        differences.setdefault(row.reconciliation_id, []).append(Difference(Kind(row.kind), *place, ours, theirs))
    return [
        Reconciled(
            row.partner,
            row.side,
            row.day,
            Total(row.ours_rows, row.ours_fen),
            None if row.theirs_rows is None else Total(row.theirs_rows, row.theirs_fen),
            tuple(differences.get(row.reconciliation_id, ())),
        )
        for row in found
    ]


def wake_missing(work: Work, number: int, receiver: str) -> int:
    """Let what the receiver's own statement lacks go out once more, under the key it was sent under before; returns how many.

    One that a later version followed stays as it is. Its batch waits for the answer as it did the first time.
    """
    sql = """with woken as (
                update delivery as d set state = 'waiting', attempts = 0, not_before = null, changed_at = now()
                from difference as f
                where f.reconciliation_id = :number and f.kind = :kind and d.receiver = :receiver and d.state = 'accepted'
                  and d.schema_name = f.schema_name and d.record_key = f.record_key
                  and d.version = (f.ours ->> 'version')::int
                  and not exists (select 1 from delivery as e
                                  where e.receiver = d.receiver and e.schema_name = d.schema_name and e.record_key = d.record_key
                                    and e.version > d.version)
                returning d.batch_id),
             moved as (
                update batch set state = 'stored', changed_at = now()
                where batch_id in (select batch_id from woken) and state in ('delivered', 'reported') and hold_code is null)
             select count(*) as woken from woken"""
    return int(rows_of(work, sql, number=number, kind=Kind.MISSING_THERE.value, receiver=receiver)[0].woken)
