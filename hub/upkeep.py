"""What a watchful admin would look at every day: held and stuck batches, and whether the archive still says what it said."""

from __future__ import annotations

from datetime import timedelta

from hub.errors import HubError
from hub.model import Batch, BatchState, Stage
from hub.pipeline import House, batches_to_report, feeds_owed
from hub.reasons import reason
from hub.settings import now
from hub.store import batches, progress
from hub.store.database import working

MOVING = (BatchState.FETCHED, BatchState.STORED, BatchState.DELIVERED)


def held_batches(house: House, feed_id: str | None = None) -> list[Batch]:
    """Batches a person must act on, oldest first."""
    with working(house.engine) as work:
        return batches.batches_in(work, [BatchState.HELD], feed_id)


def untold_partners(house: House) -> list[str]:
    """The partners with a batch that is answered in full and not told of yet, or with a clue whose conclusion they may hear."""
    partner_of = {feed.feed_id: feed.spec.partner for feed in house.registry.feeds.values()}
    waiting = batches_to_report(house, Stage.OUTCOME, list(partner_of))
    return sorted({partner_of[batch.feed_id] for batch in waiting} | set(feeds_owed(house).values()))


def receivers_due(house: House) -> list[str]:
    """The receivers that a record may go to now, or that owe an answer."""
    with working(house.engine) as work:
        return progress.receivers_due(work)


def describe_hold(batch: Batch) -> str:
    """Which batch is held, why, and what to do, in both languages."""
    found = reason(batch.hold_code or "F008")
    return (
        f"批次 {batch.batch_id}（{batch.source_name}）被扣留 {found.code} {found.zh}：{found.fix_zh} / "
        f"batch {batch.batch_id} is held, {found.en}: {batch.hold_message}. {found.fix_en}"
    )


def stuck_batches(house: House, hours: float) -> list[Batch]:
    """Batches that should be moving and were fetched longer ago than this."""
    with working(house.engine) as work:
        waiting = batches.batches_in(work, MOVING)
    return [batch for batch in waiting if batch.fetched_at < now() - timedelta(hours=hours)]


def verify_archive(house: House, days: int) -> list[str]:
    """Read every part of every batch of the last days; returns one sentence for each that is gone or changed."""
    with working(house.engine) as work:
        recent = [b for b in batches.batches_in(work, list(BatchState)) if b.fetched_at > now() - timedelta(days=days)]
    broken: list[str] = []
    for batch in recent:
        for digest in batch.parts:
            try:
                house.archive.read(digest)
            except HubError as error:
                broken.append(f"batch {batch.batch_id}: {error}")
    return broken
