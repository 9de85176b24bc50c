"""What each row of a batch came to, as its partner is to be told. And the questions an operator asks of the store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from hub.model import Outcome, Stage, Status
from hub.reasons import reason
from hub.store.database import Work, rows_of
from schemas.catalogue import SCHEMAS


def read_statuses(work: Work, batch_id: int, stage: Stage, schemas: Sequence[str], *, every_row: bool) -> list[Status]:
    """One status per row and reason, in the file's order.

    At intake: stored or rejected. At the end: the receiver's answer. With ``every_row`` rows that repeat what the hub already
    had are answered too, from the record they repeat.
    """
    found = _rejected(work, batch_id, schemas)
    found += _stored(work, batch_id, schemas) if stage is Stage.INTAKE else _answered(work, batch_id, schemas)
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


ANSWER = """select d.schema_name, {place}, d.state, t.code, t.message, t.remote_id
            from {rows} join lateral (
                select state, delivery_id, schema_name from delivery as d
                where d.schema_name = rows.schema_name and d.record_id = rows.record_id) as d on true
            left join lateral (select * from receipt where receipt.delivery_id = d.delivery_id
                               order by receipt_id desc limit 1) as t on true"""


def _answered(work: Work, batch_id: int, schemas: Sequence[str]) -> list[Status]:
    found = []
    for schema in schemas:
        found += _answers(work, _standing(schema), batch_id=batch_id)
    return found


def _repeated(work: Work, batch_id: int, schemas: Sequence[str], stage: Stage) -> list[Status]:
    rows = "(select * from repetition where batch_id = :batch_id and schema_name = any(:schemas)) as rows"
    answers = _answers(work, rows, batch_id=batch_id, schemas=list(schemas))
    if stage is Stage.OUTCOME:
        return answers
    return [Status(s.schema, s.row_no, s.printed_no, s.key, Outcome.STORED, "0000", "") for s in answers]


def _answers(work: Work, rows: str, **values: Any) -> list[Status]:
    sql = ANSWER.format(rows=rows, place="rows.row_no, rows.printed_no, rows.source_key")
    return [_answer(row) for row in rows_of(work, sql, **values)]


def _answer(row: sa.Row[Any]) -> Status:
    outcome = {"accepted": Outcome.ACCEPTED, "refused": Outcome.REFUSED}.get(row.state, Outcome.DELAYED)
    return Status(
        row.schema_name, row.row_no, row.printed_no, _key(row.source_key), outcome, row.code or "R001",
        row.message or "", remote_id=row.remote_id or "",
    )  # fmt: skip


def _key(source_key: dict[str, Any]) -> dict[str, str]:
    return {word: value for word, value in source_key.items() if value is not None}


def count_by_feed(work: Work) -> list[sa.Row[Any]]:
    """Rows and fen per feed and schema at every hop: fetched, stored, rejected, unchanged, accepted, refused, waiting."""
    sql = """with newest as (
                select distinct on (batch_id, schema_name, row_no, record_key) batch_id, schema_name, state, fen from delivery
                order by batch_id, schema_name, row_no, record_key, version desc),
             answered as (
                select batch_id, schema_name,
                       count(*) filter (where state = 'accepted') as accepted_rows,
                       sum(fen) filter (where state = 'accepted') as accepted_fen,
                       count(*) filter (where state = 'refused') as refused_rows,
                       sum(fen) filter (where state = 'refused') as refused_fen,
                       count(*) filter (where state in ('waiting', 'submitted')) as waiting_rows,
                       sum(fen) filter (where state in ('waiting', 'submitted')) as waiting_fen
                from newest group by batch_id, schema_name)
             select feed_id, schema_name, count(*) as batches,
                    sum(fetched_rows)::bigint as fetched_rows, sum(fetched_fen)::bigint as fetched_fen,
                    sum(stored_rows)::bigint as stored_rows, sum(stored_fen)::bigint as stored_fen,
                    sum(rejected_rows)::bigint as rejected_rows, sum(rejected_fen)::bigint as rejected_fen,
                    sum(unchanged_rows)::bigint as unchanged_rows, sum(unchanged_fen)::bigint as unchanged_fen,
                    coalesce(sum(accepted_rows), 0)::bigint as accepted_rows,
                    coalesce(sum(accepted_fen), 0)::bigint as accepted_fen,
                    coalesce(sum(refused_rows), 0)::bigint as refused_rows, coalesce(sum(refused_fen), 0)::bigint as refused_fen,
                    coalesce(sum(waiting_rows), 0)::bigint as waiting_rows, coalesce(sum(waiting_fen), 0)::bigint as waiting_fen
             from batch join tally using (batch_id) left join answered using (batch_id, schema_name)
             where batch.state <> 'held'
             group by feed_id, schema_name order by feed_id, schema_name"""
    return list(rows_of(work, sql))


def count_batches(work: Work) -> list[sa.Row[Any]]:
    """Batches per feed and state, with the reports that went out."""
    sql = """select feed_id, state, count(*) as batches, coalesce(sum(printed_rows), 0)::bigint as printed_rows
             from batch group by feed_id, state order by feed_id, state"""
    return list(rows_of(work, sql))


def count_reports(work: Work) -> list[sa.Row[Any]]:
    """Reports and rows told back, per feed and stage."""
    sql = """select feed_id, stage, count(*) as reports, sum(row_count)::bigint as rows
             from report join batch using (batch_id) where report.digest <> ''
             group by feed_id, stage order by feed_id, stage"""
    return list(rows_of(work, sql))


def describe_batch(work: Work, batch_id: int, most: int = 30) -> dict[str, Sequence[sa.Row[Any]]]:
    """Everything an operator asks about one batch: tallies, reasons by count, the first ``most`` rejected rows, alarms, reports.

    Rows are named by the number their partner printed on them; their values are not shown.
    """
    questions = {
        "tally": "select * from tally where batch_id = :batch_id order by schema_name",
        "reasons": """select schema_name, r.field, r.code, count(*) as rows
                      from rejection, jsonb_to_recordset(reasons) as r(field text, code text)
                      where batch_id = :batch_id group by 1, 2, 3 order by 4 desc""",
        "rejections": """select schema_name, printed_no, r.column as source_column, r.code
                         from rejection, jsonb_to_recordset(reasons) as r("column" text, code text)
                         where batch_id = :batch_id order by schema_name, row_no limit :most""",
        "deliveries": """select schema_name, state, count(*) as rows, sum(fen)::bigint as fen from delivery
                         where batch_id = :batch_id group by 1, 2 order by 1, 2""",
        "alarms": "select raised_at, message from alarm where batch_id = :batch_id order by alarm_id",
        "reports": "select stage, sent_at, row_count from report where batch_id = :batch_id and digest <> '' order by sent_at",
    }
    return {name: rows_of(work, sql, batch_id=batch_id, most=most) for name, sql in questions.items()}


def trace_row(work: Work, batch_id: int, printed_no: str) -> dict[str, Sequence[sa.Row[Any]]]:
    """One row's way, by the number its partner printed on it: what it became, where it was sent, what was answered.

    Values of the row are not shown, only keys, codes and times.
    """
    records = " union all ".join(
        f"""select '{schema}' as schema_name, 'stored' as outcome, record_key, version, record_id, content_digest, stored_at
            from record.{schema} where batch_id = :batch_id and ltrim(printed_no, '0') = ltrim(:printed_no, '0')"""
        for schema in SCHEMAS
    )
    questions = {
        "records": f"select schema_name, record_key, version, stored_at, content_digest from ({records}) as r order by record_id",
        "rejections": """select schema_name, r.column as source_column, r.code
                         from rejection, jsonb_to_recordset(reasons) as r("column" text, code text)
                         where batch_id = :batch_id and ltrim(printed_no, '0') = ltrim(:printed_no, '0')""",
        "repetitions": """select r.schema_name, d.record_key, d.version, d.batch_id as first_came_in_batch
                          from repetition as r left join delivery as d using (schema_name, record_id)
                          where r.batch_id = :batch_id and ltrim(r.printed_no, '0') = ltrim(:printed_no, '0')""",
        "deliveries": f"""select d.schema_name, d.receiver, d.version, d.state, d.attempts, d.changed_at, s.serial_code
                          from ({records}) as r join delivery as d using (schema_name, record_id)
                          left join submission as s using (submission_id) order by d.delivery_id""",
        "receipts": f"""select d.schema_name, t.outcome, t.code, t.message, t.remote_id, t.answered_at
                        from ({records}) as r join delivery as d using (schema_name, record_id)
                        join receipt as t using (delivery_id) order by t.receipt_id""",
        "reports": """select stage, sent_at from report where batch_id = :batch_id and digest <> '' order by sent_at""",
    }
    return {name: rows_of(work, sql, batch_id=batch_id, printed_no=printed_no) for name, sql in questions.items()}
