"""By hand: what an officer or an admin decides about one batch."""

from __future__ import annotations

from hub.errors import NotAllowed
from hub.model import BatchState
from hub.pipeline.house import House, lock_batch
from hub.pipeline.recording import record_decision
from hub.points import reach
from hub.store import batches, repairs
from hub.store.audit import Act, note_act
from hub.store.database import working


def release_batch(house: House, batch_id: int, by: str) -> None:
    """An officer lets a batch pass although it is not as expected. Raises NotAllowed for a file that is not as agreed."""
    with working(house.engine) as work:
        batch = lock_batch(work, batch_id)
        if batch.state is not BatchState.HELD or batch.hold_code not in ("F013", "F014"):
            held = f"held with {batch.hold_code}" if batch.state is BatchState.HELD else batch.state.value
            raise NotAllowed(f"batch {batch_id} is {held}; only an expectation (F013, F014) can be released")
        batches.release_hold(work, batch_id, by)
        record_decision(work, "released", batch, code=batch.hold_code)
        note_act(work, Act("release", f"batch {batch_id}", batch.hold_code), by)
        reach("release.written")
    reach("release.committed")


def close_batch(house: House, batch_id: int, by: str | None = None) -> None:
    """A held batch is settled otherwise: nothing of it is taken, its reason stays readable. Raises NotAllowed for any other."""
    with working(house.engine) as work:
        batch = lock_batch(work, batch_id)
        if batch.state is not BatchState.HELD:
            raise NotAllowed(f"batch {batch_id} is {batch.state.value}, not held")
        if repairs.has_tally(work, batch_id):
            raise NotAllowed(f"rows of batch {batch_id} were stored before it was held; `hub replay {batch_id} --go`")
        batches.set_state(work, batch_id, BatchState.REPORTED)
        record_decision(work, "closed", batch, code=batch.hold_code)
        note_act(work, Act("close", f"batch {batch_id}", batch.hold_code or ""), by)
        reach("close.written")
    reach("close.committed")
