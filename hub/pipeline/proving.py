"""Prove: put the inclusion proof of a return file where its partner agreed to find it, once the file's entry is sealed.

A crash before it is noted puts it again; a proof that hangs on a later anchor in the second try proves the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from connectors.interface import FileReporter
from hub.digest import sm3_hex
from hub.exchange_log.proving import prove_entry
from hub.feed import Feed, FileReport
from hub.model import Stage
from hub.pipeline.guarding import check_lease
from hub.pipeline.house import House, lock_batch, note
from hub.pipeline.recording import record_proved
from hub.points import reach
from hub.reporting import proof_path
from hub.store import exchange_log
from hub.store.database import working
from hub.store.exchange_log import Entry


def hand_out_proofs(house: House, feed: Feed, reporter: FileReporter) -> int:
    """Put the proof of every return file of a feed that was sealed and not proven since; returns how many."""
    waiting = _waiting(house, [feed])
    for entry in waiting:
        _hand_out(house, feed, entry, reporter)
    if waiting:
        note("proved", feed=feed.feed_id, files=len(waiting))
    return len(waiting)


def feeds_unproven(house: House) -> list[str]:
    """The feeds of which a return file waits for its proof to be put."""
    return sorted({entry.subject for entry in _waiting(house, house.registry.feeds.values())})


def _waiting(house: House, feeds: Iterable[Feed]) -> list[Entry]:
    wanted = {(feed.feed_id, stage) for feed in feeds for stage in Stage if _path_of(feed, stage) is not None}
    if not wanted:
        return []
    with working(house.engine) as work:
        found = exchange_log.unproven_files(work, sorted({feed_id for feed_id, _ in wanted}))
    return [entry for entry in found if (entry.subject, entry.facts["stage"]) in wanted]


def _path_of(feed: Feed, stage: Stage) -> str | None:
    report = feed.spec.report.get(stage.value)
    return report.proof if isinstance(report, FileReport) else None


def _hand_out(house: House, feed: Feed, entry: Entry, reporter: FileReporter) -> None:
    stage = Stage(entry.facts["stage"])
    with working(house.engine) as work:
        proof = prove_entry(work, entry)
        batch = lock_batch(work, entry.batch_id or 0)
    reach("prove.made")
    reporter.put(proof_path(_path_of(feed, stage) or "", batch.source_name), proof.data, partial(check_lease, house))
    reach("prove.put")
    with working(house.engine) as work:
        record_proved(work, batch, stage, entry.entry_no or 0, sm3_hex(proof.data))
        reach("prove.noting")
    reach("prove.noted")
