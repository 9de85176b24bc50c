"""The log anchor: number and hash of the newest block, put where whoever can change the log cannot.

The end of a log that was cut off is missed by nobody who does not know of it; an anchor knows of it.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from connectors.interface import Notifier
from hub.archive.folder import make_folder, sync_folder, write_file
from hub.errors import ArchiveUnavailable
from hub.exchange_log.forms import line
from hub.points import reach
from hub.store import exchange_log
from hub.store.database import working
from hub.store.exchange_log import Block


def put_anchor(engine: sa.Engine, folder: Path, webhook: Notifier | None) -> Block | None:
    """Put the newest block's number and hash out, unless that was done; the block, or None when there is nothing new.

    A crash before it is noted puts the same out again. Raises what the webhook raises; then the next hour tells the newest again.
    """
    with working(engine) as work:
        block, last = exchange_log.last_block(work), exchange_log.last_anchor(work)
    if block is None or (last is not None and last.block_no == block.block_no):
        return None
    reach("anchor.chosen")
    places = [_put_file(folder, block)]
    reach("anchor.filed")
    if webhook is not None:
        webhook.post(f"anchor-{block.block_no}-{block.hash[:16]}", as_message(block))
        places.append("webhook")
        reach("anchor.told")
    with working(engine) as work:
        exchange_log.add_anchor(work, block, places)
        reach("anchor.noting")
    reach("anchor.noted")
    return block


def anchor_name(block: Block) -> str:
    """The file of an anchor; its hash in the name, so that a log that was made anew hides no older anchor."""
    return f"exchange-{block.block_no:09}-{block.hash[:16]}.anchor"


def as_message(block: Block) -> dict[str, object]:
    """An anchor as it is posted: a line to read, Chinese first, and the same facts one by one."""
    return {
        "text": f"交换日志锚点：第 {block.block_no} 块 {block.hash} / log anchor: block {block.block_no} {block.hash}",
        "kind": "log_anchor",
        "block": block.block_no,
        "hash": block.hash,
    }


def _put_file(folder: Path, block: Block) -> str:
    path = folder / anchor_name(block)
    data = line({"block": block.block_no, "hash": block.hash}) + b"\n"
    try:
        make_folder(folder.absolute())
        if not path.exists() or path.read_bytes() != data:
            path.unlink(missing_ok=True)  # half of one, by a run that ended
            write_file(path, [data])
        sync_folder(folder)
    except OSError as error:
        raise ArchiveUnavailable(f"the folder of anchors did not take one: {error.strerror}") from error
    return path.name
