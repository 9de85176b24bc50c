"""Starts every partner in one process and one event loop, and says where they are.

A state directory holds secrets, ports, ledgers and the banks' folders, so a restart serves the same city again.
"""

import asyncio
import contextlib
import json
import os
import secrets
import signal
import socket
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import uvicorn

from simulators.banks import open_offices
from simulators.bureau import Bureau
from simulators.certificates import open_certificates
from simulators.control import Control, Office, Partner
from simulators.daizong import Daizong
from simulators.doors import Doorkeeper, configure
from simulators.faults import App, FaultLayer
from simulators.identifiers import use_canaries
from simulators.ledger import Ledger
from simulators.mirror.house import open_mirror
from simulators.nat import Nat
from simulators.province import Province
from simulators.province_ledger import ProvinceLedger
from simulators.sftp import BankUser, make_knobs, read_host_key, start_sftp
from simulators.soap_security import Guard
from simulators.world import City

WEB = ("bureau", "nat", "province", "daizong", "control", "mirror")
_PLAIN = ("control",)
"""Who is no partner and speaks plain HTTP on this machine."""
MAPPINGS = Path(__file__).parents[1] / "mappings"
_SECRETS = ("bureau", "nat", "province_appid", "province", "haidai", "wenhe", "daizong", "daizong_password")
_MUTUAL = ("bureau",)
"""Who lets nobody in without a certificate."""
_PATIENCE = 1.0


@dataclass(frozen=True)
class Options:
    """What one run of the simulators is asked for."""

    state: Path
    seed: int = 7
    scale: float = 1
    day: date = date(2026, 11, 23)
    bad_share: float = 0.02
    control_port: int = 0
    latency: float = 0.3
    rate: int = 20
    mirrored: str = "all"
    mappings: Path = MAPPINGS
    silent: bool = False
    """Whether nothing is printed: addresses and secrets stand in addresses.json alone."""
    canaries: int | None = None
    """A seed for persons' numbers that are looked for afterwards; None: those of every day."""


class _Server(uvicorn.Server):
    """A web server that leaves signals to us."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


class House:
    """All partners of one state directory."""

    def __init__(self, options: Options) -> None:
        use_canaries(options.canaries)
        options.state.mkdir(parents=True, exist_ok=True)
        self.options, self.secrets = options, read_secrets(options.state / "secrets.json")
        city = City(options.seed, options.scale, options.day)
        share, state = options.bad_share, options.state
        self.bureau = Bureau(city, share, Ledger(state / "bureau.sqlite"), self.secrets["bureau"], options.rate)
        self.nat = Nat(city, share, Ledger(state / "nat.sqlite"), self.secrets["nat"])
        self.certificates = open_certificates(state / "tls")
        self.daizong = Daizong(city, share, Ledger(state / "daizong.sqlite"), self.secrets["daizong"])
        self.daizong.guard = Guard(self.secrets["daizong"], self.secrets["daizong_password"], token="digest")
        appid, appsecret = self.secrets["province_appid"], self.secrets["province"]
        self.province = Province(ProvinceLedger(state / "province.sqlite"), appid, appsecret, options.latency)
        banks = open_offices(city, share, state)
        self.users = {
            name: BankUser(self.secrets[name], bank.root, make_knobs(), bank.collect) for name, bank in banks.items()
        }
        self.mirror = open_mirror(
            options.mappings,
            options.mirrored,
            state,
            options.seed,
            options.scale,
            share,
            options.day,
            options.latency,
            self.certificates,
        )
        self.offices: dict[str, Office] = {**banks, **self.mirror.offices}
        self.host_key = read_host_key(state / "host_key")

    def apps(self) -> dict[str, App]:
        """Every web server's application, faults included; the mirrored partners share one."""
        web: dict[str, Partner] = {
            "bureau": self.bureau,
            "nat": self.nat,
            "province": self.province,
            "daizong": self.daizong,
        }
        knobs = {name: partner.knobs for name, partner in web.items()}
        knobs |= {name: user.knobs for name, user in self.users.items()} | self.mirror.knobs_beside(web)
        everyone = {**web, **self.mirror.web_beside(web)}
        control = Control(everyone, self.offices, knobs, self.province.ledger, self.mirror.stock.problems)
        own: dict[str, App] = {name: FaultLayer(Doorkeeper(p.app, p.ledger), p.knobs) for name, p in web.items()}
        return {**own, "control": control.app, "mirror": self.mirror.app()}

    def addresses(self, ports: Mapping[str, int]) -> dict[str, Any]:
        """What the hub and the tests must know to talk to the partners."""
        url = {name: f"{'http' if name in _PLAIN else 'https'}://127.0.0.1:{ports[name]}" for name in WEB}
        key = self.host_key.export_public_key().decode().split()
        users = {name: {"password": u.password, "root": str(u.root)} for name, u in self.all_users().items()}
        sftp = {"host": "127.0.0.1", "port": ports["sftp"], "host_key": " ".join(key[:2])}
        soap, ca, hub = f"{url['daizong']}/soap", {"ca": self.certificates.ca}, self.certificates.hub
        mutual = {**ca, "certificate": hub.certificate, "private_key": hub.key, "key_password": hub.phrase}
        return {
            "bureau": {"url": url["bureau"], "api_key": self.secrets["bureau"], "tls": mutual},
            "nat": {"url": url["nat"], "token": self.secrets["nat"], "tls": ca},
            "province": {
                "url": url["province"],
                "appid": self.secrets["province_appid"],
                "appsecret": self.secrets["province"],
                "tls": ca,
            },
            "daizong": {
                "url": soap,
                "wsdl": f"{soap}?wsdl",
                "sender_code": self.secrets["daizong"],
                "password": self.secrets["daizong_password"],
                "tls": ca,
            },
            "sftp": {**sftp, "users": users},
            "control": {"url": url["control"]},
            "tls": str(self.certificates.folder),
            "mirror": {"url": url["mirror"], "tls": ca},
            "connections": self.mirror.connections(url["mirror"], sftp),
        }

    def all_users(self) -> dict[str, BankUser]:
        """Every login of the SFTP server."""
        return {**self.users, **self.mirror.users}


