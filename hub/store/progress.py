"""How far the exchange has come, in a few numbers: for the demonstration and for anyone who watches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hub.store.database import Work, rows_of


@dataclass(frozen=True)
class Progress:
    """Batches by what became of them, rows by the way they went. ``untold``: batches whose partner waits for a first word;
    ``concluding``: conclusions of clues that their channels do not know yet."""

    batches: int
    files: int
    held: int
    reported: int
    untold: int
    stored: int
    rejected: int
    answered: int
    waiting: int
    concluding: int


def read_progress(work: Work) -> Progress:
    """Count everything there is."""
    sql = """select count(*) as batches, count(stamp_size) as files, count(*) filter (where state = 'held') as held,
                    count(*) filter (where state = 'reported') as reported,
                    count(*) filter (where read_at is null or not exists (
                        select 1 from report where report.batch_id = batch.batch_id and stage = 'intake'
                               and sent_at >= read_at)) as untold,
                    (select coalesce(sum(stored_rows), 0)::bigint from tally) as stored,
                    (select coalesce(sum(rejected_rows), 0)::bigint from tally) as rejected,
                    (select count(*) from delivery where state in ('accepted', 'refused')) as answered,
                    (select count(*) from delivery where state in ('waiting', 'submitted')) as waiting,
                    (select count(*) from conclusion where state in ('waiting', 'telling', 'refused')) as concluding
             from batch"""
    return Progress(**rows_of(work, sql)[0]._mapping)


def receivers_due(work: Work) -> list[str]:
    """The receivers that a waiting record may go to now, or that have not answered for a submission."""
    sql = """select receiver from delivery
             where state = 'waiting' and (not_before is null or not_before <= now())
             union select receiver from submission where answered_at is null order by 1"""
    return [row.receiver for row in rows_of(work, sql)]


def read_effects(work: Work) -> dict[str, Any]:
    """What a repeated run must leave as it is, and beside it the number of batches, which may grow by empty repeats."""
    sql = """select (select count(*) from batch) as batches,
                    (select coalesce(sum(stored_rows), 0)::bigint from tally) as records,
                    (select coalesce(sum(rejected_rows), 0)::bigint from tally) as rejections,
                    (select count(*) from delivery) as deliveries,
                    (select count(*) from receipt) as receipts,
                    (select count(*) from report where digest <> '') as reports,
                    (select count(*) from conclusion where state = 'told') as conclusions"""
    return dict(rows_of(work, sql)[0]._mapping)
