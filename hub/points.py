"""Commit points: the moments between two durable effects, by name, so that a test can end the process at each of them.

A point costs one comparison while nobody watches. Nothing but tests/faults watches; production has no switch for it.
"""

from __future__ import annotations

from collections.abc import Callable

POINTS: dict[str, str] = {
    "page.asked": "nothing of this fetch; the position and all earlier batches are",
    "page.answered": "nothing of this fetch; the partner has booked the page as served",
    "file.listed": "nothing of this fetch; the partner's folder is only looked at",
    "file.read": "nothing of this fetch; the file's bytes are in memory",
    "fetch.cursor_read": "all that was fetched before; the position and the known files are read",
    "fetch.bytes_read": "the batches of this fetch before this one; this one's bytes are in memory",
    "archive.opened": "an empty file under a temporary name, which nobody reads",
    "archive.written": "perhaps some of the bytes, under a temporary name",
    "archive.synced": "the bytes under a temporary name",
    "archive.renamed": "the bytes; their final name perhaps",
    "archive.kept": "the bytes under their final name; no batch names them yet",
    "fetch.archived": "every part of the batch in the archive; no batch names them yet",
    "fetch.held": "every part in the archive; the batch and its hold are written and not committed",
    "fetch.written": "every part in the archive; batch and position are written and not committed",
    "fetch.committed": "batch and position, in one commit",
    "fetch.noticed": "the alarm about what is no batch",
    "fetch.ended": "every batch of this fetch",
    "store.locked": "the batch as fetched; its row is locked",
    "store.read": "the batch as fetched; its rows are read, sorted and in memory",
    "store.held": "the batch as fetched; its hold is written and not committed",
    "store.records_written": "the batch as fetched; records are written and not committed",
    "store.rejections_written": "the batch as fetched; rejections are written and not committed",
    "store.rows_written": "the batch as fetched; records, rejections and repetitions of a schema are written and not committed",
    "store.tally_written": "the batch as fetched; the counts of a schema are written and not committed",
    "store.deliveries_written": "the batch as fetched; the intent to send a schema is written and not committed",
    "store.identities_written": "the batch as fetched; the numbers of a schema are written and not committed",
    "store.state_set": "the batch as fetched; everything but the earlier versions' settling is written and not committed",
    "store.settled": "the batch as fetched and the earlier one as held; both are moved on and not committed",
    "store.written": "the batch as fetched; everything is written and not committed",
    "store.committed": "records, rejections, counts, intent to send and state, in one commit",
    "report.begun": "the batch; what was told before is noted",
    "report.due": "the batch; this report is rendered and neither sent nor noted",
    "put.begun": "the batch; the partner's folder for return files",
    "put.part_written": "part of a return file at the partner's, under a temporary name",
    "put.data_placed": "the return file at the partner's, without digest and flag",
    "put.digest_placed": "the return file and its digest at the partner's, without flag",
    "put.flag_placed": "the whole return file at the partner's; not noted by us",
    "call.begun": "the batch; the call is not sent",
    "call.answered": "the partner has the statuses under their key; not noted by us",
    "report.sent": "the partner has the report; not noted by us",
    "report.written": "the partner has the report; the note is written and not committed",
    "report.noted": "the partner has the report and we know it",
    "report.stage_noted": "every report of the stage is noted; the end of the stage is written and not committed",
    "report.committed": "the stage is told, and the batch reported when it was the last",
    "deliver.begun": "the intent to send; submissions without a word from the receiver were sent again",
    "deliver.claimed": "a submission with its key and its records, in one commit; nothing is sent",
    "deliver.read": "the submission; its records are read and not sent",
    "deliver.refused": "the submission; the receiver turned it down as a whole, which is not noted",
    "deliver.refusal_noted": "the refusal as a whole; the records wait again",
    "deliver.answered": "the receiver has the submission and has answered; not noted by us",
    "deliver.written": "the receiver has the submission; its serial code or its answers are written and not committed",
    "deliver.noted": "the receiver has the submission, and we its serial code or its answers",
    "collect.due": "the submissions with their serial codes; this one is not asked about",
    "collect.unanswered": "the submission, still open; the receiver needs more time",
    "collect.answered": "the submission, still open; the receiver's answers are in memory",
    "collect.written": "the submission, still open; receipts are written and not committed",
    "collect.noted": "the receipts and the state of each delivery, in one commit",
    "delivered.marked": "the receipts; batches answered in full are moved on and not committed",
    "delivered.committed": "batches answered in full are delivered",
    "report.state_moved": "every report of the stage is noted; the batch's last state is written and not committed",
    "catchup.written": "what was owed before; the new debts are written and not committed",
    "catchup.committed": "what a receiver was never owed is owed",
    "release.written": "the batch as held; the officer's release is written and not committed",
    "release.committed": "the officer's release; the batch waits to be stored",
    "close.written": "the batch as held; its end is written and not committed",
    "close.committed": "the batch as settled, with the reason it was held for",
    "resend.woken": "the refused deliveries as refused; they are woken and nothing is committed",
    "resend.written": "the refused deliveries as refused; they and the batch are moved back and nothing is committed",
    "resend.committed": "the refused deliveries wait once more, and the batch for their answers",
    "replay.written": "the batch as it was; its way back is written and not committed",
    "replay.committed": "the batch waits to be stored again from the archive",
}
"""Every point and what is durable when it is reached, in the order in which a batch meets them; the code reaches these and no other."""

_watcher: Callable[[str], None] | None = None


def reach(point: str) -> None:
    """Say that this point is reached; the words are one of ``POINTS``."""
    if _watcher is not None:
        _watcher(point)


def watch(watcher: Callable[[str], None] | None) -> None:
    """Let a test hear of every point that this process reaches from now on; None ends it."""
    global _watcher
    _watcher = watcher
