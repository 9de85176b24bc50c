"""Rows that stood in clear before the step that seals them: sealed in the same commit, so nobody sees them in between."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa

from hub.sealing import keyed_digests
from hub.store.database import Work, rows_of
from hub.store.keys import blind_index, checked_root
from hub.store.places import PLACES, Place
from hub.store.sealed import seal_rows

AT_ONCE = 5_000


def seal_old_rows(work: Work) -> int:
    """Seal whatever the last step put aside, and drop what it stood in; how many rows."""
    sealed = 0
    for place in PLACES:
        if _has_clear(work, place):
            sealed += _seal_table(work, place)
    if sealed:
        _seal_numbers_of_workers(work)
    return sealed


def _has_clear(work: Work, place: Place) -> bool:
    schema, _, table = place.table.rpartition(".")
    sql = """select 1 from information_schema.columns
             where table_schema = :schema and table_name = :table and column_name = 'clear'"""
    return bool(rows_of(work, sql, schema=schema or "hub", table=table))


def _seal_table(work: Work, place: Place) -> int:
    known = ", ".join((*place.keys, *place.digests))
    sql = f"select {known}, {place.row} as row, clear from {place.table} where clear is not null limit {AT_ONCE}"
    count = 0
    while found := rows_of(work, sql):
        cells = {column: [_text(row.clear[column]) for row in found] for column in place.columns}
        changes = seal_rows(work, place, [row.row for row in found], cells)
        for digest in place.digests:
            changes[digest] = keyed_digests(checked_root(work), [row._mapping[digest] for row in found])
        names = ", ".join(f"{name} = :new_{name}" for name in changes)
        at = " and ".join(f"{key} = :at_{key}" for key in place.keys)
        values: list[dict[str, Any]] = [
            {**{f"new_{name}": column[number] for name, column in changes.items()},
             **{f"at_{key}": getattr(row, key) for key in place.keys}}
            for number, row in enumerate(found)
        ]  # fmt: skip
        work.execute(sa.text(f"update {place.table} set {names}, clear = null where {at}"), values)
        count += len(found)
    work.execute(sa.text(f"alter table {place.table} drop column clear"))
    for column in place.required:
        work.execute(sa.text(f"alter table {place.table} alter column {column} set not null"))
    return count


def _text(cell: Any) -> str | None:
    """A cell as it was, a structure as its JSON."""
    return cell if cell is None or isinstance(cell, str) else json.dumps(cell, ensure_ascii=False)


def _seal_numbers_of_workers(work: Work) -> None:
    """Anchors and cards of workers in the crosswalk become their indexes; two ways of writing one document become one worker."""
    index = blind_index(work)
    cards = "select hub_id, id_value from id_crosswalk where id_kind = 'card_no'"
    for row in rows_of(work, cards):
        hidden = index.candidates(row.id_value)["card"].hex()
        sql = (
            "update id_crosswalk set id_value = :hidden where hub_id = :id and id_kind = 'card_no' and id_value = :old"
        )
        work.execute(sa.text(sql), {"hidden": hidden, "id": row.hub_id, "old": row.id_value})
    seen: dict[str, int] = {}
    for row in rows_of(work, "select hub_id, anchor from identity where kind = 'worker' order by hub_id"):
        id_type, _, number = row.anchor.rpartition(" ")
        anchor = f"{id_type} {index.candidates(number)['document'].hex()}"
        kept = seen.setdefault(anchor, row.hub_id)
        if kept == row.hub_id:
            work.execute(
                sa.text("update identity set anchor = :anchor where hub_id = :id"), {"anchor": anchor, "id": kept}
            )
            continue
        sql = """update id_crosswalk as c set hub_id = :kept where hub_id = :id and not exists (
                    select 1 from id_crosswalk as k where k.hub_id = :kept and k.id_kind = c.id_kind and k.id_value = c.id_value)"""
        for statement in (
            sql,
            "delete from id_crosswalk where hub_id = :id",
            "delete from identity where hub_id = :id",
        ):
            work.execute(
                sa.text(statement), {"kept": kept, "id": row.hub_id} if ":kept" in statement else {"id": row.hub_id}
            )
