"""Yesterday's backup restored, then polled again: by the partners' own ledgers nothing is doubled and nothing is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from round_trip import PROVINCE, Hub

from hub import backup, upkeep
from hub.archive import Archive
from hub.errors import HubError, NotAllowed
from hub.pipeline import House
from hub.store import backups
from hub.store.database import open_database, working
from simulators.drops import extra_drop
from simulators.projects import BANKS
from simulators.running import Running, running
from simulators.world import City

CITY = City(7, 0.1)
FEED = "haidai_payrolls"
FIRST = ("bureau_permits", "haidai_accounts", "haidai_payrolls", "haidai_txns", "wenhe_accounts")
SURVIVING, OWN = "the archive survived", "the archive is the backup's"


@pytest.fixture(scope="module", params=[SURVIVING, OWN])
def kind(request: pytest.FixtureRequest) -> str:
    """What is left beside the backup when the database is lost."""
    return str(request.param)


@pytest.fixture(scope="module")
def up(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Partners of its own for each kind, since they forget nothing."""
    with running(tmp_path_factory.mktemp("partners"), scale=0.1, latency=0, rate=1000) as partners:
        yield partners


class Story:
    """Day one, a backup, day two, the database lost, the backup restored, everything polled again."""

    def __init__(self, hub: Hub, folder: Path, changes_twice: bool) -> None:
        self.first, self.folder = hub, folder
        self.drops = [extra_drop(CITY, BANKS["haidai"], "PAYR", 300 + n, None) for n in range(4)]
        hub.up.control.drop_day()
        for n in (0, 1):
            self.drop(n, 1)
        hub.run(FIRST)
        self.manifest = backup.make_backup(hub.house.engine, hub.house.archive, folder / "backup")
        self.drop(0, 2, b"|F|0003|", b"|U|0001|")
        self.drop(1, 2, b"|S||", b"|R||")
        self.drop(2, 1)
        hub.run()
        if changes_twice:
            for version, state in ((1, b"|S||"), (2, b"|U||"), (3, b"|R||")):
                self.drop(3, version, b"|S||", state)
                hub.run([FEED])
        self.before = told(hub.up)
        self.batches = [(b.batch_id, b.feed_id, b.source_name, b.digest) for b in hub.batches()]

    def drop(self, n: int, version: int, old: bytes = b"", new: bytes = b"") -> None:
        """A payroll file, some of its lines changed."""
        made = self.drops[n]
        assert made.content is not None
        content = made.content.replace(old, new) if old else made.content
        assert old == new or content != made.content
        name = made.name.replace("_v1", f"_v{version}")
        self.first.up.control.drop("haidai", f"in/{CITY.day:%Y%m%d}/{name}", content)

    def take_away(self, n: int, version: int) -> None:
        """The bank clears up: what only the lost hub has seen is gone from its folder."""
        root = Path(self.first.up.addresses["sftp"]["users"]["haidai"]["root"])
        for path in root.glob(f"in/*/{self.drops[n].name.replace('_v1', f'_v{version}')}*"):
            path.unlink()

    def effects(self, n: int) -> list[Mapping[str, Any]]:
        """The province's effects of the lines of a file."""
        sql = """select distinct record_key from record.payroll_line join batch using (batch_id) where source_name like :name"""
        name = self.drops[n].name.replace("_v1", "_v%")
        keys = {row.record_key for row in self.first.ask(sql, name=f"%/{name}")}
        assert len(keys) == 40
        return [one for one in self.first.up.control.effects("payroll_line") if one["record_key"] in keys]


def told(up: Running) -> dict[str, Any]:
    """What counts of the ledgers: effects, not how often they were asked for."""
    received = up.control.ledger()["received"]
    found: dict[str, Any] = {
        schema: {name: value for name, value in facts.items() if name != "exists"}
        for schema, facts in received[PROVINCE].items()
    }
    for bank in ("haidai", "wenhe"):
        found[bank] = {name: received[bank][name] for name in ("ret", "fin")}
    for partner in ("bureau", "nat", "daizong"):
        found[partner] = sorted((one["item"], one["status"], one["times"]) for one in up.control.statuses(partner))
    return found


@pytest.fixture(scope="module")
def story(hub: Hub, kind: str, tmp_path_factory: pytest.TempPathFactory) -> Story:
    """Where the archive survives, some lines changed twice on day two: not even for a moment may the first change come back."""
    return Story(hub, tmp_path_factory.mktemp("story"), changes_twice=kind is SURVIVING)


@pytest.fixture(scope="module")
def restored(story: Story, kind: str, empty_database: Callable[[], str]) -> Iterator[tuple[Hub, backup.Restored]]:
    """A hub on the restored database, before it polls."""
    engine = open_database(empty_database())
    archive = story.first.house.archive if kind is SURVIVING else Archive(story.folder / "archive")
    story.take_away(1, 2)
    done = backup.restore_backup(engine, archive, story.folder / "backup", "王工")
    yield Hub(House(engine, archive, story.first.house.registry), story.first.up), done
    engine.dispose()


@pytest.fixture(scope="module")
def again(restored: tuple[Hub, backup.Restored]) -> Hub:
    """The restored hub, after it polled everything twice."""
    hub, _ = restored
    hub.run()
    hub.run()
    return hub


def test_a_backup_is_whole_and_says_what_it_holds(story: Story) -> None:
    """Made while the hub was up; every table is counted, every object has its digest."""
    manifest, wrong = backup.check_backup(story.folder / "backup")
    assert (manifest, wrong) == (story.manifest, [])
    assert manifest.tables["hub.batch"] > 0
    assert manifest.tables["record.payroll_line"] > 0
    assert manifest.objects >= manifest.parts > 0
    modes = {path.stat().st_mode & 0o077 for path in (story.folder / "backup").rglob("*") if path.is_file()}
    assert modes == {0}, "a backup holds personal data as plain text"


