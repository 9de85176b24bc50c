"""Bring rows under the active key a few at a time while everybody works, and count what lies under a key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from hub.errors import SealBroken
from hub.sealing import Destroyed
from hub.store.database import Work, rows_of
from hub.store.keys import sealing_key
from hub.store.places import CALLS, PLACES, Place
from hub.store.sealed import open_columns, seal_again

After = tuple[Any, ...]
"""The primary key of the last row that was looked at."""


def old_keys(work: Work) -> list[int]:
    """Keys that still open and no longer seal."""
    return [
        row.key_id for row in rows_of(work, "select key_id from data_key where state = 'open-only' order by key_id")
    ]


@dataclass(frozen=True)
class Step:
    """What one commit did: rows sealed anew, rows left because somebody changed them, the last one looked at (None: no more)."""

    sealed: int
    broken: int
    last: After | None


def reseal_some(work: Work, place: Place, after: After | None, most: int) -> Step:
    """Seal up to ``most`` rows anew that come after a row.

    A row that somebody else holds is passed over, never waited for; one that changed meanwhile keeps what it was given.
    """
    old = old_keys(work)
    found = _locked(work, place, old, after, most) if old else []
    if not found:
        return Step(0, 0, None)
    last = tuple(found[-1]._mapping[key] for key in place.keys)
    whole, texts = _open_whole(work, place, found)
    if not whole:
        return Step(0, len(found), last)
    fresh = seal_again(work, place, [row.row for row in whole], texts)
    return Step(_swap(work, place, whole, _sealed(place, whole), fresh), len(found) - len(whole), last)


def _open_whole(
    work: Work, place: Place, rows: list[sa.Row[Any]]
) -> tuple[list[sa.Row[Any]], dict[str, list[str | None]]]:
    """The rows that open, with their texts; one by one where not all of them do."""
    try:
        texts = open_columns(work, place, [row.row for row in rows], _sealed(place, rows))
        if any(isinstance(text, Destroyed) for column in texts.values() for text in column):
            raise SealBroken("the row names a key that opens, and its envelope one that was destroyed")
        return rows, texts
    except SealBroken:
        if len(rows) == 1:
            return [], {column: [] for column in place.columns}
    alone = [_open_whole(work, place, [row]) for row in rows]
    texts = {column: [text for _, found in alone for text in found[column]] for column in place.columns}
    return [row for found, _ in alone for row in found], texts


def _sealed(place: Place, rows: list[sa.Row[Any]]) -> dict[str, list[Any]]:
    return {column: [row._mapping[column] for row in rows] for column in place.columns}


def count_under(work: Work, key_id: int) -> dict[str, int]:
    """Rows under a key, by table; tables without any are left out."""
    counts = {
        place.table: int(
            rows_of(work, f"select count(*) as rows from {place.table} where sealed_key = :id", id=key_id)[0].rows
        )
        for place in PLACES
    }
    return {table: count for table, count in counts.items() if count}


def calls_under(work: Work, key_id: int) -> int:
    """Calls that wait to be told and lie under a key."""
    sql = f"select count(*) as calls from {CALLS.table} where sealed_key = :id and sent_at is null"
    return int(rows_of(work, sql, id=key_id)[0].calls)


def _locked(work: Work, place: Place, old: list[int], after: After | None, most: int) -> list[sa.Row[Any]]:
    keys = ", ".join(place.keys)
    later = "true" if after is None else f"({keys}) > ({', '.join(f':after_{key}' for key in place.keys)})"
    sql = f"""select {keys}, {place.row} as row, {", ".join(place.columns)} from {place.table}
              where sealed_key = any(:old) and {later} order by {keys} limit :most for no key update skip locked"""
    values = {} if after is None else {f"after_{key}": value for key, value in zip(place.keys, after, strict=True)}
    return list(rows_of(work, sql, old=old, most=most, **values))


def _swap(work: Work, place: Place, found: list[sa.Row[Any]], old: dict[str, Any], fresh: dict[str, Any]) -> int:
    """Compare and swap, all rows in one statement."""
    columns: dict[str, tuple[str, list[Any]]] = {
        f"at_{key}": (kind, [row._mapping[key] for row in found]) for key, kind in place.keys.items()
    }
    columns |= {f"old_{name}": ("bytea", old[name]) for name in place.columns}
    columns |= {f"new_{name}": ("bytea", fresh[name]) for name in place.columns}
    arrays = ", ".join(f"cast(:{name} as {kind}[])" for name, (kind, _) in columns.items())
    same = [f"t.{key} = n.at_{key}" for key in place.keys]
    same += [f"t.{name} is not distinct from n.old_{name}" for name in place.columns]
    changes = ", ".join(f"{name} = n.new_{name}" for name in place.columns)
    sql = f"""update {place.table} as t set {changes}, sealed_key = :key
              from unnest({arrays}) as n({", ".join(columns)}) where {" and ".join(same)}"""
    values: dict[str, Any] = {name: column for name, (_, column) in columns.items()}
    return work.execute(sa.text(sql), {**values, "key": fresh["sealed_key"][0]}).rowcount


def active_key(work: Work) -> int:
    """The number of the key that seals now; made when this quarter has none yet."""
    return sealing_key(work).key_id
