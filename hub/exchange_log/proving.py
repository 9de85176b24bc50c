"""Inclusion proofs: that a return file was put, in which block that stands, and how it hangs on an anchor."""

from __future__ import annotations

from dataclasses import dataclass
from posixpath import basename

from hub.errors import HubError, NotAllowed
from hub.exchange_log import merkle
from hub.exchange_log.forms import FORM, entry_facts, header_facts, line
from hub.exchange_log.sealing import leaves_of
from hub.store import exchange_log
from hub.store.database import Work
from hub.store.exchange_log import Entry


@dataclass(frozen=True)
class Proof:
    """A proof as it is handed over; ``stage`` is that of the return file, ``digest`` its SM3."""

    stage: str
    digest: str
    entry_no: int
    is_anchored: bool
    data: bytes


def prove_returns(work: Work, batch_id: int) -> list[Proof]:
    """A proof for each return file of a batch that was put, oldest first.

    Raises NotAllowed when there is none, or none is sealed yet; HubError S062 when a block is not as it was sealed.
    """
    told = exchange_log.entries_told(work, batch_id)
    if not told:
        raise NotAllowed(f"no return file of batch {batch_id} stands in the exchange log; `hub batch {batch_id}`")
    sealed = [entry for entry in told if entry.entry_no is not None]
    if not sealed:
        raise NotAllowed(f"the return file of batch {batch_id} is not sealed yet; within a minute, or `hub log seal`")
    return [prove_entry(work, entry) for entry in sealed]


def prove_entry(work: Work, entry: Entry) -> Proof:
    """The proof of one sealed entry, on to an anchor where one went out since. Raises HubError S062 as above."""
    number = entry.entry_no or 0
    block = exchange_log.block_of(work, number)
    leaves = [] if block is None else leaves_of(work, block)
    if block is None or not leaves or merkle.root_of(leaves).hex() != block.root:
        raise HubError(f"entry {number} of the exchange log is not as it was sealed; `hub log verify`", code="S062")
    anchor = exchange_log.anchor_since(work, block.block_no)
    later = [] if anchor is None else list(exchange_log.blocks(work, block.block_no + 1, anchor))
    anchored = [block, *later][-1]
    keys = {row.key_id: row for row in exchange_log.read_keys(work)}
    data = line(
        {
            "anchor": None if anchor is None else {"block": anchored.block_no, "hash": anchored.hash},
            "block": header_facts(block),
            "entry": entry_facts(entry),
            "form": FORM,
            "key": {"public": keys[block.key_id].public_key, "suite": block.suite},
            "later": [header_facts(one) for one in later],
            "path": [node.hex() for node in merkle.path_to(leaves, number - block.first_no)],
            "signature": block.signature,
        }
    )
    return Proof(str(entry.facts.get("stage")), entry.digest or "", number, anchor is not None, data + b"\n")


def proof_name(path: str) -> str:
    """``RET_….txt.proof.json`` beside ``RET_….txt``."""
    return f"{basename(path)}.proof.json"
