"""Conclusions of clues: which channel is owed which, what was told, and which clues are late.

A conclusion is owed in the commit that stores the step, the grouping or the clue, whichever comes last.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl
import sqlalchemy as sa

from hub.model import Conclusion
from hub.settings import today
from hub.store.database import Work, rows_of
from schemas.terms import conclude_by, conclude_day
from schemas.workdays import workdays_between

# What a channel would be told of two steps; a step that changed in nothing else says nothing new.
TOLD = "result_code, {0}.doc_no, {0}.solved_people, {0}.solved_fen, {0}.done_at, {0}.org_name"

# A clue's own conclusion or its group's, whichever was concluded last, unless the channel was owed that or a later one already.
OWED = f"""
    with touched as (
        select channel, channel_serial_no from record.clue where batch_id = :batch_id
        union select channel, channel_serial_no from record.clue_step where batch_id = :batch_id),
    concerned as (
        select channel, channel_serial_no from touched
        union select channel, channel_serial_no from clue_group
              where group_no in (select group_no from clue_group join touched using (channel, channel_serial_no)))
    select c.channel, c.channel_serial_no, c.received_at, c.supervise_level, c.due_on, g.group_no, s.record_id as step_id,
           (select feed_id from record.clue as o join batch using (batch_id)
            where o.channel = c.channel and o.channel_serial_no = c.channel_serial_no order by o.record_id limit 1) as feed_id
    from concerned join record.clue as c using (channel, channel_serial_no)
    left join clue_group as g using (channel, channel_serial_no)
    join lateral (
        select * from record.clue_step as s
        where s.is_current and s.action = 'conclude' and s.result_code is not null
          and ((s.channel = c.channel and s.channel_serial_no = c.channel_serial_no)
               or (s.channel, s.channel_serial_no) in (
                    select channel, channel_serial_no from clue_group where clue_group.group_no = g.group_no))
        order by s.done_at desc, s.step_no desc, s.record_id desc limit 1) as s on true
    left join lateral (
        select p.* from conclusion as k join record.clue_step as p on p.record_id = k.step_id
        where k.channel = c.channel and k.channel_serial_no = c.channel_serial_no and k.state <> 'superseded'
        order by k.number desc limit 1) as p on true
    where c.is_current
      and (p.record_id is null
           or ((s.{TOLD.format("s")}) is distinct from (p.{TOLD.format("p")})
               and ((s.record_key = p.record_key and s.version > p.version)
                    or (s.done_at, s.step_no, s.record_id) > (p.done_at, p.step_no, p.record_id))))
    order by c.record_id"""

# What a channel is told comes after what it was told of the clue's row itself: no status goes backwards.
MAY_GO = """k.state in ('telling', 'waiting', 'refused')
            and not exists (select 1 from conclusion as e where e.channel = k.channel and e.number < k.number
                                   and e.channel_serial_no = k.channel_serial_no and e.state = 'telling')
            and not exists (select 1 from record.clue as r join batch using (batch_id)
                            where r.channel = k.channel and r.channel_serial_no = k.channel_serial_no
                              and batch.feed_id = k.feed_id and batch.state <> 'reported')"""


def owe_conclusions(work: Work, batch_id: int) -> int:
    """Owe every clue that this batch concerns its newest conclusion; returns how many channels are owed one more.

    The batch of a clue and the batch of its steps may be stored at the same moment, each blind to the other: the second waits here
    for the first to commit, and sees it. Nothing else is locked after this.
    """
    work.execute(sa.text("select pg_advisory_xact_lock(hashtext('conclusion'))"))
    _withdraw(work)
    owed = rows_of(work, OWED, batch_id=batch_id)
    sql = """insert into conclusion (channel, channel_serial_no, number, step_id, group_no, feed_id, due_on)
             select :channel, :serial, coalesce(max(number), 0) + 1, :step_id, :group_no, :feed_id, :due_on
             from conclusion where channel = :channel and channel_serial_no = :serial
             on conflict (channel, channel_serial_no, step_id) do update
                set number = excluded.number, state = 'waiting', call_key = null, owed_at = now()
                where conclusion.state = 'superseded'"""
    for row in owed:
        due_on = conclude_day(row.channel, row.received_at.date(), row.supervise_level, row.due_on)
        values = {"channel": row.channel, "serial": row.channel_serial_no, "step_id": row.step_id}
        values |= {"group_no": row.group_no, "feed_id": row.feed_id, "due_on": due_on}
        work.execute(sa.text(sql), values)
    _leave_replaced(work)
    return len(owed)


def _withdraw(work: Work) -> None:
    """Nobody is told what the inspection took back before it was told: the conclusion itself, or that the clue belongs to it."""
    sql = """update conclusion as k set state = 'superseded' where state in ('waiting', 'refused')
             and not exists (
                select 1 from record.clue_step as s join record.clue_step as n using (record_key)
                where s.record_id = k.step_id and n.is_current and n.action = 'conclude'
                  and ((n.channel = k.channel and n.channel_serial_no = k.channel_serial_no)
                       or exists (select 1 from clue_group as a join clue_group as b using (group_no)
                                  where a.channel = n.channel and a.channel_serial_no = n.channel_serial_no
                                    and b.channel = k.channel and b.channel_serial_no = k.channel_serial_no)))"""
    work.execute(sa.text(sql))


def _leave_replaced(work: Work) -> None:
    """Nobody is told what a later conclusion replaced before it was told."""
    sql = """update conclusion as k set state = 'superseded' where state in ('waiting', 'refused')
             and exists (select 1 from conclusion as l where l.channel = k.channel
                                and l.channel_serial_no = k.channel_serial_no and l.number > k.number)"""
    work.execute(sa.text(sql))


def feeds_owing(work: Work) -> list[str]:
    """The feeds whose partner may be told a conclusion now."""
    return [
        row.feed_id for row in rows_of(work, f"select distinct feed_id from conclusion as k where {MAY_GO} order by 1")
    ]


def next_owed(work: Work, feed_id: str, passed_over: Collection[int] = ()) -> Conclusion | None:
    """The next conclusion for a feed's partner: one begun, and perhaps told, goes first, one refused before last.

    Those in ``passed_over`` were refused just now.
    """
    sql = f"""select k.conclusion_id, k.channel, k.channel_serial_no as serial, k.due_on, k.owed_at,
                     case k.state when 'telling' then k.call_key end as call_key,
                     s.result_code as result, s.done_at as concluded_at, s.record_key as step_key, s.org_name, s.doc_no,
                     s.solved_people, s.solved_fen,
                     (select 1 + count(*) from conclusion as e where e.channel = k.channel and e.number < k.number
                             and e.channel_serial_no = k.channel_serial_no and e.state = 'told') as number,
                     (select source_key from record.clue as r join batch using (batch_id)
                      where r.channel = k.channel and r.channel_serial_no = k.channel_serial_no and batch.feed_id = k.feed_id
                      order by r.record_id desc limit 1) as key
              from conclusion as k join record.clue_step as s on s.record_id = k.step_id
              where k.feed_id = :feed_id and {MAY_GO} and k.conclusion_id <> all(:passed_over)
              order by array_position(array['telling', 'waiting', 'refused'], k.state), k.conclusion_id limit 1"""
    found = rows_of(work, sql, feed_id=feed_id, passed_over=list(passed_over))
    if not found:
        return None
    values = dict(found[0]._mapping)
    key = {word: value for word, value in values["key"].items() if value is not None}
    return Conclusion(**{**values, "key": key})


def begin_telling(work: Work, conclusion_id: int, call_key: str) -> None:
    """Freeze the key before anything is sent: from here on this conclusion is told, or told again under the same key."""
    sql = """update conclusion set state = 'telling', call_key = :key
             where conclusion_id = :id and state in ('waiting', 'refused')"""
    work.execute(sa.text(sql), {"id": conclusion_id, "key": call_key})


def note_told(work: Work, conclusion_id: int) -> None:
    """The partner has it."""
    sql = "update conclusion set state = 'told', told_at = now() where conclusion_id = :id and state = 'telling'"
    work.execute(sa.text(sql), {"id": conclusion_id})


def note_refused(work: Work, conclusion_id: int) -> None:
    """The partner did not take it: a person must act, nothing else waits for it, and the next run tries once more."""
    sql = "update conclusion set state = 'refused' where conclusion_id = :id and state = 'telling'"
    work.execute(sa.text(sql), {"id": conclusion_id})
    _leave_replaced(work)


@contextmanager
def telling_alone(engine: sa.Engine, feed_id: str) -> Iterator[bool]:
    """Whether nobody else tells this feed's conclusions now. The database forgets a worker that died with its connection."""
    name = {"name": f"conclusion.{feed_id}"}
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as session:
        alone = bool(session.execute(sa.text("select pg_try_advisory_lock(hashtext(:name))"), name).scalar())
        try:
            yield alone
        finally:
            if alone:
                session.execute(sa.text("select pg_advisory_unlock(hashtext(:name))"), name)