def test_nothing_is_missing_after_the_restore(restored: tuple[Hub, backup.Restored], story: Story, kind: str) -> None:
    """Every byte that the database names; and what the journal knows has its own numbers again."""
    hub, done = restored
    assert done.wrong == ()
    assert done.manifest == story.manifest
    if kind is SURVIVING:
        assert done.batches > 0
        assert done.told_rows > 0
        assert [(b.batch_id, b.feed_id, b.source_name, b.digest) for b in hub.batches()] == story.batches
    else:
        assert done.batches == 0
        assert len(hub.batches()) < len(story.batches)


def test_nothing_is_doubled_or_lost_outward(again: Hub, story: Story, kind: str) -> None:
    """The province, both banks, the bureau, the insurer and the clue platform have what they had, once."""
    after = told(again.up)
    assert after == story.before
    assert {times for partner in ("bureau", "nat", "daizong") for _, _, times in after[partner]} == {1}
    assert again.waiting() == 0


def test_the_restored_hub_says_what_the_lost_one_said(again: Hub, story: Story, kind: str) -> None:
    """Row for row the same current content; what the bank had cleared away only where the archive survived."""
    sql = "select record_key, content_digest from record.payroll_line where is_current order by 1"
    ours, theirs = dict(tuple(r) for r in again.ask(sql)), dict(tuple(r) for r in story.first.ask(sql))
    differing = {key for key in theirs if ours.get(key) != theirs[key]}
    cleared = {one["record_key"] for one in story.effects(1)}
    assert differing == set() if kind is SURVIVING else differing and differing <= cleared


def test_a_change_after_the_restore_is_no_old_news(again: Hub, story: Story) -> None:
    """The receiver holds versions that the restored hub never gave out; a real change must lie above them."""
    before = {one["record_key"]: one for one in story.effects(1)}
    story.drop(1, 3, b"|S||", b"|U||")
    again.run([FEED])
    changed = [one for one in story.effects(1) if one["digest"] != before[one["record_key"]]["digest"]]
    assert changed
    assert {one["corrected"] - before[one["record_key"]]["corrected"] for one in changed} == {1}
    assert again.ask("select 1 from record.payroll_line where version > (select version_floor from restore)")


def test_the_admin_sees_that_it_was_restored(again: Hub, story: Story) -> None:
    """When, by whom, from a backup of when; the first hub says nothing of the kind."""
    said = upkeep.describe_restore(again.house)
    assert said is not None
    assert "由 王工" in said
    assert upkeep.describe_restore(story.first.house) is None


def test_a_database_with_tables_is_never_restored_into(again: Hub, story: Story) -> None:
    """Neither mixed nor overwritten."""
    before = len(again.batches())
    with pytest.raises(NotAllowed, match="restore into an empty one"):
        backup.restore_backup(again.house.engine, again.house.archive, story.folder / "backup", "x")
    assert len(again.batches()) == before


def test_a_backup_is_never_written_over(story: Story) -> None:
    """A folder with anything in it is somebody's."""
    with pytest.raises(NotAllowed, match="is not empty"):
        backup.make_backup(story.first.house.engine, story.first.house.archive, story.folder / "backup")


def test_the_restored_hub_can_be_backed_up_and_restored_again(
    again: Hub, story: Story, empty_database: Callable[[], str]
) -> None:
    """The floor rises each time, also from one and the same backup."""
    floors = []
    backup.make_backup(again.house.engine, again.house.archive, story.folder / "second")
    for _ in range(2):
        engine = open_database(empty_database())
        done = backup.restore_backup(engine, again.house.archive, story.folder / "second", "x")
        floors.append(done.version_floor)
        assert done.wrong == ()
        _dispose(engine)
    first = again.ask("select version_floor from restore")[0].version_floor
    assert first < floors[0] <= floors[1]


@pytest.mark.parametrize("name", ["HUB_KEK", "HUB_INDEX_ROOT"])
def test_without_the_roots_it_was_sealed_with_nothing_is_restored(
    story: Story, empty_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """They are in no backup; said by code, before anything is written, and with the right ones it can be done again."""
    monkeypatch.setenv(name, "cd" * 32)
    engine = open_database(empty_database())
    with pytest.raises(HubError) as error:
        backup.restore_backup(engine, story.first.house.archive, story.folder / "backup", "王工")
    assert error.value.code == "S051"
    with working(engine) as work:
        assert backups.is_untouched(work)
    _dispose(engine)


def test_no_backup_holds_the_roots(story: Story, keys_folder: Path) -> None:
    """Neither in its manifest nor in its dump."""
    secrets = [(keys_folder / name).read_text().strip() for name in ("kek", "index_root")]
    for path in (story.folder / "backup").rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert not [one for one in secrets if one.encode() in data or bytes.fromhex(one) in data]


def _dispose(engine: sa.Engine) -> None:
    engine.dispose()


def test_raw_bytes_that_are_gone_make_no_backup(again: Hub, story: Story) -> None:
    """A backup that would not restore is not one: no manifest."""
    digest = again.batches()[0].parts[0]
    place = again.house.archive.folder / digest[:2] / digest
    data = place.read_bytes()
    for harm in (lambda: place.unlink(), lambda: place.write_bytes(b"x")):
        harm()
        folder = story.folder / f"gone{place.exists()}"
        with pytest.raises(HubError, match="no backup was made, 1 objects") as error:
            backup.make_backup(again.house.engine, again.house.archive, folder)
        assert error.value.code == "S005"
        assert not (folder / "manifest.json").exists()
    place.write_bytes(data)
