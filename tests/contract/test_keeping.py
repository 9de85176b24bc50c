"""What is kept and for how long: the archive verified, a full disk, retention, tombstones, and a backup that somebody harmed."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa
from round_trip import Hub, Typed

from hub import backup, pipeline, retention, upkeep
from hub.archive import Archive, object_name
from hub.errors import ArchiveUnavailable, HubError, NotAllowed
from hub.model import Batch, BatchState
from hub.settings import Terms, now
from hub.store.database import open_database, working
from simulators.drops import extra_drop
from simulators.projects import BANKS
from simulators.world import City

CITY = City(7, 0.1)
FEED = "haidai_payrolls"
TERMS = Terms(raw_days=2000, journal_days=366)
_extras = count(1)


def drop(hub: Hub) -> str:
    """A payroll file of forty lines."""
    made = extra_drop(CITY, BANKS["haidai"], "PAYR", 400 + next(_extras), None)
    assert made.content is not None
    hub.up.control.drop("haidai", f"in/{CITY.day:%Y%m%d}/{made.name}", made.content)
    return made.name


def settled(hub: Hub) -> Batch:
    """A batch that went its whole way."""
    name = drop(hub)
    folder = Path(hub.up.addresses["sftp"]["users"]["haidai"]["root"])
    for path in folder.rglob(name):  # a file dropped this very moment is looked at twice, which brings its bytes again
        os.utime(path, (path.stat().st_atime, path.stat().st_mtime - 60))
    hub.run([FEED])
    assert hub.batch(name).state is BatchState.REPORTED
    return hub.batch(name)


def age(hub: Hub, batch: Batch, days: int = 3000) -> None:
    """As if it had come so long ago."""
    with working(hub.house.engine) as work:
        moment = {"at": now() - timedelta(days=days), "id": batch.batch_id}
        work.execute(sa.text("update batch set fetched_at = :at, changed_at = :at where batch_id = :id"), moment)


def is_there(hub: Hub, digest: str) -> bool:
    return (hub.house.archive.folder / object_name(digest)).exists()


def test_a_full_disk_stops_intake_acknowledges_nothing_and_recovers(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bank hears nothing, the hub remembers nothing, and with room it goes on as if nothing had been."""
    name = drop(hub)
    before = len(hub.batches())

    def disk_full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", disk_full)
        with pytest.raises(ArchiveUnavailable):
            hub.fetch(FEED)
    assert len(hub.batches()) == before
    assert hub.up.control.return_file("haidai", f"RET_{name}") is None
    hub.run([FEED])
    assert hub.batch(name).state is BatchState.REPORTED
    assert f"|{name}|" in str(hub.up.control.return_file("haidai", f"FIN_{name}"))


def test_only_settled_batches_past_their_term_lose_their_bytes(hub: Hub) -> None:
    """Records and receipts stay; who let the bytes go, when and why stays too."""
    old, young = settled(hub), settled(hub)
    age(hub, old)
    found = retention.find_past_term(hub.house.engine, TERMS)
    assert [(row.feed_id, row.batches, row.parts) for row in found.feeds] == [(FEED, 1, 1)]
    assert is_there(hub, old.parts[0]), "looking changes nothing"
    gone = retention.let_go(hub.house.engine, hub.house.archive, TERMS, "李处长")
    assert (gone.parts, gone.shared) == (1, 0)
    assert (is_there(hub, old.parts[0]), is_there(hub, young.parts[0])) == (False, True)
    (stone,) = hub.ask("select * from tombstone where batch_id = :id", id=old.batch_id)
    assert (stone.digest, stone.removed_by, stone.reason) == (old.parts[0], "李处长", "raw bytes are kept 2000 days")
    assert len(hub.ask("select 1 from record.payroll_line where batch_id = :id", id=old.batch_id)) == 40
    assert retention.let_go(hub.house.engine, hub.house.archive, TERMS, "x").parts == 0
    assert upkeep.verify_archive(hub.house, None)[1] == [], "what was let go is not missed"