async def serve(options: Options) -> None:
    """Serve until a signal asks to stop; print one line with the addresses when ready."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    house, path = House(options), options.state / "addresses.json"
    before = _ports_before(path)
    sockets = {name: _listen(options.control_port if name == "control" else 0, before.get(name, 0)) for name in WEB}
    sftp = await start_sftp(house.all_users(), house.host_key, _free_port(before.get("sftp", 0)))
    ports = {name: sock.getsockname()[1] for name, sock in sockets.items()} | {"sftp": sftp.get_port()}
    certificates = house.certificates
    servers = {
        name: _Server(configure(app, None if name in _PLAIN else certificates, mutual=name in _MUTUAL))
        for name, app in house.apps().items()
    }
    tasks = [asyncio.create_task(server.serve([sockets[name]])) for name, server in servers.items()]
    while not all(server.started for server in servers.values()):
        await asyncio.sleep(0.01)
    _write_private(path, json.dumps(addresses := house.addresses(ports), indent=1))
    if not options.silent:
        print(json.dumps(addresses), flush=True)
    await stop.wait()
    for server in servers.values():
        server.should_exit = True
    sftp.close()
    await asyncio.wait(tasks, timeout=_PATIENCE)


def _listen(wanted: int, before: int) -> socket.socket:
    """The wanted port, else the one of the last run, else any."""
    # asyncio sends without delay only through sockets that say they are TCP; else every answer waits 40 ms
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind(("127.0.0.1", wanted or before))
    except OSError:
        if wanted:
            raise
        sock.bind(("127.0.0.1", 0))
    return sock


def _free_port(before: int) -> int:
    with _listen(0, before) as sock:
        return int(sock.getsockname()[1])


def _ports_before(path: Path) -> dict[str, int]:
    """The ports of the last run of this state, so that configured connections still fit."""
    if not path.exists():
        return {}
    last = json.loads(path.read_text())
    ports = {name: int(last[name]["url"].split(":")[2].split("/")[0]) for name in WEB if name in last}
    return {**ports, "sftp": last["sftp"]["port"]}


def read_secrets(path: Path) -> dict[str, str]:
    """The secrets of this state, made at its first start."""
    known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    if missing := [name for name in _SECRETS if name not in known]:
        known |= {name: secrets.token_hex(16) for name in missing}
        _write_private(path, json.dumps(known))
    return known


def _write_private(path: Path, text: str) -> None:
    part = path.with_name(path.name + ".part")
    part.touch(mode=0o600)
    part.write_text(text)
    os.replace(part, path)
