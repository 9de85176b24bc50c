"""What is known for judging incidents: looks and arrivals of feeds, what waits and for whom, what ends when."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hub.incidents import Day, Expiry, Waiting, Watched
from hub.model import Notice
from hub.store.batches import ALL_ANSWERED
from hub.store.database import Work, plain, rows_of

DAYS_KEPT = 60
"""How far arrivals are looked back at; `every` and `least_share` of a mapping are bounded so that this is enough."""


def resume(work: Work, moment: datetime, pause_minutes: int) -> datetime:
    """Note that the hub watches now; since when it does so without a longer pause than this."""
    sql = """insert into watching (resumed_at, watched_at) values (:moment, :moment)
             on conflict (is_only) do update set watched_at = greatest(watching.watched_at, :moment),
                resumed_at = case when watching.watched_at < :moment - interval '1 minute' * :pause
                                  then :moment else watching.resumed_at end
             returning resumed_at"""
    found: datetime = rows_of(work, sql, moment=moment, pause=pause_minutes)[0].resumed_at
    return found


def watch_feeds(work: Work, feed_ids: Collection[str], moment: datetime) -> dict[str, Watched]:
    """Since when each of these feeds is judged (now, when it is new) and when it was looked at last."""
    sql = """insert into watched_feed (feed_id, since) select unnest(cast(:feed_ids as text[])), :moment
             on conflict (feed_id) do nothing"""
    work.execute(sa.text(sql), {"feed_ids": sorted(feed_ids), "moment": moment})
    found = rows_of(
        work, "select feed_id, since, looked_at from watched_feed where feed_id = any(:ids)", ids=[*feed_ids]
    )
    return {row.feed_id: Watched(row.since, row.looked_at) for row in found}


def note_look(work: Work, feed_id: str, began_at: datetime, unread: Iterable[Notice]) -> None:
    """A look at the partner that succeeded, and the files it saw and could not take; those it no longer sees are forgotten."""
    sql = """insert into watched_feed (feed_id, since, looked_at) values (:feed_id, :at, :at)
             on conflict (feed_id) do update set looked_at = greatest(watched_feed.looked_at, :at)"""
    work.execute(sa.text(sql), {"feed_id": feed_id, "at": began_at})
    seen = """insert into unread_file (feed_id, path, code, seen_since, seen_at) values (:feed_id, :path, :code, :at, :at)
              on conflict (feed_id, path) do update set code = excluded.code, seen_at = excluded.seen_at"""
    for path, code in sorted({plain(notice.path): notice.code for notice in unread if notice.path}.items()):
        work.execute(sa.text(seen), {"feed_id": feed_id, "path": path, "code": code, "at": began_at})
    work.execute(
        sa.text("delete from unread_file where feed_id = :feed_id and seen_at < :at"),
        {"feed_id": feed_id, "at": began_at},
    )


def arrivals(work: Work, file_feeds: Collection[str], moment: datetime) -> dict[str, list[Day]]:
    """What each feed brought on each of the last days. Of a file every row is new, of an asked feed what was not known.

    A file with the bytes of another (F004) has brought nothing; a batch that is not read yet, or held, is an arrival all the same.
    """
    sql = """select b.feed_id, (b.fetched_at at time zone 'Asia/Shanghai')::date as day, max(b.fetched_at) as last_at,
                    sum(case when b.feed_id = any(:files) then coalesce(t.fetched, b.printed_rows, 0)
                             else coalesce(t.news, 0) end)::bigint as rows,
                    bool_or(b.state = 'held') as is_held
             from batch as b left join lateral (
                select max(fetched_rows) as fetched, max(stored_rows + rejected_rows) as news
                from tally where tally.batch_id = b.batch_id) as t on true
             where b.fetched_at > :moment - interval '1 day' * :days and b.fetched_at <= :moment
               and b.hold_code is distinct from 'F004'
               and (b.feed_id = any(:files) or t.news is null or t.news > 0)
             group by 1, 2 order by 1, 2"""
    found: dict[str, list[Day]] = {}
    for row in rows_of(work, sql, files=sorted(file_feeds), moment=moment, days=DAYS_KEPT):
        found.setdefault(row.feed_id, []).append(Day(row.day, row.rows, row.last_at, row.is_held))
    return found


def unacknowledged(work: Work) -> list[Waiting]:
    """Batches of each feed that are not read, or read and not acknowledged, since the oldest of them could have been."""
    sql = """select feed_id as subject, count(*) as waiting, min(waits_since) as oldest_at,
                    (array_agg(batch_id order by batch_id))[1:20] as batch_ids
             from (select feed_id, batch_id, case state when 'fetched' then changed_at else read_at end as waits_since
                   from batch where state = 'fetched' or not exists (
                        select 1 from report where report.batch_id = batch.batch_id and report.stage = 'intake'
                               and report.sent_at >= batch.read_at)) as b
             group by feed_id order by feed_id"""
    return [_waiting(row) for row in rows_of(work, sql)]


def unread_files(work: Work) -> list[Waiting]:
    """Files of each feed that were seen at the partner's and could not be taken."""
    sql = """select feed_id as subject, count(*) as waiting, min(seen_since) as oldest_at, cast(null as bigint[]) as batch_ids
             from unread_file group by feed_id order by feed_id"""
    return [_waiting(row) for row in rows_of(work, sql)]