@pytest.mark.parametrize("state", ["fetched", "stored", "delivered", "held"])
def test_a_batch_that_is_not_settled_keeps_its_bytes_however_old(hub: Hub, state: str) -> None:
    """Somebody may still have to read it."""
    batch = settled(hub)
    age(hub, batch)
    with working(hub.house.engine) as work:
        work.execute(sa.text("update batch set state = :s where batch_id = :id"), {"s": state, "id": batch.batch_id})
    found = retention.find_past_term(hub.house.engine, TERMS)
    assert (list(found.feeds), found.unsettled) == ([], 1)
    assert retention.let_go(hub.house.engine, hub.house.archive, TERMS, "x").parts == 0
    assert is_there(hub, batch.parts[0])
    with working(hub.house.engine) as work:
        work.execute(sa.text("update batch set state = 'reported' where batch_id = :id"), {"id": batch.batch_id})
    age(hub, batch, days=1)


def test_bytes_that_a_younger_batch_shares_stay(hub: Hub) -> None:
    """Until the last batch that names them is past its term."""
    old, young = settled(hub), settled(hub)
    with working(hub.house.engine) as work:
        sql = "update batch set parts = (select parts from batch where batch_id = :old) where batch_id = :young"
        work.execute(sa.text(sql), {"old": old.batch_id, "young": young.batch_id})
    age(hub, old)
    gone = retention.let_go(hub.house.engine, hub.house.archive, TERMS, "x")
    assert (gone.parts, gone.shared, is_there(hub, old.parts[0])) == (0, 1, True)
    age(hub, young)
    gone = retention.let_go(hub.house.engine, hub.house.archive, TERMS, "x")
    assert (gone.parts, gone.shared, is_there(hub, old.parts[0])) == (1, 0, False)


