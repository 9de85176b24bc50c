"""What is known when incidents are judged, and what an incident is. No fact holds a value of a row or the name of a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from hub.feed import Feed


class Kind(StrEnum):
    """What can be the matter; see decision 0018."""

    LATE = "late"
    SILENT = "silent"
    SMALL = "small"
    UNREACHABLE = "unreachable"
    UNACKNOWLEDGED = "unacknowledged"
    HELD = "held"
    STUCK = "stuck"
    EXPIRING = "expiring"
    EXPIRED = "expired"
    UNSEALED = "unsealed"


class Occasion(StrEnum):
    """Why a notice goes out."""

    OPENED = "opened"
    WORSENED = "worsened"
    CLOSED = "closed"


@dataclass(frozen=True)
class Watched:
    """Since when a feed is judged, and when the last look at its partner that succeeded began."""

    since: datetime
    looked_at: datetime | None = None


@dataclass(frozen=True)
class Day:
    """What one feed brought on one calendar day: rows that were new, the last moment, whether a batch of it is held."""

    day: date
    rows: int
    last_at: datetime
    is_held: bool = False


@dataclass(frozen=True)
class Waiting:
    """So many of a subject wait, the oldest since then; the numbers of the first batches among them."""

    subject: str
    count: int
    oldest_at: datetime
    batch_ids: tuple[int, ...] = ()


@dataclass(frozen=True)
class Expiry:
    """When something of a connection ends: a certificate, a key, a password."""

    connection: str
    what: str
    expires_at: datetime


@dataclass(frozen=True)
class Facts:
    """All that is known at one moment. ``resumed_at``: since when the watching goes on without a pause.

    ``unacknowledged`` and ``unread`` have feeds as subjects, the first one's batches, the second's files; ``owed`` has receivers,
    ``untold`` has feeds whose partner waits for the outcome; ``unsealed`` has the exchange log.
    """

    now: datetime
    resumed_at: datetime
    feeds: Mapping[str, Feed]
    receivers: frozenset[str] = frozenset()
    watched: Mapping[str, Watched] = field(default_factory=dict)
    days: Mapping[str, Sequence[Day]] = field(default_factory=dict)
    unacknowledged: Sequence[Waiting] = ()
    unread: Sequence[Waiting] = ()
    held: Sequence[Waiting] = ()
    owed: Sequence[Waiting] = ()
    untold: Sequence[Waiting] = ()
    unsealed: Sequence[Waiting] = ()
    expiries: Sequence[Expiry] = ()


@dataclass(frozen=True)
class Wanted:
    """An incident that should be open now. ``detail`` holds counts, ids and hours alone."""

    kind: Kind
    subject: str
    due_at: datetime | None = None
    level: int = 1
    detail: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Incident:
    """An incident as the store knows it."""

    incident_id: int
    kind: Kind
    subject: str
    level: int
    detail: Mapping[str, object]
    due_at: datetime | None
    opened_at: datetime
    closed_at: datetime | None = None


@dataclass(frozen=True)
class Notice:
    """One notice of one incident; ``key`` never changes, so that a receiver knows a repeated one."""

    notice_id: int
    key: str
    occasion: Occasion
    attempts: int
    incident: Incident
