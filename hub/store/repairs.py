"""Repairs: what one person wants corrected in rejected rows and why, and what another decided about it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from hub.corrections import Correction
from hub.errors import KeysUnusable
from hub.sealing import Destroyed
from hub.store.database import Work, rows_of
from hub.store.places import REPAIRS, row_of_repair
from hub.store.sealed import open_texts, seal_rows


@dataclass(frozen=True)
class Repair:
    """One request: ``state`` is waiting, effective or declined."""

    repair_id: int
    batch_id: int
    state: str
    asked_by: str
    decided_by: str | None


@dataclass(frozen=True)
class RepairedRow:
    """One row of a repair: digests of the row as it came and as corrected, and why it was turned down (schema, column, code)."""

    correction: Correction
    printed_no: str
    before_digest: str
    after_digest: str
    reasons: Sequence[Mapping[str, str]]


def find_rejected(work: Work, batch_id: int, printed_no: str) -> Sequence[sa.Row[Any]]:
    """The rejected rows with this number, or at ``line N``, once per schema: with its place, row_digest and reasons."""
    sql = """select schema_name, part_no, row_no, printed_no, row_digest, reasons from rejection
             where batch_id = :batch_id and (printed_no = :no or 'line ' || row_no = :no or (:no <> '' and printed_no ~ '^0*[0-9]+$'
                                                                  and ltrim(printed_no, '0') = ltrim(:no, '0')))
             order by part_no, row_no, schema_name"""
    return rows_of(work, sql, batch_id=batch_id, no=printed_no)


def waiting_spots(work: Work, batch_id: int) -> set[tuple[str, int, int]]:
    """Rows of a batch that a repair waits for already: place, part, row."""
    sql = """select place, part_no, row_no from repair join repair_row using (repair_id)
             where batch_id = :batch_id and state = 'waiting'"""
    return {(row.place, row.part_no, row.row_no) for row in rows_of(work, sql, batch_id=batch_id)}


def effective_corrections(work: Work, batch_id: int) -> list[Correction]:
    """What was approved for rows of a batch, oldest first: put on top whenever its bytes are read."""
    sql = """select repair_id, place, part_no, row_no, corrections from repair join repair_row using (repair_id)
             where batch_id = :batch_id and state = 'effective' order by repair_id, place, part_no, row_no"""
    return _corrections(work, rows_of(work, sql, batch_id=batch_id))


def _corrections(work: Work, rows: Sequence[sa.Row[Any]]) -> list[Correction]:
    """The cells of these rows, opened. Raises KeysUnusable when their key was destroyed: without them the row would be another."""
    names = [row_of_repair(row.repair_id, row.place, row.part_no, row.row_no) for row in rows]
    texts = open_texts(work, REPAIRS, names, [row.corrections for row in rows])
    if any(isinstance(text, Destroyed) for text in texts):
        raise KeysUnusable("a repair of this batch lies under a key that was destroyed; its partner has to send again")
    return [
        Correction(row.place, row.part_no, row.row_no, json.loads(text or "{}"))
        for row, text in zip(rows, texts, strict=True)
    ]


def add_repair(work: Work, batch_id: int, by: str, why: str, rows: Sequence[RepairedRow]) -> int:
    """Write a request down; it takes no effect yet."""
    sql = """insert into repair (batch_id, asked_by, reason) values (:batch_id, :by, :why) returning repair_id"""
    repair_id = int(rows_of(work, sql, batch_id=batch_id, by=by, why=why)[0].repair_id)
    if rows:
        _add_rows(work, repair_id, rows)
    return repair_id


def _add_rows(work: Work, repair_id: int, rows: Sequence[RepairedRow]) -> None:
    spots = [(row.correction.place, row.correction.part_no, row.correction.row_no) for row in rows]
    cells = [json.dumps(dict(row.correction.cells), ensure_ascii=False) for row in rows]
    sealed = seal_rows(work, REPAIRS, [row_of_repair(repair_id, *spot) for spot in spots], {"corrections": cells})
    sql = """insert into repair_row (repair_id, place, part_no, row_no, printed_no, corrections, sealed_key, columns,
                                     before_digest, after_digest, reasons)
             values (:repair_id, :place, :part_no, :row_no, :printed_no, :corrections, :sealed_key, :columns,
                     :before_digest, :after_digest, cast(:reasons as jsonb))"""
    facts = [
        {"repair_id": repair_id, "place": spot[0], "part_no": spot[1], "row_no": spot[2], "printed_no": row.printed_no,
         "corrections": sealed["corrections"][number], "sealed_key": sealed["sealed_key"][number],
         "columns": list(row.correction.cells), "before_digest": row.before_digest, "after_digest": row.after_digest,
         "reasons": json.dumps(list(row.reasons))}
        for number, (row, spot) in enumerate(zip(rows, spots, strict=True))
    ]  # fmt: skip
    work.execute(sa.text(sql), facts)


def lock_repair(work: Work, repair_id: int) -> Repair | None:
    """The request, held against other deciders until the commit; whoever comes second sees what the first decided."""
    sql = """select repair_id, batch_id, state, asked_by, decided_by from repair where repair_id = :repair_id for update"""
    found = rows_of(work, sql, repair_id=repair_id)
    return Repair(**found[0]._mapping) if found else None


def batch_of(work: Work, repair_id: int) -> int | None:
    """The batch a request is about; asked first, because batches are locked before repairs."""
    found = rows_of(work, "select batch_id from repair where repair_id = :id", id=repair_id)
    return int(found[0].batch_id) if found else None


def rows_of_repair(work: Work, repair_id: int) -> list[RepairedRow]:
    """Its rows in the order of the batch."""
    sql = """select repair_id, place, part_no, row_no, printed_no, corrections, before_digest, after_digest, reasons
             from repair_row where repair_id = :repair_id order by place, part_no, row_no"""
    found = rows_of(work, sql, repair_id=repair_id)
    return [
        RepairedRow(correction, row.printed_no, row.before_digest, row.after_digest, row.reasons)
        for row, correction in zip(found, _corrections(work, found), strict=True)
    ]


def decide(work: Work, repair_id: int, state: str, by: str) -> None:
    sql = "update repair set state = :state, decided_by = :by, decided_at = now() where repair_id = :repair_id"
    work.execute(sa.text(sql), {"repair_id": repair_id, "state": state, "by": by})


def list_repairs(work: Work, state: str | None, most: int) -> Sequence[sa.Row[Any]]:
    """The newest requests, oldest of them first: who, when, why, how many rows, which columns. No values."""
    sql = """select * from (
                select repair_id, batch_id as of_batch, feed_id, repair.state, count(*) as rows, asked_by, asked_at, reason,
                       decided_by, decided_at,
                       (select string_agg(distinct k, ', ') from repair_row as r, unnest(r.columns) as k
                        where r.repair_id = repair.repair_id) as columns
                from repair join batch using (batch_id) join repair_row using (repair_id)
                where cast(:state as text) is null or repair.state = :state
                group by repair_id, feed_id order by repair_id desc limit :most) as newest order by repair_id"""
    return rows_of(work, sql, state=state, most=most)


def standing_rows(work: Work, batch_id: int, schema: str, spots: Sequence[tuple[int, int]]) -> dict[str, Any]:
    """What these rows of a batch count as in its tally now, for one schema: rows and fen rejected, unchanged and stored."""
    elsewhere = " ".join(
        f"""and not exists (select 1 from {table} as t where t.batch_id = r.batch_id and t.schema_name = :schema
                                   and t.part_no = r.part_no and t.row_no = r.row_no)"""
        for table in ("rejection", "repetition")
    )
    sql = f"""with spot as (select * from unnest(cast(:parts as int[]), cast(:rows as int[])) as s(part_no, row_no)),
              counted as (
                select 'rejected' as word, fen from rejection join spot using (part_no, row_no)
                where batch_id = :batch_id and schema_name = :schema
                union all
                select 'unchanged', coalesce(repetition.fen, record.fen) from repetition join spot using (part_no, row_no)
                       join record.{schema} as record using (record_id)
                where repetition.batch_id = :batch_id and schema_name = :schema
                union all
                select 'stored', fen from (
                    select distinct on (part_no, row_no) fen from record.{schema} as r join spot using (part_no, row_no)
                    where batch_id = :batch_id {elsewhere} order by part_no, row_no, record_id desc) as stood)
              select word, count(*)::bigint as rows, coalesce(sum(fen), 0) as fen from counted group by word"""
    values = {"parts": [part for part, _ in spots], "rows": [row for _, row in spots]}
    found = rows_of(work, sql, batch_id=batch_id, schema=schema, **values)
    return {row.word: (row.rows, row.fen) for row in found}


def forget_rows(work: Work, batch_id: int, schema: str, spots: Sequence[tuple[int, int]]) -> None:
    """Before corrected rows are written: drop what their last reading concluded; the repair keeps why they were turned down."""
    for table in ("rejection", "repetition"):
        sql = f"""delete from {table} using unnest(cast(:parts as int[]), cast(:rows as int[])) as s(part_no, row_no)
                  where batch_id = :batch_id and schema_name = :schema
                    and {table}.part_no = s.part_no and {table}.row_no = s.row_no"""
        values = {"parts": [part for part, _ in spots], "rows": [row for _, row in spots]}
        work.execute(sa.text(sql), {"batch_id": batch_id, "schema": schema, **values})


def read_tally(work: Work, batch_id: int, schema: str) -> dict[str, Any] | None:
    """Rows and fen of one schema of a batch, by the names of ``Tally``."""
    sql = """select schema_name as schema, fetched_rows, fetched_fen, stored_rows, stored_fen, rejected_rows, rejected_fen,
                    unchanged_rows, unchanged_fen, unread_fen, unkept_rows, unkept_fen, declared_rows, declared_fen
             from tally where batch_id = :batch_id and schema_name = :schema"""
    found = rows_of(work, sql, batch_id=batch_id, schema=schema)
    return dict(found[0]._mapping) if found else None


def forget_account(work: Work, batch_id: int, schema: str) -> None:
    """Before the tally of one schema, and what its receivers are owed, are written anew."""
    for table in ("tally", "routing"):
        sql = f"delete from {table} where batch_id = :batch_id and schema_name = :schema"
        work.execute(sa.text(sql), {"batch_id": batch_id, "schema": schema})


def has_tally(work: Work, batch_id: int) -> bool:
    """Whether a batch was read and stored before: what it brought is on record, and may be with its receivers."""
    return bool(rows_of(work, "select 1 from tally where batch_id = :batch_id limit 1", batch_id=batch_id))
