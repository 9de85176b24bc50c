"""Every receiver of mappings/receivers as a real server of its own, and synthetic records of every kind for them."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import uvicorn
import yaml

from hub.model import Connection
from schemas.catalogue import SCHEMAS
from schemas.codes import CODE_LISTS
from simulators.faults import FaultLayer
from simulators.platform_ledger import PlatformLedger
from simulators.platforms import Platform, open_platforms

MAPPINGS = Path(__file__).parents[2] / "mappings"
NAMES = sorted(path.stem for path in (MAPPINGS / "receivers").glob("*.yaml"))
LOGIN, SECRET = "hub-login-1", "0123456789abcdef0123456789abcdef"


@dataclass(frozen=True)
class Served:
    """Receivers that are up, by partner: their knobs, where they listen, where their ledgers lie."""

    platforms: Mapping[str, Platform]
    ports: Mapping[str, int]
    state: Path

    def connection(self, name: str, secret: str = SECRET) -> Connection:
        return Connection(f"{name}_x", f"http://127.0.0.1:{self.ports[name]}", login=LOGIN, password=secret)

    def effect(self, name: str, schema: str, key: str) -> dict[str, Any] | None:
        """What the receiver has on file of one record, read from its ledger."""
        return next((one for one in self._ledger(name, "effects", schema) if one["record_key"] == key), None)

    def received(self, name: str) -> dict[str, dict[str, int]]:
        found: dict[str, dict[str, int]] = self._ledger(name, "received")
        return found

    def _ledger(self, name: str, question: str, *words: str) -> Any:
        with contextlib.closing(PlatformLedger(self.state / f"{name}.receiver.sqlite", name)) as ledger:
            return getattr(ledger, question)(*words)


@contextlib.contextmanager
def serving(state: Path) -> Iterator[Served]:
    """All receivers in one thread. The province speaks by its file here; its own server is asked in test_open_api_receiver."""
    sockets = {name: _listening() for name in NAMES}
    ports = {name: sock.getsockname()[1] for name, sock in sockets.items()}
    platforms: dict[str, Platform] = {}
    servers: list[uvicorn.Server] = []
    ready = threading.Event()

    async def serve() -> None:
        platforms.update(open_platforms(MAPPINGS, state, dict.fromkeys(NAMES, (LOGIN, SECRET)), latency=0))
        spec = yaml.safe_load((MAPPINGS / "receivers" / "province.yaml").read_text("utf-8"))
        ledger = PlatformLedger(state / "province.receiver.sqlite", "province")
        platforms["province"] = Platform(spec, ledger, LOGIN, SECRET, latency=0)
        for platform in platforms.values():
            config = uvicorn.Config(FaultLayer(platform.app, platform.knobs), log_level="critical", lifespan="off")
            servers.append(uvicorn.Server(config))
        pairs = zip(platforms, servers, strict=True)
        running = asyncio.gather(*(server.serve([sockets[name]]) for name, server in pairs))
        while not all(server.started for server in servers):
            await asyncio.sleep(0.01)
        ready.set()
        await running

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert ready.wait(30)
    try:
        yield Served(platforms, ports, state)
    finally:
        for server in servers:
            server.should_exit = server.force_exit = True
        thread.join(10)


def _listening() -> socket.socket:
    """asyncio sends without delay only through sockets that say they are TCP; else every answer waits 40 ms."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.bind(("127.0.0.1", 0))
    return sock


def record(schema: str, number: int, key: str, version: int = 1, *, sparse: bool = False) -> dict[str, Any]:
    """A synthetic record as the store gives it; ``sparse``: only what must be there. Numbers walk through every code list."""
    columns = SCHEMAS[schema].columns()
    content = {
        name: None if sparse and column.nullable else _value(name, column, number) for name, column in columns.items()
    }
    return {"idempotencyKey": f"{schema}-{key}-{version}", "recordKey": key, "version": version, **content}


def _value(name: str, column: Any, number: int) -> Any:
    words = list(CODE_LISTS.get(str((column.metadata or {}).get("code_list")), ()))
    if words:
        return words[number % len(words)]
    if column.dtype == pl.Boolean:
        return number % 2 == 0
    if column.dtype.is_integer():
        return number * 7 + 1
    if column.dtype == pl.Date:
        return f"2026-01-{number % 28 + 1:02}"
    if column.dtype.is_temporal():
        return f"2026-01-{number % 28 + 1:02}T08:05:09+08:00"
    if name == "month" or name.endswith("_month"):
        return f"2026-{number % 12 + 1:02}"
    return f"{name} {number} 㛃𠮷 A&B=c+%20 \"'\\"
