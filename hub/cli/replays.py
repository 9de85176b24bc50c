"""Commands that go over things once more: replay what is archived, resend what is lacking, ask a partner for a period again."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from datetime import date

from hub import pipeline, upkeep
from hub.bootstrap import open_connector, open_house
from hub.cli.batches import find_batch
from hub.cli.printing import lines_of
from hub.errors import ExpectationFailed, FeedChanged, NotAllowed
from hub.feed import SftpSource
from hub.model import BatchState
from hub.store import replays
from hub.store.database import working
from hub.store.replays import Wanted
from hub.store.resending import Chosen

HEADS = ("batch", "schema", "new", "corrected", "unchanged", "healed", "newly rejected", "still rejected", "would get")


def day(text: str) -> date:
    """A day as it is typed: 2026-11-24."""
    return date.fromisoformat(text)


def replay(words: argparse.Namespace) -> int:
    """Read batches again from the archive with today's mapping: some by number, or those of a feed and period.

    Nobody is sent what it has already. What cannot be read any more stays as it was.
    """
    if words.ids:
        if words.feed or words.preview or words.go:
            raise NotAllowed("name either batches or --feed, --from and --to with --preview or --go")
        return max([_replay_one(batch_id) for batch_id in words.ids])
    if not words.feed or words.from_on is None or words.to_on is None or words.preview == words.go:
        raise NotAllowed("name batches, or give --feed F --from DAY --to DAY and one of --preview and --go")
    wanted = Wanted(words.feed, words.from_on, words.to_on, words.state, words.code)
    return _preview(wanted) if words.preview else _go(wanted, words.by)


def _replay_one(batch_id: int) -> int:
    house = open_house()
    find_batch(batch_id)
    try:
        pipeline.replay_now(house, batch_id)
    except (FeedChanged, ExpectationFailed) as error:
        found = find_batch(batch_id)
        if found.state is BatchState.HELD:
            print(upkeep.describe_hold(found))
        else:
            print(f"batch {batch_id} could not be read and stays {found.state.value}: {error.code} {error}")
        return 1
    print(f"batch {batch_id} is {find_batch(batch_id).state.value}; the next runs of deliver and report go on with it")
    return 0


def _preview(wanted: Wanted) -> int:
    house = open_house()
    house.registry.feed(wanted.feed_id)
    found = [pipeline.preview_batch(house, batch) for batch in pipeline.batches_wanted(house, wanted)]
    show_previews(found)
    print(f"\n{len(found)} 个批次；没有写入任何内容 / {len(found)} batches; nothing was written")
    return 0


def _go(wanted: Wanted, by: str) -> int:
    house = open_house()
    replay_id, is_new, waiting = pipeline.open_replay(house, wanted, by)
    print(f"replay {replay_id} {'begins' if is_new else 'goes on'}: {waiting} batches to read")

    def say(done: pipeline.Replayed) -> None:
        became = "read" if done.code is None else f"left as it was: {done.code} {done.message}"
        print(f"  {done.place}/{done.total}  batch {done.batch_id}  {became}", flush=True)

    pipeline.run_replay(house, replay_id, say)
    with working(house.engine) as work:
        became = [row.state for row in replays.read_replay(work, replay_id)]
    left = became.count("left")
    print(f"replay {replay_id}: {became.count('read')} batches read, {left} left as they were")
    return 1 if left else 0


def show_previews(found: list[pipeline.Preview]) -> None:
    """One line per batch and schema, and a line for each that cannot be read."""
    rows = [_cells(one, change) for one in found for change in one.changes]
    for line in lines_of([HEADS, *rows]) if rows else []:
        print(line)
    for one in found:
        name = "" if one.batch_id == pipeline.NEXT_BATCH else f"batch {one.batch_id} "
        if one.code is not None:
            print(f"{name}{one.source_name}: {one.code} {one.message}")
        elif not one.changes:
            print(f"{name}{one.source_name}: 已有 / known already")


def _cells(one: pipeline.Preview, change: pipeline.Change) -> tuple[str, ...]:
    counts = (change.new, change.corrected, change.unchanged, change.healed, change.spoiled, change.rejected)
    said = [_counted(change.sent, ""), _counted(change.refused, " refused")]
    batch = one.source_name.rpartition("/")[2] if one.batch_id == pipeline.NEXT_BATCH else str(one.batch_id)
    return (batch, change.schema, *map(str, counts), ", ".join(word for word in said if word) or "-")


def _counted(counts: Mapping[str, int], word: str) -> str:
    return ", ".join(f"{receiver} {count}{word}" for receiver, count in counts.items())


def resend(words: argparse.Namespace) -> int:
    """Send once more what receivers refused or never got, of a batch, of a receiver or by code; never what was accepted."""
    if words.id is not None and words.receiver is None and words.code is None:
        count = pipeline.resend_batch(open_house(), words.id)
        print(f"{count} records of batch {words.id} go out with the next run of deliver; the partner is told anew")
        return 0
    if words.id is None and words.receiver is None and words.code is None:
        raise NotAllowed("name a batch, --receiver or --code: nobody sends everything once more by mistake")
    if words.id is not None:
        find_batch(words.id)
    chosen = Chosen(words.id, words.receiver, words.code, words.feed, words.from_on, words.to_on)
    count = pipeline.resend(open_house(), chosen)
    print(f"{count} records go out with the next run of deliver; partners are told anew")
    return 0


def backfill(words: argparse.Namespace) -> int:
    """Ask a partner for a period once more, or look into old day folders. The feed's own place is not moved."""
    if words.preview == words.go:
        raise NotAllowed("give one of --preview and --go")
    house = open_house()
    feed = house.registry.feed(words.feed)
    period = pipeline.Period(words.from_on, words.to_on)
    if (said := pipeline.check_period(feed, period)) is not None:
        print(said)
    days = (period.from_on, period.to_on) if isinstance(feed.spec.source, SftpSource) else None
    with open_connector(feed, days) as connector:
        if words.preview:
            if days is not None:
                stamps = connector.stamps()  # type: ignore[union-attr]
                print(f"{len(stamps)} files, {pipeline.known_files(house, feed, stamps)} of them read already")
            show_previews(list(pipeline.preview_backfill(house, feed, connector, period)))
            print("没有保留任何内容 / nothing was kept")
            return 0
        done = []
        for batch_id, state in pipeline.backfill(house, feed, connector, period):
            print(f"  batch {batch_id} is {state.value}", flush=True)
            done.append(state)
    print(f"{len(done)} batches; the next runs of deliver and report go on with them")
    return 1 if BatchState.HELD in done else 0
