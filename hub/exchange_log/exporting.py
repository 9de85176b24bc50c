"""The log as a file that anybody can verify, and the verification of what stands in the tables now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import sqlalchemy as sa

from hub.exchange_log import verify_exchange
from hub.exchange_log.forms import FIRST_LINE, entry_facts, header_facts, header_hash, line
from hub.store import exchange_log
from hub.store.database import Work, working


def export_log(work: Work) -> Iterator[bytes]:
    """Every sealed entry, line by line: what it is, then each block with its signature, then the entries that it seals."""
    yield line(FIRST_LINE) + b"\n"
    for block in exchange_log.blocks(work):
        yield line({"block": header_facts(block), "signature": block.signature}) + b"\n"
        for entry in exchange_log.entries_of(work, block):
            yield line(entry_facts(entry)) + b"\n"


def verify_log(engine: sa.Engine, anchors: Mapping[int, str]) -> verify_exchange.Checked:
    """Hold the tables against their seals and these anchors, by the keys that stand in them. Raises Altered or Unchecked.

    Whoever can change the tables can put a key of their own there: a partner verifies with the key it was given.
    """
    with working(engine) as work:
        keys = {row.key_id: (row.suite, bytes.fromhex(row.public_key)) for row in exchange_log.read_keys(work)}
        if any(header_hash(block) != block.hash for block in exchange_log.blocks(work)):
            raise verify_exchange.Altered("有区块的摘要被改动 / the hash of a block was altered")
        found = verify_exchange.check_log(export_log(work), keys, anchors)
        if exchange_log.highest_number(work) > exchange_log.extent(work).entries:
            raise verify_exchange.Altered("有编号的条目不在任何区块中 / an entry has a number and lies in no block")
    return found
