"""Commands that go over things once more: replay what is archived, resend what is lacking, ask a partner for a period again.

Each shows first what would change; with --go it does it.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from connectors.interface import Fetcher
from hub import pipeline, upkeep
from hub.bootstrap import open_connector, open_house
from hub.cli.batches import find_batch
from hub.cli.printing import show_lines
from hub.errors import ExpectationFailed, FeedChanged, HubError, HubUnavailable, NotAllowed, Unbalanced
from hub.feed import Feed, SftpSource
from hub.model import BatchState
from hub.store import replays
from hub.store.database import working
from hub.store.replays import Wanted
from hub.store.resending import Chosen

HEADS = ("批次 batch", "种类 schema", "新 new", "更正 corrected", "不变 unchanged", "变合格 healed", "变退回 newly rejected",
         "仍退回 still rejected", "将推送 would get")  # fmt: skip
OWED_HEADS = ("接收方 receiver", "种类 schema", "记录 records")


def replay(words: argparse.Namespace) -> int:
    """Read batches again from the archive with today's mapping: some by number, or those of a feed and period.

    Without --go it shows what would change. Nobody is sent what it has already. What cannot be read any more stays as it was.
    """
    wanted = _wanted(words)
    if not words.go:
        return _preview(words.ids, wanted)
    if wanted is not None:
        return _replay_many(wanted, words.by)
    return _replay_one(words.ids[0]) if len(words.ids) == 1 else max([_replay_next(one) for one in words.ids])


def _wanted(words: argparse.Namespace) -> Wanted | None:
    """The filter that was typed; None when batches were named. Raises NotAllowed for both or neither."""
    filtered = any((words.feed, words.from_on, words.to_on, words.state, words.code))
    if words.ids and not filtered:
        return None
    if words.ids or words.feed is None or words.from_on is None or words.to_on is None:
        raise NotAllowed("name either batches, or --feed F --from DAY --to DAY (and --state, --code)")
    _check_days(words)
    return Wanted(words.feed, words.from_on, words.to_on, words.state, words.code)


def _check_days(words: argparse.Namespace) -> None:
    if words.from_on is not None and words.to_on is not None and words.from_on > words.to_on:
        raise NotAllowed(f"{words.from_on} lies after {words.to_on}")


def _preview(ids: list[int], wanted: Wanted | None) -> int:
    house = open_house()
    if wanted is None:
        batches = [find_batch(batch_id) for batch_id in ids]
    else:
        house.registry.feed(wanted.feed_id)
        batches = list(pipeline.batches_wanted(house, wanted))
    found = [pipeline.preview_batch(house, batch) for batch in batches]
    show_previews(found)
    print(
        f"\n{len(found)} 个批次；没有写入任何内容，加 --go 执行 / {len(found)} batches; nothing was written, --go does it"
    )
    return 0


def _replay_one(batch_id: int) -> int:
    try:
        pipeline.replay_batch(open_house(), batch_id)
    except (FeedChanged, ExpectationFailed, Unbalanced) as error:
        found = find_batch(batch_id)
        if found.state is BatchState.HELD:
            print(upkeep.describe_hold(found))
        else:
            print(f"批次 {batch_id} 读不了，保持 {found.state.value} 不变 / batch {batch_id} could not be read and stays "
                  f"{found.state.value}: {error.code} {error}")  # fmt: skip
        return 1
    state = find_batch(batch_id).state.value
    print(f"批次 {batch_id} 已重放，现为 {state}，由下一次 deliver、report 接着处理 / "
          f"batch {batch_id} is {state}; the next runs of deliver and report go on with it")  # fmt: skip
    return 0


def _replay_next(batch_id: int) -> int:
    """One of several: what is wrong with it keeps no other from being read."""
    try:
        return _replay_one(batch_id)
    except HubUnavailable:
        raise
    except HubError as error:
        print(f"批次 {batch_id} 保持原样 / batch {batch_id} is left as it was: {error.code} {error}")
        return 1


def _replay_many(wanted: Wanted, by: str) -> int:
    house = open_house()
    replay_id, is_new, waiting = pipeline.open_replay(house, wanted, by)
    print(f"重放 {replay_id} {'开始' if is_new else '接着做'}，{waiting} 个批次 / "
          f"replay {replay_id} {'begins' if is_new else 'goes on'}: {waiting} batches to read")  # fmt: skip

    def say(done: pipeline.Replayed) -> None:
        became = "已重放 / read" if done.code is None else f"保持原样 / left as it was: {done.code} {done.message}"
        print(f"  {done.place}/{done.total}  {done.batch_id}  {became}", flush=True)

    pipeline.run_replay(house, replay_id, say)
    with working(house.engine) as work:
        became = [row.state for row in replays.read_replay(work, replay_id)]
    read, left = became.count("read"), became.count("left")
    print(f"重放 {replay_id}：{read} 个批次已重放，{left} 个保持原样 / "
          f"replay {replay_id}: {read} batches read, {left} left as they were")  # fmt: skip
    return 1 if left else 0


def show_previews(found: list[pipeline.Preview]) -> None:
    """One line per batch and schema, and a line for each that cannot be read."""
    rows = [_cells(one, change) for one in found for change in one.changes]
    if rows:
        show_lines([HEADS, *rows])
    for one in found:
        name = "" if one.batch_id == pipeline.NEXT_BATCH else f"{one.batch_id} "
        if one.code is not None:
            print(f"{name}{one.source_name}: {one.code} {one.message}")
        elif not one.changes:
            print(f"{name}{one.source_name}: 已有 / known already")


def _cells(one: pipeline.Preview, change: pipeline.Change) -> tuple[str, ...]:
    counts = (change.new, change.corrected, change.unchanged, change.healed, change.spoiled, change.rejected)
    said = [_counted(change.sent, ""), _counted(change.refused, " 拒收过 refused")]
    batch = one.source_name.rpartition("/")[2] if one.batch_id == pipeline.NEXT_BATCH else str(one.batch_id)
    return (batch, change.schema, *map(str, counts), ", ".join(word for word in said if word) or "-")


def _counted(counts: Mapping[str, int], word: str) -> str:
    return ", ".join(f"{receiver} {count}{word}" for receiver, count in counts.items())


def resend(words: argparse.Namespace) -> int:
    """Send once more what receivers refused or never got, of a batch, of a receiver or by code; never what was accepted.

    Without --go it shows how many records would go to whom.
    """
    if words.id is None and words.receiver is None and words.code is None:
        raise NotAllowed("name a batch, --receiver or --code: nobody sends everything once more by mistake")
    _check_days(words)
    if words.id is not None:
        find_batch(words.id)
    house = open_house()
    chosen = Chosen(words.id, words.receiver, words.code, words.feed, words.from_on, words.to_on)
    if not words.go:
        show_owed(pipeline.preview_resend(house, chosen), "再推送", "would go out")
        return 0
    count = pipeline.resend_batch(house, words.id) if chosen.is_one_batch else pipeline.resend(house, chosen)
    print(f"{count} 条记录由下一次 deliver 推送，并重新告知伙伴 / "
          f"{count} records go out with the next run of deliver; partners are told anew")  # fmt: skip
    return 0


def show_owed(owed: Mapping[tuple[str, str], int], zh: str, en: str) -> None:
    """Records by receiver and schema, what would become of them, and that nothing was written yet."""
    if owed:
        show_lines([OWED_HEADS, *((receiver, schema, str(records)) for (receiver, schema), records in owed.items())])
    count = sum(owed.values())
    print(
        f"{count} 条记录将{zh}；没有写入任何内容，加 --go 执行 / {count} records {en}; nothing was written, --go does it"
    )


def backfill(words: argparse.Namespace) -> int:
    """Ask a partner for a period once more, or look into old day folders. The feed's own place is not moved.

    Without --go it shows what would come of it and keeps nothing.
    """
    house = open_house()
    feed = house.registry.feed(words.feed)
    period = pipeline.Period(words.from_on, words.to_on)
    if (said := pipeline.check_period(feed, period)) is not None:
        print(said)
    days = (period.from_on, period.to_on) if isinstance(feed.spec.source, SftpSource) else None
    with pipeline.guarded(house, feed.spec.source.connection), open_connector(feed, days) as connector:
        if words.go:
            return _backfill(house, feed, connector, period)
        if days is not None:
            stamps = connector.stamps()  # type: ignore[union-attr]
            known = pipeline.known_files(house, feed, stamps)
            print(f"{len(stamps)} 个文件，其中 {known} 个已读过 / {len(stamps)} files, {known} of them read already")
        show_previews(list(pipeline.preview_backfill(house, feed, connector, period)))
    print("没有保留任何内容，加 --go 执行 / nothing was kept, --go does it")
    return 0


def _backfill(house: pipeline.House, feed: Feed, fetcher: Fetcher, period: pipeline.Period) -> int:
    done = []
    for batch_id, state in pipeline.backfill(house, feed, fetcher, period):
        odd = "，读不了，见日志 / could not be read, see the log" if state is BatchState.FETCHED else ""
        print(f"  批次 batch {batch_id}: {state.value}{odd}", flush=True)
        done.append(state)
    print(f"{len(done)} 个批次，由下一次 deliver、report 接着处理 / "
          f"{len(done)} batches; the next runs of deliver and report go on with them")  # fmt: skip
    return 1 if {BatchState.HELD, BatchState.FETCHED}.intersection(done) else 0
