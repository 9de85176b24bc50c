"""Commands about batches: find one, explain it and its rows, and decide about it."""

from __future__ import annotations

import argparse

from hub import pipeline, upkeep
from hub.bootstrap import open_house
from hub.cli.printing import show_table
from hub.errors import NotAllowed
from hub.model import Batch, BatchState
from hub.store import batches, questions, tombstones
from hub.store.database import working


def list_batches(words: argparse.Namespace) -> int:
    """The newest batches, or those in one state (`hub batches held`)."""
    states = [BatchState(words.state)] if words.state else list(BatchState)
    with working(open_house().engine) as work:
        found = batches.batches_in(work, states)
    if restored := upkeep.describe_restore(open_house()):
        print(restored)
    print(f"{'batch':>6}  {'state':9}  {'fetched at':19}  {'feed':20}  source")
    for one in found[-words.last :]:
        held = f"  {one.hold_code}" if one.hold_code else ""
        print(
            f"{one.batch_id:>6}  {one.state.value:9}  {one.fetched_at:%F %T}  {one.feed_id:20}  {one.source_name}{held}"
        )
    return 0


def show_batch(words: argparse.Namespace) -> int:
    """Everything known of one batch: state, counts, reasons, rejected rows, deliveries, repairs, alarms, reports."""
    found = find_batch(words.id)
    with working(open_house().engine) as work:
        answers = questions.describe_batch(work, words.id) | {"let go": tombstones.tombstones_of(work, words.id)}
    print(
        f"batch {found.batch_id}  {found.feed_id}  {found.source_name}  {found.state.value}  {found.fetched_at:%F %T}"
    )
    for number, digest in enumerate(found.parts, 1):
        print(f"part {number}: SM3 {digest}")
    if found.hold_code:
        print(upkeep.describe_hold(found))
        if found.state is not BatchState.HELD:
            print("已另行了结，未取用任何行 / settled otherwise, nothing of it was taken")
    if found.released_by:
        print(f"由 {found.released_by} 放行 / released by {found.released_by}")
    for name, rows in answers.items():
        show_table(name, rows)
    return 0


def show_row(words: argparse.Namespace) -> int:
    """One row's way: what it became, where it was sent, what was answered, when its partner was told."""
    found = find_batch(words.id)
    with working(open_house().engine) as work:
        answers = questions.trace_row(work, words.id, words.no)
    if not any(rows for name, rows in answers.items() if name != "reports"):
        raise NotAllowed(
            f"batch {words.id} has no row with the number {words.no}; `hub batch {words.id}` shows what it has"
        )
    print(f"batch {found.batch_id}  {found.feed_id}  {found.source_name}  row {words.no}")
    for name, rows in answers.items():
        show_table(name, rows)
    return 0


def list_alarms(words: argparse.Namespace) -> int:
    """What was noticed and stopped nothing: unexpected columns, odd names, flags without a file."""
    with working(open_house().engine) as work:
        show_table("", batches.read_alarms(work, words.last))
    return 0


def release(words: argparse.Namespace) -> int:
    """Let a batch pass although it is not as expected (F013, F014)."""
    pipeline.release_batch(open_house(), words.id, words.by)
    return store_now(words.id)


def close(words: argparse.Namespace) -> int:
    """Settle a held batch without taking anything from it, for instance when the partner withdrew the file."""
    pipeline.close_batch(open_house(), words.id, words.by)
    print(f"batch {words.id} is closed; nothing of it was taken")
    return 0


def store_now(batch_id: int) -> int:
    """Take the batch up at once and say how it went; waits while Airflow is at the feed."""
    house = open_house()
    feed_id = find_batch(batch_id).feed_id
    with pipeline.holding_by_hand(house, f"feed/{feed_id}"):
        state = pipeline.store_batch(house, house.registry.feed(feed_id), batch_id)
    if state is BatchState.HELD:
        print(upkeep.describe_hold(find_batch(batch_id)))
        return 1
    print(f"batch {batch_id} is {state.value}; the next runs of deliver and report go on with it")
    return 0


def find_batch(batch_id: int) -> Batch:
    """The batch; raises NotAllowed when there is none."""
    with working(open_house().engine) as work:
        found = batches.read_batch(work, batch_id)
    if found is None:
        raise NotAllowed(f"there is no batch {batch_id}; `hub batches` lists them")
    return found
