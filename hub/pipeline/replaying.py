"""Replay: read batches again from their archived bytes with today's mapping: one commit each, once, however often it is begun."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hub.errors import ExpectationFailed, FeedChanged, FencedOff, HubError, HubUnavailable, NotAllowed, Unbalanced
from hub.isolating import ODD
from hub.model import Batch, BatchState
from hub.pipeline.guarding import holding_by_hand
from hub.pipeline.house import House, lock_batch, log, note
from hub.pipeline.recording import hold, record_decision
from hub.pipeline.storing import read_again, write_reading
from hub.points import reach
from hub.store import batches, repairs, replays, tombstones
from hub.store.audit import Act, note_act
from hub.store.database import Work, working
from hub.store.replays import Wanted

UNREADABLE = (FeedChanged, ExpectationFailed, Unbalanced)


@dataclass(frozen=True)
class Replayed:
    """What became of one batch: read, or left as it was with a code and a sentence. ``place`` of ``total``."""

    batch_id: int
    code: str | None
    message: str | None
    place: int
    total: int


def check_replayable(work: Work, batch: Batch) -> None:
    """Raises NotAllowed for a batch that reading again cannot mend."""
    if batch.state is BatchState.REPORTED and batch.hold_code is not None:
        raise NotAllowed(
            f"batch {batch.batch_id} was held with {batch.hold_code} and is settled; it cannot be read again"
        )
    if batch.state is BatchState.HELD and batch.hold_code in ("F001", "F004", "F006", "F007"):
        raise NotAllowed(
            f"batch {batch.batch_id} is held with {batch.hold_code}: reading it again changes nothing, a new file is needed"
        )
    check_bytes(work, batch)


def check_bytes(work: Work, batch: Batch) -> None:
    """Raises NotAllowed for a batch whose raw bytes were let go."""
    if tombstones.tombstones_of(work, batch.batch_id):
        raise NotAllowed(
            f"the raw bytes of batch {batch.batch_id} were let go when their term was over; `hub batch {batch.batch_id}`"
        )


def replay_batch(house: House, batch_id: int) -> None:
    """Read one batch again and write what it says, in one commit. Whatever is raised, nothing was changed but a hold's reason.

    Raises FeedChanged, ExpectationFailed or Unbalanced when it says nothing that may be taken: a batch that is held stays held,
    any other stays what it is. Raises NotAllowed for one that reading again cannot mend.
    """
    with working(house.engine) as work:
        feed_id = lock_batch(work, batch_id).feed_id
    with holding_by_hand(house, f"feed/{feed_id}"):
        try:
            with working(house.engine) as work:
                _replay(work, house, batch_id)
                reach("replay.reading")
        except UNREADABLE as error:
            _note_unread(house, batch_id, error)
            raise
        reach("replay.read")


def open_replay(house: House, wanted: Wanted, by: str) -> tuple[int, bool, int]:
    """The unfinished replay of just these batches, or a new one: its number, whether it is new, and how many batches wait."""
    house.registry.feed(wanted.feed_id)
    with working(house.engine) as work:
        replay_id, is_new = replays.open_replay(work, wanted, by)
        waiting = len(replays.waiting_batches(work, replay_id))
        reach("replay.opening")
    reach("replay.opened")
    return replay_id, is_new, waiting


def run_replay(house: House, replay_id: int, say: Callable[[Replayed], None]) -> int:
    """Read every batch that still waits; returns how many were left as they were. One that cannot be read stops no other.

    The reading and the note that it is done are one commit, under the lease of the feed: after a crash the next run goes on with
    the first that is not done. Between two batches whoever waits for the feed has its turn.
    """
    with working(house.engine) as work:
        waiting = replays.waiting_batches(work, replay_id)
    left = 0
    for place, (batch_id, feed_id) in enumerate(waiting, 1):
        with holding_by_hand(house, f"feed/{feed_id}"):
            failed = _one(house, replay_id, batch_id)
        left += failed is not None
        code, message = failed or (None, None)
        say(Replayed(batch_id, code, message, place, len(waiting)))
    with working(house.engine) as work:
        replays.close_replay(work, replay_id)
        reach("replay.closing")
    reach("replay.closed")
    return left


def _one(house: House, replay_id: int, batch_id: int) -> tuple[str, str] | None:
    """Why the batch was left, or None."""
    try:
        with working(house.engine) as work:
            if replays.claim_batch(work, replay_id, batch_id):
                _replay(work, house, batch_id)
                replays.note_batch(work, replay_id, batch_id, "read", None, None)
            reach("replay.reading")
        reach("replay.read")
        return None
    except (HubUnavailable, FencedOff):  # nothing can be noted now, and all of it goes on later
        raise
    except UNREADABLE as error:
        _note_unread(house, batch_id, error)
        code, message = error.code, str(error)
    except HubError as error:
        code, message = error.code, str(error)
    except ODD as error:  # its words may quote a row
        log.error("batch %s could not be read again: %s", batch_id, type(error).__name__)
        code, message = "S000", f"reading it failed: {type(error).__name__}"
    with working(house.engine) as work:
        replays.note_batch(work, replay_id, batch_id, "left", code, message)
        reach("replay.leaving")
    reach("replay.left")
    return code, message


def _replay(work: Work, house: House, batch_id: int) -> None:
    batch = lock_batch(work, batch_id)
    check_replayable(work, batch)
    feed = house.registry.feed(batch.feed_id)
    reading = read_again(work, house, feed, batch)
    if batch.state is BatchState.HELD:
        batches.release_hold(work, batch_id, None)
    record_decision(work, "replayed", batch)
    note_act(work, Act("replay --go", f"batch {batch_id}"))
    write_reading(work, house.registry, feed, batch, reading)
    note("replayed", feed=feed.feed_id, batch=batch_id)


def _note_unread(house: House, batch_id: int, error: HubError) -> None:
    """A batch that is held stays held, for what is wrong with it now; any other stays what it is, and an alarm says why.

    So does one of which rows were stored before it was held: to tell its partner that nothing was taken would not be true.
    """
    with working(house.engine) as work:
        batch = lock_batch(work, batch_id)
        if batch.state is BatchState.HELD and not repairs.has_tally(work, batch_id):
            hold(work, batch.feed_id, batch_id, error.code, str(error))
        else:
            said = f"batch {batch_id} could not be read again: {error.code} {error}"
            batches.raise_alarm(work, batch.feed_id, batch_id, said)


def batches_wanted(house: House, wanted: Wanted) -> Sequence[Batch]:
    """The batches meant, oldest first."""
    with working(house.engine) as work:
        found = [batches.read_batch(work, batch_id) for batch_id in replays.find_batches(work, wanted)]
    return [batch for batch in found if batch is not None]
