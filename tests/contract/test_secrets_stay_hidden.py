"""Secrets of connections stand on no screen, in no log, error or table, whatever is typed and whoever refuses us."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import sqlalchemy as sa
from round_trip import FIRST_FEEDS, Hub, Typed, connections

from hub import bootstrap
from hub.errors import ConnectionMissing, HubError
from hub.model import Connection
from hub.settings import today
from hub.store.database import rows_of, working

CANARY = "canary-7f3a"
"""What every secret of a connection begins with here; no other text holds it."""
REFUSED = {"haidai_payrolls": "sftp", "bureau_permits": "rest", "nat_clues": "rest", "daizong_guarantees": "soap"}


def spoiled(connection: Connection) -> Connection:
    """The same address and login with secrets that nobody gave out, in every field that can hold one."""
    extra = {
        **connection.extra,
        "private_key": f"{CANARY}-key",
        "key_password": f"{CANARY}-pass",
        "note": f"{CANARY}-note",
    }
    return replace(connection, password=f"{CANARY}-password", extra=extra)


@pytest.fixture
def lying(hub: Hub) -> Iterator[Hub]:
    """A hub that has something to send, and wrong secrets for everybody."""
    hub.take_in(["bureau_permits"])
    known = {name: spoiled(one) for name, one in connections(hub.up.addresses).items()}

    def find(name: str) -> Connection:
        if name not in known:
            raise ConnectionMissing(f"there is no connection {name}")
        return known[name]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bootstrap, "find_connection", find)
        yield hub


def everything_kept(engine: sa.Engine) -> str:
    """Every row of every table of the hub, as text."""
    with working(engine) as work:
        tables = rows_of(
            work, "select schemaname || '.' || tablename as name from pg_tables where schemaname in ('hub', 'record')"
        )
        return "\n".join(
            row.text for table in tables for row in rows_of(work, f"select t::text as text from {table.name} as t")
        )


def test_no_command_and_no_refusal_shows_a_secret(
    lying: Hub, typed: Typed, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    """Wrong passwords over each protocol, every command that looks, errors with all that they carry."""
    caplog.set_level(logging.INFO)
    caplog.set_level(logging.DEBUG, "hub")
    day, said = today(), []
    for line in (
        "check", "feeds", "spec haidai", "spec daizong", "circuits", "leases", "incidents --all", "watch", "batches", "alarms",
        "roles", "audit", "log", "keys", f"reconcile --day {day} --partner province", f"balance --day {day}",
        *(f"backfill {feed} --from {day} --to {day}" for feed in REFUSED),
        *(f"backfill {feed} --from {day} --to {day} --go" for feed in REFUSED),
        "pause haidai_sftp --reason x", "resume haidai_sftp", "resend --receiver province --go", "catchup province",
    ):  # fmt: skip
        code, out, err = typed(*line.split())
        said += [out, err]
        if line.startswith("backfill") and "daizong" not in line:
            assert code == 2, line
    for feed_id in FIRST_FEEDS:
        said.append(refusal(lambda: lying.fetch(feed_id)))  # noqa: B023
    said += [refusal(lying.submit), refusal(lying.collect)]
    screen = capsys.readouterr()
    for name, text in (
        ("screen", "\n".join([*said, screen.out, screen.err])),
        ("log", caplog.text),
        ("tables", everything_kept(lying.house.engine)),
    ):
        assert CANARY not in text, f"{name}: {text[max(0, text.find(CANARY) - 300) : text.find(CANARY) + 60]}"
    with working(lying.house.engine) as work:
        work.execute(sa.text("insert into alarm (feed_id, message) values ('x', :text)"), {"text": f"{CANARY}-planted"})
    assert CANARY in everything_kept(lying.house.engine), "a secret in a table would be found"


def refusal(act: Callable[[], object]) -> str:
    """Everything that an error says of itself and of what caused it, as a task's log would show it."""
    try:
        act()
    except HubError as error:
        return "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error))
    return ""


def test_a_connection_shows_its_address_alone() -> None:
    """In a traceback, in a debugger, in a log line that somebody adds in haste."""
    shown = f"{spoiled(Connection('x', 'host.invalid', 22))!r} {spoiled(Connection('x'))}"
    assert f"{CANARY}-password" not in shown
    assert f"{CANARY}-key" not in shown


@pytest.mark.parametrize(
    "entered",
    [
        f"sftp://u:{CANARY}@host.invalid:not-a-port",
        f'{{"conn_type": "sftp", "password": "{CANARY}", "port": "x{CANARY}"}}',
        f'{{"conn_type": "sftp", "password": "{CANARY}"',
        f'["{CANARY}"]',
        f'{{"conn_type": "sftp", "host": "127.0.0.1", "port": 1, "login": "u", "password": "{CANARY}", "extra": "{CANARY}"}}',
    ],
)
def test_a_connection_that_is_entered_wrongly_is_named_and_not_quoted(entered: str, hub: Hub) -> None:
    """By Airflow's own reading of it, in a process of its own: nothing of it stands on screen."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    env |= {
        "AIRFLOW_CONN_HAIDAI_SFTP": entered,
        "HUB_ARCHIVE": str(hub.house.archive.folder),
        "AIRFLOW_HOME": str(hub.house.archive.folder),
    }
    env["HUB_DATABASE_URL"] = hub.house.engine.url.render_as_string(hide_password=False)
    words = ["backfill", "haidai_payrolls", "--from", str(today()), "--to", str(today())]
    done = subprocess.run(
        [sys.executable, "-m", "hub.cli", *words], env=env, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 2, done.stderr[-500:]
    assert "Traceback" not in done.stderr
    assert CANARY not in done.stdout + done.stderr
