"""Set aside: a record that nobody can read or write for its receiver is refused alone, and the others of its submission go out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hub.errors import FencedOff, HubUnavailable, KeysUnusable, Unwritable
from hub.isolating import MOST_POISON, ODD, failing, find_poison
from hub.pipeline.house import House, log
from hub.pipeline.recording import record_answered
from hub.points import reach
from hub.reasons import reason
from hub.store import batches, deliveries, receipts
from hub.store.database import working
from hub.store.deliveries import Submission

NOT_A_RECORD = (HubUnavailable, FencedOff, KeysUnusable)
"""What is no record's fault."""


def read_payload(house: House, submission: Submission) -> list[dict[str, Any]]:
    """The records as they are handed over, under our lease or not at all. Those that cannot even be read are set aside.

    What fails without any record, or for more than ``MOST_POISON``, is no record's fault and is raised as it is.
    """
    with working(house.engine) as work:
        keys = deliveries.bound_records(work, submission)

    def read(some: Sequence[str]) -> list[dict[str, Any]]:
        with working(house.engine) as work:
            return deliveries.payload_of(work, submission, some)

    try:
        return read(keys)
    except NOT_A_RECORD:
        raise
    except Unwritable as error:
        set_aside(house, submission, error.keys, str(error))
    except ODD as error:
        poison = find_poison(len(keys), failing(lambda start, count: read(keys[start : start + count]), NOT_A_RECORD))
        if not poison or len(poison) > MOST_POISON:
            raise
        set_aside(house, submission, [keys[place] for place in poison], type(error).__name__)
    return read_payload(house, submission)


def set_aside(house: House, submission: Submission, keys: Sequence[str], why: str) -> None:
    """Refuse these records of a submission (R005), in one commit with an alarm that counts them and quotes none.

    Nothing of the submission was sent; what is left of it goes out under its key.
    """
    with working(house.engine) as work:
        receipts.refuse_records(work, submission, keys, Unwritable.code, reason(Unwritable.code).zh)
        record_answered(work, submission)
        said = f"submission {submission.submission_id}: {len(keys)} records could not be written ({Unwritable.code}): {why}"
        batches.raise_alarm(work, submission.receiver, None, said)
    reach("deliver.set_aside")
    log.error("submission %s: %s records set aside: %s", submission.submission_id, len(keys), why)
