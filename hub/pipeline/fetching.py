"""Fetch: bring what is new into the archive and write down how far the feed has come."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from connectors.interface import Fetcher
from hub import __version__
from hub.digest import sm3_hex
from hub.errors import AnswerUnproven
from hub.feed import Feed, SftpSource
from hub.model import BatchState, Fetched, Journalled, Notice
from hub.pipeline.house import House, note
from hub.pipeline.recording import hold, record_fetched, record_mended
from hub.points import reach
from hub.settings import now
from hub.store import batches, keys, tombstones, watching
from hub.store.database import Work, working


def fetch_feed(house: House, feed: Feed, fetcher: Fetcher) -> list[int]:
    """Bring what is new into the archive; returns the ids of the feed's batches that wait to be stored."""
    began_at, notices = now(), list[Notice]()
    with working(house.engine) as work:
        keys.check_roots(work)  # before the archive seals under a key that is not the one of this database
        cursor, seen = batches.read_cursor(work, feed.feed_id), batches.seen_stamps(work, feed.feed_id)
    reach("fetch.cursor_read")
    for found in _proven(house, feed, fetcher.fetch(cursor, seen)):
        reach("fetch.bytes_read")
        if isinstance(found, Notice):
            notices.append(found)
            if not found.is_waiting:
                with working(house.engine) as work:
                    batches.raise_alarm(work, feed.feed_id, None, f"{found.code} {found.message}")
                reach("fetch.noticed")
            continue
        keep(house, feed, found)
    reach("fetch.ended")
    with working(house.engine) as work:
        watching.note_look(work, feed.feed_id, began_at, notices)
        reach("fetch.looked")
        return [batch.batch_id for batch in batches.batches_in(work, [BatchState.FETCHED], feed.feed_id)]


def _proven(house: House, feed: Feed, found: Iterator[Fetched | Notice]) -> Iterator[Fetched | Notice]:
    """What is fetched. An answer whose signature does not fit is kept for whoever looks into it, and an alarm says where."""
    try:
        yield from found
    except AnswerUnproven as error:
        digest = house.archive.keep(error.body)
        with working(house.engine) as work:
            batches.raise_alarm(work, feed.feed_id, None, f"{error.code} {error}; raw bytes {digest}")
        raise


def digest_of(parts: Sequence[str]) -> str:
    """The digest a batch is known by, from those of its parts."""
    return parts[0] if len(parts) == 1 else sm3_hex("\n".join(parts).encode())


def keep(house: House, feed: Feed, found: Fetched) -> int | None:
    """Archive first, then one commit for batch and cursor: a crash between the two loses nothing and doubles nothing.

    Returns the batch; None for another answer that is wrong in the way one is that is held already.
    """
    parts = [house.archive.keep(part) for part in found.parts]
    digest = digest_of(parts)
    reach("fetch.archived")
    with working(house.engine) as work:
        if found.fault is not None and found.stamp is None and batches.is_held(work, feed.feed_id, found.fault[0]):
            batches.raise_alarm(
                work, feed.feed_id, None, f"again: {found.fault[0]} {found.fault[1]}; raw bytes {digest}"
            )
            return None
        batch_id, is_new = batches.add_batch(work, feed.feed_id, found, digest, parts, feed.digest, __version__)
        is_mended = not is_new and found.fault is None and batches.mend_hold(work, batch_id)
        if tombstones.were_let_go(work, parts):  # retention may have taken them after we found them there
            for part in found.parts:
                house.archive.keep(part)
        fault = found.fault or _twin_fault(work, feed, batch_id, found.name, digest)
        if is_new:
            record_fetched(work, feed.feed_id, batch_id, digest, parts)
        if is_mended:
            record_mended(work, feed.feed_id, batch_id, digest)
        if (is_new or is_mended) and fault is not None:
            hold(work, feed.feed_id, batch_id, *fault)
            reach("fetch.held")
        reach("fetch.written")
        if is_new:  # before the commit: what the database knows, the journal knows, also when the database is lost
            house.archive.note_fetched(_journalled(feed, batch_id, found, digest, parts, fault))
            reach("fetch.journalled")
    reach("fetch.committed")
    note("fetched", feed=feed.feed_id, batch=batch_id, new=is_new, parts=len(parts))
    return batch_id


def _journalled(
    feed: Feed, batch_id: int, found: Fetched, digest: str, parts: Sequence[str], fault: tuple[str, str] | None
) -> Journalled:
    stamp, (code, message) = found.stamp, fault or (None, None)
    return Journalled(
        batch_id, feed.feed_id, found.name, digest, tuple(parts), feed.digest, __version__, now(), found.cursor,
        stamp.size if stamp else None, stamp.modified_at if stamp else None, found.printed_rows, code, message,
    )  # fmt: skip


def _twin_fault(work: Work, feed: Feed, batch_id: int, name: str, digest: str) -> tuple[str, str] | None:
    """A name used again for other bytes, or the same bytes under another name, is for a person to look at."""
    if not isinstance(feed.spec.source, SftpSource):
        return None
    twin = batches.twin_of(work, feed.feed_id, batch_id, name, digest)
    if twin is None:
        return None
    if twin.source_name == name:
        return "F006", f"batch {twin.batch_id} came under this name with other content"
    return "F004", f"batch {twin.batch_id} ({twin.source_name}) has the same content"
