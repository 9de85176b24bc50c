"""What a backup has to hold: one view of the whole database, the bytes it names, and how much of everything there is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hub.store.database import Work, rows_of, working

SCHEMAS = ("hub", "record")
"""The schemas of PostgreSQL that are the hub's."""


@contextmanager
def one_view(engine: sa.Engine) -> Iterator[tuple[Work, str]]:
    """A transaction that sees the database as it is now, however the hub goes on, and the name under which others may share it."""
    with working(engine) as work:
        work.execute(sa.text("set transaction isolation level repeatable read, read only"))
        yield work, str(rows_of(work, "select pg_export_snapshot() as name")[0].name)


def is_untouched(work: Work) -> bool:
    """Whether nothing of a hub is in this database."""
    sql = "select 1 from pg_namespace where nspname = any(:schemas)"
    return not rows_of(work, sql, schemas=list(SCHEMAS))


def count_tables(work: Work) -> dict[str, int]:
    """Rows of every table of the hub."""
    sql = """select schemaname || '.' || tablename as name from pg_tables where schemaname = any(:schemas) order by 1"""
    names = [row.name for row in rows_of(work, sql, schemas=list(SCHEMAS))]
    return {name: int(rows_of(work, f"select count(*) as rows from {name}")[0].rows) for name in names}


def sum_tallies(work: Work) -> list[dict[str, Any]]:
    """Rows and fen per kind of record, as they came in."""
    sql = """select schema_name, count(*) as batches,
                    sum(fetched_rows)::bigint as fetched_rows, sum(fetched_fen)::bigint as fetched_fen,
                    sum(stored_rows)::bigint as stored_rows, sum(stored_fen)::bigint as stored_fen,
                    sum(rejected_rows)::bigint as rejected_rows, sum(rejected_fen)::bigint as rejected_fen,
                    sum(unchanged_rows)::bigint as unchanged_rows, sum(unchanged_fen)::bigint as unchanged_fen
             from tally group by schema_name order by schema_name"""
    return [dict(row._mapping) for row in rows_of(work, sql)]


def parts_named(work: Work, since: datetime | None = None) -> dict[str, int]:
    """The digests of all raw bytes that must be there, each with one batch that names it; without what was let go.

    With ``since`` only those of batches fetched later.
    """
    sql = """select part as digest, min(batch_id) as batch_id from batch, unnest(parts) as part
             where (cast(:since as timestamptz) is null or fetched_at > :since)
               and not exists (select 1 from tombstone as t where t.batch_id = batch.batch_id and t.digest = part)
             group by part order by part"""
    return {row.digest: row.batch_id for row in rows_of(work, sql, since=since)}


def highest_version(work: Work) -> int:
    """The highest version of any record that was owed to anyone, and the highest floor of earlier restores."""
    sql = """select greatest((select coalesce(max(version), 0) from delivery),
                             (select coalesce(max(version_floor), 0) from restore)) as version"""
    return int(rows_of(work, sql)[0].version)


def server_major(engine: sa.Engine) -> int:
    """The server's main version, which its tools must not be older than."""
    with working(engine) as work:
        return int(rows_of(work, "show server_version_num")[0][0]) // 10_000


def step_of(work: Work) -> str:
    """The newest step of the tables' history that this database has seen."""
    return str(rows_of(work, "select version_num from alembic_version")[0].version_num)
