"""The command about the door: who knocked, what came of it, and what was turned down."""

from __future__ import annotations

import argparse

from hub.bootstrap import open_engine
from hub.cli.printing import show_table
from hub.settings import read_settings
from hub.store import knocks
from hub.store.database import working


def list_knocks(words: argparse.Namespace) -> int:
    """What partners said is ready and what came of it; how often each answer was given, `?` where nobody knows who called."""
    with working(open_engine(read_settings().database_url)) as work:
        counted, accepted = knocks.counts(work, words.days), knocks.newest_knocks(work, words.last)
    if not counted and not accepted:
        print("没有就绪通知 / nobody has knocked")
    show_table("受理的就绪通知 / accepted knocks", accepted)
    show_table(f"最近 {words.days} 天的答复 / answers of the last {words.days} days (0: accepted)", counted)
    return 0