def files_of(work: Work, feed_id: str, most: int) -> Sequence[sa.Row[Any]]:
    """The files of a feed that could not be taken, oldest first."""
    sql = """select path, code, seen_since from unread_file where feed_id = :feed_id order by seen_since, path limit :most"""
    return rows_of(work, sql, feed_id=feed_id, most=most)


def held(work: Work) -> list[Waiting]:
    """Held batches of each feed."""
    sql = """select feed_id as subject, count(*) as waiting, min(changed_at) as oldest_at,
                    (array_agg(batch_id order by batch_id))[1:20] as batch_ids
             from batch where state = 'held' group by feed_id order by feed_id"""
    return [_waiting(row) for row in rows_of(work, sql)]


def owed(work: Work) -> list[Waiting]:
    """Records that each receiver has not answered for, since the oldest of them might have moved on."""
    sql = """select receiver as subject, count(*) as waiting, min(greatest(changed_at, not_before)) as oldest_at,
                    cast(null as bigint[]) as batch_ids
             from delivery where state in ('waiting', 'submitted') group by receiver order by receiver"""
    return [_waiting(row) for row in rows_of(work, sql)]


def untold(work: Work) -> list[Waiting]:
    """Batches of each feed that are answered in full and whose partner does not know it."""
    sql = f"""select feed_id as subject, count(*) as waiting, min(waits_since) as oldest_at,
                     (array_agg(batch_id order by batch_id))[1:20] as batch_ids
              from (select feed_id, batch_id, greatest(changed_at, (
                        select max(delivery.changed_at) from delivery where delivery.batch_id = batch.batch_id)) as waits_since
                    from batch where state = 'delivered' or (state = 'stored' and {ALL_ANSWERED})) as b
              group by feed_id order by feed_id"""
    return [_waiting(row) for row in rows_of(work, sql)]


def unsealed(work: Work) -> list[Waiting]:
    """Entries of the exchange log that no block seals yet."""
    sql = """select 'exchange_log' as subject, count(*) as waiting, min(at) as oldest_at, cast(null as bigint[]) as batch_ids
             from exchange_entry where entry_no is null having count(*) > 0"""
    return [_waiting(row) for row in rows_of(work, sql)]


def note_expiries(work: Work, found: Sequence[Expiry], asked: Collection[str], moment: datetime) -> None:
    """Write down what ends when. What a connection that was ``asked`` in full no longer holds is forgotten; of others it stays."""
    seen = """insert into expiry (connection, what, expires_at, checked_at) values (:connection, :what, :expires_at, :at)
              on conflict (connection, what) do update set expires_at = excluded.expires_at, checked_at = excluded.checked_at"""
    for one in found:
        work.execute(sa.text(seen), {**vars(one), "at": moment})
    gone = "delete from expiry where connection = any(:asked) and checked_at < :at"
    work.execute(sa.text(gone), {"asked": sorted(asked), "at": moment})


def forget_connections(work: Work, known: Collection[str]) -> None:
    """Nobody minds when something of a connection ends that no mapping names any more."""
    work.execute(sa.text("delete from expiry where not connection = any(:known)"), {"known": sorted(known)})


def expiries(work: Work) -> list[Expiry]:
    found = rows_of(work, "select connection, what, expires_at from expiry order by connection, what")
    return [Expiry(row.connection, row.what, row.expires_at) for row in found]


def _waiting(row: sa.Row[Any]) -> Waiting:
    return Waiting(row.subject, row.waiting, row.oldest_at, tuple(row.batch_ids or ()))
