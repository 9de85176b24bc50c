"""Starts the four components of Airflow on one machine under our own supervisor and waits until all are healthy.

Everything is told by environment variables; the directory below the state is Airflow's own home.
"""

import shutil
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import requests

from launcher.airflow_client import AirflowClient, AirflowRefused, RunTimeout
from launcher.airflow_settings import USERS, AirflowAddress, passwords, plain_environment, settings
from launcher.ports import LOCAL, find_port
from launcher.processes import Supervisor
from launcher.state import PROJECT

__all__ = ["AirflowAddress", "AirflowClient", "AirflowNotHealthy", "AirflowRefused", "RunTimeout", "start_airflow"]

PREFERRED_PORT = 8080
LOCAL_SETTINGS = PROJECT / "docker" / "config" / "airflow_local_settings.py"
ADMINISTRATOR = next(iter(USERS))
COMPONENTS = {
    "api-server": ["api-server"],
    "scheduler": ["scheduler", "--skip-serve-logs"],
    "dag-processor": ["dag-processor"],
    "triggerer": ["triggerer", "--skip-serve-logs"],
}
# What /monitor/health calls the components, and where it keeps the time of their last sign of life.
HEARTBEATS = {
    "scheduler": "latest_scheduler_heartbeat",
    "dag_processor": "latest_dag_processor_heartbeat",
    "triggerer": "latest_triggerer_heartbeat",
}


class AirflowNotHealthy(Exception):
    """Not every component was healthy in time; the message says which and where their logs are."""


def start_airflow(
    supervisor: Supervisor,
    state: Path,
    database_url: str,
    env: Mapping[str, str] | None = None,
    *,
    dags: Path | None = None,
    port: int = PREFERRED_PORT,
    progress: Callable[[str], None] = lambda _: None,
    timeout: float = 180.0,
) -> AirflowAddress:
    """Bring Airflow up on the database and return its address; `env` is added last and so can change any setting."""
    home = _make_home(state)
    port = find_port(port, what="Airflow", notify=progress)
    known = passwords(home)
    address = AirflowAddress(f"http://{LOCAL}:{port}", ADMINISTRATOR, known[ADMINISTRATOR], known)
    environment = {**plain_environment(home), **settings(state, home, database_url, port, dags), **(env or {})}
    _migrate(supervisor, home, database_url, environment, progress)
    began = datetime.now(UTC)
    for name, words in COMPONENTS.items():
        # A scheduler waits for its running tasks for a minute; they are made to be run again, so 5 s must do.
        supervisor.start(f"airflow-{name}", _airflow(*words), env=environment, cwd=home, stop_seconds=5.0)
    _wait_until_healthy(supervisor, address, began, progress, timeout)
    # The first call of the execution API makes the server build it; without this the first tasks wait 4-6 s.
    _get(f"{address.url}/execution/health", seconds=60)
    return address


def _make_home(state: Path) -> Path:
    home = state / "airflow"
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    (home / "plugins").mkdir(exist_ok=True)
    (home / "config").mkdir(exist_ok=True)
    shutil.copyfile(LOCAL_SETTINGS, home / "config" / LOCAL_SETTINGS.name)
    return home


def _airflow(*words: str) -> list[str]:
    # -P: the working directory may not put modules in front of the installed ones.
    return [sys.executable, "-P", "-m", "airflow", *words]


def _migrate(
    supervisor: Supervisor, home: Path, database_url: str, env: Mapping[str, str], progress: Callable[[str], None]
) -> None:
    """`airflow db migrate`, once per database and version: it takes seconds even when there is nothing to do."""
    stamp = home / "migrated"
    done = f"{version('apache-airflow-core')} {database_url.rsplit('/', 1)[1]}\n"
    if stamp.exists() and stamp.read_text() == done:
        return
    progress("creating Airflow's tables")
    supervisor.run("airflow-migrate", _airflow("db", "migrate"), env=env)
    stamp.write_text(done)


def _wait_until_healthy(
    supervisor: Supervisor, address: AirflowAddress, began: datetime, progress: Callable[[str], None], timeout: float
) -> None:
    deadline = time.monotonic() + timeout
    reported: set[str] = set()
    wanted = {"api-server", "metadatabase", *HEARTBEATS}
    while missing := wanted - (healthy := _healthy(address, began)):
        for name in sorted(healthy - reported):
            progress(f"{name} is healthy")
        reported |= healthy
        supervisor.check()
        if time.monotonic() > deadline:
            logs = supervisor.log("airflow-*")
            raise AirflowNotHealthy(f"not healthy after {timeout:g} s: {', '.join(sorted(missing))}; see {logs}")
        time.sleep(0.3)
    for name in sorted(wanted - reported):
        progress(f"{name} is healthy")


def _healthy(address: AirflowAddress, began: datetime) -> set[str]:
    """The components that answer; one whose last heartbeat is from an earlier run does not count."""
    answer = _get(f"{address.url}/api/v2/monitor/health", seconds=5)
    if answer is None:
        return set()
    healthy = {"api-server"}
    for name, facts in answer.json().items():
        beat = facts.get(HEARTBEATS.get(name, ""))
        fresh = name not in HEARTBEATS or (beat is not None and datetime.fromisoformat(beat) >= began)
        if facts.get("status") == "healthy" and fresh:
            healthy.add(name)
    return healthy


def _get(url: str, seconds: float) -> requests.Response | None:
    with requests.Session() as session:
        session.trust_env = False
        try:
            answer = session.get(url, timeout=seconds)
        except requests.RequestException:
            return None
    return answer if answer.ok else None