@dataclass(frozen=True)
class OpenClue:
    """A clue that is not concluded, or whose channel does not know it yet. ``workdays_late`` is negative while there is time,
    and 0 on the day itself and on days off right after it; ``is_overdue`` says which."""

    channel: str
    channel_serial_no: str
    feed_id: str
    group_no: str | None
    due_on: date
    workdays_late: int
    is_overdue: bool
    state: str


def open_clues(work: Work) -> list[OpenClue]:
    """Every clue that is ``open`` (not concluded), or concluded and not told (its conclusion's state); urgent ones first."""
    sql = """select c.channel, c.channel_serial_no, batch.feed_id, g.group_no, c.received_at, c.supervise_level,
                    coalesce(k.due_on, c.due_on) as due_on, coalesce(k.state, 'open') as state
             from record.clue as c join batch using (batch_id) left join clue_group as g using (channel, channel_serial_no)
             left join lateral (
                select state, due_on from conclusion as k
                where k.channel = c.channel and k.channel_serial_no = c.channel_serial_no and k.state <> 'superseded'
                order by number desc limit 1) as k on true
             where c.is_current and k.state is distinct from 'told'"""
    return _reckon(rows_of(work, sql))


def overdue_clues(work: Work) -> list[OpenClue]:
    """The open clues whose day has passed."""
    return [clue for clue in open_clues(work) if clue.is_overdue]


