"""Record: one entry in the exchange log for each thing that happens to a batch or a submission, in the commit of the thing itself.

An entry holds an SM3 and counts, never a row, a person, an amount or the name of a file; this is the one place that decides what.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hub.exchange_log.forms import digest_of_facts
from hub.model import Batch, Stage
from hub.store import batches, exchange_log
from hub.store.database import Work
from hub.store.deliveries import Submission
from hub.store.exchange_log import append

COUNTS = ("fetched_rows", "stored_rows", "rejected_rows", "unchanged_rows")


def record_fetched(work: Work, feed_id: str, batch_id: int, digest: str, parts: Sequence[str], **facts: Any) -> None:
    """A batch was fetched: its digest, and those of its parts where it has several."""
    append(work, "fetched", feed_id, batch_id=batch_id, digest=digest, parts=list(parts), **facts)


def hold(work: Work, feed_id: str, batch_id: int, code: str, message: str, *, is_told: bool = True) -> None:
    """Hold a batch, and record why, by its code alone: the message may name what stands in a file."""
    batches.hold_batch(work, batch_id, code, message, is_told=is_told)
    append(work, "held", feed_id, batch_id=batch_id, code=code)


def record_account(work: Work, kind: str, feed_id: str, batch_id: int, **facts: Any) -> None:
    """A batch was stored, or its account changed: the digest of its account of rows and fen, and its counts."""
    account = exchange_log.account_of(work, batch_id)
    counts = {tally["schema_name"]: [tally[name] for name in COUNTS] for tally in account}
    append(work, kind, feed_id, batch_id=batch_id, digest=digest_of_facts(account), rows=counts, **facts)


def record_decision(work: Work, kind: str, batch: Batch, **facts: Any) -> None:
    """A person decided about a batch; who it was stands in the tables, and not here."""
    append(work, kind, batch.feed_id, batch_id=batch.batch_id, digest=batch.digest, **facts)


def payload_digest(submission: Submission, payload: Sequence[Mapping[str, Any]]) -> str:
    """The SM3 of what a submission hands over. Its key is digested with it, so that nobody finds a record by guessing."""
    return digest_of_facts([submission.batch_key, *payload])


def record_submitted(work: Work, submission: Submission, sent: str | None, serial_code: str | None) -> None:
    """A receiver has a submission, under its serial code; ``sent`` is None where it was only asked whether it has it."""
    append(work, "submitted", submission.receiver, submission_id=submission.submission_id, digest=sent,
           schema=submission.schema, serial=serial_code)  # fmt: skip


def record_answered(work: Work, submission: Submission) -> None:
    """Receipts were written: the digest of all of the submission's, and how many of each outcome."""
    receipts = exchange_log.receipts_of(work, submission.submission_id)
    counts = {outcome: 0 for outcome in sorted({one["outcome"] for one in receipts})}
    for one in receipts:
        counts[one["outcome"]] += 1
    append(work, "answered", submission.receiver, submission_id=submission.submission_id,
           digest=digest_of_facts([submission.batch_key, *receipts]), schema=submission.schema, records=counts)  # fmt: skip


def record_file_told(work: Work, batch: Batch, stage: Stage, digest: str, rows: int) -> None:
    """A return file was put at the partner: its digest."""
    append(work, "told", batch.feed_id, batch_id=batch.batch_id, digest=digest, by="file", stage=stage.value, rows=rows)


def call_digest(key: str, rows: Sequence[Mapping[str, str]]) -> str:
    """The SM3 of the rows of a call, together with its key, which the log does not hold."""
    return digest_of_facts([key, *(dict(row) for row in rows)])


def record_call_told(work: Work, batch: Batch, stage: Stage, key: str, rows: Sequence[Mapping[str, str]]) -> None:
    """Rows were told in a call: their digest, together with the call's key."""
    digest = call_digest(key, rows)
    append(work, "told", batch.feed_id, batch_id=batch.batch_id, digest=digest,
           by="call", stage=stage.value, rows=len(rows))  # fmt: skip


def record_proved(work: Work, batch: Batch, stage: Stage, entry_no: int, digest: str) -> None:
    """The inclusion proof of a return file was put at the partner: of which entry, and the proof's own digest."""
    append(work, "proved", batch.feed_id, batch_id=batch.batch_id, digest=digest, stage=stage.value, entry=entry_no)


def record_concluded(work: Work, feed_id: str, digest: str, by: str) -> None:
    """A channel was told what a clue came to: the digest of the file, or of the call together with its key."""
    append(work, "concluded", feed_id, digest=digest, by=by)


def record_mended(work: Work, feed_id: str, batch_id: int, digest: str) -> None:
    """Digest or flag were put right beside the same bytes, and a batch that was held for them goes on."""
    append(work, "mended", feed_id, batch_id=batch_id, digest=digest)


def record_knocked(work: Work, ready: str, digest: str, partner: str, knock_id: int) -> None:
    """A partner said that something is ready: the digest of what it signed together with its signature."""
    append(work, "knocked", ready, digest=digest, partner=partner, knock=knock_id)
