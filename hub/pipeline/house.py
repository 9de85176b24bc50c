"""What every verb needs, and how every verb leaves a trace."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import sqlalchemy as sa

from hub.archive import Archive
from hub.errors import NotAllowed
from hub.model import Batch
from hub.registry import Registry
from hub.store import batches
from hub.store.database import Work

log = logging.getLogger("hub")


@dataclass(frozen=True)
class House:
    """What every verb needs: the database, the archive, the feeds."""

    engine: sa.Engine
    archive: Archive
    registry: Registry


def note(step: str, **facts: object) -> None:
    """One structured line per step: ids and counts, never a row's value."""
    log.info("%s %s", step, " ".join(f"{name}={value}" for name, value in facts.items()))


def lock_batch(work: Work, batch_id: int) -> Batch:
    """The batch, held against other workers until the commit. Raises NotAllowed when there is none."""
    batch = batches.read_batch(work, batch_id, lock=True)
    if batch is None:
        raise NotAllowed(f"there is no batch {batch_id}")
    return batch
