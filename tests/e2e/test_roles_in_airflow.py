"""Every route of Airflow, called as nobody and as each role, held against hub/roles.yaml by the permissions that route needs."""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from airflow_served import Served, airflow_served

from hub.roles import role_table

pytestmark = pytest.mark.timeout(900)
IS_WHOLE = os.environ.get("HUB_ROLES") == "whole"
NEEDS = {
    (row["method"], row["path"]): row
    for row in csv.DictReader((Path(__file__).parent / "airflow_routes.csv").read_text("utf-8").splitlines())
}
"""By route: the permissions it needs, `anyone`, `signed in` (it looks for its thing before it asks), or `nobody`; and a body."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server for the whole file."""
    folder = tmp_path_factory.mktemp("roles")
    folder.chmod(0o711)
    with airflow_served(folder) as up:
        yield up


def test_the_table_names_every_route_and_no_other(served: Served) -> None:
    """A route of a new version of Airflow, or of a plugin, fails here until somebody has said whose it is."""
    assert served.routes == set(NEEDS)
    documents = (requests.get(f"{served.url}{place}/openapi.json", timeout=30).json() for place in ("", "/auth"))
    described = {
        (method.upper(), ("/auth" if place else "") + path)
        for place, document in enumerate(documents)
        for path, methods in document["paths"].items()
        for method in methods
    }
    assert described <= {(method, path.replace(":path", "")) for method, path in NEEDS}


def test_each_route_lets_in_whom_the_table_names_and_nobody_else(served: Served) -> None:
    """401 or 403, or sent to the login page; anything else means let in, be it that the thing asked for is not there.

    `make test` calls each route as nobody and as one role after the other; `make roles` as every role.
    """
    wrong, roles = [], list(role_table().roles)
    for place, ((method, path), row) in enumerate(NEEDS.items()):
        if path.rstrip("/").endswith(("logout", "/login")) or "/execution/" in path:
            continue
        for role in (None, *(roles if IS_WHOLE else [roles[place % len(roles)]])):
            status, is_let_in = _call(served, role, method, path, row["body"])
            if not _fits(status, is_let_in, role, row["needs"]):
                wrong.append(f"{method} {path} as {role}: {status}, needs {row['needs']}")
    assert wrong == []


def test_a_wrong_line_of_the_table_would_be_noticed(served: Served) -> None:
    """What only the security admin may see is refused to all others, and given to the security admin."""
    for role in (None, *role_table().roles):
        for path in ("connections", "variables"):
            status, is_let_in = _call(served, role, "GET", f"/api/v2/{path}", "")
            assert is_let_in == (role == "security_admin"), (role, path, status)
            assert not _fits(
                200 if role != "security_admin" else 403, role != "security_admin", role, "can_read Connections"
            )


def test_who_runs_tasks_is_no_person(served: Served) -> None:
    """The API of running tasks takes tokens of tasks alone, never those of users."""
    for role in role_table().roles:
        answer = served.tokens[role].get(f"{served.url}/execution/variables/x", timeout=30)
        assert answer.status_code in (401, 403), (role, answer.status_code)


def _fits(status: int, is_let_in: bool, role: str | None, needs: str) -> bool:
    """What nobody may is refused in whichever way; what anyone may is a page, or the way to one."""
    if needs == "nobody":
        return not 200 <= status < 300
    return is_let_in == _may(role, needs) or (needs == "anyone" and status == 302)


def _may(role: str | None, needs: str) -> bool:
    if needs == "anyone" or role is None:
        return needs == "anyone"
    held = role_table().permissions_of(role)
    return needs == "signed in" or all(tuple(one.split(" ", 1)) in held for one in needs.split(" + "))


def _call(served: Served, role: str | None, method: str, path: str, body: str) -> tuple[int, bool]:
    """Status, and whether it is neither a refusal nor a way back to the door."""
    is_page = path.startswith("/auth/") and not path.startswith(
        ("/auth/fab/", "/auth/token", "/auth/docs", "/auth/openapi")
    )
    session = (served.pages if is_page else served.tokens)[role]
    data = None if is_page or method in ("GET", "DELETE") else json.loads(body or "{}")
    answer = session.request(method, served.url + _filled(path), json=data, allow_redirects=False, timeout=60)
    return answer.status_code, answer.status_code not in (401, 403) and not (is_page and answer.is_redirect)


def _filled(path: str) -> str:
    """A path with names of things that are not there."""
    numbers = {
        "limit": "1",
        "map_index": "0",
        "try_number": "1",
        "task_try_number": "1",
        "version_number": "1",
        "pk": "999999",
    }
    ids = ("asset_id", "asset_alias_id", "backfill_id", "event_log_id", "import_error_id")
    return re.sub(
        r"\{(\w+)(?::path)?\}|<(?:\w+:)?(\w+)>",
        lambda found: numbers.get(found[1] or found[2], "999999" if (found[1] or found[2]) in ids else "x"),
        path,
    )
