"""The sealer: numbers what was appended, closes a block over it, chains it to the block before and signs it, in one commit."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

import sqlalchemy as sa

from hub.errors import HubError
from hub.exchange_log import merkle
from hub.exchange_log.forms import NOTHING_BEFORE, entry_facts, header_hash, line, signed_bytes
from hub.exchange_log.signing import Signer, key_id
from hub.points import reach
from hub.settings import now
from hub.store import exchange_log
from hub.store.database import Work, working
from hub.store.exchange_log import Block, Entry

log = logging.getLogger("hub")
MOST = 20_000
"""Entries of one block; what is more comes into the next."""


@dataclass(frozen=True)
class Sealed:
    """How many blocks were closed now, over how many entries."""

    blocks: int
    entries: int


def seal(engine: sa.Engine, signer: Signer, most: int = MOST) -> Sealed:
    """Close blocks until nothing that is committed waits; none when nothing waits or another sealer is at it.

    Raises HubError (S062) when the block before, or a number, is not as the last sealer left it: nothing is built on that.
    """
    blocks = entries = 0
    while (block := _seal_next(engine, signer, most)) is not None:
        count = block.last_no - block.first_no + 1
        blocks, entries = blocks + 1, entries + count
        log.info("sealed block=%s entries=%s", block.block_no, count)
        if count < most:
            break
    return Sealed(blocks, entries)


def _seal_next(engine: sa.Engine, signer: Signer, most: int) -> Block | None:
    with working(engine) as work:
        if not exchange_log.take_turn(work):
            return None
        before = exchange_log.last_block(work)
        last = 0 if before is None else before.last_no
        if (before is not None and header_hash(before) != before.hash) or exchange_log.highest_number(work) != last:
            raise HubError("the end of the exchange log was changed; `hub log verify`", code="S062")
        entries = exchange_log.number_entries(work, last, most)
        if not entries:
            return None
        block = close_block(before, entries, signer)
        exchange_log.add_key(work, block.key_id, signer.suite, signer.public.hex())
        exchange_log.add_block(work, block)
        reach("seal.writing")
    reach("seal.sealed")
    return block


def close_block(before: Block | None, entries: list[Entry], signer: Signer) -> Block:
    """The block over these entries, which have their numbers, after the one before; signed."""
    leaves = [merkle.leaf_hash(line(entry_facts(entry))) for entry in entries]
    block = Block(
        block_no=1 if before is None else before.block_no + 1,
        first_no=entries[0].entry_no or 0,
        last_no=entries[-1].entry_no or 0,
        root=merkle.root_of(leaves).hex(),
        previous=NOTHING_BEFORE if before is None else before.hash,
        suite=signer.suite,
        key_id=key_id(signer.suite, signer.public),
        sealed_at=now(),
        hash="",
        signature="",
    )
    return replace(block, hash=header_hash(block), signature=signer.sign(signed_bytes(block)).hex())


def leaves_of(work: Work, block: Block) -> list[bytes]:
    """The hashes of a block's leaves, made from its entries as they stand now."""
    return [merkle.leaf_hash(line(entry_facts(entry))) for entry in exchange_log.entries_of(work, block)]
