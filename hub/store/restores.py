"""What a database that was restored from a backup must know: where its versions go on, and what partners were told since.

Between the backup and the failure records went out and rows were told of which the restored tables say nothing.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hub.model import Journalled, Stage, Told
from hub.store.database import Work, plain, rows_of


def version_floor(work: Work, batch_id: int) -> int:
    """The version that new records of a batch must lie above; 0 in a hub that was never restored.

    A receiver may hold versions given out after the backup and would take a lower one for old news. A batch that the restore
    brought back gets the versions it had: it is the same news, and what is sent of it carries the same keys.
    """
    sql = "select coalesce(max(version_floor), 0) as floor from restore where not recovered @> array[cast(:batch_id as bigint)]"
    return int(rows_of(work, sql, batch_id=batch_id)[0].floor)


def write_restore(
    work: Work, by: str, backup_at: datetime, floor: int, recovered: Sequence[int], told_rows: int
) -> None:
    """Write down that this database is a restored one. Batches that were read no further than ``fetched`` count as recovered."""
    sql = """insert into restore (restored_by, backup_at, version_floor, recovered, told_rows)
             select :by, :backup_at, cast(:floor as integer),
                    array(select batch_id from batch where batch_id = any(:recovered) or state = 'fetched'), :told_rows"""
    values = {"by": by, "backup_at": backup_at, "floor": floor, "recovered": list(recovered), "told_rows": told_rows}
    work.execute(sa.text(sql), values)


def last_restore(work: Work) -> sa.Row[Any] | None:
    """When this database was restored last, from a backup of when; None for one that never was."""
    found = rows_of(work, "select * from restore order by restore_id desc limit 1")
    return found[0] if found else None


def recover_batch(work: Work, entry: Journalled) -> int | None:
    """Write a batch down again as it was fetched, under its own number; its id, or None when it is there.

    Its number may belong to another by now, when the hub was restored before; then it gets a new one.
    """
    sql = """insert into batch (batch_id, feed_id, source_name, digest, state, parts, stamp_size, stamp_modified_at, printed_rows,
                                hold_code, hold_message, mapping_digest, hub_version, fetched_at, read_at)
             overriding system value
             select case when exists (select 1 from batch where batch_id = :batch_id)
                         then nextval(pg_get_serial_sequence('hub.batch', 'batch_id')) else cast(:batch_id as bigint) end,
                    :feed_id, :source_name, :digest, :state, :parts, :stamp_size, :stamp_modified_at, :printed_rows,
                    cast(:hold_code as text), :hold_message, :mapping_digest, :hub_version, cast(:fetched_at as timestamptz),
                    case when cast(:hold_code as text) is null then null else cast(:fetched_at as timestamptz) end
             on conflict (feed_id, source_name, digest) do nothing returning batch_id"""
    values = {name: value for name, value in vars(entry).items() if name != "cursor"}
    values |= {"parts": list(entry.parts), "state": "fetched" if entry.hold_code is None else "held"}
    values |= {"hold_message": None if entry.hold_message is None else plain(entry.hold_message)}
    found = rows_of(work, sql, **values)
    return found[0].batch_id if found else None


def reserve_numbers(work: Work, highest: int) -> None:
    """Have new batches numbered above this one and above all there are."""
    sql = """select setval(pg_get_serial_sequence('hub.batch', 'batch_id'),
                           greatest(:highest, (select coalesce(max(batch_id), 0) from batch), 1))"""
    work.execute(sa.text(sql), {"highest": highest})


def add_told(work: Work, told: Iterable[Told]) -> int:
    """Remember rows that partners were told of before the restore; how many."""
    rows = [
        {"feed_id": call.feed_id, "stage": call.stage.value, "row_digest": digest}
        for call in told
        for digest in call.digests
    ]
    sql = """insert into told_before (feed_id, stage, row_digest)
             select feed_id, stage, row_digest from jsonb_to_recordset(cast(:rows as jsonb))
                 as r(feed_id text, stage text, row_digest text)
             on conflict (feed_id, stage, row_digest) do nothing"""
    return work.execute(sa.text(sql), {"rows": json.dumps(rows)}).rowcount


def take_told(work: Work, feed_id: str, stage: Stage, digests: Collection[str], call_key: str) -> frozenset[str]:
    """Which of these rows the partner was told of before the restore. Each answers for one call, however often that is tried.

    A later call with the same row is another telling: its record may have come again and been answered again.
    """
    sql = """update told_before set used_by = :call_key
             where feed_id = :feed_id and stage = :stage and row_digest = any(:digests)
               and (used_by is null or used_by = :call_key)
             returning row_digest"""
    found = rows_of(work, sql, feed_id=feed_id, stage=stage.value, digests=sorted(set(digests)), call_key=call_key)
    return frozenset(row.row_digest for row in found)
