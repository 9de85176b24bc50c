"""The door in Airflow's own API server: mounted by the plugin, outside the login, starting real runs; all else stays locked."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
import sqlalchemy as sa
from round_trip import MAPPINGS

from hub.migrations import migrate
from hub.store.database import open_database
from launcher.airflow import _airflow, _make_home, _migrate
from launcher.airflow_client import AirflowClient
from launcher.airflow_settings import AirflowAddress, passwords, plain_environment, settings
from launcher.partners import link_mappings
from launcher.ports import LOCAL, find_port
from launcher.postgres import EmbeddedPostgres
from launcher.processes import Supervisor
from simulators.mirror import pairs
from simulators.mirror.knocking import door_connection, knock

pytestmark = pytest.mark.timeout(300)
KEYS = pairs.Keys("sm2", *pairs._pair("sm2"), *pairs._pair("sm2"))
FEED = "weihe_payrolls"


@dataclass(frozen=True)
class Served:
    """The API server alone: nobody runs what is queued."""

    address: AirflowAddress
    client: AirflowClient
    hub: sa.Engine

    @property
    def door(self) -> str:
        return f"{self.address.url}/exchange/v1"


@pytest.fixture(scope="module")
def served(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Airflow's tables, the DAGs of one partner written into them, its API server; and a hub."""
    state = tmp_path_factory.mktemp("door")
    for name in ("door_hub", "door_airflow"):
        postgres.create_database(name)
    hub = open_database(postgres.url("door_hub"))
    migrate(hub)
    home, port = _make_home(state), find_port(0, what="Airflow", notify=print)
    known, database = passwords(home), postgres.url("door_airflow")
    mappings = link_mappings(MAPPINGS, state / "mappings", ("weihe",))
    ours = {"HUB_DATABASE_URL": postgres.url("door_hub"), "HUB_MAPPINGS": str(mappings), "HUB_ARCHIVE": str(state / "archive"),
            "AIRFLOW_CONN_WEIHE_DOOR": json.dumps(door_connection(KEYS))}  # fmt: skip
    environment = {**plain_environment(home), **settings(state, home, database, port), **ours}
    address = AirflowAddress(f"http://{LOCAL}:{port}", "admin", known["admin"], known)
    with Supervisor(state, print) as supervisor:
        _migrate(supervisor, home, database, environment, print)
        supervisor.run("reserialize", _airflow("dags", "reserialize"), env=environment)
        supervisor.start("api-server", _airflow("api-server"), env=environment, cwd=home, stop_seconds=5.0)
        wait_until_up(address, supervisor)
        yield Served(address, AirflowClient(address), hub)
    hub.dispose()


def wait_until_up(address: AirflowAddress, supervisor: Supervisor) -> None:
    until = time.monotonic() + 120
    while True:
        supervisor.check()
        try:
            if requests.get(f"{address.url}/api/v2/version", timeout=5).ok:
                return
        except requests.RequestException:
            pass
        assert time.monotonic() < until
        time.sleep(0.3)


def test_a_knock_queues_a_run_and_the_next_ones_wait_for_it(served: Served) -> None:
    """Two of them; the run carries the knock's number, and who knocked."""
    first, second = (knock(served.door, "weihe", KEYS, FEED) for _ in range(2))
    assert (first["status"], first["code"], first["look"]) == (202, "0", "started")
    assert (second["status"], second["code"], second["look"]) == (202, "0", "waiting")
    [run] = served.client.runs(FEED)
    assert run["dag_run_id"] == f"knock__{first['number']}"
    assert (run["state"], run["conf"]) == ("queued", {"knock": int(first["number"])})
    assert run["triggering_user_name"] == "weihe (door)"


def test_the_door_asks_for_a_signature_and_for_no_login(served: Served) -> None:
    """A token of Airflow's administrator opens nothing there."""
    served.client.dags()
    token = served.client._session.headers["Authorization"]
    for headers in ({}, {"Authorization": str(token)}):
        answer = requests.post(f"{served.door}/ready", json={"ready": FEED}, headers=headers, timeout=30)
        assert (answer.status_code, answer.json()["code"]) == (400, "S071")


@pytest.mark.parametrize(
    "path", ["/api/v2/dags", f"/api/v2/dags/{FEED}/dagRuns", "/api/v2/connections", "/ui/config", "/api/v2/plugins"]
)
def test_everything_else_stays_behind_the_login(served: Served, path: str) -> None:
    """With a knock's signature too, which is no login."""
    headers = {"X-App-Id": "weihe", "X-Sign-Method": "sm2", "X-Sign": "00"}
    assert requests.get(f"{served.address.url}{path}", headers=headers, timeout=30).status_code == 401


@pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json", "/redoc", "/ready/1/2", "/../../api/v2/dags"])
def test_the_door_has_nothing_but_its_two_calls(served: Served, path: str) -> None:
    """No pages about itself, no way round."""
    with requests.Session() as session:
        prepared = session.prepare_request(requests.Request("GET", f"{served.door}/x"))
        prepared.url = f"{served.door}{path}"
        assert session.send(prepared, timeout=30).status_code in (401, 404)


def test_another_partners_dag_is_not_started(served: Served) -> None:
    """Nor one of the hub's own."""
    for name in ("housekeeping", "deliver", "receipts"):
        answer = knock(served.door, "weihe", KEYS, name)
        assert (answer["status"], answer["code"]) == (403, "S075")
        if name != "receipts":
            assert served.client.runs(name) == []


def test_a_task_does_not_pay_for_the_door(tmp_path: Path) -> None:
    """Every process of Airflow loads plugins; FastAPI is imported where somebody comes."""
    code = "import sys, hub.door.plugin; print('fastapi.applications' in sys.modules, 'hub.door.app' in sys.modules)"
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={"AIRFLOW_HOME": str(tmp_path)}
    )
    assert said.stdout.split()[-2:] == ["False", "False"], said.stderr[-500:]
