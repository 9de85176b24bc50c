"""Where a number of a person could stand after a day: every file of a stand that is not the partners' own, and every table."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from hub.masking import SHORTEST_SECRET
from launcher.leaks import Canaries, Leak, search, search_secrets

THEIRS = {
    "simulators": "the partners' own folders and ledgers, with the return files that must carry numbers",
}
"""Folders of a state that are not searched, and why."""
KEEPS_SECRETS = ("secrets", "keys", "hub.env", "seal.key")
"""Files of a state in which secrets are kept, each for its owner alone; nowhere else may one stand."""
NOT_TEXT = ("pg_catalog", "information_schema")
SAMPLES = "pg_catalog.pg_statistic"
"""PostgreSQL keeps the commonest values of each column here."""


@dataclass
class Searched:
    """What was looked through, and what was found there."""

    files: int = 0
    tables: int = 0
    size: int = 0
    leaks: list[Leak] = field(default_factory=list)
    size_of: dict[str, int] = field(default_factory=dict)
    """Bytes by kind of place; ``size`` is of all of them."""

    def add(self, place: str, data: bytes, canaries: Canaries) -> None:
        self.size += len(data)
        kind = place.split("/")[0]
        self.size_of[kind] = self.size_of.get(kind, 0) + len(data)
        self.leaks += search(data, place, canaries)


def search_stand(
    state: Path,
    databases: Iterable[str],
    canaries: Canaries,
    *,
    secrets: Collection[str] = (),
    more: Iterable[Path] = (),
) -> Searched:
    """Search all files of a state and of more folders, and all tables of these databases (addresses as libpq takes them).

    ``secrets`` may stand in no table and no file but those that keep them.
    """
    found = Searched()
    for address in databases:
        for table, data in read_tables(address):
            found.tables += 1
            found.add(table, data, canaries)
            found.leaks += search_secrets(data, table, secrets)
    for folder in (state, *more):
        for path in files_of(folder):
            try:
                data = path.read_bytes()
            except FileNotFoundError:  # gone meanwhile
                continue
            found.files += 1
            name = path.relative_to(folder)
            found.add(str(name), data, canaries)
            if name.parts[0] not in KEEPS_SECRETS:
                found.leaks += search_secrets(data, str(name), secrets)
    return found


def secrets_of(state: Path, environment: Mapping[str, str]) -> set[str]:
    """Passwords and keys of connections and database, the roots of the sealed fields, the private half of the sealing key."""
    found = {(state / "keys" / name).read_text().strip() for name in ("kek", "index_root")}
    found |= {(state / "seal.key").read_text().split()[1], urlsplit(environment["HUB_DATABASE_URL"]).password or ""}
    for name, text in environment.items():
        if name.startswith("AIRFLOW_CONN_"):
            facts = json.loads(text)
            found |= {facts.get("password", ""), facts.get("extra", {}).get("private_key", "")}
    return {one for one in found if len(one) >= SHORTEST_SECRET}


def files_of(state: Path) -> Iterator[Path]:
    """Every file below the state that is not the partners' own."""
    for path in sorted(state.rglob("*")):
        if path.is_file() and path.relative_to(state).parts[0] not in THEIRS:
            yield path


def read_tables(address: str) -> Iterator[tuple[str, bytes]]:
    """Each table as the text that a dump would hold; bytes are hexadecimal there."""
    with psycopg.connect(address) as connection:
        sql = """select quote_ident(schemaname) || '.' || quote_ident(tablename) from pg_tables
                 where schemaname <> all(%s) order by 1"""
        names = [row[0] for row in connection.execute(sql, [list(NOT_TEXT)])]
        for name in [*names, SAMPLES]:
            with connection.cursor() as cursor, cursor.copy(f"copy {name} to stdout".encode()) as rows:
                yield f"{connection.info.dbname}:{name}", b"".join(bytes(part) for part in rows)
