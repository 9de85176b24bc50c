"""Replays: which batches a person wants read again, how far that has come, and what receivers would get by it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import sqlalchemy as sa

from hub.store.database import Work, plain, rows_of
from schemas.catalogue import SCHEMAS


@dataclass(frozen=True)
class Wanted:
    """Which batches: of a feed, fetched from one day to another; in one state; held for, or with a row rejected for, one code."""

    feed_id: str
    from_on: date
    to_on: date
    state: str | None = None
    code: str | None = None

    def facts(self) -> dict[str, str | None]:
        days = {"from_on": self.from_on.isoformat(), "to_on": self.to_on.isoformat()}
        return {"feed_id": self.feed_id, **days, "state": self.state, "code": self.code}


def find_batches(work: Work, wanted: Wanted) -> list[int]:
    """The batches meant, oldest first."""
    sql = """select batch_id from batch as b
             where feed_id = :feed_id and fetched_at >= cast(:from_on as date) and fetched_at < cast(:to_on as date) + 1
               and (cast(:state as text) is null or state = :state)
               and (cast(:code as text) is null or hold_code = :code or exists (
                        select 1 from rejection as r where r.batch_id = b.batch_id
                           and r.reasons @> jsonb_build_array(jsonb_build_object('code', cast(:code as text)))))
             order by batch_id"""
    return [row.batch_id for row in rows_of(work, sql, **wanted.facts())]


def open_replay(work: Work, wanted: Wanted, by: str) -> tuple[int, bool]:
    """The replay of these batches that is not finished, or a new one, and whether it is new; it fixes its batches."""
    sql = """insert into replay (wanted, asked_by) values (cast(:wanted as jsonb), :by)
             on conflict (wanted) where finished_at is null do nothing returning replay_id"""
    shown = json.dumps(wanted.facts())
    found = rows_of(work, sql, wanted=shown, by=by)
    if not found:
        sql = "select replay_id from replay where wanted = cast(:wanted as jsonb) and finished_at is null"
        return int(rows_of(work, sql, wanted=shown)[0].replay_id), False
    replay_id = int(found[0].replay_id)
    sql = "insert into replay_batch (replay_id, batch_id) select :replay_id, unnest(cast(:ids as bigint[]))"
    work.execute(sa.text(sql), {"replay_id": replay_id, "ids": find_batches(work, wanted)})
    return replay_id, True


def waiting_batches(work: Work, replay_id: int) -> list[tuple[int, str]]:
    """What is still to be read with its feed, oldest first."""
    sql = """select batch_id, feed_id from replay_batch as r join batch using (batch_id)
             where replay_id = :id and r.state = 'waiting' order by batch_id"""
    return [(row.batch_id, row.feed_id) for row in rows_of(work, sql, id=replay_id)]


def claim_batch(work: Work, replay_id: int, batch_id: int) -> bool:
    """Whether this batch still waits; held against other workers until the commit, so that it is read once."""
    sql = (
        """select 1 from replay_batch where replay_id = :id and batch_id = :batch_id and state = 'waiting' for update"""
    )
    return bool(rows_of(work, sql, id=replay_id, batch_id=batch_id))


def note_batch(work: Work, replay_id: int, batch_id: int, state: str, code: str | None, message: str | None) -> None:
    """What became of it: read, or left as it was and why."""
    sql = """update replay_batch set state = :state, code = :code, message = :message, changed_at = now()
             where replay_id = :id and batch_id = :batch_id and state = 'waiting'"""
    said = None if message is None else plain(message)
    values = {"id": replay_id, "batch_id": batch_id, "state": state, "code": code, "message": said}
    work.execute(sa.text(sql), values)


def close_replay(work: Work, replay_id: int) -> bool:
    """Finish a replay of which nothing waits; whether it is finished."""
    sql = """update replay set finished_at = coalesce(finished_at, now()) where replay_id = :id
             and not exists (select 1 from replay_batch where replay_id = :id and state = 'waiting')"""
    return work.execute(sa.text(sql), {"id": replay_id}).rowcount > 0


def read_replay(work: Work, replay_id: int) -> Sequence[sa.Row[Any]]:
    """Every batch of a replay with what became of it."""
    sql = """select batch_id as batch, state, code, message from replay_batch where replay_id = :id order by batch_id"""
    return rows_of(work, sql, id=replay_id)


def rejected_rows(work: Work, batch_id: int, schema: str) -> set[tuple[int, int]]:
    """The rows of a batch that stand as rejections of a schema: part and line."""
    sql = "select part_no, row_no from rejection where batch_id = :batch_id and schema_name = :schema"
    return {(row.part_no, row.row_no) for row in rows_of(work, sql, batch_id=batch_id, schema=schema)}


def count_lacking(
    work: Work, batch_id: int, schema: str, routes: Sequence[tuple[str, str]], but: Sequence[str]
) -> Mapping[str, int]:
    """Records of a batch that each receiver should have and was never owed; ``but`` are keys that get another version."""
    sql = f"""select receiver, count(distinct r.record_id) as records
              from record.{schema} as r join unnest(cast(:receivers as text[]), cast(:areas as text[])) as route (receiver, area)
                   on starts_with(r.{SCHEMAS[schema].area}, route.area)
              where r.batch_id = :batch_id and r.is_current and not r.record_key = any(:but)
                and not exists (select 1 from delivery as d where d.receiver = route.receiver and d.schema_name = :schema
                                                              and d.record_key = r.record_key and d.version = r.version)
              group by receiver"""
    values: dict[str, Any] = {"receivers": [one for one, _ in routes], "areas": [one for _, one in routes]}
    found = rows_of(work, sql, batch_id=batch_id, schema=schema, but=list(but), **values)
    return {row.receiver: row.records for row in found}


def count_refused(work: Work, batch_id: int, schema: str) -> Mapping[str, int]:
    """Records of a batch that each receiver refused; a replay does not send them again, `hub resend` does."""
    sql = """select receiver, count(*) as records from delivery
             where batch_id = :batch_id and schema_name = :schema and state = 'refused' group by receiver"""
    return {row.receiver: row.records for row in rows_of(work, sql, batch_id=batch_id, schema=schema)}
