"""A small sealed log in memory, as the hub makes it and as it is exported."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hub.exchange_log import merkle
from hub.exchange_log.forms import FIRST_LINE, FORM, entry_facts, header_facts, line
from hub.exchange_log.sealing import close_block
from hub.exchange_log.signing import Ed25519Signer, Signer, Sm2Signer
from hub.exchange_log.verify_exchange import Keys, key_id
from hub.store.exchange_log import Block, Entry

MORNING = datetime(2026, 11, 25, 1, 2, 3, 456, UTC)


def signers() -> dict[str, Signer]:
    """One with a new key for each suite."""
    return {"sm2-sm3": Sm2Signer(*Sm2Signer.make()), "ed25519": Ed25519Signer(*Ed25519Signer.make())}


def entry(number: int) -> Entry:
    """An entry with something in every field, and now and then nothing."""
    digest = None if number % 5 == 0 else f"{number:064x}"
    facts = {"code": "F014", "rows": {"payroll_line": [number, 2]}} if number % 2 else {}
    kind = "told" if number % 3 else "held"
    return Entry(number, kind, "haidai_payrolls", number, None, digest, facts, MORNING + timedelta(seconds=number))


@dataclass(frozen=True)
class Log:
    """Blocks with their entries, and who signed them."""

    blocks: list[Block]
    entries: list[list[Entry]]
    signer: Signer

    @property
    def keys(self) -> Keys:
        return keys_of(self.signer)

    @property
    def anchors(self) -> dict[int, str]:
        """The newest block's."""
        return {self.blocks[-1].block_no: self.blocks[-1].hash}

    def lines(self) -> list[bytes]:
        """The log as it is exported."""
        found = [line(FIRST_LINE)]
        for block, entries in zip(self.blocks, self.entries, strict=True):
            found.append(line({"block": header_facts(block), "signature": block.signature}))
            found += [line(entry_facts(one)) for one in entries]
        return [one + b"\n" for one in found]

    def proof(self, number: int, *, anchored: bool = True) -> bytes:
        """That the entry of this number stands in its block, on to the newest block."""
        at = next(at for at, block in enumerate(self.blocks) if block.first_no <= number <= block.last_no)
        block, entries = self.blocks[at], self.entries[at]
        leaves = [merkle.leaf_hash(line(entry_facts(one))) for one in entries]
        later = self.blocks[at + 1 :] if anchored else []
        last = [block, *later][-1]
        return (
            line(
                {
                    "anchor": {"block": last.block_no, "hash": last.hash} if anchored else None,
                    "block": header_facts(block),
                    "entry": entry_facts(entries[number - block.first_no]),
                    "form": FORM,
                    "key": {"public": self.signer.public.hex(), "suite": block.suite},
                    "later": [header_facts(one) for one in later],
                    "path": [node.hex() for node in merkle.path_to(leaves, number - block.first_no)],
                    "signature": block.signature,
                }
            )
            + b"\n"
        )


def keys_of(signer: Signer) -> Keys:
    return {key_id(signer.suite, signer.public): (signer.suite, signer.public)}


def seal_log(sizes: Sequence[int], signer: Signer) -> Log:
    """A log with blocks of these sizes."""
    blocks: list[Block] = []
    entries: list[list[Entry]] = []
    for size in sizes:
        first = 1 if not blocks else blocks[-1].last_no + 1
        entries.append([entry(number) for number in range(first, first + size)])
        blocks.append(close_block(blocks[-1] if blocks else None, entries[-1], signer))
    return Log(blocks, entries, signer)
