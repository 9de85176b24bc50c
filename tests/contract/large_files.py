"""One large file's whole way in a process of its own, and how much memory each step takes above what the process had before.

Run as a script it reads its facts as JSON from standard input and prints one JSON line for each step.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hub.model import Connection

ROOT = Path(__file__).parents[2]
NAME = "313_370900_PAYR_20261123_0001_v1.txt"


@dataclass(frozen=True)
class Step:
    """``peak_mb``: the most memory of the process in this step, above what it held before the first."""

    name: str
    seconds: float
    peak_mb: float


def drop(root: Path, megabytes: int) -> int:
    """A file of lines that do not repeat, complete with its flag; its size in bytes."""
    path = root / "in" / NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        for number in range(megabytes):
            file.write(b"".join(f"D|{number:06}|{n:012x}\n".encode() for n in range(2**20 // 22)).ljust(2**20, b"\n"))
    path.with_name(f"{NAME}.ok").write_text(f"{path.stat().st_size}|1")
    os.utime(path, (1_700_000_000, 1_700_000_000))
    return path.stat().st_size


def measure(connection: Connection, folder: Path, databases: tuple[str, str], **environment: str) -> list[Step]:
    """Fetch, verify, back up, check and restore, each with its seconds and memory."""
    facts = {"connection": asdict(connection), "folder": str(folder), "databases": databases}
    done = subprocess.run(
        [sys.executable, __file__], input=json.dumps(facts), capture_output=True, text=True, cwd=ROOT,
        env={**os.environ, "HUB_KEYS": str(folder / "keys"), "TMPDIR": str(folder), **environment},
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(done.stderr[-3000:])
    return [Step(**json.loads(line)) for line in done.stdout.splitlines() if line.startswith("{")]


def _go(facts: dict[str, Any]) -> None:
    from connectors.sftp import SftpConnector
    from hub import backup, upkeep
    from hub.archive import Archive
    from hub.feed import SftpSource
    from hub.migrations import migrate
    from hub.pipeline import House, fetch_feed
    from hub.registry import read_registry
    from hub.store.database import open_database

    folder, engine = Path(facts["folder"]), open_database(facts["databases"][0])
    migrate(engine)
    registry = read_registry(ROOT / "mappings", "haidai_payrolls", "")
    house, feed = House(engine, Archive(folder / "archive"), registry), registry.feed("haidai_payrolls")
    agreed = {"connector": "sftp", "connection": "any", "files": "in/*_PAYR_*.txt", "name": "{any}", "done": ".ok"}
    format_ = {"type": "delimited", "separator": "|", "detail": {"mark": "D", "columns": ["标识", "序号", "姓名"]}}
    source = SftpSource.model_validate({**agreed, "format": format_})
    connection = Connection(**facts["connection"])

    def fetch() -> None:
        with SftpConnector(connection, source) as connector:
            assert len(fetch_feed(house, feed, connector)) == 1

    def restore() -> None:
        empty = open_database(facts["databases"][1])
        done = backup.restore_backup(empty, Archive(folder / "second"), folder / "backup", "x")
        assert (done.wrong, done.objects) == ((), 2)

    def verify() -> None:
        count, broken = upkeep.verify_archive(house, None)
        assert (count, broken) == (2, [])

    def check() -> None:
        assert backup.check_backup(folder / "backup")[1] == []

    house.archive.keep(b"warm")
    house.archive.remove(house.archive.keep(b"warm"))
    base = _peak_mb()
    steps: list[tuple[str, Callable[[], object]]] = [
        ("fetch into the archive", fetch), ("verify", verify),
        ("back up", lambda: backup.make_backup(engine, house.archive, folder / "backup")),
        ("check the backup", check), ("restore and verify", restore),
    ]  # fmt: skip
    for name, step in steps:
        _forget_peak()
        began = time.perf_counter()
        step()
        print(json.dumps(asdict(Step(name, time.perf_counter() - began, _peak_mb() - base))), flush=True)


def _peak_mb() -> float:
    """Of this process alone; what getrusage tells may be its parent's."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


def _forget_peak() -> None:
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


if __name__ == "__main__":
    _go(json.load(sys.stdin))
