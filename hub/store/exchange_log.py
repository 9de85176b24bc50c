"""The exchange log as it is kept: entries appended beside the facts they tell of, blocks that seal them, anchors that went out.

Nothing here is ever changed; a number is given to an entry once, by the sealer.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hub.store.database import Work, plain, rows_of

AT_ONCE = 5_000
"""Entries that are held in memory at once."""


@dataclass(frozen=True)
class Entry:
    """What happened, as it stands in the log. ``entry_no`` is its place in the log, None until it is sealed."""

    entry_no: int | None
    kind: str
    subject: str
    batch_id: int | None
    submission_id: int | None
    digest: str | None
    facts: Mapping[str, Any]
    at: datetime


@dataclass(frozen=True)
class Block:
    """Entries sealed together. ``hash`` is that of its header, ``previous`` that of the block before."""

    block_no: int
    first_no: int
    last_no: int
    root: str
    previous: str
    suite: str
    key_id: str
    sealed_at: datetime
    hash: str
    signature: str


@dataclass(frozen=True)
class Extent:
    """How long the log is: sealed entries and blocks, entries that wait to be sealed, since when the oldest of them waits."""

    blocks: int
    entries: int
    waiting: int
    waiting_since: datetime | None


ENTRY = "select entry_no, kind, subject, batch_id, submission_id, digest, facts, at from exchange_entry "
BLOCK = f"select {', '.join(Block.__dataclass_fields__)} from exchange_block "


def append(
    work: Work,
    kind: str,
    subject: str,
    *,
    batch_id: int | None = None,
    submission_id: int | None = None,
    digest: str | None = None,
    **facts: Any,
) -> None:
    """Append one entry in the transaction of the fact it tells of. ``facts`` are counts and codes, never a value of a row."""
    sql = """insert into exchange_entry (kind, subject, batch_id, submission_id, digest, facts)
             values (:kind, :subject, :batch_id, :submission_id, :digest, cast(:facts as jsonb))"""
    values: dict[str, Any] = {"kind": kind, "subject": subject, "batch_id": batch_id, "submission_id": submission_id}
    values |= {"digest": digest, "facts": plain(json.dumps(facts, ensure_ascii=False))}
    work.execute(sa.text(sql), values)


def account_of(work: Work, batch_id: int) -> list[dict[str, Any]]:
    """Rows and fen of each kind of record in a batch, every count of them."""
    sql = "select to_jsonb(t) - 'batch_id' as account from tally as t where batch_id = :batch_id order by schema_name"
    return [row.account for row in rows_of(work, sql, batch_id=batch_id)]


def receipts_of(work: Work, submission_id: int) -> list[dict[str, Any]]:
    """What was answered about each record of a submission, as it is kept."""
    sql = """select d.idempotency_key, r.outcome, r.code, r.message, r.remote_id
             from receipt as r join delivery as d using (delivery_id) where r.submission_id = :id order by r.delivery_id"""
    return [dict(row._mapping) for row in rows_of(work, sql, id=submission_id)]


def take_turn(work: Work) -> bool:
    """Whether nobody else seals now; nobody does until the commit."""
    sql = "select pg_try_advisory_xact_lock(hashtext('hub.exchange_log')) as is_ours"
    return bool(rows_of(work, sql)[0].is_ours)


def number_entries(work: Work, after: int, most: int) -> list[Entry]:
    """Number what is committed and has no number on from ``after``, in the order in which it was written; at most so many.

    What a transaction that is still running has written is not seen: it is numbered by the next who seals.
    """
    sql = """with next as (
                select entry_id, :after + row_number() over (order by entry_id) as entry_no from (
                    select entry_id from exchange_entry where entry_no is null order by entry_id limit :most) as waiting)
             update exchange_entry as e set entry_no = next.entry_no from next where next.entry_id = e.entry_id
             returning e.entry_no, kind, subject, batch_id, submission_id, digest, facts, at"""
    found = [Entry(**row._mapping) for row in rows_of(work, sql, after=after, most=most)]
    return sorted(found, key=lambda entry: entry.entry_no or 0)


def highest_number(work: Work) -> int:
    """The highest number that any entry has; 0 when none has one."""
    return int(rows_of(work, "select coalesce(max(entry_no), 0) as no from exchange_entry")[0].no)


def last_block(work: Work) -> Block | None:
    found = rows_of(work, BLOCK + "order by block_no desc limit 1")
    return Block(**found[0]._mapping) if found else None


def add_block(work: Work, block: Block) -> None:
    columns = list(Block.__dataclass_fields__)
    sql = f"insert into exchange_block ({', '.join(columns)}) values ({', '.join(f':{name}' for name in columns)})"
    work.execute(sa.text(sql), vars(block))


def add_key(work: Work, key_id: str, suite: str, public_key: str) -> None:
    """Keep the public half of a key that signs, for whoever verifies an old block; once for each key."""
    sql = """insert into exchange_key (key_id, suite, public_key) values (:key_id, :suite, :public_key)
             on conflict (key_id) do nothing"""
    work.execute(sa.text(sql), {"key_id": key_id, "suite": suite, "public_key": public_key})


def read_keys(work: Work) -> Sequence[sa.Row[Any]]:
    """Every key that ever signed: id, suite, public half, the oldest first."""
    return rows_of(work, "select key_id, suite, public_key, used_at from exchange_key order by used_at, key_id")


def blocks(work: Work, first: int = 1, last: int | None = None) -> Iterator[Block]:
    """Blocks in order, a few at a time."""
    while True:
        sql = BLOCK + "where block_no >= :first and block_no <= coalesce(:last, block_no) order by block_no limit 500"
        found = [Block(**row._mapping) for row in rows_of(work, sql, first=first, last=last)]
        yield from found
        if not found:
            break
        first = found[-1].block_no + 1


def entries_of(work: Work, block: Block) -> Iterator[Entry]:
    """The entries of a block, in order."""
    first = block.first_no
    while first <= block.last_no:
        sql = ENTRY + "where entry_no between :first and :last order by entry_no"
        last = min(first + AT_ONCE - 1, block.last_no)
        yield from (Entry(**row._mapping) for row in rows_of(work, sql, first=first, last=last))
        first = last + 1


def block_of(work: Work, entry_no: int) -> Block | None:
    """The block that seals the entry of this number."""
    found = rows_of(work, BLOCK + "where :no between first_no and last_no", no=entry_no)
    return Block(**found[0]._mapping) if found else None


def entries_told(work: Work, batch_id: int) -> list[Entry]:
    """The entries that tell of return files of a batch, oldest first."""
    sql = ENTRY + "where batch_id = :batch_id and kind = 'told' and facts ->> 'by' = 'file' order by entry_id"
    return [Entry(**row._mapping) for row in rows_of(work, sql, batch_id=batch_id)]


def unproven_files(work: Work, feed_ids: Sequence[str]) -> list[Entry]:
    """The newest return file of each batch and stage that was put in the last days, is sealed, and has no proof at its partner."""
    sql = """select distinct on (batch_id, facts ->> 'stage')
                    entry_no, kind, subject, batch_id, submission_id, digest, facts, at from exchange_entry
             where kind = 'told' and facts ->> 'by' = 'file' and subject = any(:feed_ids) and at > now() - interval '7 days'
             order by batch_id, facts ->> 'stage', entry_id desc"""
    proved = """select facts ->> 'entry' as entry from exchange_entry
                where kind = 'proved' and subject = any(:feed_ids) and at > now() - interval '7 days'"""
    done = {int(row.entry) for row in rows_of(work, proved, feed_ids=list(feed_ids))}
    found = [Entry(**row._mapping) for row in rows_of(work, sql, feed_ids=list(feed_ids))]
    return [entry for entry in found if entry.entry_no is not None and entry.entry_no not in done]


def extent(work: Work) -> Extent:
    sql = """select (select count(*) from exchange_block) as blocks,
                    (select coalesce(max(last_no), 0) from exchange_block) as entries,
                    count(*) as waiting, min(at) as waiting_since from exchange_entry where entry_no is null"""
    return Extent(**rows_of(work, sql)[0]._mapping)


def add_anchor(work: Work, block: Block, places: Sequence[str]) -> None:
    """Note where number and hash of a block went; once for each block."""
    sql = """insert into exchange_anchor (block_no, hash, places) values (:block_no, :hash, :places)
             on conflict (block_no) do nothing"""
    work.execute(sa.text(sql), {"block_no": block.block_no, "hash": block.hash, "places": list(places)})


def anchor_since(work: Work, block_no: int) -> int | None:
    """The first block from this one on whose number and hash went out."""
    sql = "select min(block_no) as block_no from exchange_anchor where block_no >= :block_no"
    found = rows_of(work, sql, block_no=block_no)[0].block_no
    return None if found is None else int(found)


def last_anchor(work: Work) -> sa.Row[Any] | None:
    """The anchor that went out last: block, hash, places, when."""
    found = rows_of(work, "select * from exchange_anchor order by block_no desc limit 1")
    return found[0] if found else None
