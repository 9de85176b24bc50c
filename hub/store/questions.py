"""The questions an admin asks: how rows and fen add up, what is known of a batch, which way one row went."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from hub.store.database import Work, rows_of
from schemas.catalogue import SCHEMAS


def count_intake(work: Work) -> list[sa.Row[Any]]:
    """Rows and fen per feed and schema as they came in: fetched, stored, rejected, unchanged."""
    sql = """select feed_id, schema_name, count(*) as batches,
                    sum(fetched_rows)::bigint as fetched_rows, sum(fetched_fen) as fetched_fen,
                    sum(stored_rows)::bigint as stored_rows, sum(stored_fen) as stored_fen,
                    sum(rejected_rows)::bigint as rejected_rows, sum(rejected_fen) as rejected_fen,
                    sum(unchanged_rows)::bigint as unchanged_rows, sum(unchanged_fen) as unchanged_fen
             from batch join tally using (batch_id) where batch.state <> 'held'
             group by feed_id, schema_name order by feed_id, schema_name"""
    return list(rows_of(work, sql))


def count_answers(work: Work) -> list[sa.Row[Any]]:
    """Rows and fen per receiver, feed and schema as they went out: owed, accepted, refused, waiting.

    Of several versions that one row of a batch became, the newest counts. What was withdrawn is owed to nobody.
    """
    sql = """with newest as (
                select distinct on (receiver, batch_id, schema_name, row_no, record_key) receiver, batch_id, schema_name, state, fen
                from delivery where state <> 'withdrawn'
                order by receiver, batch_id, schema_name, row_no, record_key, version desc)
             select receiver, feed_id, schema_name, count(*) as owed_rows, coalesce(sum(fen), 0) as owed_fen,
                    count(*) filter (where newest.state = 'accepted') as accepted_rows,
                    coalesce(sum(fen) filter (where newest.state = 'accepted'), 0) as accepted_fen,
                    count(*) filter (where newest.state = 'refused') as refused_rows,
                    coalesce(sum(fen) filter (where newest.state = 'refused'), 0) as refused_fen,
                    count(*) filter (where newest.state in ('waiting', 'submitted')) as waiting_rows,
                    coalesce(sum(fen) filter (where newest.state in ('waiting', 'submitted')), 0) as waiting_fen
             from newest join batch using (batch_id) where batch.state <> 'held'
             group by receiver, feed_id, schema_name order by receiver, feed_id, schema_name"""
    return list(rows_of(work, sql))


def count_keys(work: Work, schema: str, area_column: str, areas: Sequence[str]) -> int:
    """How many business keys of a schema lie in areas that begin so (everywhere when there are none)."""
    sql = f"""select count(distinct record_key) as keys from record.{schema}
              where cardinality(cast(:areas as text[])) = 0 or {area_column} like any(cast(:areas as text[]))"""
    return int(rows_of(work, sql, areas=[f"{area}%" for area in areas])[0].keys)


def count_reports(work: Work) -> list[sa.Row[Any]]:
    """Reports and rows told back, per feed and stage."""
    sql = """select feed_id, stage, count(*) as reports, sum(row_count)::bigint as rows
             from report join batch using (batch_id) where report.digest <> ''
             group by feed_id, stage order by feed_id, stage"""
    return list(rows_of(work, sql))


def describe_batch(work: Work, batch_id: int, most: int = 30) -> dict[str, Sequence[sa.Row[Any]]]:
    """Everything an operator asks about one batch: tallies, reasons by count, the first ``most`` rejected rows, repairs, alarms,
    reports.

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
        "deliveries": """select receiver, schema_name, state, count(*) as rows, sum(fen) as fen from delivery
                         where batch_id = :batch_id group by 1, 2, 3 order by 1, 2, 3""",
        "repairs": """select repair_id, state, asked_by, asked_at, reason, decided_by, decided_at from repair
                      where batch_id = :batch_id order by repair_id""",
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
        "repairs": """select repair_id, state, asked_by, asked_at, decided_by, decided_at from repair
                      join repair_row using (repair_id)
                      where batch_id = :batch_id and ltrim(printed_no, '0') = ltrim(:printed_no, '0') order by repair_id""",
        "repetitions": """select distinct r.schema_name, d.record_key, d.version, d.batch_id as first_came_in_batch
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
