"""Commands about whether everything adds up: the hops of batches, and a day held against the partners' own statements."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import date, timedelta

from hub import pipeline
from hub.bootstrap import open_house, reconcile_side
from hub.cli.printing import show_lines
from hub.conservation import PARTS, STEPS, Hop, day_of, explain_gap, gaps_of
from hub.errors import HubError, NotAllowed
from hub.reconciliation import KINDS, SIDES, STATES, Reconciled, State
from hub.reconciliation.pages import shown_key
from hub.settings import reports_folder, today
from hub.store import conservation
from hub.store.database import working
from hub.text import in_yuan

MOST_LINES = 30


def show_balance(words: argparse.Namespace) -> int:
    """Rows and fen at every hop of a batch, or of all batches fetched on a day (today). Exit code 1 on a gap."""
    house = open_house()
    if words.batch is None:
        with working(house.engine) as work:
            ids = conservation.batches_of_day(work, words.day or today())
    else:
        ids = [words.batch]
    hops = pipeline.balance_of(house, ids)
    if words.batch is not None and not hops:
        raise NotAllowed(f"batch {words.batch} was not read, or there is none; `hub batch {words.batch}` says more")
    shown = hops if words.batch is not None else day_of(hops)
    show_lines([_heads(), *(_line(hop) for hop in shown)])
    gaps = gaps_of(hops)
    for gap in gaps:
        print(f"! batch {gap.batch_id} {explain_gap(gap)}")
    print(f"{len(ids)} 个批次，{len(gaps)} 处缺口 / {len(ids)} batches, {len(gaps)} gaps")
    return 1 if gaps else 0


def reconcile(words: argparse.Namespace) -> int:
    """Hold a day (yesterday) against the statements of receivers and senders, and write a page and a file of differences.

    With --resend what a receiver's own statement lacks is sent once more under its old key. Exit code 1 when anything differs.
    """
    house, day = open_house(), words.day or today() - timedelta(days=1)
    sides = [side for side in pipeline.sides_of(house) if words.partner in (None, side[0])]
    if not sides:
        raise NotAllowed(f"{words.partner} sends nothing and gives no statement; `hub feeds` lists who sends")
    failed = 0
    for partner, side in sides:
        try:
            found = reconcile_side(house, partner, side, day)
        except HubError as error:  # one that is away keeps nobody else from being reconciled
            print(f"hub: {error.code} {partner}: {error}", file=sys.stderr)
            failed += 1
            continue
        if words.resend and (woken := pipeline.resend_missing(house, found)):
            print(f"{partner}: {woken} 条重新推送 / {woken} records go out once more")
    everyone, written = pipeline.publish_day(house, day, words.out or reports_folder())
    _show_day([one for one in everyone if words.partner in (None, one.partner)])
    for path in written:
        print(path)
    return (
        1
        if failed or any(one.state is State.DIFFERS for one in everyone if words.partner in (None, one.partner))
        else 0
    )


def read_day(text: str) -> date:
    """A day as it is typed."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("日期写作 2026-11-24 / a day is written like 2026-11-24") from None


def _show_day(found: Sequence[Reconciled]) -> None:
    heads = [
        "伙伴 partner",
        "方向 side",
        "状态 state",
        "本方 ours",
        "对方 theirs",
        "本方 元 yuan",
        "对方 元 yuan",
        "差异 differences",
    ]
    lines = [heads]
    for one in found:
        theirs = ("-", "-") if one.theirs is None else (f"{one.theirs.rows:,}", in_yuan(one.theirs.fen))
        lines.append([one.partner, SIDES[one.side][0], " ".join(STATES[one.state]), f"{one.ours.rows:,}", theirs[0],
                      in_yuan(one.ours.fen), theirs[1], str(len(one.differences))])  # fmt: skip
    show_lines(lines)
    differences = [(one, difference) for one in found for difference in one.differences]
    for one, difference in differences[:MOST_LINES]:
        key = shown_key(difference.schema, difference.key)
        print(f"! {one.partner} {' '.join(KINDS[difference.kind])}: {difference.schema} {key}")
    if len(differences) > MOST_LINES:
        print(f"! … {len(differences) - MOST_LINES} more stand in the file")


def _heads() -> list[str]:
    return ["步骤 step", "数据 schema", "接收方 receiver", "来 came", "元 yuan", "去向 went", ""]


def _line(hop: Hop) -> list[str]:
    went = "  ".join(
        f"{' '.join(PARTS[part])} {amount.rows:,} · {in_yuan(amount.fen)}"
        for part, amount in hop.went.items()
        if amount.rows or amount.fen
    )
    gap = hop.gap
    sign = f"✗ {gap.rows:,} · {in_yuan(gap.fen)}" if gap.rows or gap.fen else "✓"
    return [
        " ".join(STEPS[hop.step]),
        hop.schema,
        hop.receiver,
        f"{hop.came.rows:,}",
        in_yuan(hop.came.fen),
        went or "-",
        sign,
    ]
