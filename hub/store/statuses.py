"""What each row of a batch came to, as its partner is to be told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from hub.model import Outcome, Stage, Status
from hub.reasons import reason
from hub.store.database import Work, rows_of


def read_statuses(work: Work, batch_id: int, stage: Stage, schemas: Sequence[str], *, every_row: bool) -> list[Status]:
    """One status per row and reason, in the file's order.

    At intake: stored or rejected. At the end: the receiver's answer. With ``every_row`` rows that repeat what the hub already
    had are answered too, from the record they repeat, and rows that no receiver takes are told as stored.
    """
    found = _rejected(work, batch_id, schemas)
    found += (
        _stored(work, batch_id, schemas) if stage is Stage.INTAKE else _answered(work, batch_id, schemas, every_row)
    )
    if every_row:
        found += _repeated(work, batch_id, schemas, stage)
    return sorted(found, key=lambda status: (status.row_no, schemas.index(status.schema)))


def _rejected(work: Work, batch_id: int, schemas: Sequence[str]) -> list[Status]:
    sql = """select schema_name, row_no, printed_no, source_key, r.field, r.column, r.code
             from rejection, jsonb_to_recordset(reasons) as r(field text, "column" text, code text)
             where batch_id = :batch_id and schema_name = any(:schemas)"""
    return [
        Status(row.schema_name, row.row_no, row.printed_no, _key(row.source_key), Outcome.REJECTED, row.code,
               reason(row.code).zh, field=row.column or row.field)
        for row in rows_of(work, sql, batch_id=batch_id, schemas=list(schemas))
    ]  # fmt: skip


def _standing(schema: str) -> str:
    """SQL for the records that rows of a batch came to when it was last read: a batch read twice may have left older ones."""
    elsewhere = " ".join(
        f"""and not exists (select 1 from {table} as t where t.batch_id = r.batch_id and t.schema_name = '{schema}'
                                   and t.part_no = r.part_no and t.row_no = r.row_no)"""
        for table in ("rejection", "repetition")
    )
    return f"""(select distinct on (part_no, row_no) *, '{schema}' as schema_name from record.{schema} as r
                where batch_id = :batch_id {elsewhere} order by part_no, row_no, record_id desc) as rows"""


def _stored(work: Work, batch_id: int, schemas: Sequence[str]) -> list[Status]:
    found = []
    for schema in schemas:
        sql = f"select row_no, printed_no, source_key from {_standing(schema)}"
        found += [
            Status(schema, row.row_no, row.printed_no, _key(row.source_key), Outcome.STORED, "0000", "")
            for row in rows_of(work, sql, batch_id=batch_id)
        ]
    return found


# A row that went to several receivers is answered once: refused when one of them refused it, delayed when one has not answered,
# else accepted, under the number of the receiver that it was owed to first. A receiver that was dropped answers nothing.
ANSWER = """select rows.schema_name, {place}, d.state, t.code, t.message, t.remote_id
            from {rows} {join} lateral (
                select state, delivery_id, schema_name from delivery as d
                where d.schema_name = rows.schema_name and d.record_id = rows.record_id and d.state <> 'withdrawn'
                order by state <> 'refused', state = 'accepted', delivery_id limit 1) as d on true
            left join lateral (select * from receipt where receipt.delivery_id = d.delivery_id
                               order by receipt_id desc limit 1) as t on true"""


def _answered(work: Work, batch_id: int, schemas: Sequence[str], every_row: bool) -> list[Status]:
    found = []
    for schema in schemas:
        found += _answers(work, _standing(schema), every_row, batch_id=batch_id)
    return found


def _repeated(work: Work, batch_id: int, schemas: Sequence[str], stage: Stage) -> list[Status]:
    rows = "(select * from repetition where batch_id = :batch_id and schema_name = any(:schemas)) as rows"
    values = {"batch_id": batch_id, "schemas": list(schemas)}
    if stage is Stage.OUTCOME:
        return _answers(work, rows, True, **values)
    found = rows_of(work, f"select schema_name, row_no, printed_no, source_key from {rows}", **values)
    return [
        Status(row.schema_name, row.row_no, row.printed_no, _key(row.source_key), Outcome.STORED, "0000", "")
        for row in found
    ]


def _answers(work: Work, rows: str, every_row: bool, **values: Any) -> list[Status]:
    join = "left join" if every_row else "join"
    sql = ANSWER.format(rows=rows, join=join, place="rows.row_no, rows.printed_no, rows.source_key")
    return [_answer(row) for row in rows_of(work, sql, **values)]


def _answer(row: sa.Row[Any]) -> Status:
    if row.state is None:
        return Status(row.schema_name, row.row_no, row.printed_no, _key(row.source_key), Outcome.STORED, "0000", "")
    if row.state == "accepted":
        # whether the receiver took it now, corrected it or had it already: the partner is told the same, else an exchange that
        # is repeated after a restore would tell another thing. The receiver's own code stays in the receipt
        return Status(
            row.schema_name, row.row_no, row.printed_no, _key(row.source_key), Outcome.ACCEPTED, "0000", "成功",
            remote_id=row.remote_id or "",
        )  # fmt: skip
    outcome = Outcome.REFUSED if row.state == "refused" else Outcome.DELAYED
    return Status(
        row.schema_name, row.row_no, row.printed_no, _key(row.source_key), outcome, row.code or "R001",
        row.message or "", remote_id=row.remote_id or "",
    )  # fmt: skip


def _key(source_key: dict[str, Any]) -> dict[str, str]:
    return {word: value for word, value in source_key.items() if value is not None}
