"""Commit points: the moments between two durable effects, by name, so that a test can end the process at each of them.

A point costs one comparison while nobody watches. Nothing but tests/faults watches; production has no switch for it.
"""

from __future__ import annotations

from collections.abc import Callable

POINTS: dict[str, str] = {
    "lease.taken": "the lease with its token; nothing was done under it",
    "fetch.cursor_read": "all that was fetched before; the position and the known files are read",
    "page.asked": "nothing of this fetch; the position and all earlier batches are",
    "page.answered": "nothing of this fetch; the partner has booked the page as served",
    "file.listed": "nothing of this fetch; the partner's folder is only looked at",
    "file.read": "nothing of this fetch; the file's bytes are in memory",
    "fetch.bytes_read": "the batches of this fetch before this one; this one's bytes are in memory",
    "archive.opened": "an empty file under a temporary name, which nobody reads",
    "archive.written": "perhaps some of the bytes, under a temporary name",
    "archive.synced": "the bytes under a temporary name",
    "archive.renamed": "the bytes; their final name perhaps",
    "archive.kept": "the bytes under their final name; nothing names them yet",
    "fetch.archived": "every part of the batch in the archive; no batch names them yet",
    "fetch.held": "every part in the archive; the batch and its hold are written and not committed",
    "fetch.written": "every part in the archive; batch and position are written and not committed",
    "fetch.journalled": "every part and the journal's line in the archive; batch and position are not committed",
    "fetch.committed": "batch and position, in one commit",
    "fetch.noticed": "the alarm about what is no batch",
    "fetch.ended": "every batch of this fetch",
    "fetch.looked": "every batch of this fetch; that the feed was looked at is written and not committed",
    "store.locked": "the batch as fetched; its row is locked",
    "store.read": "the batch as fetched; its rows are read, sorted and in memory",
    "store.held": "the batch as fetched; its hold is written and not committed",
    "keys.making": "the batch as fetched; a new data key is written and not committed",
    "keys.made": "a new data key, wrapped, and the one before it open-only; nothing lies under it yet",
    "store.records_written": "the batch as fetched; records are written and not committed",
    "store.rejections_written": "the batch as fetched; rejections are written and not committed",
    "store.rows_written": "the batch as fetched; records, rejections and repetitions of a schema are written and not committed",
    "store.tally_written": "the batch as fetched; the counts of a schema are written and not committed",
    "store.deliveries_written": "the batch as fetched; the intent to send a schema is written and not committed",
    "store.balanced": "the batch as fetched; what was written was counted and is not committed",
    "store.identities_written": "the batch as fetched; the numbers of a schema are written and not committed",
    "store.conclusions_owed": "the batch as fetched; what channels are to be told of their clues is written and not committed",
    "store.settled": "the batch as fetched and the earlier one as held; both are moved on and not committed",
    "store.written": "the batch as fetched; everything is written and not committed",
    "store.committed": "records, rejections, counts, intent to send and state, in one commit",
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
    "wake.waking": "the parents' receipts; their children are woken and not committed",
    "wake.woken": "children whose parent came wait to be sent once more, and it is noted for which receipt",
    "delivered.marked": "the receipts; batches answered in full are moved on and not committed",
    "delivered.committed": "batches answered in full are delivered",
    "tell.before_file": "the batch; its return file is rendered and not put",
    "put.begun": "the batch; the partner's folder for return files",
    "put.flag_taken_away": "an older return file at the partner's, without its flag",
    "put.part_written": "part of a return file at the partner's, under a temporary name",
    "put.checked": "the same; nobody newer is at it",
    "put.data_placed": "the return file at the partner's, without digest and flag",
    "put.digest_placed": "the return file and its digest at the partner's, without flag",
    "put.flag_placed": "the whole return file at the partner's; its sender has not heard of it",
    "tell.file_put": "the return file is at the partner's; not noted by us",
    "tell.noting_file": "the return file is at the partner's; the note is written and not committed",
    "tell.file_noted": "the return file is at the partner's, and we know it",
    "tell.deciding_calls": "the batch; what is to be told is written and not committed",
    "tell.calls_decided": "calls with their rows and keys; none of them is sent",
    "tell.before_call": "the call as it was decided; it is not sent in this try",
    "call.begun": "the call as it was decided; it is about to be sent",
    "call.answered": "the partner has the call; neither the archive's journal nor the database knows",
    "tell.call_sent": "the partner has the call and the archive's journal knows; the database does not",
    "tell.noting_call": "the partner has the call; the note is written and not committed",
    "tell.call_noted": "the partner has the call, and we know it",
    "tell.marking": "every word of the stage is noted; the end of the stage is written and not committed",
    "tell.marked": "the stage is told, and the batch reported when it was the last",
    "conclude.beginning": "the conclusion as owed; its key is written and not committed",
    "conclude.begun": "the conclusion with its key; the channel has not heard of it",
    "conclude.told": "the channel has the conclusion; not noted by us",
    "conclude.noting": "the channel has the conclusion; the note is written and not committed",
    "conclude.noted": "the channel has the conclusion, and we know it",
    "catchup.written": "what was owed before; the new debts are written and not committed",
    "catchup.committed": "what a receiver was never owed is owed",
    "release.written": "the batch as held; the officer's release is written and not committed",
    "release.committed": "the officer's release; the batch waits to be stored",
    "close.written": "the batch as held; its end is written and not committed",
    "close.committed": "the batch as settled, with the reason it was held for",
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
    "lease.ended": "everything that was done under the lease; the lease is held still",
}
"""Every point and what is durable when it is reached, in the order in which a batch meets them; the code reaches no other."""

_watcher: Callable[[str], None] | None = None


def reach(point: str) -> None:
    """Say that this point is reached; the words are one of ``POINTS``."""
    if _watcher is not None:
        _watcher(point)


def watch(watcher: Callable[[str], None] | None) -> None:
    """Let a test hear of every point that this process reaches from now on; None ends it."""
    global _watcher
    _watcher = watcher
