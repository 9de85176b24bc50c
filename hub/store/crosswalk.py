"""One thing under many numbers: written in the commit that stores the records, asked by any of the numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import sqlalchemy as sa

from hub.store.database import Work, rows_of
from hub.store.keys import blind_index
from hub.store.places import record_place
from hub.store.sealed import open_columns
from schemas.crosswalk import CROSSWALK, PERSONAL, Columns, Naming

HOLDERS = [
    (schema, column)
    for schema, namings in CROSSWALK.items()
    for naming in namings
    if naming.kind == "worker"
    for column in ("id_no", *naming.others.get("card_no", ()))
]
"""Where the numbers of workers stand: schema and column."""


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

    The number is an anchor, any other number, or one part of either (a permit number without its contractor). Documents and cards
    stand as their blind indexes: ``numbers_behind`` tells what they are.
    """
    hidden = blind_index(work).candidates(number.rpartition(" ")[2])
    asked = [number, hidden["document"].hex(), hidden["card"].hex()]
    sql = """with found as (
                select hub_id from identity where anchor = any(:asked) or string_to_array(anchor, ' ') && cast(:asked as text[])
                union select hub_id from id_crosswalk
                where id_value = any(:asked) or string_to_array(id_value, ' ') && cast(:asked as text[]))
             select hub_id, kind, case kind when 'project' then 'section' when 'worker' then 'document' else 'uscc' end as id_kind,
                    anchor as id_value, first_seen_at as since
             from identity join found using (hub_id)
             union all
             select hub_id, kind, id_kind, id_value, seen_at
             from id_crosswalk join identity using (hub_id) join found using (hub_id)
             order by 1, 5, 3, 4"""
    return list(rows_of(work, sql, asked=asked))


def numbers_behind(work: Work, rows: Iterable[sa.Row[Any]]) -> dict[tuple[str, str], str]:
    """What the hidden numbers of these things are, by ``id_kind`` and ``id_value``: read from a record that holds each."""
    wanted = [row for row in rows if row.id_kind in PERSONAL]
    found: dict[tuple[str, str], str] = {}
    for schema, column in HOLDERS:
        kind = "document" if column == "id_no" else column
        asked = {
            bytes.fromhex(row.id_value.rpartition(" ")[2]): row.id_value
            for row in wanted
            if row.id_kind == kind and (kind, row.id_value) not in found
        }
        for index, text in _texts_of(work, schema, column, list(asked)).items():
            kept = asked[index].rpartition(" ")[0]
            found[(kind, asked[index])] = f"{kept} {text}".strip()
    return found


def _texts_of(work: Work, schema: str, column: str, asked: Sequence[bytes]) -> dict[bytes, str]:
    if not asked:
        return {}
    place = record_place(schema)
    sql = f"""select distinct on ({column}_index) {column}_index as hidden, {column} as sealed, {place.row} as row
              from {place.table} where {column}_index = any(:asked) order by {column}_index, record_id desc"""
    rows = rows_of(work, sql, asked=list(asked))
    texts = open_columns(work, place, [row.row for row in rows], {column: [row.sealed for row in rows]})[column]
    return {bytes(row.hidden): text for row, text in zip(rows, texts, strict=True) if text is not None}


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
    """Parts of a number are joined by a space, which no number holds. A personal number is its blind index."""
    return " || ' ' || ".join(f"encode({one}_index, 'hex')" if one in ("id_no", "card_no") else one for one in columns)


def _filled(columns: Columns) -> str:
    return " and ".join(f"{column} is not null" for column in columns)
