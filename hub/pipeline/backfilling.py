"""Backfill: ask a partner for a period once more, beside the feed's normal run, whose place is not moved by it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time

from connectors.interface import Fetcher
from connectors.moments import write_moment
from hub.errors import FencedOff, HubError, HubUnavailable, NotAllowed
from hub.feed import Feed, SftpSource
from hub.isolating import ODD
from hub.model import BatchState, Fetched, FileStamp, Notice
from hub.pipeline.fetching import digest_of, keep
from hub.pipeline.guarding import holding_by_hand
from hub.pipeline.house import House, log, note
from hub.pipeline.parts import bytes_of, digest_of_part
from hub.pipeline.previewing import NEXT_BATCH, Preview, preview_rows
from hub.pipeline.reading import read_rows
from hub.pipeline.storing import store_batch
from hub.points import reach
from hub.settings import TIME_ZONE, now
from hub.store import batches, keys
from hub.store.database import working


@dataclass(frozen=True)
class Period:
    """From one day to another. Only day folders can be asked for by an end; who is asked by a moment tells all since then."""

    from_on: date
    to_on: date


def check_period(feed: Feed, period: Period) -> str | None:
    """What an admin should know of how this feed can be asked, or None. Raises NotAllowed when there is nothing to ask for."""
    source = feed.spec.source
    if period.from_on > period.to_on:
        raise NotAllowed(f"{period.from_on} lies after {period.to_on}")
    if isinstance(source, SftpSource):
        if "{date}" not in source.files.rpartition("/")[0]:
            raise NotAllowed(f"{feed.feed_id} has no day folders: each run looks at every file there is")
        return None
    if source.since is not None:
        return "对方只能按起点查询，止期之后的行也会取到 / asked by its start only: rows after the end come too"
    if source.connector == "soap" and source.paging is None:
        return "对方按游标查询，只能从头取 / asked by a cursor that is no time: everything from the beginning comes"
    raise NotAllowed(f"{feed.feed_id} is asked for everything by each run: there is nothing earlier to ask for")


def fetch_period(house: House, feed: Feed, fetcher: Fetcher, period: Period) -> Iterator[Fetched | Notice]:
    """What the partner has of the period; of files only those that were not read yet. The batch's name tells what was asked."""
    source = feed.spec.source
    if isinstance(source, SftpSource):
        with working(house.engine) as work:
            seen = batches.seen_stamps(work, feed.feed_id)
        yield from fetcher.fetch(None, seen)
        return
    midnight = datetime.combine(period.from_on, time(), TIME_ZONE)
    start = str(write_moment(midnight, source.since.form)) if source.since is not None else None
    for found in fetcher.fetch(start, frozenset()):
        named = f"{found.name} from {period.from_on}" if isinstance(found, Fetched) else ""
        yield replace(found, name=named, cursor=None) if isinstance(found, Fetched) else found


def known_files(house: House, feed: Feed, stamps: list[FileStamp]) -> int:
    """How many of these files the hub has read already."""
    with working(house.engine) as work:
        return len(batches.seen_stamps(work, feed.feed_id).intersection(stamps))


def preview_backfill(house: House, feed: Feed, fetcher: Fetcher, period: Period) -> Iterator[Preview]:
    """What each thing that the partner has would change. It is read and forgotten: nothing is kept."""
    for found in fetch_period(house, feed, fetcher, period):
        if isinstance(found, Notice):
            yield Preview(NEXT_BATCH, "", code=found.code, message=found.message)
            continue
        with working(house.engine) as work:
            digest = digest_of([digest_of_part(part) for part in found.parts])
            known = batches.find_batch(work, feed.feed_id, found.name, digest)
        if known is not None or found.fault is not None:
            code, message = found.fault or (None, None)
            yield Preview(NEXT_BATCH if known is None else known, found.name, code=code, message=message)
            continue
        yield _preview(house, feed, found)


def _preview(house: House, feed: Feed, found: Fetched) -> Preview:
    try:
        parts = house.containers.opened(feed.spec.source, bytes_of(found.parts), now())
        reading = read_rows(feed, parts, found.name, house.registry.codes)
    except HubError as error:
        return Preview(NEXT_BATCH, found.name, code=error.code, message=str(error))
    except ODD as error:  # its words may quote a row
        return Preview(NEXT_BATCH, found.name, code="S000", message=f"reading it failed: {type(error).__name__}")
    return preview_rows(house, feed, found.name, reading.found)


def backfill(house: House, feed: Feed, fetcher: Fetcher, period: Period) -> Iterator[tuple[int, BatchState]]:
    """Keep and store what the partner has of the period, thing by thing; what the hub knew already is unchanged.

    One that cannot be stored stays ``fetched``, for the next run of its feed, and keeps no other back. After a crash the same
    again goes on: what was kept is known, and stored when it is not.
    """
    with holding_by_hand(house, f"feed/{feed.feed_id}"):
        yield from _backfill(house, feed, fetcher, period)


def _backfill(house: House, feed: Feed, fetcher: Fetcher, period: Period) -> Iterator[tuple[int, BatchState]]:
    done: set[int] = set()
    with working(house.engine) as work:
        keys.check_roots(work)
    for found in fetch_period(house, feed, fetcher, period):
        if isinstance(found, Notice):
            if not found.is_waiting:
                with working(house.engine) as work:
                    batches.raise_alarm(work, feed.feed_id, None, f"{found.code} {found.message}")
            continue
        batch_id = keep(house, feed, found)
        if batch_id is not None:
            reach("backfill.kept")
            note("backfilled", feed=feed.feed_id, batch=batch_id)
            done.add(batch_id)
            yield batch_id, _store(house, feed, batch_id)
            reach("backfill.stored")
    with working(house.engine) as work:
        left = batches.batches_in(work, [BatchState.FETCHED], feed.feed_id)
    for batch in left:  # kept by a run that ended before it stored them
        if batch.batch_id not in done:
            yield batch.batch_id, _store(house, feed, batch.batch_id)
            reach("backfill.stored")


def _store(house: House, feed: Feed, batch_id: int) -> BatchState:
    try:
        return store_batch(house, feed, batch_id)
    except (HubUnavailable, FencedOff):
        raise
    except ODD as error:
        said = f"{error.code} {error}" if isinstance(error, HubError) else type(error).__name__  # which may quote a row
        log.error("batch %s could not be stored: %s", batch_id, said)
        return BatchState.FETCHED
