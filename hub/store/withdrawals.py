"""What is owed to nobody any more: deliveries of a receiver, or of a schema, that stands in no mapping; and what moved away."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from hub.store.database import Work, rows_of
from schemas.catalogue import SCHEMAS


def withdraw(work: Work, receiver: str, schema: str | None, by: str, why: str) -> int:
    """Owe a receiver nothing of this schema (or of any) that it has not answered; returns how many records. Who and why is kept.

    An open submission of it is asked after no more: whether it arrived is for people to find out.
    """
    sql = """update delivery set state = 'withdrawn', changed_at = now()
             where receiver = :receiver and (cast(:schema as text) is null or schema_name = :schema)
               and state in ('waiting', 'submitted')"""
    count = work.execute(sa.text(sql), {"receiver": receiver, "schema": schema}).rowcount
    sql = """update submission set answered_at = now(), state = 'answered'
             where receiver = :receiver and (cast(:schema as text) is null or schema_name = :schema) and answered_at is null"""
    work.execute(sa.text(sql), {"receiver": receiver, "schema": schema})
    sql = """insert into withdrawal (receiver, schema_name, reason, asked_by, deliveries)
             values (:receiver, :schema, :why, :by, :count)"""
    work.execute(sa.text(sql), {"receiver": receiver, "schema": schema, "why": why, "by": by, "count": count})
    return count


def was_owed(work: Work, receiver: str) -> bool:
    """Whether anything was ever owed to a receiver of this name."""
    return bool(rows_of(work, "select 1 from delivery where receiver = :receiver limit 1", receiver=receiver))


def count_open(work: Work, receiver: str, schema: str | None) -> dict[tuple[str, str], int]:
    """What a receiver has not answered yet, of one schema or of all: records by receiver and schema."""
    sql = """select receiver, schema_name, count(*) as records from delivery
             where receiver = :receiver and (cast(:schema as text) is null or schema_name = :schema)
               and state in ('waiting', 'submitted') group by receiver, schema_name order by schema_name"""
    found = rows_of(work, sql, receiver=receiver, schema=schema)
    return {(row.receiver, row.schema_name): row.records for row in found}


def find_moved(work: Work, receiver: str, schema: str, areas: Sequence[str]) -> Sequence[sa.Row[Any]]:
    """Records that this receiver has and whose newest version lies in no area of it: receiver, schema_name, record_key, its
    version, the newest one, and the area now. The receiver has no call to take a record back; its officers must be told."""
    sql = f"""select d.receiver, d.schema_name, d.record_key, max(d.version) as its_version, r.version as newest_version,
                     r.{SCHEMAS[schema].area} as area_now
              from delivery as d join record.{schema} as r on r.record_key = d.record_key and r.is_current
              where d.receiver = :receiver and d.schema_name = :schema and d.state = 'accepted' and d.version < r.version
                and not (r.{SCHEMAS[schema].area} ~ :shape)
              group by 1, 2, 3, r.version, r.{SCHEMAS[schema].area} order by 3"""
    return rows_of(work, sql, receiver=receiver, schema=schema, shape=f"^({'|'.join(areas)})")
