"""Restore a backup into an empty database, and make the hub safe to go on: nothing is lost, and nothing goes out a second time.

What a surviving archive knows of the time after the backup is brought back from its journal: batches with their own numbers,
and rows that partners were told of. For what nobody knows, versions go on above a floor.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from hub.archive import Archive
from hub.backup.checking import check_backup
from hub.backup.manifest import ARCHIVE, DUMP, Manifest, read_objects
from hub.backup.postgres import fill_database
from hub.errors import HubError, NotAllowed
from hub.migrations import migrate
from hub.pipeline.recording import record_fetched
from hub.settings import TIME_ZONE, now
from hub.store import backups, batches, keys, restores
from hub.store.audit import Act, note_act
from hub.store.database import Work, working
from hub.store.exchange_log import append

SLACK = timedelta(minutes=10)
"""What is in the journal is committed a moment later: entries of just before the backup may be missing in its database."""
BEGINNING = datetime(2020, 1, 1, tzinfo=TIME_ZONE)
STEP_UP = 1_000_000


@dataclass(frozen=True)
class Restored:
    """What a restore brought back. ``wrong``: one sentence for each byte that the database names and nobody has."""

    manifest: Manifest
    objects: int
    batches: int
    told_rows: int
    version_floor: int
    wrong: tuple[str, ...]


def restore_backup(engine: sa.Engine, archive: Archive, folder: Path, by: str) -> Restored:
    """Archive first, then the database, then what makes it safe.

    Nothing is restored of a backup that is not whole (S021), or that does not open with our two roots (S051).
    """
    manifest, wrong = check_backup(folder)
    if wrong:
        raise HubError(
            f"the backup is not whole, nothing was restored; {len(wrong)} faults, the first: {wrong[0]}", code="S021"
        )
    with working(engine) as work:
        if not backups.is_untouched(work):
            raise NotAllowed("the database holds tables of a hub; restore into an empty one, nothing was changed")
        keys.check_named_roots(work, manifest.roots)
    source = Archive(folder / ARCHIVE, archive.keyring)
    copied = sum(source.copy(name, archive).is_new for name in read_objects(folder))
    fill_database(engine, folder / DUMP)
    _compare(engine, manifest)
    migrate(engine)
    with working(engine) as work:
        recovered, told, floor = _make_safe(work, archive, manifest, by)
    return Restored(manifest, copied, recovered, told, floor, tuple(_missing(engine, archive)))


def _compare(engine: sa.Engine, manifest: Manifest) -> None:
    """Every table has its rows, every tally its rows and fen."""
    with working(engine) as work:
        if backups.count_tables(work) != manifest.tables or backups.sum_tallies(work) != list(manifest.tallies):
            raise HubError(
                "the restored tables do not have the rows the manifest says; do not start the hub", code="S021"
            )


def _make_safe(work: Work, archive: Archive, manifest: Manifest, by: str) -> tuple[int, int, int]:
    """In one commit: lost batches, told rows and the floor; before it the hub must not run, after it it may."""
    since = manifest.backup_at - SLACK
    fetched = archive.fetched_since(since)
    restores.reserve_numbers(work, max((entry.batch_id for entry in fetched), default=0))
    recovered = []
    for entry in fetched:
        batch_id = restores.recover_batch(work, entry)
        if batch_id is not None:
            recovered.append(batch_id)
            record_fetched(work, entry.feed_id, batch_id, entry.digest, entry.parts, recovered=True)
            if entry.cursor is not None:
                batches.move_cursor(work, entry.feed_id, entry.cursor)
    told = restores.add_told(work, archive.told_since(since))
    floor = version_floor(now(), backups.highest_version(work))
    append(work, "restored", "hub", batches=len(recovered), rows=told, backup_at=manifest.backup_at.isoformat())
    note_act(work, Act("restore", f"backup of {manifest.backup_at.isoformat()}, {len(recovered)} batches"), by)
    restores.write_restore(work, by, manifest.backup_at, floor, recovered, told)
    return len(recovered), told, floor


def version_floor(moment: datetime, highest: int) -> int:
    """Above every version that may have been given out and forgotten: seconds since 2020, for no record changes so often.

    It rises from restore to restore also where the clock was put back, or the same backup is restored again.
    """
    seconds = int((moment - BEGINNING).total_seconds())
    return seconds if seconds > highest else highest + STEP_UP


def _missing(engine: sa.Engine, archive: Archive) -> list[str]:
    with working(engine) as work:
        parts = backups.parts_named(work)
    wrong = []
    for digest, batch_id in parts.items():
        try:
            archive.check(digest)
        except HubError as error:
            wrong.append(f"batch {batch_id}: {error}")
    return wrong
