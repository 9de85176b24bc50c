"""A real API server of Airflow with the FAB auth manager on a real PostgreSQL, its roles made by `hub roles --airflow`."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

from hub.roles import role_table
from launcher.airflow_settings import plain_environment, settings
from launcher.ports import LOCAL, find_port
from launcher.postgres import EmbeddedPostgres

FAB = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"
SECONDS = 120
LIST_ROUTES = """
import json
from airflow.api_fastapi.app import create_app, get_auth_manager
def walk(routes, before=""):
    for one in routes:
        path, methods, inner = before + getattr(one, "path", ""), getattr(one, "methods", None), getattr(one, "routes", None)
        if methods:
            yield from ((method, path) for method in sorted(methods))
        elif inner:
            yield from walk(inner, path)
found = list(walk(create_app(apps="all").routes))
for rule in get_auth_manager().flask_app.url_map.iter_rules():
    found += ((method, "/auth" + rule.rule) for method in sorted(rule.methods))
print("ROUTES " + json.dumps([one for one in found if one[0] not in ("HEAD", "OPTIONS")]))
"""


@dataclass(frozen=True)
class Served:
    """Where it answers, every route it has by its own word, and by role what makes a call a user's: a token, and a session."""

    url: str
    routes: frozenset[tuple[str, str]]
    tokens: Mapping[str | None, requests.Session]
    pages: Mapping[str | None, requests.Session]


@contextmanager
def airflow_served(folder: Path) -> Iterator[Served]:
    """Up, with one user for each role, made by the first security admin as a person would make them."""
    home = folder / "airflow"
    (home / "plugins").mkdir(parents=True)
    with EmbeddedPostgres(folder / "postgres") as server:
        for name in ("airflow", "hub"):
            server.create_database(name)
        port = find_port(0, what="Airflow", notify=lambda _: None)
        env = plain_environment(home) | settings(folder, home, server.url("airflow"), port)
        env |= {"AIRFLOW__CORE__AUTH_MANAGER": FAB, "AIRFLOW__FAB__UPDATE_FAB_PERMS": "False"}
        env |= {"HUB_DATABASE_URL": server.url("hub"), "HUB_KEYS": str(folder / "keys")}
        _run(env, "-m", "airflow", "db", "migrate")
        _run(env, "-m", "hub.cli", "migrate")
        _run(env, "-m", "hub.cli", "roles", "--airflow")
        with (folder / "api-server.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "airflow", "api-server"], env=env, stdout=log, stderr=log, cwd=home
            )
        try:
            listed = _run(env, "-c", LIST_ROUTES)
            url = f"http://{LOCAL}:{port}"
            _wait(url, process)
            routes = json.loads(next(line for line in listed.splitlines() if line.startswith("ROUTES "))[7:])
            yield _with_users(
                url, {(method, path) for method, path in routes}, (home / "first-password").read_text().strip()
            )
        finally:
            process.kill()  # it has nothing to save, and would wait for every open connection
            process.wait(30)


def _run(env: Mapping[str, str], *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-P", *words], env=env, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return done.stdout


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if requests.get(f"{url}/api/v2/version", timeout=5).ok:
                return
        except requests.RequestException:
            time.sleep(0.2)
    raise AssertionError("the API server of Airflow did not come up")


def _with_users(url: str, routes: set[tuple[str, str]], first_password: str) -> Served:
    first = _token(url, "security", first_password)
    tokens: dict[str | None, requests.Session] = {None: requests.Session()}
    pages: dict[str | None, requests.Session] = {None: _page(url)}
    for role in role_table().roles.values():
        password = os.urandom(12).hex()
        person = {
            "username": role.name,
            "email": f"{role.name}@example.invalid",
            "first_name": role.zh,
            "last_name": "x",
        }
        made = first.post(
            f"{url}/auth/fab/v1/users",
            json={**person, "password": password, "roles": [{"name": role.title}]},
            timeout=30,
        )
        assert made.status_code in (200, 201), made.text
        tokens[role.name] = _token(url, role.name, password)
        pages[role.name] = _page(url, role.name, password)
    return Served(url, frozenset(routes), tokens, pages)


def _token(url: str, user: str, password: str) -> requests.Session:
    answer = requests.post(f"{url}/auth/token", json={"username": user, "password": password}, timeout=30)
    session = requests.Session()
    session.headers["Authorization"] = "Bearer " + answer.json()["access_token"]
    return session


def _page(url: str, user: str | None = None, password: str = "") -> requests.Session:
    """A browser's session, with the word that a form of this session must carry."""
    session = requests.Session()
    word = _form_word(session, f"{url}/auth/login/")
    if user is not None:
        session.post(
            f"{url}/auth/login/", data={"csrf_token": word, "username": user, "password": password}, timeout=30
        )
        word = _form_word(session, f"{url}/auth/resetmypassword/form")
    session.headers["X-CSRFToken"] = word
    return session


def _form_word(session: requests.Session, url: str) -> str:
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', session.get(url, timeout=30).text)
    assert found is not None, url
    return found[1]
