"""Which incidents should be open, given what is known: one function for each kind, and nothing that remembers anything."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from statistics import median

from hub.feed import Arrives, Feed, SftpSource
from hub.incidents.arrivals import is_expected, last_deadline
from hub.incidents.facts import Day, Facts, Kind, Waiting, Wanted
from hub.settings import TIME_ZONE

ANSWER_WINDOW = timedelta(hours=1)
"""How long a file may wait for its acknowledgement, a record for its receiver, a partner for the outcome."""
SEALING_WINDOW = timedelta(minutes=10)
"""How long an entry of the exchange log may wait for its block, which the DAG `seal` closes every minute."""
WARN_BEFORE = (timedelta(days=30), timedelta(days=7))
MOST_DAYS, LEAST_DAYS = 10, 5
"""A day is measured by so many days before it, and not at all before there are so few."""


def judge(facts: Facts) -> list[Wanted]:
    """Every incident that should be open; one for each kind and subject."""
    found = [wanted for feed in facts.feeds.values() for wanted in _judge_feed(feed, facts)]
    found += [*_unreachable(facts), *_unacknowledged(facts), *_held(facts), *_stuck(facts)]
    return [*found, *_expiring(facts), *_unsealed(facts)]


def _judge_feed(feed: Feed, facts: Facts) -> Iterator[Wanted]:
    """Late or silent, else perhaps small. Judged at the last look: where nobody could look, nobody knows that nothing came."""
    arrives, watched = feed.spec.expect.arrives, facts.watched.get(feed.feed_id)
    if arrives is None or watched is None or watched.looked_at is None:
        return
    deadline = last_deadline(arrives, watched.looked_at)
    if watched.since > deadline.opens_at:
        return
    days = facts.days.get(feed.feed_id, ())
    if not any(day.last_at >= deadline.opens_at for day in days):
        kind = Kind.LATE if isinstance(feed.spec.source, SftpSource) else Kind.SILENT
        newest = max((day.last_at for day in days), default=None)
        yield Wanted(kind, feed.feed_id, deadline.at, detail={"last_at": _moment(newest)} if newest else {})
        return
    judged = [day for day in days if deadline.first <= day.day <= deadline.last and is_expected(arrives, day.day)]
    if judged:
        yield from _small(feed, arrives, judged[-1], days)


def _small(feed: Feed, arrives: Arrives, judged: Day, days: Sequence[Day]) -> Iterator[Wanted]:
    """A day much smaller than those before it. One with a held batch is not measured: its rows are not all counted."""
    before = [day.rows for day in days if day.day < judged.day and day.rows and is_expected(arrives, day.day)]
    if arrives.share is None or judged.is_held or len(before) < LEAST_DAYS:
        return
    normal = int(median(before[-MOST_DAYS:]))
    if judged.rows < arrives.share * normal:
        yield Wanted(Kind.SMALL, feed.feed_id, judged.last_at, detail={"rows": judged.rows, "median": normal})


def _unreachable(facts: Facts) -> Iterator[Wanted]:
    """A connection with feeds that were not looked at in time: one incident for all of them.

    What happened before the watching went on is nobody's fault but the hub's.
    """
    overdue: dict[str, list[tuple[datetime, Feed]]] = defaultdict(list)
    for feed in facts.feeds.values():
        arrives = feed.spec.expect.arrives
        if arrives is not None and feed.feed_id in facts.watched:
            due_at = _seen_at(facts, feed) + timedelta(minutes=arrives.within_minutes)
            if facts.now > due_at:
                overdue[feed.spec.source.connection].append((due_at, feed))
    for connection, found in sorted(overdue.items()):
        names = sorted(feed.feed_id for _, feed in found)
        yield Wanted(Kind.UNREACHABLE, connection, min(due_at for due_at, _ in found), detail={"feeds": names})


def _seen_at(facts: Facts, feed: Feed) -> datetime:
    watched = facts.watched[feed.feed_id]
    return max(watched.looked_at or watched.since, watched.since, facts.resumed_at)


def _unacknowledged(facts: Facts) -> Iterator[Wanted]:
    """Batches nobody told of and files nobody could take, of one feed together."""
    batches = {one.subject: one for one in _overdue(facts.unacknowledged, facts.now)}
    files = {one.subject: one for one in _overdue(facts.unread, facts.now)}
    for feed_id in sorted((batches.keys() | files.keys()) & facts.feeds.keys()):
        found = [one[feed_id] for one in (batches, files) if feed_id in one]
        due_at = min(one.oldest_at for one in found) + ANSWER_WINDOW
        counts: dict[str, object] = {}
        if feed_id in batches:
            counts |= {"batches": batches[feed_id].count, "batch_ids": list(batches[feed_id].batch_ids)}
        if feed_id in files:
            counts |= {"files": files[feed_id].count}
        yield Wanted(Kind.UNACKNOWLEDGED, feed_id, due_at, detail=counts)


def _held(facts: Facts) -> Iterator[Wanted]:
    for one in facts.held:
        if one.subject in facts.feeds:
            detail = {"batches": one.count, "batch_ids": list(one.batch_ids)}
            yield Wanted(Kind.HELD, one.subject, one.oldest_at, detail=detail)


def _stuck(facts: Facts) -> Iterator[Wanted]:
    """One for each receiver that does not answer and each partner that is not told, however many batches wait for it."""
    for one in _overdue(facts.owed, facts.now):
        if one.subject in facts.receivers:
            due_at = one.oldest_at + ANSWER_WINDOW
            yield Wanted(Kind.STUCK, f"receiver/{one.subject}", due_at, detail={"records": one.count})
    partners: dict[str, list[Waiting]] = defaultdict(list)
    for one in _overdue(facts.untold, facts.now):
        if one.subject in facts.feeds:
            partners[facts.feeds[one.subject].spec.partner].append(one)
    for partner, found in sorted(partners.items()):
        due_at = min(one.oldest_at for one in found) + ANSWER_WINDOW
        ids = sorted(batch_id for one in found for batch_id in one.batch_ids)
        detail = {"batches": sum(one.count for one in found), "batch_ids": ids[:20]}
        yield Wanted(Kind.STUCK, f"partner/{partner}", due_at, detail=detail)


def _expiring(facts: Facts) -> Iterator[Wanted]:
    """Before the end at two distances, the second one worse; after the end beside it that it has ended."""
    for one in facts.expiries:
        left = one.expires_at - facts.now
        level = sum(left <= before for before in WARN_BEFORE)
        subject, detail = f"{one.connection} {one.what}", {"days": left.days}
        if level:
            yield Wanted(Kind.EXPIRING, subject, one.expires_at, level, detail)
        if left <= timedelta(0):
            yield Wanted(Kind.EXPIRED, subject, one.expires_at)


def _unsealed(facts: Facts) -> Iterator[Wanted]:
    """Whoever can write in the database could take back what waits, and nobody would see it. A hub that stood still is not late."""
    for one in facts.unsealed:
        due_at = max(one.oldest_at, facts.resumed_at) + SEALING_WINDOW
        if due_at < facts.now:
            yield Wanted(Kind.UNSEALED, one.subject, due_at, detail={"entries": one.count})


def _overdue(waiting: Iterable[Waiting], now: datetime) -> Iterator[Waiting]:
    return (one for one in waiting if one.oldest_at + ANSWER_WINDOW < now)


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(TIME_ZONE):%Y-%m-%d %H:%M}"
