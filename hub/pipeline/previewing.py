"""Preview: what reading a batch, or something just fetched, would change. Only looks; nothing is written and nobody is called."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from hub.errors import HubError
from hub.feed import Feed, SftpSource
from hub.isolating import ODD
from hub.model import Batch, Sorted
from hub.pipeline.house import House
from hub.pipeline.replaying import check_replayable
from hub.pipeline.storing import read_again
from hub.store import records, replays
from hub.store.database import Work, working
from schemas.catalogue import SCHEMAS

NEXT_BATCH = 2**62
"""The number of a batch that is not there yet: nothing on record is its own, and everything came before it."""


@dataclass(frozen=True)
class Change:
    """What would change for one schema. ``healed``: turned down before and good now; ``spoiled``: the other way round.

    ``sent`` counts for each receiver what it would get, ``refused`` what it refused and would not be sent again.
    """

    schema: str
    new: int
    corrected: int
    unchanged: int
    healed: int
    spoiled: int
    rejected: int
    sent: Mapping[str, int] = field(default_factory=dict)
    refused: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Preview:
    """What would change by one batch, or why it cannot be read."""

    batch_id: int
    source_name: str
    changes: tuple[Change, ...] = ()
    code: str | None = None
    message: str | None = None


def preview_batch(house: House, batch: Batch) -> Preview:
    """Read the archived bytes with today's mapping and hold them against what is on record."""
    try:
        feed = house.registry.feed(batch.feed_id)
        with working(house.engine) as work:
            check_replayable(work, batch)
            found = read_again(work, house, feed, batch).found
            changes = tuple(_change(work, house, feed, batch.batch_id, one) for one in found)
    except HubError as error:
        return Preview(batch.batch_id, batch.source_name, (), error.code, str(error))
    except ODD as error:
        return Preview(batch.batch_id, batch.source_name, (), "S000", f"reading it failed: {type(error).__name__}")
    return Preview(batch.batch_id, batch.source_name, changes)


def preview_rows(house: House, feed: Feed, source_name: str, found: Sequence[Sorted]) -> Preview:
    """What rows that were fetched and not kept would change."""
    with working(house.engine) as work:
        changes = tuple(_change(work, house, feed, NEXT_BATCH, one) for one in found)
    return Preview(NEXT_BATCH, source_name, changes)


def _change(work: Work, house: House, feed: Feed, batch_id: int, found: Sorted) -> Change:
    compared = records.compare(work, batch_id, found)
    fresh = compared.filter(pl.col("#is_fresh"))
    known = fresh.filter(pl.col("record_id").is_not_null())
    before = replays.rejected_rows(work, batch_id, found.schema)
    turned_down = found.rejections
    told = 0
    if not isinstance(feed.spec.source, SftpSource):
        again = records.told_before(work, batch_id, found.schema, records.with_digests(work, turned_down), feed.feed_id)
        told = again.height
        turned_down = turned_down.join(again.select("#part", "#line"), on=["#part", "#line"], how="anti")
    now = {(int(part), int(line)) for part, line in turned_down.select("#part", "#line").rows()}
    good = {(int(part), int(line)) for part, line in found.records.select("#part", "#line").rows()}
    return Change(
        schema=found.schema,
        new=fresh.height - known.height,
        corrected=known.height,
        unchanged=compared.height - fresh.height + found.repeated_rows + told,
        healed=len(before & good),
        spoiled=len(now - before),
        rejected=len(now & before),
        sent=_sent(work, house, batch_id, found.schema, fresh),
        refused=replays.count_refused(work, batch_id, found.schema),
    )


def _sent(work: Work, house: House, batch_id: int, schema: str, fresh: pl.DataFrame) -> dict[str, int]:
    """What each receiver would get: the new and corrected records of its areas, and those of the batch it was never owed."""
    routes = house.registry.routes(schema)
    sent = dict(replays.count_lacking(work, batch_id, schema, routes, fresh["#record_key"].to_list()))
    area = pl.col(SCHEMAS[schema].area)
    for receiver in dict.fromkeys(name for name, _ in routes):
        prefixes = [prefix for name, prefix in routes if name == receiver]
        count = fresh.filter(pl.any_horizontal(area.str.starts_with(prefix) for prefix in prefixes)).height
        if count:
            sent[receiver] = sent.get(receiver, 0) + count
    return dict(sorted(sent.items()))
