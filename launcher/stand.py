"""The whole exchange on one machine: PostgreSQL, the simulated partners, the hub's tables, Airflow. For the demonstration and the
end-to-end tests alike; leaving the `with` block ends every process of it.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from hub.migrations import migrate
from hub.registry import Registry, read_registry
from hub.store.database import open_database
from launcher.airflow import AirflowClient, start_airflow
from launcher.airflow_settings import AirflowAddress, plain_environment
from launcher.partners import link_mappings
from launcher.postgres import EmbeddedPostgres
from launcher.processes import Supervisor
from launcher.state import PROJECT, write_private
from simulators.client import Simulators

Say = Callable[[str], None]


@dataclass(frozen=True)
class Wish:
    """What the simulated city should be like; kept with the state, because one state is one city."""

    scale: float
    seed: int
    day: date
    bad_share: float = 0.02
    partners: tuple[str, ...] | None = None
    """Who takes part; None: everybody."""
    canaries: int | None = None
    """A seed for persons' numbers that are looked for afterwards."""

    def words(self) -> list[str]:
        canaries = [] if self.canaries is None else ["--canaries", str(self.canaries)]
        return ["--scale", f"{self.scale:g}", "--seed", str(self.seed), "--day", self.day.isoformat(),
                "--bad-share", f"{self.bad_share:g}", *canaries]  # fmt: skip


@dataclass(frozen=True)
class Stand:
    """Everything that runs, and how to reach it."""

    state: Path
    environment: Mapping[str, str]
    database: sa.Engine
    simulators: Simulators
    airflow: AirflowAddress
    client: AirflowClient
    registry: Registry
    supervisor: Supervisor
    """Who holds the processes: the fault suite ends some of them."""


@contextmanager
def open_stand(state: Path, wish: Wish, say: Say, *, mappings: Path | None = None, port: int = 8080) -> Iterator[Stand]:
    """Start everything in order, or end what was started and raise."""
    mappings = mappings or PROJECT / "mappings"
    if wish.partners is not None:
        mappings = link_mappings(mappings, state / "mappings", wish.partners)
    with Supervisor(state, say) as supervisor:
        say("PostgreSQL …")
        postgres = EmbeddedPostgres(state, supervisor, say).start()
        for name in ("hub", "airflow"):
            postgres.create_database(name)
        database = open_database(postgres.url("hub"), keys=state / "keys")
        migrate(database)
        say(
            "模拟伙伴 / the simulated partners: 部门 bureaus, 银行 banks, 保险 insurers, 线索渠道 channels, 平台 platforms …"
        )
        addresses = start_simulators(supervisor, state, wish, mappings)
        environment = hub_environment(postgres.url("hub"), state, mappings, addresses)
        write_environment(state, environment)
        say("Airflow …")
        airflow_url = postgres.url("airflow")
        airflow = start_airflow(
            supervisor, state, airflow_url, environment, port=port, progress=lambda m: say(f"  {m}")
        )
        simulators, registry = Simulators(addresses["control"]["url"]), read_registry(mappings)
        yield Stand(state, environment, database, simulators, airflow, AirflowClient(airflow), registry, supervisor)
        database.dispose()


def start_simulators(supervisor: Supervisor, state: Path, wish: Wish, mappings: Path) -> dict[str, Any]:
    """Start the partners and wait until they say where they are."""
    folder = state / "simulators"
    told = folder / "addresses.json"
    folder.mkdir(exist_ok=True)
    before = told.stat().st_mtime_ns if told.exists() else 0
    argv = [
        sys.executable,
        "-P",
        "-m",
        "simulators",
        "--state",
        str(folder),
        "--mappings",
        str(mappings),
        *wish.words(),
        "--silent",  # what it would print holds secrets, and goes into a log
    ]
    supervisor.start("simulators", argv, env=plain_environment(state))
    deadline = time.monotonic() + 120
    while not told.exists() or told.stat().st_mtime_ns == before:
        supervisor.check()
        if time.monotonic() > deadline:
            raise TimeoutError(f"the simulators did not start, see {supervisor.log('simulators')}")
        time.sleep(0.1)
    addresses: dict[str, Any] = json.loads(told.read_text())
    return addresses


def connections_of(addresses: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The connections that an admin would enter for these partners, in the words of Airflow's own form."""
    bureau, nat, daizong, province, sftp = (addresses[n] for n in ("bureau", "nat", "daizong", "province", "sftp"))
    connections = {
        "bureau_api": http(bureau["url"], bureau["api_key"], header="X-Api-Key", **bureau["tls"]),
        "nat_api": http(nat["url"], nat["token"], prefix="Bearer ", **nat["tls"]),
        "daizong_soap": http(daizong["url"], daizong["password"], login=daizong["sender_code"], **daizong["tls"]),
        "province_api": http(province["url"], province["appsecret"], login=province["appid"], **province["tls"]),
        **addresses["connections"],
    }
    by_hand = {name: user for name, user in sftp["users"].items() if f"{name}_sftp" not in connections}
    for bank, user in by_hand.items():
        extra = {"host_key": sftp["host_key"]}
        connections[f"{bank}_sftp"] = {"conn_type": "sftp", "host": sftp["host"], "port": sftp["port"], "login": bank,
                                       "password": user["password"], "extra": extra}  # fmt: skip
    return connections


def hub_environment(database_url: str, state: Path, mappings: Path, addresses: Mapping[str, Any]) -> dict[str, str]:
    """What every process of the hub needs to know, connections included."""
    connections = connections_of(addresses)
    environment = {f"AIRFLOW_CONN_{name.upper()}": json.dumps(facts) for name, facts in connections.items()}
    return environment | {
        "HUB_DATABASE_URL": database_url,
        "HUB_ARCHIVE": str(state / "archive"),
        "HUB_MAPPINGS": str(mappings),
        "HUB_REPORTS": str(state / "reports"),
        "HUB_SEAL_KEY_FILE": str(state / "seal.key"),
        "HUB_ANCHORS": str(state / "anchors"),
        "HUB_KEYS": str(state / "keys"),
    }


def http(url: str, password: str, login: str = "", **extra: str) -> dict[str, Any]:
    """A connection to a web address; `extra` says in which header the password travels."""
    return {"conn_type": "http", "host": url, "login": login, "password": password, "extra": extra}


def write_environment(state: Path, environment: Mapping[str, str]) -> None:
    """Keep the hub's environment for the command line: `source …/hub.env`, then `hub batches` and the rest."""
    lines = [f"export {name}='{value}'\n" for name, value in environment.items()]
    write_private(state / "hub.env", "".join(lines))
