"""Commands about clues: which of them still wait for their conclusion, or their channel for being told."""

from __future__ import annotations

import argparse

from hub.bootstrap import open_house
from hub.cli.printing import show_lines
from hub.store import conclusions
from hub.store.database import working

STATES = {
    "open": "未办结 not concluded",
    "waiting": "待告知 to be told",
    "telling": "告知中 being told",
    "refused": "对方不收 refused",
}
HEADS = (
    "渠道 channel",
    "编号 serial",
    "并案 group",
    "数据源 feed",
    "期限 due",
    "逾期工作日 workdays late",
    "状态 state",
)


def list_clues(words: argparse.Namespace) -> int:
    """Clues that are not concluded, or whose channel does not know the conclusion yet; the most urgent first."""
    with working(open_house().engine) as work:
        found = conclusions.overdue_clues(work) if words.overdue else conclusions.open_clues(work)
    lines = [
        (c.channel, c.channel_serial_no, c.group_no or "-", c.feed_id, f"{c.due_on:%F}",
         str(c.workdays_late) if c.is_overdue else "-", STATES[c.state])
        for c in found
    ]  # fmt: skip
    if lines:
        show_lines([HEADS, *lines])
    print(f"{len(found)} 条 clues，逾期 overdue {sum(c.is_overdue for c in found)}")
    return 0
