"""What is past its term is let go: raw bytes of settled batches, each with a tombstone, and old days of the journal.

Nothing does this by itself. A person looks first, then decides, and it stands who did.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from hub.archive import Archive, digest_in
from hub.exchange_log.forms import digest_of_facts
from hub.settings import Terms, now
from hub.store import tombstones
from hub.store.audit import Act, note_act
from hub.store.database import working
from hub.store.exchange_log import append

AT_ONCE = 200
"""Batches that are let go in one commit."""


@dataclass(frozen=True)
class PastTerm:
    """What may go: per feed its batches and parts. ``unsettled`` batches are as old and stay, because they are not settled."""

    before: datetime
    feeds: Sequence[sa.Row[Any]]
    unsettled: int


@dataclass(frozen=True)
class LetGo:
    """What went. ``shared`` parts have a tombstone and stay, because a younger batch has the same bytes."""

    parts: int
    shared: int
    journal: int
    unfinished: int


def find_past_term(engine: sa.Engine, terms: Terms) -> PastTerm:
    """Look, change nothing."""
    before = now() - timedelta(days=terms.raw_days)
    with working(engine) as work:
        return PastTerm(before, tombstones.count_old(work, before), tombstones.count_unsettled(work, before))


def let_go(engine: sa.Engine, archive: Archive, terms: Terms, by: str) -> LetGo:
    """Tombstones first, then the bytes: a crash between the two leaves bytes that the next run takes."""
    before = now() - timedelta(days=terms.raw_days)
    reason = f"raw bytes are kept {terms.raw_days} days"
    parts, _ = _take(engine, archive, [digest_in(name) for name in archive.names()])  # what a crash left
    shared = 0
    while True:
        with working(engine) as work:
            digests = tombstones.bury(work, before, reason, by, AT_ONCE)
            if digests:
                append(work, "let_go", "archive", digest=digest_of_facts(digests), parts=len(digests))
                note_act(work, Act("retention --apply", f"{len(digests)} parts", reason), by)
        if not digests:
            break
        gone, kept = _take(engine, archive, digests)
        parts, shared = parts + gone, shared + kept
    journal = archive.forget_journal(now() - timedelta(days=terms.journal_days))
    return LetGo(parts, shared, journal, archive.shelf.sweep())


def _take(engine: sa.Engine, archive: Archive, digests: Sequence[str]) -> tuple[int, int]:
    """Remove those of these bytes that have a tombstone and that no other batch needs; how many went, and how many stay."""
    with working(engine) as work:
        dead = tombstones.buried(work, digests)
        needed = tombstones.still_needed(work, dead) if dead else frozenset()
        for digest in sorted(dead - needed):
            archive.remove(digest)
    return len(dead - needed), len(needed)
