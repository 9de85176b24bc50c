"""Watch: hold what was expected against what came, open and close incidents, and tell of each once.

Everything between the lock and the commit is one transaction, so a crash leaves either all of an evaluation or nothing of it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from connectors.expiring import read_expiries
from connectors.interface import Notifier
from hub.errors import HubError, MappingInvalid
from hub.feed import SftpSource
from hub.incidents import Expiry, Facts, Incident, Notice, Wanted, advise, describe, judge
from hub.model import Connection
from hub.pipeline import House
from hub.pipeline.house import log, note
from hub.registry import Registry
from hub.settings import TIME_ZONE, now
from hub.store import incidents, watching
from hub.store.database import Work, working

PAUSE_MINUTES = 20
"""A hub that did not watch for so long begins anew: what it missed meanwhile is not the partners' fault."""
LONGEST_PAUSE = timedelta(hours=1)


@dataclass(frozen=True)
class Watching:
    """What one evaluation found: how many incidents are open now, and how many notices wait to be sent."""

    opened: int
    closed: int
    still_open: int
    notices: int


def watch(house: House, moment: datetime | None = None) -> Watching:
    """Evaluate everything once. Two at once take turns, and the second finds nothing left to do."""
    with working(house.engine) as work:
        incidents.take_turn(work)
        at = moment or now()
        wanted = {(one.kind, one.subject): one for one in judge(_gather(work, house.registry, at))}
        standing = {(one.kind, one.subject): one for one in incidents.open_incidents(work)}
        silent = _cannot_judge(house.registry)
        cleared = [one for key, one in standing.items() if key not in wanted and one.subject not in silent]
        new = [one for key, one in wanted.items() if key not in standing]
        _apply(work, new, cleared, at)
        for key in wanted.keys() & standing.keys():
            incidents.renew_incident(work, standing[key], wanted[key], at)
        waiting = incidents.waiting_notices(work, at)
    found = Watching(len(new), len(cleared), len(standing) + len(new) - len(cleared), waiting)
    note("watched", opened=found.opened, closed=found.closed, open=found.still_open, notices=found.notices)
    return found


def _apply(work: Work, new: list[Wanted], cleared: list[Incident], at: datetime) -> None:
    for one in new:
        incidents.open_incident(work, one, at)
    for incident in cleared:
        incidents.close_incident(work, incident, at)


def _gather(work: Work, registry: Registry, at: datetime) -> Facts:
    """All facts of one moment, read under the lock."""
    files = [name for name, feed in registry.feeds.items() if isinstance(feed.spec.source, SftpSource)]
    return Facts(
        now=at,
        resumed_at=watching.resume(work, at, PAUSE_MINUTES),
        feeds=registry.feeds,
        receivers=frozenset(registry.receivers),
        watched=watching.watch_feeds(work, registry.feeds.keys(), at),
        days=watching.arrivals(work, files, at),
        unacknowledged=watching.unacknowledged(work),
        unread=watching.unread_files(work),
        held=watching.held(work),
        owed=watching.owed(work),
        untold=watching.untold(work),
        unsealed=watching.unsealed(work),
        expiries=watching.expiries(work),
    )


def _cannot_judge(registry: Registry) -> set[str]:
    """Subjects whose mapping cannot be read now: nobody knows whether their incidents are over."""
    broken = {Path(problem.file) for problem in registry.problems}
    return {f"receiver/{path.stem}" if path.parent.name == "receivers" else path.stem for path in broken}


def send_notices(house: House, webhook: Notifier | None, moment: datetime | None = None) -> int:
    """Send what waits, oldest first; returns how many went out. Each is sent at least once, under a key of its own.

    One that cannot be sent is put off, longer each time, and keeps no other back. Raises the first such error at the end.
    """
    sent, errors = 0, list[HubError]()
    while True:
        with working(house.engine) as work:
            notice = incidents.claim_notice(work, moment or now())
            if notice is None:
                break
            try:
                _send(notice, webhook)
            except HubError as error:
                errors.append(error)
                incidents.put_off(work, notice, now() + _pause(notice.attempts))
                continue
            incidents.mark_sent(work, notice, now())
            sent += 1
    if errors:
        raise errors[0]
    return sent


def _pause(attempts: int) -> timedelta:
    return min(timedelta(minutes=2 ** min(attempts, 6)), LONGEST_PAUSE)


def _send(notice: Notice, webhook: Notifier | None) -> None:
    """To the webhook where there is one, and to the log: ids and counts, never a value."""
    if webhook is not None:
        webhook.post(notice.key, as_message(notice))
    log.warning("notice %s %s", notice.key, describe(notice.incident, notice.occasion))


def as_message(notice: Notice) -> dict[str, object]:
    """A notice as it is posted: a line to read, Chinese first, and the same facts one by one."""
    incident = notice.incident
    return {
        "text": describe(incident, notice.occasion),
        "advice": advise(incident.kind),
        "key": notice.key,
        "occasion": notice.occasion.value,
        "incident": incident.incident_id,
        "kind": incident.kind.value,
        "subject": incident.subject,
        "detail": dict(incident.detail),
        "dueAt": _iso(incident.due_at),
        "openedAt": _iso(incident.opened_at),
        "closedAt": _iso(incident.closed_at),
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.astimezone(TIME_ZONE).isoformat(timespec="seconds") if moment else None


def note_expiries(house: House, connections: Iterable[Connection], known: Collection[str]) -> int:
    """Look when certificates, keys and passwords end, for the next evaluations; returns of how many that is known.

    ``known`` are the connections that mappings name. Raises the first MappingInvalid after all were looked at.
    """
    at, found, asked, errors = now(), list[Expiry](), set[str](), list[MappingInvalid]()
    for connection in connections:
        try:
            expiries, is_complete = read_expiries(connection)
        except MappingInvalid as error:
            errors.append(error)
            continue
        found += expiries
        asked |= {connection.name} if is_complete else set()
    with working(house.engine) as work:
        watching.note_expiries(work, found, asked, at)
        watching.forget_connections(work, known)
    if errors:
        raise errors[0]
    return len(found)