def test_a_crash_between_tombstone_and_removal_is_made_good(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next run takes what the first had only written down."""
    batch = settled(hub)
    age(hub, batch)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Archive, "remove", die)
        with pytest.raises(KeyboardInterrupt):
            retention.let_go(hub.house.engine, hub.house.archive, TERMS, "x")
    assert is_there(hub, batch.parts[0])
    assert retention.let_go(hub.house.engine, hub.house.archive, TERMS, "x").parts == 1
    assert not is_there(hub, batch.parts[0])


def test_bytes_that_were_let_go_cannot_be_replayed_and_are_kept_when_they_come_again(hub: Hub) -> None:
    """The reason is named; the same file again brings its bytes back."""
    batch = settled(hub)
    data = hub.house.archive.read(batch.parts[0])
    age(hub, batch)
    retention.let_go(hub.house.engine, hub.house.archive, TERMS, "x")
    with pytest.raises(NotAllowed, match="were let go"):
        pipeline.replay_batch(hub.house, batch.batch_id)
    assert hub.batch(batch.source_name.rpartition("/")[2]).state is BatchState.REPORTED
    hub.up.control.drop("haidai", batch.source_name.replace("_v1", "_v9"), data)
    hub.run([FEED])
    assert hub.house.archive.read(batch.parts[0]) == data
    assert upkeep.verify_archive(hub.house, None)[1] == []


def test_the_commands_say_what_they_found_and_did(hub: Hub, typed: Typed, tmp_path: Path) -> None:
    """As an admin types them, from looking at the archive to a backup that is whole."""
    batch = settled(hub)
    code, out, err = typed("archive", "verify", "--all")
    assert (code, err, "0 missing or changed" in out) == (0, "", True)
    place = hub.house.archive.folder / object_name(batch.parts[0])
    data = place.read_bytes()
    place.write_bytes(b"x")
    for words in (("--all",), ("--days", 1), ()):
        code, out, err = typed("archive", "verify", *words)
        assert (code, f"batch {batch.batch_id}: " in err, "1 missing or changed" in out) == (1, True, True)
    place.write_bytes(data)
    age(hub, batch)
    code, out, _ = typed("retention", "--preview")
    assert (code, FEED in out, "nothing was changed" in out, is_there(hub, batch.parts[0])) == (0, True, True, True)
    code, out, _ = typed("retention", "--apply", "--by", "李处长")
    assert (code, is_there(hub, batch.parts[0])) == (0, False)
    assert " parts let go by 李处长, 0 stay" in out
    assert "李处长" in typed("batch", batch.batch_id)[1]
    code, out, _ = typed("backup", tmp_path / "b")
    assert (code, "0 faults" in out) == (0, True)
    assert typed("restore", "--check", tmp_path / "b")[:2] == (0, out)
    code, _, err = typed("restore", tmp_path / "b")
    assert (code, "S004" in err, "restore into an empty one" in err) == (2, True, True)
    (tmp_path / "b" / "objects.txt").unlink()
    code, out, err = typed("restore", "--check", tmp_path / "b")
    assert (code, err) == (1, "objects.txt is missing or was changed\n")


def test_terms_below_the_law_are_refused(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slip of the finger must not cost three years of wage files."""
    for text in ("30", "0", "-1", "many", ""):
        monkeypatch.setenv("HUB_KEEP_RAW_DAYS", text)
        code, _, err = typed("retention", "--apply")
        assert (code, "HUB_KEEP_RAW_DAYS must be a number of days, 1096 at least" in err) == (2, True)


def test_a_backup_never_lies_in_the_archive(hub: Hub) -> None:
    """It would be copied into itself."""
    with pytest.raises(NotAllowed, match="lies in the archive"):
        backup.make_backup(hub.house.engine, hub.house.archive, hub.house.archive.folder / "backup")
    assert not (hub.house.archive.folder / "backup").exists()


HARMS: dict[str, Callable[[Path], object]] = {
    "the dump is cut": lambda b: os.truncate(b / "database.dump", 1000),
    "the dump is gone": lambda b: (b / "database.dump").unlink(),
    "an object is changed": lambda b: _object(b).write_bytes(b"x"),
    "an object is gone": lambda b: _object(b).unlink(),
    "a list is changed": lambda b: (b / "parts.txt").write_text("", "utf-8"),
    "the manifest is changed": lambda b: (b / "manifest.json").write_bytes((b / "manifest.json").read_bytes() + b" "),
    "the manifest is gone": lambda b: (b / "manifest.json").unlink(),
    "the manifest's digest is gone": lambda b: (b / "manifest.json.sm3").unlink(),
}


def _object(folder: Path) -> Path:
    return next(path for path in sorted((folder / "archive").rglob("*")) if path.is_file())


@pytest.fixture(scope="module")
def whole(hub: Hub, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole backup."""
    settled(hub)
    folder = tmp_path_factory.mktemp("whole") / "backup"
    backup.make_backup(hub.house.engine, hub.house.archive, folder)
    return folder


@pytest.mark.parametrize("harm", list(HARMS))
def test_a_harmed_backup_restores_nothing(
    hub: Hub, whole: Path, harm: str, tmp_path: Path, empty_database: Callable[[], str]
) -> None:
    """S021, and neither database nor archive is touched."""
    folder = tmp_path / "backup"
    shutil.copytree(whole, folder)
    HARMS[harm](folder)
    engine = open_database(empty_database())
    with pytest.raises(HubError) as error:
        backup.restore_backup(engine, Archive(tmp_path / "archive"), folder, "x")
    assert error.value.code == "S021"
    assert not (tmp_path / "archive").exists()
    with working(engine) as work:
        assert work.execute(sa.text("select to_regclass('hub.batch')")).scalar_one() is None
    engine.dispose()


def test_an_archive_with_other_bytes_under_a_name_is_not_written_over(
    whole: Path, tmp_path: Path, empty_database: Callable[[], str]
) -> None:
    """S005, before the database is filled: the damaged object is somebody's to look at."""
    archive = Archive(tmp_path / "archive")
    name = str(_object(whole).relative_to(whole / "archive"))
    archive.shelf.put(name, [b"other"])
    engine = open_database(empty_database())
    with pytest.raises(HubError, match="with other bytes") as error:
        backup.restore_backup(engine, archive, whole, "x")
    assert error.value.code == "S005"
    assert b"".join(archive.shelf.chunks(name)) == b"other"
    with working(engine) as work:
        assert work.execute(sa.text("select to_regclass('hub.batch')")).scalar_one() is None
    engine.dispose()


def test_a_backup_goes_into_any_store_and_comes_back(
    hub: Hub, whole: Path, tmp_path: Path, empty_database: Callable[[], str]
) -> None:
    """Restored from a folder into an object store: every part is there."""
    engine = open_database(empty_database())
    archive = Archive(f"memory://{tmp_path.name}/archive")
    done = backup.restore_backup(engine, archive, whole, "x")
    assert (done.wrong, done.objects) == ((), done.manifest.objects)
    second = backup.make_backup(engine, archive, tmp_path / "again")
    assert (second.parts, second.tallies) == (done.manifest.parts, done.manifest.tallies)
    engine.dispose()
