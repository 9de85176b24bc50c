"""What batches really hold, counted anew: the tables' side of the conservation ledger. Set-based, only for the batches asked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa

from hub.conservation import NOTHING, Amount, Intake, Owing, Telling
from hub.store.database import Work, rows_of
from schemas.catalogue import SCHEMAS

# Written by the reading that the tally is of: the clock of a transaction stands still, so both bear the same moment.
FRESH = "r.stored_at >= coalesce(b.read_at, '-infinity')"

# An earlier reading's record still stands where the last reading neither turned the row down, nor knew it, nor wrote it anew.
STANDING = """({fresh} or not exists (select 1 from record.{schema} as n where n.batch_id = r.batch_id and n.part_no = r.part_no
                                          and n.row_no = r.row_no and n.record_id > r.record_id)
               and not exists (select 1 from rejection as t where t.batch_id = r.batch_id and t.schema_name = '{schema}'
                                      and t.part_no = r.part_no and t.row_no = r.row_no)
               and not exists (select 1 from repetition as t where t.batch_id = r.batch_id and t.schema_name = '{schema}'
                                      and t.part_no = r.part_no and t.row_no = r.row_no))"""


def write_routing(work: Work, batch_id: int, schema: str, routes: Sequence[tuple[str, str]]) -> None:
    """Write down, beside the deliveries and in their commit, what of a batch each receiver is owed and why not the rest.

    What is neither owed, nor out of area, nor superseded stands in none of the columns: it shows as a gap.
    """
    is_mine = f"bool_or(starts_with(r.{SCHEMAS[schema].area}, route.area))"
    sql = f"""insert into routing (batch_id, schema_name, receiver, owed_rows, owed_fen, outside_rows, outside_fen,
                                   superseded_rows, superseded_fen)
              select :batch_id, cast(:schema as text), receiver,
                     count(*) filter (where is_owed), coalesce(sum(fen) filter (where is_owed), 0),
                     count(*) filter (where not is_owed and is_current and not is_mine),
                     coalesce(sum(fen) filter (where not is_owed and is_current and not is_mine), 0),
                     count(*) filter (where not is_owed and not is_current),
                     coalesce(sum(fen) filter (where not is_owed and not is_current), 0)
              from (select route.receiver, r.record_id, r.fen, r.is_current, {is_mine} as is_mine,
                           exists (select 1 from delivery as d where d.receiver = route.receiver and d.schema_name = :schema
                                          and d.record_key = r.record_key and d.version = r.version) as is_owed
                    from record.{schema} as r join batch as b using (batch_id)
                    cross join unnest(cast(:receivers as text[]), cast(:areas as text[])) as route (receiver, area)
                    where r.batch_id = :batch_id and {STANDING.format(schema=schema, fresh=FRESH)}
                    group by route.receiver, r.record_id) as routed
              group by receiver"""
    values: dict[str, Any] = {"batch_id": batch_id, "schema": schema}
    values |= {"receivers": [name for name, _ in routes], "areas": [area for _, area in routes]}
    if routes:
        work.execute(sa.text(sql), values)


def batches_of_day(work: Work, day: date) -> list[int]:
    """The batches fetched on a day of Shanghai that were read."""
    sql = """select batch_id from batch where fetched_at >= cast(:day as date) and fetched_at < cast(:day as date) + 1
               and exists (select 1 from tally where tally.batch_id = batch.batch_id) order by batch_id"""
    return [row.batch_id for row in rows_of(work, sql, day=day)]


def count_intakes(work: Work, batch_ids: Sequence[int]) -> list[Intake]:
    """The tallies of these batches, and beside them what is in the tables."""
    ids = list(batch_ids)
    tallies = rows_of(work, "select * from tally where batch_id = any(:ids) order by batch_id, schema_name", ids=ids)
    records = _records(work, ids, sorted({row.schema_name for row in tallies}))
    rejections = _by_schema(rows_of(work, REJECTIONS, ids=ids))
    repetitions = _by_schema(rows_of(work, REPETITIONS, ids=ids))
    found = []
    for row in tallies:
        place = (row.batch_id, row.schema_name)
        record, rejection, repetition = records.get(place), rejections.get(place), repetitions.get(place)
        found.append(
            Intake(
                *place,
                fetched=Amount(row.fetched_rows, row.fetched_fen),
                stored=Amount(row.stored_rows, row.stored_fen),
                rejected=Amount(row.rejected_rows, row.rejected_fen),
                unchanged=Amount(row.unchanged_rows, row.unchanged_fen),
                unread_fen=row.unread_fen,
                unkept=Amount(row.unkept_rows, row.unkept_fen),
                declared_rows=row.declared_rows,
                declared_fen=row.declared_fen,
                fresh=_amount(record, "fresh"),
                earlier=_amount(record, "earlier"),
                rejections=_amount(rejection, "all"),
                blank_rows=rejection.blank_rows if rejection else 0,
                unreasoned=_amount(rejection, "unreasoned"),
                # repetitions of before the ledger have no fen: theirs is what the tally says
                repetitions=_amount(repetition, "all")
                if repetition and not repetition.old_rows
                else Amount(
                    repetition.all_rows if repetition else 0,
                    row.unchanged_fen - row.unkept_fen if repetition else 0,
                ),
            )
        )
    return found


REJECTIONS = """select batch_id, schema_name, count(*) as all_rows, sum(fen) as all_fen,
                       count(*) filter (where fen = 0) as blank_rows,
                       count(*) filter (where jsonb_array_length(reasons) = 0) as unreasoned_rows,
                       coalesce(sum(fen) filter (where jsonb_array_length(reasons) = 0), 0) as unreasoned_fen
                from rejection where batch_id = any(:ids) group by 1, 2"""

REPETITIONS = """select batch_id, schema_name, count(*) as all_rows, coalesce(sum(fen), 0) as all_fen,
                        count(*) filter (where fen is null) as old_rows
                 from repetition where batch_id = any(:ids) group by 1, 2"""


def _records(work: Work, ids: list[int], schemas: Sequence[str]) -> dict[tuple[int, str], sa.Row[Any]]:
    found: dict[tuple[int, str], sa.Row[Any]] = {}
    for schema in schemas:
        sql = f"""select r.batch_id, '{schema}' as schema_name,
                         count(*) filter (where {FRESH}) as fresh_rows, coalesce(sum(r.fen) filter (where {FRESH}), 0) as fresh_fen,
                         count(*) filter (where not {FRESH}) as earlier_rows,
                         coalesce(sum(r.fen) filter (where not {FRESH}), 0) as earlier_fen
                  from record.{schema} as r join batch as b using (batch_id)
                  where r.batch_id = any(:ids) and {STANDING.format(schema=schema, fresh=FRESH)} group by 1"""
        found |= _by_schema(rows_of(work, sql, ids=ids))
    return found


def count_owings(work: Work, batch_ids: Sequence[int]) -> list[Owing]:
    """What the commit of these batches owed each receiver, and the deliveries there are, by state.

    Of several versions that one row became the newest counts, as everywhere. An answer counts when its receipt is there.
    """
    sql = """with newest as (
                select distinct on (batch_id, schema_name, receiver, row_no, record_key) *
                from delivery where batch_id = any(:ids)
                order by batch_id, schema_name, receiver, row_no, record_key, version desc),
             judged as (
                select n.*, case
                    when n.state in ('accepted', 'refused') then
                        case when exists (select 1 from receipt as t where t.delivery_id = n.delivery_id and t.outcome = n.state)
                             then n.state end
                    when n.state = 'withdrawn' then 'withdrawn'
                    when n.state = 'waiting' or s.serial_code is not null then 'waiting'
                    else 'unknown' end as part
                from newest as n left join submission as s using (submission_id)),
             counted as (
                select batch_id, schema_name, receiver, part, count(*) as rows, sum(fen) as fen
                from judged where part is not null group by 1, 2, 3, 4)
             select r.*, c.part, c.rows, c.fen from routing as r left join counted as c using (batch_id, schema_name, receiver)
             where r.batch_id = any(:ids) order by r.batch_id, r.schema_name, r.receiver, c.part"""
    found: dict[tuple[int, str, str], Owing] = {}
    for row in rows_of(work, sql, ids=list(batch_ids)):
        place = (row.batch_id, row.schema_name, row.receiver)
        known = found.get(place)
        states = dict(known.states) if known else {}
        if row.part is not None:
            states[row.part] = Amount(row.rows, row.fen)
        found[place] = Owing(
            *place,
            owed=Amount(row.owed_rows, row.owed_fen),
            outside=Amount(row.outside_rows, row.outside_fen),
            superseded=Amount(row.superseded_rows, row.superseded_fen),
            states=states,
        )
    return list(found.values())


def count_tellings(work: Work, batch_ids: Sequence[int], told_by_file: Sequence[str]) -> list[Telling]:
    """Of the batches that are reported, rows that the last return file should have spoken of and rows that it spoke of.

    ``told_by_file`` are the feeds that get one at the end; it speaks of every row.
    """
    sql = """select batch_id, coalesce((select sum(fetched_rows) from tally where tally.batch_id = batch.batch_id), 0) as to_tell,
                    coalesce((select row_count from report where report.batch_id = batch.batch_id and stage = 'outcome'
                              and digest <> '' order by sent_at desc limit 1), 0) as told
             from batch where batch_id = any(:ids) and state = 'reported' and hold_code is null and feed_id = any(:feeds)
             order by batch_id"""
    found = rows_of(work, sql, ids=list(batch_ids), feeds=list(told_by_file))
    return [Telling(row.batch_id, int(row.to_tell), int(row.told)) for row in found]


def _by_schema(rows: Sequence[sa.Row[Any]]) -> dict[tuple[int, str], sa.Row[Any]]:
    return {(row.batch_id, row.schema_name): row for row in rows}


def _amount(row: sa.Row[Any] | None, part: str) -> Amount:
    """The two columns of one part; nothing where there is no row."""
    if row is None:
        return NOTHING
    facts = row._mapping
    return Amount(int(facts[f"{part}_rows"]), int(facts[f"{part}_fen"]))
