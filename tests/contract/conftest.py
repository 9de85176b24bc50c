"""Real servers on this machine for the contract tests: one PostgreSQL, one set of partners per module, a hub between them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa
from round_trip import FIRST_FEEDS, MAPPINGS, PROVINCE, Hub, Typed, connections

from hub import bootstrap, cli
from hub.archive import Archive
from hub.migrations import migrate
from hub.pipeline import House
from hub.registry import Registry, read_registry
from hub.store.database import open_database
from launcher.postgres import EmbeddedPostgres
from simulators.running import Running, running

_numbers = count(1)


@pytest.fixture(scope="session", autouse=True)
def keys_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the hub makes its two roots by itself, as it does for anybody who names none."""
    folder = tmp_path_factory.mktemp("keys")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HUB_KEYS", str(folder))
        yield folder


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """One database server for all contract tests."""
    with EmbeddedPostgres(tmp_path_factory.mktemp("postgres")) as server:
        yield server


@pytest.fixture(scope="session")
def empty_database(postgres: EmbeddedPostgres) -> Callable[[], str]:
    """Makes a new database without tables and gives its address."""

    def make() -> str:
        name = f"contract_{next(_numbers)}"
        assert postgres.create_database(name)
        return postgres.url(name)

    return make


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A small city's partners, answering at once; nothing dropped yet."""
    with running(tmp_path_factory.mktemp("partners"), scale=0.1, latency=0, rate=1000) as partners:
        yield partners


@pytest.fixture(autouse=True)
def everyone_behaves_again(request: pytest.FixtureRequest) -> Iterator[None]:
    """No test leaves a fault behind for the next one."""
    yield
    if "up" in request.fixturenames:
        request.getfixturevalue("up").control.clear_faults()


@pytest.fixture(scope="module")
def mappings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first ten feeds and the province, but patient with old day folders and impatient with late parents."""
    folder = tmp_path_factory.mktemp("hub") / "mappings"
    shutil.copytree(MAPPINGS, folder)
    for path in (*folder.glob("*.yaml"), *folder.glob("receivers/*.yaml")):
        if path.stem not in (*FIRST_FEEDS, PROVINCE, "partners"):
            path.unlink()
            continue
        text = path.read_text("utf-8").replace("  connector: sftp\n", "  connector: sftp\n  look_back_days: 36500\n")
        path.write_text(text, "utf-8")
    province = folder / "receivers" / "province.yaml"
    text = province.read_text("utf-8").replace("delayed_seconds: 2", "delayed_seconds: 1")
    province.write_text(text.replace("delayed_at_most: 4", "delayed_at_most: 1"), "utf-8")
    return folder


@pytest.fixture(scope="module")
def open_hub(
    up: Running, mappings: Path, empty_database: Callable[[], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[], Hub]]:
    """Opens a hub on a database and an archive of its own, with connections to this module's partners."""
    engines: list[sa.Engine] = []
    known = connections(up.addresses)

    def make() -> Hub:
        engine = open_database(empty_database())
        engines.append(engine)
        migrate(engine)
        registry = read_registry(mappings)
        assert registry.problems == ()
        return Hub(
            House(engine, Archive(tmp_path_factory.mktemp("archive")), registry, bootstrap.open_containers()), up
        )

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bootstrap, "find_connection", known.__getitem__)
        patch.setenv("HUB_MAPPINGS", str(mappings))
        yield make
    for engine in engines:
        engine.dispose()


@pytest.fixture(scope="module")
def hub(open_hub: Callable[[], Hub]) -> Hub:
    """One hub for the module."""
    return open_hub()


@pytest.fixture(scope="module")
def engine(empty_database: Callable[[], str]) -> Iterator[sa.Engine]:
    """A database at the newest step."""
    found = open_database(empty_database())
    migrate(found)
    yield found
    found.dispose()


@pytest.fixture(scope="module")
def house(engine: sa.Engine, tmp_path_factory: pytest.TempPathFactory) -> House:
    """A hub that knows no feed and talks to nobody."""
    folder = tmp_path_factory.mktemp("house")
    return House(engine, Archive(folder), Registry(folder, {}, {}, {}, ()))


@pytest.fixture
def typed(hub: Hub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Typed]:
    """Types a command; gives its exit code and what stands on screen and on standard error."""
    monkeypatch.setenv("HUB_DATABASE_URL", hub.house.engine.url.render_as_string(hide_password=False))
    monkeypatch.setenv("HUB_ARCHIVE", str(hub.house.archive.folder))
    bootstrap.open_house.cache_clear()

    def run(*words: object) -> tuple[int, str, str]:
        code = cli.main([str(word) for word in words])
        said = capsys.readouterr()
        return code, said.out, said.err

    yield run
    bootstrap.open_house.cache_clear()
