"""The embedded PostgreSQL, really started: data stay, passwords are asked for, kill -9 is survived."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from launcher import places, state
from launcher.places import Account, ServerUnavailable, newest_server, reachable_server, server_account
from launcher.postgres import EmbeddedPostgres
from launcher.processes import Supervisor

IS_ROOT = os.geteuid() == 0


@pytest.fixture(name="home")
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A state directory; pytest's own folders are closed to the server's account, so this goes outside them."""
    monkeypatch.setattr(state, "OUTSIDE", Path(f"/var/lib/wage-exchange-hub/test-{os.getpid()}"))
    home = tmp_path / "state"
    yield home
    state.remove_state(home)
    if state.OUTSIDE.exists():
        state.OUTSIDE.rmdir()


def test_data_outlive_a_stop(home: Path) -> None:
    """Stop, start on another port, and what was written is there."""
    with EmbeddedPostgres(home) as server:
        assert server.create_database("hub")
        assert not server.create_database("hub")
        with psycopg.connect(server.url("hub")) as connection:
            connection.execute("create table seen as select 42 as answer")
    with EmbeddedPostgres(home) as server, psycopg.connect(server.url("hub")) as connection:
        assert connection.execute("select answer from seen").fetchone() == (42,)
        shown = {name: connection.execute(f"show {name}").fetchone() for name in ("fsync", "listen_addresses")}
        assert shown == {"fsync": ("on",), "listen_addresses": ("127.0.0.1",)}
        assert connection.info.server_version >= 180000


def test_nobody_enters_without_the_password(home: Path) -> None:
    """Every account of the machine can reach the port; only the password opens it."""
    with EmbeddedPostgres(home) as server:
        for address in (server.url("postgres").replace(server.password, "wrong"), server.url("postgres", "psycopg")):
            with pytest.raises(psycopg.OperationalError if "+" not in address else psycopg.ProgrammingError):
                psycopg.connect(address)
        assert server.url("postgres", "asyncpg").startswith("postgresql+asyncpg://postgres:")
    assert not list(home.glob("**/initdb-password"))


def test_a_killed_server_is_started_again_with_its_data(home: Path) -> None:
    """kill -9 of the server itself: committed rows are recovered and the address stays."""
    with Supervisor(home, lambda _: None, first_pause=0.1) as supervisor:
        server = EmbeddedPostgres(home, supervisor).start()
        with psycopg.connect(server.url("postgres")) as connection:
            connection.execute("create table kept as select 1 as one")
        first = supervisor.pid("postgres")
        os.kill(first, signal.SIGKILL)
        assert _answer(server, "select one from kept") == (1,)
        assert supervisor.pid("postgres") != first


def test_a_stale_lock_file_with_a_process_id_used_anew_is_no_obstacle(home: Path) -> None:
    """After kill -9 the number in postmaster.pid may belong to anybody, here to this test."""
    with EmbeddedPostgres(home) as server:
        lock = _data(server) / "postmaster.pid"
        leftover = lock.read_text().split("\n", 1)[1]
    lock.write_text(f"{os.getpid()}\n{leftover}")
    lock.chmod(0o600)
    with EmbeddedPostgres(home) as server:
        assert _answer(server, "select 1") == (1,)


@pytest.mark.skipif(not IS_ROOT, reason="only root starts the server under another account")
def test_root_hands_the_server_to_an_account_without_rights(home: Path) -> None:
    """And where that account cannot go, files are copied; no parent's rights are widened."""
    with Supervisor(home) as supervisor:
        EmbeddedPostgres(home, supervisor).start()
        assert psutil.Process(supervisor.pid("postgres")).uids().real == server_account().user
    assert home.parent.stat().st_mode & 0o077 == 0


@pytest.mark.skipif(not IS_ROOT, reason="only root needs a copy of the binaries")
def test_binaries_out_of_reach_are_copied_and_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """A checkout below a 0700 home directory."""
    reaches = Account.reaches
    package = newest_server().root
    monkeypatch.setattr(Account, "reaches", lambda self, path: package not in path.parents and reaches(self, path))
    with EmbeddedPostgres(home) as server:
        copies = list(_data(server).parent.glob("server-*/complete"))
        assert _answer(server, "select 1") == (1,)
    assert len(copies) == 1
    account = server_account()
    assert reachable_server(newest_server(), copies[0].parent.parent, account).root.is_relative_to(copies[0].parent)


@pytest.mark.skipif(not IS_ROOT, reason="only root's database lives outside the state directory")
def test_a_deleted_state_directory_takes_its_database_along(home: Path) -> None:
    """Otherwise a fresh start would find yesterday's rows without yesterday's archive."""
    import shutil

    with EmbeddedPostgres(home) as server:
        server.create_database("yesterday")
        assert not _data(server).is_relative_to(home)
    shutil.rmtree(home)
    with EmbeddedPostgres(home) as server:
        assert server.create_database("yesterday")


def test_a_wheel_without_server_is_told_plainly(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the remedy."""
    monkeypatch.setattr(places, "_is_complete", lambda _: False)
    with pytest.raises(ServerUnavailable, match=r"requirements\.lock"):
        newest_server()


def _data(server: EmbeddedPostgres) -> Path:
    with psycopg.connect(server.url("postgres")) as connection:
        row = connection.execute("show data_directory").fetchone()
    assert row is not None
    return Path(row[0])


def _answer(server: EmbeddedPostgres, question: str, seconds: float = 20.0) -> tuple[object, ...] | None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            with psycopg.connect(server.url("postgres"), connect_timeout=2) as connection:
                return connection.execute(question).fetchone()
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
