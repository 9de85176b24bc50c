"""What every verb needs, and how every verb leaves a trace."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from hub.archive import Archive
from hub.containers import Containers
from hub.errors import NotAllowed
from hub.feed import Feed
from hub.model import Batch
from hub.registry import Registry
from hub.store import batches
from hub.store.database import Work

log = logging.getLogger("hub")


@dataclass(frozen=True)
class House:
    """What every verb needs: the database, the archive, the feeds, and what opens files that partners encrypt."""

    engine: sa.Engine
    archive: Archive
    registry: Registry
    containers: Containers = field(default=Containers())


def note(step: str, **facts: object) -> None:
    """One structured line per step: ids and counts, never a row's value."""
    log.info("%s %s", step, " ".join(f"{name}={value}" for name, value in facts.items()))


def lock_batch(work: Work, batch_id: int) -> Batch:
    """The batch, held against other workers until the commit. Raises NotAllowed when there is none."""
    batch = batches.read_batch(work, batch_id, lock=True)
    if batch is None:
        raise NotAllowed(f"there is no batch {batch_id}")
    return batch


def read_parts(house: House, feed: Feed, batch: Batch) -> Sequence[bytes]:
    """The archived bytes of a batch as formats read them, opened where its partner encrypts. Raises FeedChanged F023 to F029."""
    parts = [house.archive.read(part) for part in batch.parts]
    return house.containers.opened(feed.spec.source, parts, batch.fetched_at)
