"""One thing under many numbers: written in the commit that stores the records, asked by any of the numbers."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from hub.store.database import Work, rows_of
from schemas.crosswalk import CROSSWALK, Columns, Naming


def note_identities(work: Work, batch_id: int, schema: str) -> None:
    """Write down what a batch's records of one schema call the things they speak of; what is known already stays as it is.

    One writer at a time, to the commit: the same companies stand in all kinds of records, and two batches that bring them in
    another order would wait for each other. So this comes last, when no other lock is asked for any more.
    """
    work.execute(sa.text("select pg_advisory_xact_lock(hashtext('identity'))"))
    for naming in CROSSWALK.get(schema, ()):
        for sql in (_new_things(schema, naming), *(_new_numbers(schema, naming, kind) for kind in naming.others)):
            work.execute(sa.text(sql), {"batch_id": batch_id})


def find_things(work: Work, number: str) -> list[sa.Row[Any]]:
    """Every thing this number leads to, with all its numbers: hub_id, kind, id_kind, id_value, since.

    The number is an anchor, any other number, or one part of either (a permit number without its contractor).
    """
    sql = """with found as (
                select hub_id from identity where anchor = :number or string_to_array(anchor, ' ') @> array[cast(:number as text)]
                union select hub_id from id_crosswalk
                where id_value = :number or string_to_array(id_value, ' ') @> array[cast(:number as text)])
             select hub_id, kind, case kind when 'project' then 'section' when 'worker' then 'document' else 'uscc' end as id_kind,
                    anchor as id_value, first_seen_at as since
             from identity join found using (hub_id)
             union all
             select hub_id, kind, id_kind, id_value, seen_at
             from id_crosswalk join identity using (hub_id) join found using (hub_id)
             order by 1, 5, 3, 4"""
    return list(rows_of(work, sql, number=number))


def _new_things(schema: str, naming: Naming) -> str:
    return f"""insert into identity (kind, anchor)
               select distinct '{naming.kind}', {_joined(naming.anchor)} as anchor from record.{schema}
               where batch_id = :batch_id and {_filled(naming.anchor)} order by 2
               on conflict (kind, anchor) do nothing"""


def _new_numbers(schema: str, naming: Naming, kind: str) -> str:
    columns = naming.others[kind]
    return f"""insert into id_crosswalk (hub_id, id_kind, id_value, schema_name, batch_id)
               select distinct identity.hub_id, '{kind}', {_joined(columns)} as id_value, '{schema}', cast(:batch_id as bigint)
               from record.{schema} join identity on identity.kind = '{naming.kind}' and identity.anchor = {_joined(naming.anchor)}
               where record.{schema}.batch_id = :batch_id and {_filled((*naming.anchor, *columns))} order by 1, 3
               on conflict (hub_id, id_kind, id_value) do nothing"""


def _joined(columns: Columns) -> str:
    """Parts of a number are joined by a space, which no number holds."""
    return " || ' ' || ".join(columns)


def _filled(columns: Columns) -> str:
    return " and ".join(f"{column} is not null" for column in columns)
