"""By hand: what an officer or an admin decides about one batch."""

from __future__ import annotations

from hub.errors import NotAllowed
from hub.model import BatchState
from hub.pipeline.house import House, lock_batch, note
from hub.pipeline.replaying import check_replayable
from hub.store import batches, deliveries, resending, waking, withdrawals
from hub.store.database import Work, working
from hub.store.resending import Chosen


def release_batch(house: House, batch_id: int, by: str) -> None:
    """An officer lets a batch pass although it is not as expected. Raises NotAllowed for a file that is not as agreed."""
    with working(house.engine) as work:
        batch = lock_batch(work, batch_id)
        if batch.state is not BatchState.HELD or batch.hold_code not in ("F013", "F014"):
            held = f"held with {batch.hold_code}" if batch.state is BatchState.HELD else batch.state.value
            raise NotAllowed(f"batch {batch_id} is {held}; only an expectation (F013, F014) can be released")
        batches.release_hold(work, batch_id, by)


def close_batch(house: House, batch_id: int) -> None:
    """A held batch is settled otherwise: nothing of it is taken, its reason stays readable. Raises NotAllowed for any other."""
    with working(house.engine) as work:
        batch = lock_batch(work, batch_id)
        if batch.state is not BatchState.HELD:
            raise NotAllowed(f"batch {batch_id} is {batch.state.value}, not held")
        batches.set_state(work, batch_id, BatchState.REPORTED)


def resend_batch(house: House, batch_id: int) -> int:
    """Send a batch's refused records once more, and what a receiver was never owed of it; returns how many.

    Raises NotAllowed when the batch is not answered yet, or no receiver lacks anything of it that was not corrected since.
    """
    with working(house.engine) as work:
        batch = lock_batch(work, batch_id)
        if batch.state not in (BatchState.DELIVERED, BatchState.REPORTED):
            raise NotAllowed(f"batch {batch_id} is {batch.state.value}; only an answered batch can be sent again")
        if batch.hold_code is not None:
            raise NotAllowed(
                f"batch {batch_id} was held with {batch.hold_code} and is settled; nothing of it was taken"
            )
        woken = _resend(work, house, Chosen(batch_id=batch_id))
        if not woken:
            raise NotAllowed(f"nothing of batch {batch_id} is refused and stands as it was sent")
    return woken


def resend(house: House, chosen: Chosen) -> int:
    """Send once more what receivers refused of these batches, and, where no code is asked for, what they were never owed.

    What a receiver accepted is never sent to it again. Returns how many records go out.
    """
    if chosen.receiver is not None:
        house.registry.receives(chosen.receiver)
    with working(house.engine) as work:
        return _resend(work, house, chosen)


def _resend(work: Work, house: House, chosen: Chosen) -> int:
    registry = house.registry
    taken = {name: list(spec.records) for name, spec in registry.receivers.items()}
    woken = resending.wake_refused(work, chosen, taken)
    for batch_id, feed_id in resending.answered_batches(work, chosen) if chosen.code is None else []:
        if feed_id not in registry.feeds:
            continue
        newest = resending.last_delivery(work)
        for schema in registry.feeds[feed_id].spec.records:
            routes = [route for route in registry.routes(schema) if chosen.receiver in (None, route[0])]
            deliveries.add_deliveries(work, batch_id, schema, routes, feed_id)
        woken += resending.deliveries_since(work, batch_id, newest)
    if woken:
        resending.reopen_batches(work, woken)
    return len(woken)


def wake_children(house: House) -> int:
    """Send records that were given up for want of their parent once more where it was accepted since; returns how many."""
    with working(house.engine) as work:
        woken = len(waking.wake_children(work))
    if woken:
        note("woken", records=woken)
    return woken


def drop_receiver(house: House, receiver: str, schema: str | None, by: str, why: str) -> int:
    """Owe nothing more to a receiver, or of one schema, that no mapping names any more; returns how many records are withdrawn.

    Raises NotAllowed while its file stands, or is broken: then what it is owed waits for it.
    """
    if not by.strip() or not why.strip():
        raise NotAllowed("to drop what is owed needs a name and a reason")
    known = house.registry.receivers.get(receiver)
    broken = any(problem.file == f"receivers/{receiver}.yaml" for problem in house.registry.problems)
    if broken or (known is not None and (schema is None or schema in known.records)):
        what = f"receivers/{receiver}.yaml" + ("" if schema is None else f" with {schema}")
        raise NotAllowed(
            f"{what} still stands in the mappings: take it away first, or leave what is owed to it waiting"
        )
    with working(house.engine) as work:
        count = withdrawals.withdraw(work, receiver, schema, by.strip(), why.strip())
    note("withdrawn", receiver=receiver, records=count)
    return count


def replay_batch(house: House, batch_id: int) -> None:
    """Let a batch be read again from the archive with today's mapping; what it says again is known and changes nothing."""
    with working(house.engine) as work:
        check_replayable(lock_batch(work, batch_id))
        batches.release_hold(work, batch_id, None)