def _reckon(rows: Sequence[sa.Row[Any]]) -> list[OpenClue]:
    """Days and working days, by the official calendar."""
    frame = pl.DataFrame(
        {
            "channel": [row.channel for row in rows],
            "received_on": [row.received_at.date() for row in rows],
            "level": [row.supervise_level for row in rows],
            "due_on": [row.due_on for row in rows],
        },
        schema={"channel": pl.String, "received_on": pl.Date, "level": pl.String, "due_on": pl.Date},
    ).with_columns(conclude_by(*map(pl.col, ("channel", "received_on", "level", "due_on"))).alias("due_on"))
    day = today()
    late = frame.select(workdays_between(pl.col("due_on"), pl.lit(day)).alias("late"))["late"]
    found = [
        OpenClue(
            row.channel, row.channel_serial_no, row.feed_id, row.group_no, due_on, days or 0, due_on < day, row.state
        )
        for row, due_on, days in zip(rows, frame["due_on"], late, strict=True)
    ]
    return sorted(found, key=lambda clue: (clue.due_on, clue.channel, clue.channel_serial_no))


def count_conclusions(work: Work) -> Sequence[sa.Row[Any]]:
    """Clues with a conclusion, per feed: owed, and of these told the newest one."""
    sql = """select feed_id, count(*) as owed, count(*) filter (where state = 'told') as told from (
                select distinct on (channel, channel_serial_no) feed_id, state from conclusion where state <> 'superseded'
                order by channel, channel_serial_no, number desc) as newest
             group by feed_id order by feed_id"""
    return rows_of(work, sql)
