"""The archive under its keys, as an admin lives with it: an old one sealed, originals given out, another KEK, a wrong one."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from round_trip import Hub, Typed

from hub import backup, pipeline, upkeep
from hub.archive import Archive, object_name
from hub.archive.changing import count_keks
from hub.archive.sealed import MAGIC
from hub.bootstrap import open_connector, open_house
from hub.errors import HubError, KeysUnusable
from hub.model import BatchState
from hub.store.database import open_database
from simulators.drops import extra_drop
from simulators.projects import BANKS
from simulators.world import City

CITY = City(7, 0.1)
FEED, NEW = "haidai_payrolls", "5a" * 32


@pytest.fixture(scope="module", autouse=True)
def name(hub: Hub) -> str:
    """A payroll file that went its whole way."""
    made = extra_drop(CITY, BANKS["haidai"], "PAYR", 400, None)
    hub.up.control.drop("haidai", f"in/{CITY.day:%Y%m%d}/{made.name}", made.content)
    for path in Path(hub.up.addresses["sftp"]["users"]["haidai"]["root"]).rglob(made.name):
        os.utime(path, (path.stat().st_atime, path.stat().st_mtime - 60))
    hub.run([FEED])
    assert hub.batch(made.name).state is BatchState.REPORTED
    return made.name


@pytest.fixture
def plain(hub: Hub, tmp_path: Path) -> Archive:
    """The same archive as a hub of before kept it: every object as it came."""
    archive = Archive(tmp_path / "plain")
    for name in hub.house.archive.names():
        archive.shelf.put(name, [b"".join(hub.house.archive.chunks(name))])
    return archive


def fresh(hub: Hub, archive: Archive | None = None) -> Hub:
    """The same hub in a process that reads its keys anew."""
    url = hub.house.engine.url.render_as_string(hide_password=False)
    house = replace(hub.house, engine=open_database(url), archive=archive or Archive(hub.house.archive.folder))
    return replace(hub, house=house)


def test_everything_that_was_fetched_and_told_lies_sealed(hub: Hub, name: str) -> None:
    """Raw bytes and journal; not a name of a file, not a worker."""
    names = list(hub.house.archive.names())
    assert {one.split("/")[0] for one in names} >= {"fetched"}
    assert count_keks(hub.house.archive) == {hub.house.archive.keyring.check: len(names)}
    for one in names:
        data = (hub.house.archive.folder / one).read_bytes()
        assert data.startswith(MAGIC)
        assert name.encode() not in data
        assert "工资".encode("gb18030") not in data


def test_an_old_archive_is_used_as_it_is_and_sealed_by_a_command(
    hub: Hub, plain: Archive, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Verified, replayed and backed up in the clear; one command later nothing of it is."""
    monkeypatch.setenv("HUB_ARCHIVE", str(plain.folder))
    open_house.cache_clear()
    count = len(list(plain.names()))
    code, out, _ = typed("archive", "verify", "--all")
    assert (code, f"{count} objects lie in clear" in out) == (0, True)
    code, out, _ = typed("archive", "encrypt")
    assert (code, f"{count} objects sealed" in out) == (0, True)
    code, out, _ = typed("archive", "encrypt")
    assert (code, "0 objects sealed" in out) == (0, True)
    code, out, _ = typed("archive", "verify", "--all")
    assert (code, "in clear" in out, f"{count} objects lie under the HUB_KEK known as" in out) == (0, False, True)


