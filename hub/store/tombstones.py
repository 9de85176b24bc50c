"""Raw bytes that were let go: of which batch, when, why and by whom. The bytes go, the word about them stays."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hub.store.database import Work, rows_of

# Settled, and left alone for as long as the term says; one that was sent again or replayed begins anew.
OLD = """batch.state = 'reported' and batch.fetched_at < :before and batch.changed_at < :before
         and not exists (select 1 from delivery as d where d.batch_id = batch.batch_id and d.state in ('waiting', 'submitted'))
         and not exists (select 1 from repair where repair.batch_id = batch.batch_id and repair.state = 'waiting')
         and exists (select 1 from unnest(batch.parts) as part where not exists (
                select 1 from tombstone as t where t.batch_id = batch.batch_id and t.digest = part))"""


def count_old(work: Work, before: datetime) -> Sequence[sa.Row[Any]]:
    """Per feed: the batches whose raw bytes may go, and from when to when they were fetched."""
    sql = f"""select feed_id, count(*) as batches, sum(cardinality(parts))::bigint as parts,
                     min(fetched_at) as oldest_at, max(fetched_at) as newest_at
              from batch where {OLD} group by feed_id order by feed_id"""
    return rows_of(work, sql, before=before)


def count_unsettled(work: Work, before: datetime) -> int:
    """Batches as old as that whose raw bytes stay because they are not settled."""
    sql = "select count(*) as batches from batch where fetched_at < :before and state <> 'reported'"
    return int(rows_of(work, sql, before=before)[0].batches)


def bury(work: Work, before: datetime, reason: str, by: str, most: int) -> list[str]:
    """Write tombstones for the oldest batches whose raw bytes may go; the digests. Empty when there is none left."""
    sql = f"""with old as (select batch_id, parts from batch where {OLD} order by batch_id limit :most for update skip locked)
              insert into tombstone (batch_id, digest, reason, removed_by)
              select distinct batch_id, part, :reason, :by from old, unnest(parts) as part
              on conflict (batch_id, digest) do nothing returning digest"""
    values = {"before": before, "reason": reason, "by": by, "most": most}
    return sorted({row.digest for row in rows_of(work, sql, **values)})


def still_needed(work: Work, digests: Collection[str]) -> frozenset[str]:
    """Which of these a batch without a tombstone for them names; nobody adds one until the commit."""
    work.execute(sa.text("select pg_advisory_xact_lock(hashtext('archive'))"))
    sql = """select distinct part as digest from batch, unnest(parts) as part
             where batch.parts && cast(:digests as text[]) and part = any(:digests) and not exists (
                select 1 from tombstone as t where t.batch_id = batch.batch_id and t.digest = part)"""
    return frozenset(row.digest for row in rows_of(work, sql, digests=sorted(digests)))


def were_let_go(work: Work, digests: Collection[str]) -> bool:
    """Whether any of these was let go once, so that it must be kept anew; until the commit nothing is let go."""
    work.execute(sa.text("select pg_advisory_xact_lock_shared(hashtext('archive'))"))
    sql = "select 1 from tombstone where digest = any(:digests) limit 1"
    return bool(rows_of(work, sql, digests=sorted(digests)))


def buried(work: Work, digests: Collection[str]) -> frozenset[str]:
    """Which of these have a tombstone."""
    sql = "select distinct digest from tombstone where digest = any(:digests)"
    return frozenset(row.digest for row in rows_of(work, sql, digests=sorted(digests)))


def tombstones_of(work: Work, batch_id: int) -> Sequence[sa.Row[Any]]:
    """What was let go of a batch."""
    sql = "select digest, removed_at, reason, removed_by from tombstone where batch_id = :batch_id order by digest"
    return rows_of(work, sql, batch_id=batch_id)
