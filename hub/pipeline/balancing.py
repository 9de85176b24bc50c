"""Balance: what a step was given is what it wrote down, or the batch goes no further (F019). Tables are counted, not believed."""

from __future__ import annotations

from collections.abc import Sequence

from hub.conservation import Hop, Intake, Owing, explain_gap, gaps_of, weigh
from hub.errors import Unbalanced
from hub.feed import Feed, FileReport
from hub.model import Stage
from hub.pipeline.house import House, lock_batch, log, note
from hub.pipeline.reading import Reading
from hub.pipeline.recording import hold
from hub.points import reach
from hub.store import batches, conservation
from hub.store.database import Work, working

MOST_GAPS = 5
"""Gaps that a hold names; `hub balance` has them all."""


def check_balance(work: Work, feed: Feed, batch_id: int, reading: Reading) -> None:
    """Count what the commit wrote, before it is one. Raises Unbalanced (F019), so that the batch is held instead."""
    intakes = conservation.count_intakes(work, [batch_id])
    read = {one.schema: one.fetched.rows for one in intakes}
    said = []
    for name, record in feed.spec.records.items():
        place = reading.parsed.rows[record.rows]
        cut = place.frame.height + (0 if place.broken is None else place.broken.height)
        if read.get(name, 0) != cut:
            said.append(f"{name}: {read.get(name, 0)} of {cut} rows were sorted")
    _refuse_gaps(said, intakes, conservation.count_owings(work, [batch_id]))


def check_account(work: Work, batch_id: int) -> None:
    """Hold what a batch was given against what its tables hold now. Raises Unbalanced (F019)."""
    _refuse_gaps([], conservation.count_intakes(work, [batch_id]), conservation.count_owings(work, [batch_id]))


def _refuse_gaps(said: Sequence[str], intakes: Sequence[Intake], owings: Sequence[Owing]) -> None:
    found = [*said, *(explain_gap(gap) for gap in gaps_of(weigh(intakes, owings)))]
    if found:
        raise Unbalanced(_few(found))


def mark_delivered(house: House) -> list[int]:
    """Move on every stored batch whose records are all answered; returns their ids. One that does not balance is held (F019)."""
    with working(house.engine) as work:
        ids = batches.answered_batches(work)
        gaps: dict[int, list[Hop]] = {}
        for gap in gaps_of(weigh(conservation.count_intakes(work, ids), conservation.count_owings(work, ids))):
            gaps.setdefault(gap.batch_id, []).append(gap)
        for batch_id, found in gaps.items():
            said = _few([explain_gap(gap) for gap in found])
            hold(work, lock_batch(work, batch_id).feed_id, batch_id, Unbalanced.code, said, is_told=False)
            log.error("batch %s does not balance and is held: %s gaps", batch_id, len(found))
        moved = [batch_id for batch_id in ids if batch_id not in gaps]
        batches.mark_delivered(work, moved)
        reach("delivered.marked")
    reach("delivered.committed")
    if gaps:
        note("held", batches=len(gaps), code=Unbalanced.code)
    return moved


def balance_of(house: House, batch_ids: Sequence[int]) -> list[Hop]:
    """Every hop of these batches, down to what their partners were told."""
    by_file = [
        feed.feed_id
        for feed in house.registry.feeds.values()
        if isinstance(feed.spec.report.get(Stage.OUTCOME.value), FileReport)
    ]
    with working(house.engine) as work:
        return weigh(
            conservation.count_intakes(work, batch_ids),
            conservation.count_owings(work, batch_ids),
            conservation.count_tellings(work, batch_ids, by_file),
        )


def _few(said: Sequence[str]) -> str:
    more = f"; and {len(said) - MOST_GAPS} more" if len(said) > MOST_GAPS else ""
    return "; ".join(said[:MOST_GAPS]) + more