def test_a_damaged_old_object_is_named_and_the_others_are_sealed(
    hub: Hub, name: str, plain: Archive, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S056, with the object; what is damaged stays as it is, to be looked at."""
    monkeypatch.setenv("HUB_ARCHIVE", str(plain.folder))
    open_house.cache_clear()
    bad = plain.folder / object_name(hub.batch(name).parts[0])
    bad.write_bytes(b"x")
    code, _, err = typed("archive", "encrypt")
    assert (code, "S056" in err, bad.name in err, bad.read_bytes()) == (2, True, True, b"x")
    assert count_keks(plain)["plain"] == 1


def test_a_backup_of_an_old_archive_restores(
    hub: Hub, plain: Archive, tmp_path: Path, empty_database: Callable[[], str]
) -> None:
    """As it was kept; sealing it is a step of its own. A list without digests, as older backups have, is read too."""
    backup.make_backup(hub.house.engine, plain, tmp_path / "b")
    engine = open_database(empty_database())
    done = backup.restore_backup(engine, Archive(tmp_path / "second"), tmp_path / "b", "王工")
    assert done.wrong == ()
    assert set(count_keks(Archive(tmp_path / "second"))) == {"plain"}
    engine.dispose()


def test_an_original_is_given_to_who_gives_name_and_reason(
    hub: Hub, name: str, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the byte, and it stands who looked; without either nothing is shown."""
    digest = hub.batch(name).parts[0]
    bank = next(Path(hub.up.addresses["sftp"]["users"]["haidai"]["root"]).rglob(name))
    code, out, err = typed("archive", "show", digest, "--by", "王工")
    assert (code, out, "name object, name and reason" in err) == (2, "", True)
    assert "案件7" not in typed("reveals")[1], "nobody was shown anything yet"
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", screen := io.TextIOWrapper(io.BytesIO()))
        assert typed("archive", "show", digest, "--by", "王工", "--reason", "案件7")[0] == 0
        screen.flush()
        assert screen.buffer.getvalue() == bank.read_bytes()  # type: ignore[attr-defined]
    said = typed("reveals")[1]
    assert (f"archive {digest}" in said, "raw bytes" in said, said.count("案件7")) == (True, True, 1)
    code, out, err = typed("archive", "show", "0" * 64, "--by", "王工", "--reason", "案件7")
    assert (code, out, "S005" in err) == (2, "", True)


def test_a_backup_is_checked_without_a_key_and_says_which_it_needs(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_database: Callable[[], str]
) -> None:
    """Copied as it lies, byte for byte; restored only with the key, and refused before anything is written."""
    manifest = backup.make_backup(hub.house.engine, hub.house.archive, tmp_path / "b")
    assert hub.house.archive.keyring.check in manifest.roots["kek"]
    for one in hub.house.archive.names():
        assert (tmp_path / "b" / "archive" / one).read_bytes() == (hub.house.archive.folder / one).read_bytes()
    with monkeypatch.context() as patch:
        patch.setenv("HUB_KEK_FILE", str(tmp_path / "nowhere"))
        assert backup.check_backup(tmp_path / "b")[1] == []
        patch.delenv("HUB_KEK_FILE")
        patch.setenv("HUB_KEK", NEW)
        engine = open_database(empty_database())
        with pytest.raises(KeysUnusable):
            backup.restore_backup(engine, Archive(tmp_path / "second"), tmp_path / "b", "王工")
        assert not (tmp_path / "second").exists()
        engine.dispose()


def test_with_a_wrong_key_nothing_is_fetched_into_the_archive(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """S051 at once: what lay under a key made by mistake would be found too late. Verifying says it once, not of every batch."""
    before = set(hub.house.archive.names())
    made = extra_drop(CITY, BANKS["haidai"], "PAYR", 401, None)
    hub.up.control.drop("haidai", f"in/{CITY.day:%Y%m%d}/{made.name}", made.content)
    with monkeypatch.context() as patch:
        patch.setenv("HUB_KEK", NEW)
        other, feed = fresh(hub), hub.house.registry.feed(FEED)
        with open_connector(feed) as connector, pytest.raises(KeysUnusable):
            pipeline.fetch_feed(other.house, feed, connector)
        with pytest.raises(KeysUnusable, match="an archived object lies under"):
            upkeep.verify_archive(other.house, None)
        other.house.engine.dispose()
    assert set(hub.house.archive.names()) == before
    hub.run([FEED])
    assert hub.batch(made.name).state is BatchState.REPORTED


def test_another_kek_reaches_the_archive(
    hub: Hub, name: str, typed: Typed, keys_folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Readable under both meanwhile; afterwards the new one alone opens everything, and an earlier backup names the old one."""
    digest, old = hub.batch(name).parts[0], (keys_folder / "kek").read_text().strip()
    backup.make_backup(hub.house.engine, hub.house.archive, tmp_path / "b")
    count = len(list(hub.house.archive.names()))
    data = hub.house.archive.read(digest)
    try:
        monkeypatch.setenv("HUB_KEK", NEW)
        monkeypatch.setenv("HUB_KEK_OLD", old)
        both = fresh(hub)
        assert both.house.archive.read(digest) == data
        with monkeypatch.context() as patch:
            patch.setattr("hub.bootstrap.open_engine", lambda _: both.house.engine)
            open_house.cache_clear()
            code, out, _ = typed("keys", "rewrap")
        assert (code, f"{count} archived objects" in out) == (0, True)
        monkeypatch.delenv("HUB_KEK_OLD")
        alone = fresh(hub)
        assert upkeep.verify_archive(alone.house, None)[1] == []
        assert count_keks(alone.house.archive) == {alone.house.archive.keyring.check: count}
        roots = json.loads((tmp_path / "b" / "manifest.json").read_text("utf-8"))["roots"]["kek"]
        assert alone.house.archive.keyring.check not in roots
        with pytest.raises(HubError) as error:
            backup.restore_backup(alone.house.engine, Archive(tmp_path / "x"), tmp_path / "b", "王工")
        assert error.value.code in ("S004", "S051")
    finally:
        monkeypatch.setenv("HUB_KEK", old)
        monkeypatch.setenv("HUB_KEK_OLD", NEW)
        back = fresh(hub)
        pipeline.rewrap_keys(back.house)
        pipeline.rewrap_archive(back.house)
    assert back.house.archive.read(digest) == data
