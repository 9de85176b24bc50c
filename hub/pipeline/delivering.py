"""Deliver: submit what waits, ask after what was submitted, write down what was answered."""

from __future__ import annotations

from uuid import uuid4

from connectors.interface import Receiver
from hub.errors import PartnerRefused, SubmissionRefused
from hub.feed import Receives
from hub.model import ReceiptAnswer
from hub.pipeline.house import House, log, note
from hub.points import reach
from hub.store import batches, deliveries
from hub.store.database import working
from schemas.catalogue import SCHEMAS


def deliver_waiting(house: House, partner: str, receives: Receives, receiver: Receiver) -> int:
    """Submit everything that waits for one receiver, parents before children; returns how many records went out.

    Submissions whose outcome is unknown are asked about first: sent again under the same key, which the receiver knows.
    """
    with working(house.engine) as work:
        unknown = [s for s in deliveries.open_submissions(work, partner) if s.serial_code is None]
    sent = sum(_submit(house, submission, receives, receiver) for submission in unknown)
    reach("deliver.begun")
    with working(house.engine) as work:
        due = deliveries.schemas_due(work, partner)
    for schema in [name for name in SCHEMAS if name in receives.records and name in due]:
        while True:
            with working(house.engine) as work:
                claimed = deliveries.claim_waiting(work, partner, schema, uuid4().hex, receives.max_batch)
            if claimed is None:
                break
            reach("deliver.claimed")
            sent += _submit(house, claimed, receives, receiver)
    return sent


def _submit(house: House, submission: deliveries.Submission, receives: Receives, receiver: Receiver) -> int:
    """Send one submission. One that is refused as a whole goes back, to be tried in smaller parts, and blocks no other."""
    with working(house.engine) as work:
        payload = deliveries.payload_of(work, submission)
    reach("deliver.read")
    try:
        answered = receiver.submit(submission.schema, submission.batch_key, payload)
    except SubmissionRefused as error:
        log.error("submission %s was refused: %s", submission.submission_id, error)
        reach("deliver.refused")
        with working(house.engine) as work:
            deliveries.write_receipts(work, submission, [], receives, refusal=str(error))
        reach("deliver.refusal_noted")
        return 0
    reach("deliver.answered")
    with working(house.engine) as work:
        if isinstance(answered, str):
            deliveries.write_serial(work, submission.submission_id, answered)
        else:
            deliveries.write_receipts(work, submission, answered, receives)
        reach("deliver.written")
    reach("deliver.noted")
    note(
        "submitted",
        receiver=submission.receiver,
        submission=submission.submission_id,
        schema=submission.schema,
        records=len(payload),
    )
    return len(payload)


def collect_receipts(house: House, partner: str, receives: Receives, receiver: Receiver) -> int:
    """Ask after every open submission once and write down what was answered; returns how many submissions are still open.

    Raises PartnerRefused for an answer a person must look at, after all the others were asked after.
    """
    with working(house.engine) as work:
        waiting = [s for s in deliveries.open_submissions(work, partner) if s.serial_code is not None]
    still_open = 0
    odd: list[PartnerRefused] = []
    for submission in waiting:
        reach("collect.due")
        try:
            answers, refusal = _poll(submission, receiver)
        except PartnerRefused as error:
            odd.append(error)
            continue
        if answers is None:
            still_open += 1
            reach("collect.unanswered")
            continue
        reach("collect.answered")
        with working(house.engine) as work:
            deliveries.write_receipts(work, submission, answers, receives, refusal)
            reach("collect.written")
        reach("collect.noted")
        note("answered", receiver=partner, submission=submission.submission_id, records=len(answers))
    if odd:
        raise odd[0]
    return still_open


def _poll(submission: deliveries.Submission, receiver: Receiver) -> tuple[list[ReceiptAnswer] | None, str | None]:
    try:
        return receiver.poll(submission.serial_code or ""), None
    except SubmissionRefused as error:
        log.error("submission %s: %s", submission.submission_id, error)
        return [], str(error)


def catch_up(house: House, partner: str) -> dict[str, int]:
    """Owe a receiver what it was never owed, for instance what came before its file did; the records by schema."""
    receives = house.registry.receives(partner)
    with working(house.engine) as work:
        owed = {
            schema: deliveries.add_missing(work, partner, schema, receives.areas)
            for schema in SCHEMAS
            if schema in receives.records
        }
        reach("catchup.written")
    reach("catchup.committed")
    return owed


def next_delivery(house: House, partner: str) -> float | None:
    """Seconds until the next waiting record may go to this receiver; None when none waits."""
    with working(house.engine) as work:
        return deliveries.waiting_count(work, partner)[1]


def mark_delivered(house: House) -> list[int]:
    """Move on every stored batch whose records are all answered; returns their ids."""
    with working(house.engine) as work:
        moved = batches.mark_delivered(work)
        reach("delivered.marked")
    reach("delivered.committed")
    return moved
