"""Commands about the exchange log: seal, verify, export, hand out keys, anchors and proofs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa

from hub import exchange_log
from hub.bootstrap import open_house, open_signer, open_webhook
from hub.errors import HubError
from hub.exchange_log.proving import proof_name
from hub.exchange_log.signing import key_id
from hub.exchange_log.verify_exchange import Altered, Unchecked, read_anchors
from hub.feed import FileReport
from hub.model import Stage
from hub.pipeline import House
from hub.reporting import report_path
from hub.settings import TIME_ZONE, anchors_folder, read_settings
from hub.store import batches
from hub.store import exchange_log as kept
from hub.store.database import open_database, working

VERIFIER = Path(exchange_log.__path__[0]) / "verify_exchange.py"


def log(words: argparse.Namespace) -> int:
    """The exchange log: how far it goes; `seal` what waits, `verify` it, `export` it, print the public `key`, put out an `anchor`.

    An export, a public key and the anchors are what `verify_exchange.py` needs; `hub log verifier` puts that file beside them.
    """
    return WHAT[words.what](words)


def _show(words: argparse.Namespace) -> int:
    with working(_engine()) as work:
        found, block, anchor = kept.extent(work), kept.last_block(work), kept.last_anchor(work)
    since = f", {found.waiting_since.astimezone(TIME_ZONE):%F %T}" if found.waiting_since else ""
    print(f"{found.blocks} 块 blocks, {found.entries} 条 entries; {found.waiting} 条待封存 not sealed yet{since}")
    if block is not None:
        print(f"最新区块 newest block: {block.block_no} {block.hash} {block.sealed_at.astimezone(TIME_ZONE):%F %T}")
    if anchor is not None:
        print(f"最新锚点 newest anchor: {anchor.block_no} {anchor.hash} {anchor.put_at.astimezone(TIME_ZONE):%F %T}")
    return 0


def _seal(words: argparse.Namespace) -> int:
    done = exchange_log.seal(_engine(), open_signer())
    print(f"{done.blocks} 块已封存 blocks sealed, {done.entries} 条 entries")
    return 0


def _verify(words: argparse.Namespace) -> int:
    try:
        folders = [words.anchors or anchors_folder()]
        anchors = read_anchors([folder for folder in folders if folder.exists()])
        found = exchange_log.verify_log(_engine(), anchors)
    except Altered as error:
        print(f"✗ 不相符 / DOES NOT FIT: {error}", file=sys.stderr)
        return 1
    except Unchecked as error:
        raise HubError(str(error), code="S062") from None
    print(f"✓ {found.blocks} 块 blocks, {found.entries} 条 entries, {found.anchors} 个锚点 anchors: 相符 / it fits")
    return 0


def _export(words: argparse.Namespace) -> int:
    target = words.out or Path("exchange.log")
    with working(_engine()) as work, target.open("xb") as file:
        file.writelines(exchange_log.export_log(work))
        found = kept.extent(work)
    print(f"{target}: {found.entries} 条 entries; {found.waiting} 条待封存，未导出 / not sealed yet and not exported")
    return 0


def _key(words: argparse.Namespace) -> int:
    with working(_engine()) as work:
        known = {row.key_id: (row.suite, row.public_key) for row in kept.read_keys(work)}
    signer = open_signer()
    known[key_id(signer.suite, signer.public)] = (signer.suite, signer.public.hex())
    for name, (suite, public) in known.items():
        if words.out is None:
            print(f"{suite} {public}")
        else:
            words.out.mkdir(parents=True, exist_ok=True)
            (words.out / f"{name}.key").write_text(f"{suite} {public}\n", "ascii")
            print(f"{words.out / name}.key")
    return 0


def _anchor(words: argparse.Namespace) -> int:
    block = exchange_log.put_anchor(_engine(), words.anchors or anchors_folder(), open_webhook())
    print("没有新的区块 / no new block" if block is None else f"{block.block_no} {block.hash}")
    return 0


def _verifier(words: argparse.Namespace) -> int:
    target = words.out or Path(VERIFIER.name)
    with target.open("xb") as file:
        file.write(VERIFIER.read_bytes())
    print(target)
    return 0


WHAT: dict[str, Callable[[argparse.Namespace], int]] = {
    "show": _show,
    "seal": _seal,
    "verify": _verify,
    "export": _export,
    "key": _key,
    "anchor": _anchor,
    "verifier": _verifier,
}


def prove(words: argparse.Namespace) -> int:
    """Write a proof for each return file of a batch: that it stands in the exchange log, and how it hangs on an anchor."""
    house = open_house()
    with working(house.engine) as work:
        proofs = exchange_log.prove_returns(work, words.id)
    for proof in proofs:
        name = proof_name(_returned(house, words.id, proof.stage))
        if proof is not [one for one in proofs if one.stage == proof.stage][-1]:
            name = name.replace(".proof.json", f".{proof.entry_no}.proof.json")  # an older one, put over since
        target = words.out / name
        target.write_bytes(proof.data)
        hangs = "有锚点 anchored" if proof.is_anchored else "尚无锚点 not anchored yet"
        print(f"{target}: 第 {proof.entry_no} 条 entry, SM3 {proof.digest}, {hangs}")
    return 0


def _returned(house: House, batch_id: int, stage: str) -> str:
    """What the return file of a stage is called; the log does not know."""
    with working(house.engine) as work:
        batch = batches.read_batch(work, batch_id)
    assert batch is not None
    feed = house.registry.feeds.get(batch.feed_id)
    report = None if feed is None else feed.spec.report.get(Stage(stage).value)
    return report_path(report, batch.source_name)[0] if isinstance(report, FileReport) else f"{batch_id}.{stage}"


def _engine() -> sa.Engine:
    """The database alone: the log needs no mapping."""
    return open_database(read_settings().database_url)
