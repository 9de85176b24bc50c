"""By hand: what an officer or an admin decides about one batch."""

from __future__ import annotations

from hub.errors import NotAllowed, Unbalanced
from hub.model import BatchState
from hub.pipeline.house import House, lock_batch
from hub.points import reach
from hub.store import batches, conservation, deliveries, tombstones
from hub.store.database import working


def release_batch(house: House, batch_id: int, by: str) -> None:
    """An officer lets a batch pass although it is not as expected. Raises NotAllowed for a file that is not as agreed."""
    with working(house.engine) as work:
        batch = lock_batch(work, batch_id)
        if batch.state is not BatchState.HELD or batch.hold_code not in ("F013", "F014"):
            held = f"held with {batch.hold_code}" if batch.state is BatchState.HELD else batch.state.value
            raise NotAllowed(f"batch {batch_id} is {held}; only an expectation (F013, F014) can be released")
        batches.release_hold(work, batch_id, by)
        reach("release.written")
    reach("release.committed")


def close_batch(house: House, batch_id: int) -> None:
    """A held batch is settled otherwise: nothing of it is taken, its reason stays readable. Raises NotAllowed for any other."""
    with working(house.engine) as work:
        batch = lock_batch(work, batch_id)
        if batch.state is not BatchState.HELD:
            raise NotAllowed(f"batch {batch_id} is {batch.state.value}, not held")
        if batch.hold_code == Unbalanced.code and conservation.count_intakes(work, [batch_id]):
            raise NotAllowed(f"rows of batch {batch_id} were stored before it was held with F019; replay it")
        batches.set_state(work, batch_id, BatchState.REPORTED)
        reach("close.written")
    reach("close.committed")


def resend_batch(house: House, batch_id: int) -> int:
    """Send a batch's refused records once more, for instance after their parent came; returns how many.

    Raises NotAllowed when the batch is not answered yet, or nothing of it is refused that was not corrected since.
    """
    with working(house.engine) as work:
        batch = lock_batch(work, batch_id)
        if batch.state not in (BatchState.DELIVERED, BatchState.REPORTED):
            raise NotAllowed(f"batch {batch_id} is {batch.state.value}; only an answered batch can be sent again")
        woken = deliveries.wake_refused(work, batch_id)
        if not woken:
            raise NotAllowed(f"nothing of batch {batch_id} is refused and stands as it was sent")
        reach("resend.woken")
        batches.set_state(work, batch_id, BatchState.STORED)
        reach("resend.written")
    reach("resend.committed")
    return woken


def replay_batch(house: House, batch_id: int) -> None:
    """Read a batch again from the archive with today's mapping; what it says again is known and changes nothing."""
    with working(house.engine) as work:
        batch = lock_batch(work, batch_id)
        if batch.state is BatchState.REPORTED and batch.hold_code is not None:
            raise NotAllowed(
                f"batch {batch_id} was held with {batch.hold_code} and is settled; it cannot be read again"
            )
        if batch.state is BatchState.HELD and batch.hold_code in ("F001", "F004", "F006", "F007"):
            raise NotAllowed(
                f"batch {batch_id} is held with {batch.hold_code}: reading it again changes nothing, a new file is needed"
            )
        if tombstones.tombstones_of(work, batch_id):
            raise NotAllowed(
                f"the raw bytes of batch {batch_id} were let go when their term was over; `hub batch {batch_id}`"
            )
        batches.release_hold(work, batch_id, None)
        reach("replay.written")
    reach("replay.committed")
