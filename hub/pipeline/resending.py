"""Resend: owe receivers what they lack once more, wake children whose parent came, owe nothing more to a receiver that went."""

from __future__ import annotations

from collections.abc import Mapping

from hub.errors import NotAllowed
from hub.model import BatchState
from hub.pipeline.guarding import holding_by_hand
from hub.pipeline.house import House, lock_batch, note
from hub.points import reach
from hub.store import deliveries, resending, waking, withdrawals
from hub.store.audit import Act, note_act
from hub.store.database import Work, working
from hub.store.exchange_log import append
from hub.store.resending import Chosen

Owed = Mapping[tuple[str, str], int]
"""Records by receiver and schema."""


def resend_batch(house: House, batch_id: int) -> int:
    """Send a batch's refused records once more, and what a receiver was never owed of it; returns how many.

    Raises NotAllowed when the batch is not answered yet, or no receiver lacks anything of it that was not corrected since.
    """
    with working(house.engine) as work:
        _check_answered(work, batch_id)
        woken = _resend(work, house, Chosen(batch_id=batch_id))
        if not woken:
            raise NotAllowed(f"nothing of batch {batch_id} is refused and stands as it was sent")
        note_act(work, Act("resend --go", f"batch {batch_id}, {len(woken)} records"))
        reach("resend.owing")
    reach("resend.owed")
    return len(woken)


def resend(house: House, chosen: Chosen) -> int:
    """Send once more what receivers refused of these batches, and, where no code is asked for, what they were never owed.

    What a receiver accepted is never sent to it again. Returns how many records go out. Raises NotAllowed for a receiver or
    a feed that no mapping names.
    """
    _check_named(house, chosen)
    with working(house.engine) as work:
        woken = _resend(work, house, chosen)
        named = [str(one) for one in (chosen.receiver, chosen.feed_id, chosen.code) if one is not None]
        note_act(work, Act("resend --go", " ".join([*named, f"{len(woken)} records"])))
        reach("resend.owing")
    reach("resend.owed")
    note("resent", records=len(woken))
    return len(woken)


def preview_resend(house: House, chosen: Chosen) -> Owed:
    """What such a resend would send to whom: it is done, counted and taken back. Raises what the resend would raise."""
    _check_named(house, chosen)
    with working(house.engine) as work:
        if chosen.is_one_batch:
            _check_answered(work, chosen.batch_id or 0)
        tried = work.begin_nested()
        counted = resending.count_deliveries(work, _resend(work, house, chosen))
        tried.rollback()
    return counted


def _check_answered(work: Work, batch_id: int) -> None:
    batch = lock_batch(work, batch_id)
    if batch.state not in (BatchState.DELIVERED, BatchState.REPORTED):
        raise NotAllowed(f"batch {batch_id} is {batch.state.value}; only an answered batch can be sent again")
    if batch.hold_code is not None:
        raise NotAllowed(f"batch {batch_id} was held with {batch.hold_code} and is settled; nothing of it was taken")


def _check_named(house: House, chosen: Chosen) -> None:
    if chosen.receiver is not None:
        house.registry.receives(chosen.receiver)
    if chosen.feed_id is not None:
        house.registry.feed(chosen.feed_id)


def _resend(work: Work, house: House, chosen: Chosen) -> list[int]:
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
    return woken


def wake_children(house: House) -> int:
    """Send records that were given up for want of their parent once more where it was accepted since; returns how many."""
    with working(house.engine) as work:
        woken = len(waking.wake_children(work))
        reach("wake.waking")
    reach("wake.woken")
    if woken:
        note("woken", records=woken)
    return woken


def drop_receiver(house: House, receiver: str, schema: str | None, by: str, why: str) -> int:
    """Owe nothing more to a receiver, or of one schema, that no mapping names any more; returns how many records are withdrawn.

    Raises NotAllowed while its file stands, or is broken: then what it is owed waits for it.
    """
    if not by.strip() or not why.strip():
        raise NotAllowed("to drop what is owed needs a name and a reason")
    _check_gone(house, receiver, schema)
    with holding_by_hand(house, f"receiver/{receiver}"), working(house.engine) as work:
        _check_owed(work, receiver)
        count = withdrawals.withdraw(work, receiver, schema, by.strip(), why.strip())
        append(work, "dropped", receiver, records=count, schema=schema)
        note_act(work, Act("drop --go", f"{receiver} {schema or ''}".strip() + f", {count} records", why), by)
        reach("drop.withdrawing")
    reach("drop.withdrawn")
    note("withdrawn", receiver=receiver, records=count)
    return count


def preview_drop(house: House, receiver: str, schema: str | None) -> Owed:
    """What such a drop would withdraw, by receiver and schema. Raises what the drop would raise."""
    _check_gone(house, receiver, schema)
    with working(house.engine) as work:
        _check_owed(work, receiver)
        return withdrawals.count_open(work, receiver, schema)


def _check_gone(house: House, receiver: str, schema: str | None) -> None:
    known = house.registry.receivers.get(receiver)
    broken = any(problem.file == f"receivers/{receiver}.yaml" for problem in house.registry.problems)
    if broken or (known is not None and (schema is None or schema in known.records)):
        what = f"receivers/{receiver}.yaml" + ("" if schema is None else f" with {schema}")
        raise NotAllowed(
            f"{what} still stands in the mappings: take it away first, or leave what is owed to it waiting"
        )


def _check_owed(work: Work, receiver: str) -> None:
    if not withdrawals.was_owed(work, receiver):
        raise NotAllowed(f"nothing was ever owed to {receiver}; is the name right?")
