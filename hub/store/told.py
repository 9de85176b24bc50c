"""The outbox of report calls: which rows a partner is told in which call under which key, decided in one commit before sending."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from hub.digest import sm3_hex
from hub.errors import KeysUnusable
from hub.model import Batch, Stage
from hub.sealing import Destroyed
from hub.store.database import Work, plain, rows_of
from hub.store.places import CALLS
from hub.store.sealed import open_texts, seal_rows


def row_digest(row: Mapping[str, str]) -> str:
    """The SM3 of a row as it is told, the same for the same words."""
    return sm3_hex(json.dumps(row, sort_keys=True, ensure_ascii=False).encode())


@dataclass(frozen=True)
class ToldRow:
    """One row as the partner will read it; ``place`` is which row of the batch it speaks of, ``row`` its words."""

    place: str
    row: Mapping[str, str]

    @property
    def digest(self) -> str:
        """What tells this row from another telling of it."""
        return row_digest(self.row)


@dataclass(frozen=True)
class Call:
    """Rows told in one call. ``key`` never changes: whoever sends it again sends the same rows under it."""

    call_id: int
    key: str
    rows: tuple[Mapping[str, str], ...]


def open_calls(work: Work, batch_id: int, stage: Stage) -> list[Call]:
    """Calls of a batch that are decided and not known to have arrived, in order."""
    sql = """select call_id, call_key as key, rows from told_call
             where batch_id = :batch_id and stage = :stage and sent_at is null order by call_id"""
    found = rows_of(work, sql, batch_id=batch_id, stage=stage.value)
    words = open_texts(work, CALLS, [row.key for row in found], [row.rows for row in found])
    return [Call(row.call_id, row.key, _rows(text)) for row, text in zip(found, words, strict=True)]


def _rows(words: str | None) -> tuple[Mapping[str, str], ...]:
    if isinstance(words, Destroyed):
        raise KeysUnusable(
            "a call that is not told yet lies under a key that was destroyed; its batch must be read again"
        )
    return tuple(json.loads(words or "[]"))


def add_calls(work: Work, batch: Batch, stage: Stage, rows: Sequence[ToldRow], per_call: int) -> int:
    """Decide to tell the rows that say something else than what was told of them last; returns how many.

    The key of a call is made from the bytes of the batch, the number of the call and its words, so that two hubs on one drop, or
    one hub whose database was lost, tell the same thing under the same key. What comes back after something else was told in
    between has another number, and so another key.
    """
    before = {
        row.place: row.row_digest
        for row in rows_of(
            work,
            "select place, row_digest from told_row where batch_id = :batch_id and stage = :stage",
            batch_id=batch.batch_id,
            stage=stage.value,
        )
    }
    news = [row for row in rows if before.get(row.place) != row.digest]
    counted = "select count(*) as calls from told_call where batch_id = :batch_id and stage = :stage"
    number = int(rows_of(work, counted, batch_id=batch.batch_id, stage=stage.value)[0].calls)
    for place, start in enumerate(range(0, len(news), per_call)):
        _add_call(work, batch, stage, number + place, news[start : start + per_call])
    return len(news)


def _add_call(work: Work, batch: Batch, stage: Stage, number: int, rows: Sequence[ToldRow]) -> None:
    words = plain(json.dumps([dict(row.row) for row in rows], ensure_ascii=False))
    facts = f"{batch.feed_id}|{batch.source_name}|{batch.digest}|{stage.value}|{number}|{words}"
    sql = """insert into told_call (batch_id, stage, call_key, rows, sealed_key, row_count)
             values (:batch_id, :stage, :key, :rows, :sealed_key, :count) returning call_id"""
    values: dict[str, Any] = {"batch_id": batch.batch_id, "stage": stage.value, "key": sm3_hex(facts.encode())[:32]}
    sealed = {name: column[0] for name, column in seal_rows(work, CALLS, [values["key"]], {"rows": [words]}).items()}
    call_id = rows_of(work, sql, **values, **sealed, count=len(rows))[0].call_id
    sql = """insert into told_row (batch_id, stage, place, row_digest, call_id)
             select :batch_id, :stage, place, digest, :call_id
             from jsonb_to_recordset(cast(:rows as jsonb)) as r(place text, digest text)
             on conflict (batch_id, stage, place) do update set row_digest = excluded.row_digest, call_id = excluded.call_id"""
    told = json.dumps([{"place": row.place, "digest": row.digest} for row in rows])
    work.execute(sa.text(sql), {"batch_id": batch.batch_id, "stage": stage.value, "call_id": call_id, "rows": told})


def mark_sent(work: Work, call_id: int) -> None:
    """The partner has it. Its words are not kept any longer than they are needed."""
    sql = "update told_call set sent_at = now(), rows = null, sealed_key = null where call_id = :call_id and sent_at is null"
    work.execute(sa.text(sql), {"call_id": call_id})
