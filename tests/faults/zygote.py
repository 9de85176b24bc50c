"""One process that has imported everything slow and nothing that starts a thread of its own; every worker is its fork.

A worker that is killed costs a fork instead of five seconds of imports. Polars' threads do not survive a fork, so whatever would
start them (the shared schemas evaluate expressions when they are imported) is imported by the worker itself.
"""

from __future__ import annotations

import importlib
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
SLOW = (
    "airflow.sdk.exceptions", "alembic", "chinese_calendar", "connectors.rest", "connectors.sftp", "connectors.soap",
    "cryptography.hazmat.primitives.ciphers", "dataframely", "hub.feed", "lxml.etree", "openpyxl", "paramiko", "polars", "psycopg",
    "pydantic", "requests", "schemas.check_digits", "schemas.checks", "schemas.codes", "schemas.fields", "schemas.shared",
    "schemas.workdays", "sqlalchemy.dialects.postgresql.psycopg", "tenacity", "xlrd", "yaml", "zeep",
)  # fmt: skip


@contextmanager
def running(folder: Path) -> Iterator[Path]:
    """A zygote for the length of a `with` block; gives the socket where each connection becomes a worker."""
    place = folder / "workers.sock"
    command = [sys.executable, "-m", "tests.faults.zygote", str(place)]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        if process.stdout.readline().strip() != "ready":
            raise RuntimeError(f"the zygote ended with code {process.wait()} before it was ready")
        yield place
    finally:
        process.terminate()
        process.wait(10)


def main(place: str) -> None:
    """Fork a worker for every connection, until whoever started us is gone."""
    for name in SLOW:
        importlib.import_module(name)
    _make_tables()
    started = [Path(f"/proc/self/task/{task}/comm").read_text().strip() for task in os.listdir("/proc/self/task")]
    if any(name.startswith("polars-") and name[7:].isdigit() for name in started):
        raise SystemExit("polars has started its threads already: a fork of this process would hang")
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for workers: they are asked over their connection
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(place)
        door.listen(32)
        print("ready", flush=True)
        while True:
            ready, _, _ = select.select([door, sys.stdin], [], [])
            if sys.stdin in ready:
                return
            connection, _ = door.accept()
            if os.fork() == 0:
                door.close()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                _work(connection)
            connection.close()


def _make_tables() -> None:
    """The tables of the check digits are made when they are first asked for; no thread of polars is needed for that."""
    import polars as pl

    from schemas import check_digits

    for check in (
        check_digits.id_card_digit,
        check_digits.luhn_digit,
        check_digits.uscc_digit,
        check_digits.cnaps_digit,
    ):
        check(pl.col("number"))


def _work(connection: socket.socket) -> None:
    try:
        from .worker import serve

        serve(connection)
    finally:
        os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])
