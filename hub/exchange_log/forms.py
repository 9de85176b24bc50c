"""How entries, headers and proofs are written: one way only, to the byte, because what is signed is bytes.

verify_exchange.py reads these forms with code of its own; whoever changes one here changes FORM.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from hub.digest import sm3_hex
from hub.store.exchange_log import Block, Entry

FORM = 1
FIRST_LINE: Mapping[str, Any] = {"form": FORM, "log": "wage exchange"}
NOTHING_BEFORE = "0" * 64
"""What stands for the hash of the block before the first."""
HEADER = b"\x02"
"""The mark under which headers are digested; leaves and nodes of the tree have others."""
SIGNED = b"wage exchange block\n"
"""What stands before a header when it is signed, so that the signature serves for nothing else."""


_written = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode


def line(facts: Mapping[str, Any]) -> bytes:
    """JSON in ASCII, sorted, without a space."""
    return _written(facts).encode("ascii")


def digest_of_facts(facts: Any) -> str:
    """The SM3 of facts written so."""
    return sm3_hex(json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=str).encode())


def entry_facts(entry: Entry) -> dict[str, Any]:
    """A sealed entry as it stands in the log."""
    return {
        "at": _moment(entry.at),
        "batch": entry.batch_id,
        "digest": entry.digest,
        "facts": dict(entry.facts),
        "kind": entry.kind,
        "no": entry.entry_no,
        "subject": entry.subject,
        "submission": entry.submission_id,
    }


def header_facts(block: Block) -> dict[str, Any]:
    """What is signed of a block."""
    return {
        "at": _moment(block.sealed_at),
        "first": block.first_no,
        "key": block.key_id,
        "last": block.last_no,
        "no": block.block_no,
        "previous": block.previous,
        "root": block.root,
        "suite": block.suite,
    }


def header_hash(block: Block) -> str:
    """By which the next block, and an anchor, know this one."""
    return sm3_hex(HEADER + line(header_facts(block)))


def signed_bytes(block: Block) -> bytes:
    """The bytes that the hub's key signs."""
    return SIGNED + line(header_facts(block))


def _moment(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
