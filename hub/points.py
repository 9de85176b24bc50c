"""Commit points: the moments between two durable effects, by name, so that a test can end the process at each of them.

A point costs one comparison while nobody watches. Nothing but tests/faults watches; production has no switch for it.
"""

from __future__ import annotations

from collections.abc import Callable

POINTS: dict[str, str] = {
    "deliver.claiming": "the intent to send; the submission is bound and not committed",
    "deliver.claimed": "a submission with its key and its records; nothing is sent",
    "deliver.set_aside": "receipts (R005) of records nobody can write; their neighbours are bound to the submission and not sent",
    "deliver.before_inquiry": "the submission and that it is asked about; nobody knows whether the receiver has it",
    "deliver.inquiry_answered": "the same; the receiver has said whether it has the submission",
    "deliver.before_submit": "the submission; it is not sent in this try",
    "deliver.unknown": "the submission as one of unknown outcome",
    "deliver.answered": "the receiver has the submission and has answered; not noted by us",
    "deliver.given_back": "the refusal as a whole; the records wait again",
    "deliver.writing_serial": "the receiver has the submission; its serial code is written and not committed",
    "deliver.serial_written": "the receiver has the submission, and we its serial code",
    "collect.before_poll": "the submissions with their serial codes; this one is not asked about",
    "collect.polled": "the submission, still open; the receiver's answers are in memory",
    "collect.writing_receipts": "the submission, still open; receipts are written and not committed",
    "collect.receipts_written": "the receipts and the state of each delivery, in one commit",
    "delivered.marked": "the receipts; batches answered in full are moved on and not committed",
    "delivered.committed": "batches answered in full are delivered",
    "tell.before_file": "the batch; its return file is rendered and not put",
    "tell.file_put": "the return file is at the partner's; not noted by us",
    "tell.noting_file": "the return file is at the partner's; the note is written and not committed",
    "tell.file_noted": "the return file is at the partner's, and we know it",
    "tell.deciding_calls": "the batch; what is to be told is written and not committed",
    "tell.calls_decided": "calls with their rows and keys; none of them is sent",
    "tell.before_call": "the call as it was decided; it is not sent in this try",
    "tell.call_sent": "the partner has the call; not noted by us",
    "tell.noting_call": "the partner has the call; the note is written and not committed",
    "tell.call_noted": "the partner has the call, and we know it",
    "tell.marking": "every word of the stage is noted; the end of the stage is written and not committed",
    "tell.marked": "the stage is told, and the batch reported when it was the last",
    "wake.waking": "the parents' receipts; their children are woken and not committed",
    "wake.woken": "children whose parent came wait to be sent once more, and it is noted for which receipt",
    "repair.asking": "the batch as it was; the request is written and not committed",
    "repair.asked": "the request; it waits for a second person",
    "repair.writing": "the request, still waiting; its rows are written as records and not committed",
    "repair.effective": "the corrected rows as records, what is owed of them, and the decision, in one commit",
    "repair.declining": "the request, still waiting; that it comes to nothing is written and not committed",
    "repair.declined": "the request came to nothing",
    "replay.opening": "nothing; the replay and its batches are written and not committed",
    "replay.opened": "the replay and which batches it is of; none of them is read",
    "replay.reading": "the batch as it was; its new reading is written and not committed",
    "replay.read": "the new reading and that it is done, in one commit",
    "replay.leaving": "the batch as it was; why it was left is written and not committed",
    "replay.left": "the batch as it was, and why it was left",
    "replay.closing": "what became of every batch; the end of the replay is written and not committed",
    "replay.closed": "the replay is finished",
    "backfill.kept": "raw bytes and batch of one thing that the partner has of the period; it is not stored",
    "backfill.stored": "the same, stored or held; what else the partner has is not fetched",
    "resend.owing": "deliveries as they were answered; that they go out once more is written and not committed",
    "resend.owed": "deliveries that wait to be sent once more, and their batches to be told anew",
    "drop.withdrawing": "what the receiver is owed; that it is withdrawn is written and not committed",
    "drop.withdrawn": "what the receiver was owed is withdrawn, with name and reason",
}
"""Every point and what is durable when it is reached; the code reaches no other and every one of these."""

_watcher: Callable[[str], None] | None = None


def reach(point: str) -> None:
    """Say that this point is reached; the words are one of ``POINTS``."""
    if _watcher is not None:
        _watcher(point)


def watch(watcher: Callable[[str], None] | None) -> None:
    """Let a test hear of every point that this process reaches from now on; None ends it."""
    global _watcher
    _watcher = watcher
