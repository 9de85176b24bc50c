"""What is sent once more, by hand or because a parent came: what was refused, withdrawn or never owed. Never what was accepted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

import sqlalchemy as sa

from hub.store.database import Work, rows_of

# A later version went out since: sent after it, the old one would take the correction back.
NOT_CORRECTED = """not exists (select 1 from delivery as e where e.receiver = d.receiver and e.schema_name = d.schema_name
                                                       and e.record_key = d.record_key and e.version > d.version)"""
LAST_CODE = "(select code from receipt as t where t.delivery_id = d.delivery_id order by receipt_id desc limit 1)"


@dataclass(frozen=True)
class Chosen:
    """Which sendings are meant: of a batch, to a receiver, answered with a code, of batches fetched from one day to another."""

    batch_id: int | None = None
    receiver: str | None = None
    code: str | None = None
    feed_id: str | None = None
    from_on: date | None = None
    to_on: date | None = None

    @property
    def is_one_batch(self) -> bool:
        """Everything that receivers lack of one batch, and nothing else."""
        return self.batch_id is not None and replace(self, batch_id=None) == Chosen()


OF_BATCH = """(cast(:batch_id as bigint) is null or b.batch_id = :batch_id)
              and (cast(:feed_id as text) is null or b.feed_id = :feed_id)
              and (cast(:from_on as date) is null or b.fetched_at >= cast(:from_on as date))
              and (cast(:to_on as date) is null or b.fetched_at < cast(:to_on as date) + 1)"""


def wake_refused(work: Work, chosen: Chosen, taken: Mapping[str, Sequence[str]]) -> list[int]:
    """Let refused and withdrawn records go out once more, as if for the first time; returns their deliveries.

    ``taken``: which schemas each receiver takes today; nobody else is woken.
    """
    sql = f"""update delivery as d set state = 'waiting', attempts = 0, splits = 0, not_before = null, changed_at = now()
              from batch as b, unnest(cast(:receivers as text[]), cast(:schemas as text[])) as today(receiver, schema_name)
              where b.batch_id = d.batch_id and d.state in ('refused', 'withdrawn') and {OF_BATCH}
                and today.receiver = d.receiver and today.schema_name = d.schema_name
                and (cast(:receiver as text) is null or d.receiver = :receiver)
                and (cast(:code as text) is null or {LAST_CODE} = :code) and {NOT_CORRECTED}
              returning d.delivery_id"""
    pairs = [(receiver, schema) for receiver, schemas in taken.items() for schema in schemas]
    values: dict[str, Any] = {"receivers": [one for one, _ in pairs], "schemas": [one for _, one in pairs]}
    return [row.delivery_id for row in rows_of(work, sql, **values, **asdict(chosen))]


def answered_batches(work: Work, chosen: Chosen) -> list[tuple[int, str]]:
    """Batches that were read and took effect, with their feeds: those whose records a receiver may lack."""
    sql = f"""select batch_id, feed_id from batch as b where {OF_BATCH} and state in ('stored', 'delivered', 'reported')
              and hold_code is null order by batch_id"""
    return [(row.batch_id, row.feed_id) for row in rows_of(work, sql, **asdict(chosen))]


def last_delivery(work: Work) -> int:
    """The number of the newest delivery, so that those added since can be told."""
    return int(rows_of(work, "select coalesce(max(delivery_id), 0) as newest from delivery")[0].newest)


def deliveries_since(work: Work, batch_id: int, delivery_id: int) -> list[int]:
    """A batch's deliveries that were added after this one."""
    sql = "select delivery_id from delivery where batch_id = :batch_id and delivery_id > :after"
    return [row.delivery_id for row in rows_of(work, sql, batch_id=batch_id, after=delivery_id)]


def count_deliveries(work: Work, delivery_ids: Sequence[int]) -> dict[tuple[str, str], int]:
    """How many of these go to each receiver, by schema."""
    sql = """select receiver, schema_name, count(*) as records from delivery where delivery_id = any(:ids)
             group by receiver, schema_name order by receiver, schema_name"""
    found = rows_of(work, sql, ids=list(delivery_ids))
    return {(row.receiver, row.schema_name): row.records for row in found}


def reopen_batches(work: Work, delivery_ids: Sequence[int]) -> int:
    """Batches of these deliveries, and those that repeat their records, are told anew once all is answered; returns how many.

    What could be read is told already and stays as it is: the clock of that report is not touched.
    """
    sql = """with woken as (select batch_id, schema_name, record_id from delivery where delivery_id = any(:ids))
             update batch set state = 'stored', changed_at = now()
             where state in ('delivered', 'reported') and hold_code is null
               and (batch_id in (select batch_id from woken)
                    or batch_id in (select r.batch_id from repetition as r join woken using (schema_name, record_id)))"""
    return work.execute(sa.text(sql), {"ids": list(delivery_ids)}).rowcount
