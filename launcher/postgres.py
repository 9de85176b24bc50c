"""A real PostgreSQL for a run on one machine, taken from a wheel: nothing to install, nothing to configure.

Only the wheel's binaries are used: passwords are required, only 127.0.0.1 is served, and the data outlive the run.
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql

from launcher.places import ServerUnavailable, newest_server, reachable_home, reachable_server, server_account
from launcher.ports import LOCAL, find_port
from launcher.processes import Supervisor
from launcher.state import make_state, secret

NAME = "postgres"
SUPERUSER = "postgres"
SETTINGS = {
    "listen_addresses": LOCAL,
    "unix_socket_directories": "",  # nothing outside the state directory, and no road round the password
    "max_connections": "150",
    "fsync": "on",
    "max_wal_size": "2GB",
    "timezone": "UTC",
    "log_timezone": "Asia/Shanghai",
}


class EmbeddedPostgres:
    """A server whose data live in the state directory. Without a supervisor it brings its own."""

    host = LOCAL
    user = SUPERUSER

    def __init__(
        self, state: Path, supervisor: Supervisor | None = None, progress: Callable[[str], None] | None = None
    ):
        self.state = make_state(state)
        self.port = 0
        self._own_supervisor = supervisor is None
        self._supervisor = supervisor
        self._progress = progress or (lambda _: None)
        self._data: Path | None = None

    def __enter__(self) -> "EmbeddedPostgres":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def password(self) -> str:
        return secret(self.state, "postgres-password")

    def url(self, database: str, driver: str | None = None) -> str:
        """An address for psycopg itself (no driver) or for SQLAlchemy (`psycopg`, `asyncpg`)."""
        scheme = f"postgresql+{driver}" if driver else "postgresql"
        return f"{scheme}://{self.user}:{quote(self.password, safe='')}@{self.host}:{self.port}/{database}"

    def start(self, seconds: float = 120.0) -> "EmbeddedPostgres":
        """Start the server, on a port of its own choice, and wait until it answers."""
        account = server_account()
        home = self._home(reachable_home(self.state, account))
        server = reachable_server(newest_server(), home, account)
        data = self._data = home / f"data-{server.major}"
        if not (data / "PG_VERSION").exists():
            self._progress("creating the database cluster")
            _create_cluster(server.binary("initdb"), data, self.password, account.identity)
        _end_leftover_server(data)
        self.port = find_port()
        settings = {**SETTINGS, "port": str(self.port)}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        self._supervisor = self._supervisor or Supervisor(self.state)
        self._supervisor.start(
            NAME,
            [server.binary("postgres"), "-D", str(data), *options],
            env=_plain_environment(),
            cwd=home,
            stop_signal=signal.SIGINT,  # fast shutdown: ends sessions, writes everything, no recovery next time
            stop_seconds=60.0,
            user=account.user,
            group=account.group,
        )
        self._wait_until_ready(seconds)
        return self

    def stop(self) -> None:
        """Fast shutdown; the data stay for the next start."""
        if self._supervisor is not None:
            self._supervisor.stop(NAME)
            if self._own_supervisor:
                self._supervisor.close()
                self._supervisor = None

    def create_database(self, name: str) -> bool:
        """Create the database unless it exists; whether it was created."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            if connection.execute("select 1 from pg_database where datname = %s", (name,)).fetchone():
                return False
            connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
            return True

    def _home(self, home: Path) -> Path:
        """Data kept outside a state directory that was deleted belong to nobody: begin again from nothing."""
        inside = home.is_relative_to(self.state)
        known = (self.state / "secrets" / "postgres-password").exists()
        stale = [path for path in home.glob("data-*") if not known]
        if stale and inside:
            raise ServerUnavailable(f"{home} holds a database, but its password in {self.state}/secrets is gone.")
        for path in stale:
            shutil.rmtree(path)
        return home

    def _wait_until_ready(self, seconds: float) -> None:
        assert self._supervisor is not None
        deadline = time.monotonic() + seconds
        while not self._answers():
            self._supervisor.check()
            if time.monotonic() > deadline:
                raise ServerUnavailable(
                    f"PostgreSQL did not answer within {seconds:g} s; see {self._supervisor.log(NAME)}"
                )
            time.sleep(0.05)

    def _answers(self) -> bool:
        try:
            psycopg.connect(self.url("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


def _plain_environment() -> dict[str, str]:
    """No PG* variable of the person at the keyboard may reach the server or initdb."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def _create_cluster(initdb: str, data: Path, password: str, identity: dict[str, object]) -> None:
    """initdb into a folder beside the final one, so that a killed initdb leaves nothing that looks complete."""
    unfinished, password_file = data.with_name(f"{data.name}.part"), data.with_name("initdb-password")
    shutil.rmtree(unfinished, ignore_errors=True)
    password_file.unlink(missing_ok=True)
    command = [initdb, "-D", str(unfinished), "-U", SUPERUSER, "--pwfile", str(password_file), "-E", "UTF8"]
    command += ["--auth=scram-sha-256", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    try:
        descriptor = os.open(password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(f"{password}\n")
        if identity:
            os.chown(password_file, int(str(identity["user"])), int(str(identity["group"])))
        done = subprocess.run(  # type: ignore[call-overload]
            command, env=_plain_environment(), cwd=data.parent, capture_output=True, text=True, **identity
        )
    finally:
        password_file.unlink(missing_ok=True)
    if done.returncode != 0:
        raise ServerUnavailable(f"initdb failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    unfinished.rename(data)


def _end_leftover_server(data: Path) -> None:
    """After kill -9 the lock file names either a server still running on these data, or a process id used anew."""
    lock = data / "postmaster.pid"
    try:
        process = psutil.Process(int(lock.read_text().split("\n", 1)[0]))
        is_ours = process.name() == "postgres" and str(data) in process.cmdline()
    except (OSError, ValueError, psutil.Error):
        return  # no lock, or nobody behind it: PostgreSQL itself knows what to do
    if not is_ours:
        lock.unlink(missing_ok=True)
        return
    process.send_signal(signal.SIGINT)
    try:
        process.wait(60)
    except psutil.TimeoutExpired:
        process.kill()
        process.wait(10)
