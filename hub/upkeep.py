"""What a watchful admin would look at every day: held batches, and whether the archive still says what it said."""

from __future__ import annotations

from datetime import timedelta

from hub.errors import HubError, KeysUnusable
from hub.model import Batch, BatchState, Stage
from hub.pipeline import House, batches_to_report, closed_connections, feeds_owed, feeds_unproven
from hub.reasons import reason
from hub.settings import now
from hub.store import backups, batches, progress, restores
from hub.store.database import working


def describe_restore(house: House) -> str | None:
    """That this hub was restored, in both languages; None for one that never was."""
    with working(house.engine) as work:
        found = restores.last_restore(work)
    if found is None:
        return None
    done, seen = f"{found.restored_at:%F %T}", f"{found.backup_at:%F %T}"
    return (
        f"本枢纽于 {done} 由 {found.restored_by} 从 {seen} 的备份恢复 / "
        f"this hub was restored on {done} by {found.restored_by} from a backup of {seen}; "
        f"new versions lie above {found.version_floor}"
    )


def held_batches(house: House, feed_id: str | None = None) -> list[Batch]:
    """Batches a person must act on, oldest first."""
    with working(house.engine) as work:
        return batches.batches_in(work, [BatchState.HELD], feed_id)


def untold_partners(house: House) -> list[str]:
    """The partners with a batch answered in full and not told of yet, with a clue whose conclusion they may hear, or with a return
    file whose proof they may have; none whose connection is to be left alone now."""
    closed = closed_connections(house)
    partner_of = {
        feed.feed_id: feed.spec.partner
        for feed in house.registry.feeds.values()
        if feed.spec.source.connection not in closed
    }
    waiting = batches_to_report(house, Stage.OUTCOME, list(partner_of))
    concluded = {partner for feed_id, partner in feeds_owed(house).items() if feed_id in partner_of}
    unproven = {partner_of[feed_id] for feed_id in feeds_unproven(house) if feed_id in partner_of}
    return sorted({partner_of[batch.feed_id] for batch in waiting} | concluded | unproven)


def receivers_due(house: House) -> list[str]:
    """The receivers that a record may go to now, or that owe an answer; none whose connection is to be left alone now."""
    closed, known = closed_connections(house), house.registry.receivers
    with working(house.engine) as work:
        due = progress.receivers_due(work)
    return [name for name in due if name not in known or known[name].connection not in closed]


def describe_hold(batch: Batch) -> str:
    """Which batch is held, why, and what to do, in both languages."""
    found = reason(batch.hold_code or "F008")
    return (
        f"批次 {batch.batch_id}（{batch.source_name}）被扣留 {found.code} {found.zh}：{found.fix_zh} / "
        f"batch {batch.batch_id} is held, {found.en}: {batch.hold_message}. {found.fix_en}"
    )


def verify_archive(house: House, days: int | None) -> tuple[int, list[str]]:
    """Read every part of every batch of the last days (of all, when None): how many, and a sentence for each gone or changed.

    What retention let go is not missed. Of all means the journal as well. Raises KeysUnusable (S051) when one does not open with
    any key at hand.
    """
    since = None if days is None else now() - timedelta(days=days)
    with working(house.engine) as work:
        parts = backups.parts_named(work, since)
    broken: list[str] = []
    for digest, batch_id in parts.items():
        try:
            house.archive.check(digest)
        except KeysUnusable:
            raise  # nobody changed anything; it is so of all of them
        except HubError as error:
            broken.append(f"batch {batch_id}: {error}")
    others = house.archive.journal_names() if days is None else []
    broken += [f"entry {name} of the journal was changed" for name in others if not house.archive.is_whole(name)]
    return len(parts) + len(others), broken
