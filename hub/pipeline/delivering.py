"""Deliver: submit what waits, ask after what was submitted, write down what was answered.

A submission is bound to its records and its key in one commit before anything is sent. When the answer to it does not come, nobody
knows whether it took effect: then the receiver is asked, and the same submission is sent again only when it has none of that key.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from random import uniform
from uuid import uuid4

from connectors.interface import Receiver
from hub.errors import MappingInvalid, PartnerRefused, PartnerUnavailable, SubmissionRefused, Unwritable
from hub.feed import Receives
from hub.model import ReceiptAnswer
from hub.pipeline.house import House, log, note
from hub.pipeline.recording import payload_digest, record_answered, record_submitted
from hub.pipeline.setting_aside import read_payload, set_aside
from hub.points import reach
from hub.store import batches, deliveries, receipts
from hub.store.audit import Act, note_act
from hub.store.database import working
from hub.store.deliveries import Submission
from schemas.catalogue import SCHEMAS

ROUNDS = 3
"""How often one run asks and sends again while answers get lost; the next run goes on."""
PAUSE_SECONDS = 0.5
"""The longest pause before the second round; twice as long before the third. A random part of it, so that hubs do not keep step."""
REFUSALS = 2
"""How often a receiver that takes others turns one submission down before its records are tried in smaller parts."""


def deliver_waiting(house: House, partner: str, receives: Receives, receiver: Receiver) -> int:
    """Submit everything that waits for one receiver, parents before children; returns how many records went out.

    Submissions whose outcome is unknown come first. Raises PartnerRefused, after all others were tried, for one that was turned
    down for no agreed reason, and MappingInvalid for one of which no record can be written.
    """
    sending = _Sending(house, receives, receiver)
    with working(house.engine) as work:
        unknown = [s for s in deliveries.open_submissions(work, partner) if s.serial_code is None]
    for submission in unknown:
        sending.resolve(submission)
    with working(house.engine) as work:
        due = deliveries.schemas_due(work, partner)
    for schema in [name for name in SCHEMAS if name in receives.records and name in due]:
        while True:
            with working(house.engine) as work:
                claimed = deliveries.claim_waiting(work, partner, schema, uuid4().hex, receives.max_batch)
                reach("deliver.claiming")
            if claimed is None:
                break
            reach("deliver.claimed")
            sending.submit(claimed)
    sending.settle_refusals()
    return sending.sent


class _Sending:
    """One run over one receiver: what went out, which submissions it turned down for no agreed reason, which nobody could write."""

    def __init__(self, house: House, receives: Receives, receiver: Receiver) -> None:
        self.house, self.receives, self.receiver = house, receives, receiver
        self.sent = 0
        self._refused: list[tuple[Submission, PartnerRefused]] = []
        self._failed: list[MappingInvalid] = []

    def resolve(self, submission: Submission) -> None:
        """Ask whether the receiver has it; send it, under the same key, only when it has not."""
        with working(self.house.engine) as work:
            deliveries.note_inquiry(work, submission.submission_id)
        reach("deliver.before_inquiry")
        try:
            answered = self.receiver.inquire(submission.batch_key)
        except PartnerRefused as error:
            self._refused.append((submission, error))
            return
        reach("deliver.inquiry_answered")
        if answered is None:
            self.submit(submission)
            return
        self._write(submission, answered)
        note("resolved", receiver=submission.receiver, submission=submission.submission_id)

    def submit(self, submission: Submission) -> None:
        """Send one submission. One that is refused as a whole for its content goes back, to be tried in smaller parts."""
        for turn in range(ROUNDS):
            payload = read_payload(self.house, submission)
            if not payload:
                return
            time.sleep(uniform(0, PAUSE_SECONDS) * turn)
            if turn and (known := self.receiver.inquire(submission.batch_key)) is not None:
                self._write(submission, known, payload_digest(submission, payload))
                return
            try:
                reach("deliver.before_submit")
                answered = self.receiver.submit(submission.schema, submission.batch_key, payload)
            except Unwritable as error:
                set_aside(self.house, submission, error.keys, str(error))
                self.submit(submission)
                return
            except MappingInvalid as error:
                self._failed.append(error)
                return
            except SubmissionRefused as error:
                self._give_back(submission, error)
                return
            except PartnerRefused as error:
                self._refused.append((submission, error))
                return
            except PartnerUnavailable as error:
                with working(self.house.engine) as work:
                    deliveries.mark_unknown(work, submission.submission_id)
                reach("deliver.unknown")
                if not error.may_be_done or turn == ROUNDS - 1:
                    raise
                continue
            reach("deliver.answered")
            self._write(submission, answered, payload_digest(submission, payload))
            self.sent += len(payload)
            note("submitted", receiver=submission.receiver, submission=submission.submission_id,
                 schema=submission.schema, records=len(payload))  # fmt: skip
            return

    def settle_refusals(self) -> None:
        """A receiver that takes others and not this one means its content: after a while it goes back in smaller parts."""
        for submission, error in self._refused:
            with working(self.house.engine) as work:
                refusals = deliveries.note_refusal(work, submission.submission_id)
            if self.sent and refusals >= REFUSALS:
                self._give_back(submission, error)
        if self._refused:
            raise self._refused[0][1]
        if self._failed:
            raise self._failed[0]

    def _give_back(self, submission: Submission, error: PartnerRefused) -> None:
        log.error("submission %s was refused: %s", submission.submission_id, error)
        with working(self.house.engine) as work:
            receipts.write_receipts(work, submission, [], self.receives, refusal=str(error))
            record_answered(work, submission)
        reach("deliver.given_back")

    def _write(self, submission: Submission, answered: str | list[ReceiptAnswer], sent: str | None = None) -> None:
        if isinstance(answered, str):
            with working(self.house.engine) as work:
                deliveries.write_serial(work, submission.submission_id, answered)
                record_submitted(work, submission, sent, answered)
                reach("deliver.writing_serial")
            reach("deliver.serial_written")
        else:
            write_answers(self.house, submission, answered, self.receives, sent=sent)


def collect_receipts(house: House, partner: str, receives: Receives, receiver: Receiver) -> int:
    """Ask after every open submission once and write down what was answered; returns how many submissions are still open.

    Raises PartnerRefused for an answer a person must look at, after all the others were asked after.
    """
    with working(house.engine) as work:
        waiting = [s for s in deliveries.open_submissions(work, partner) if s.serial_code is not None]
    still_open = 0
    odd: list[PartnerRefused] = []
    for submission in waiting:
        try:
            reach("collect.before_poll")
            answers, refusal = _poll(submission, receiver)
        except PartnerRefused as error:
            odd.append(error)
            continue
        reach("collect.polled")
        if answers is None:
            still_open += 1
            continue
        write_answers(house, submission, answers, receives, refusal)
        note("answered", receiver=partner, submission=submission.submission_id, records=len(answers))
    if odd:
        raise odd[0]
    return still_open


def write_answers(
    house: House,
    submission: Submission,
    answers: Sequence[ReceiptAnswer],
    receives: Receives,
    refusal: str | None = None,
    sent: str | None = None,
) -> None:
    """Receipts and the states they lead to, in one commit; what is odd about them becomes an alarm, in counts.

    ``sent`` is the digest of what was sent, where it was answered at once.
    """
    with working(house.engine) as work:
        odd = receipts.write_receipts(work, submission, answers, receives, refusal)
        if sent is not None:
            record_submitted(work, submission, sent, None)
        record_answered(work, submission)
        sentences = {
            "receipts for nothing that was sent": odd.strays,
            "records with receipts that contradict each other (R004)": odd.contradicted,
            "records without a receipt": odd.unmentioned,
        }
        for sentence, count in sentences.items():
            if count:
                told = f"submission {submission.submission_id}: {count} {sentence}"
                batches.raise_alarm(work, submission.receiver, None, told)
        reach("collect.writing_receipts")
    reach("collect.receipts_written")


def _poll(submission: Submission, receiver: Receiver) -> tuple[list[ReceiptAnswer] | None, str | None]:
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
        note_act(work, Act("catchup", f"{partner}, {sum(owed.values())} records"))
        reach("catchup.written")
    reach("catchup.committed")
    return owed


def next_delivery(house: House, partner: str) -> float | None:
    """Seconds until the next waiting record may go to this receiver; None when none waits."""
    with working(house.engine) as work:
        return deliveries.waiting_count(work, partner)[1]
