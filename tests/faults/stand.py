"""A small exchange to be broken: partners with ledgers, a database, an archive, and workers that can be killed.

One stand is used for some dozens of episodes and then thrown away, so that ledgers stay small.
"""

from __future__ import annotations

import json
import re
import shutil
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Self

import psycopg
import yaml
from psycopg.rows import namedtuple_row
from sqlalchemy import Engine

from hub import exchange_log
from hub.archive import Archive
from hub.backup import make_backup, restore_backup
from hub.exchange_log.verify_exchange import Altered
from hub.migrations import migrate
from hub.store.database import open_database, working
from hub.store.keys import sealing_key
from launcher.postgres import EmbeddedPostgres
from launcher.stand import connections_of
from simulators.running import Running, running

MAPPINGS = Path(__file__).parents[2] / "mappings"
STEPS = "inspection_steps"
"""Read only where a scenario lays steps before the hub."""
FEEDS = ("bureau_permits", "daizong_guarantees", "haidai_payrolls", "nat_clues")
BANK = "haidai"
RECEIVERS = ("inspection", "jining", "province", "taian")
"""At once with a submission key; at once without one; later, later."""
TEMPLATE = "faults_template"
SCALE = 3
_numbers = count(1)


class WorkerLost(Exception):
    """A worker ended and nobody had told it to."""


@dataclass(frozen=True)
class Ended:
    """How a job ended: done (perhaps with an error), or killed at a point."""

    reached: Mapping[str, int] = field(default_factory=dict)
    error: str | None = None
    died: str | None = None


class Worker:
    """Our end of the line to a worker."""

    def __init__(self, door: Path, place: Mapping[str, Any]) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(180)
        self._socket.connect(str(door))
        self._line = self._socket.makefile("rw", encoding="utf-8")
        self._write(place=place)
        self._read()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up: the worker ends."""
        self._line.close()
        self._socket.close()

    def start(self, verbs: Sequence[Sequence[Any]], fault: Mapping[str, Any] | None = None) -> None:
        """Give it a job; `end` says what became of it."""
        self._write(verbs=verbs, fault=fault)

    def end(self) -> Ended:
        """Wait until the job is done or the worker has died at its point."""
        said = self._read()
        if "died" in said:
            if self._line.readline():
                raise WorkerLost(f"a worker lived on after {said['died']}")
            return Ended(died=said["died"])
        return Ended(said["reached"], said["error"])

    def run(self, verbs: Sequence[Sequence[Any]], fault: Mapping[str, Any] | None = None) -> Ended:
        """One job from beginning to end."""
        self.start(verbs, fault)
        return self.end()

    def run_asleep(self, verbs: Sequence[Sequence[Any]], point: str, hit: int, meanwhile: Callable[[], object]) -> bool:
        """One job, during which it falls asleep at a point while something happens; whether it came to that point."""
        self.start(verbs, {"kind": "pause", "point": point, "hit": hit})
        is_asleep = "paused" in self._read()
        if is_asleep:
            meanwhile()
            self._line.write("go\n")
            self._line.flush()
            self.end()
        return is_asleep

    def _write(self, **facts: Any) -> None:
        self._line.write(json.dumps(facts) + "\n")
        self._line.flush()

    def _read(self) -> dict[str, Any]:
        text = self._line.readline()
        if not text:
            raise WorkerLost("a worker ended without a word")
        found: dict[str, Any] = json.loads(text)
        return found


class Stand:
    """The partners, one hub's state, and its workers."""

    def __init__(
        self, folder: Path, server: EmbeddedPostgres, door: Path, up: Running, mappings: Path, seed: int
    ) -> None:
        self.folder, self.up, self.mappings, self.seed = folder, up, mappings, seed
        self.archive, self.log = folder / "archive", folder / "worker.log"
        self.archive.mkdir(parents=True, exist_ok=True)
        self.database = f"faults_{next(_numbers)}"
        self._server, self._door = server, door
        self._survivor: Worker | None = None
        make_database(server, self.database, TEMPLATE)

    @property
    def control(self) -> Any:
        return self.up.control

    @property
    def url(self) -> str:
        return self._server.url(self.database)

    @property
    def bank_root(self) -> Path:
        """The bank's own folder."""
        return Path(self.up.addresses["sftp"]["users"][BANK]["root"])

    def place(self, **other: Any) -> dict[str, Any]:
        """What a worker must know; `other` facts replace the usual ones."""
        return {
            "database": self.url,
            "archive": str(self.archive),
            "mappings": str(self.mappings),
            "connections": connections_of(self.up.addresses),
            "log": str(self.log),
            **other,
        }

    def worker(self, **other: Any) -> Worker:
        """A new worker, for one that is to die or to stumble."""
        return Worker(self._door, self.place(**other))

    def bank_file(self, name: str) -> Path:
        """A dropped file where the bank has it."""
        return next((self.bank_root / "in").glob(f"*/{name}"))

    def returned_file(self, name: str) -> Path:
        """A return file where the bank finds it."""
        return next((self.bank_root / "out").glob(f"*/{name}"), self.bank_root / "out" / name)

    def survivor(self) -> Worker:
        """The worker that comes after the others and does what they left undone."""
        if self._survivor is None:
            self._survivor = self.worker()
        return self._survivor

    def prepare(self, *verbs: Sequence[Any]) -> None:
        """Let the survivor do what an episode begins with; that nothing is wrong with it is not what is tried."""
        if (ended := self.survivor().run(verbs)).error is not None:
            raise AssertionError(f"{verbs} came to {ended.error}")

    def finish(self, feed_ids: Sequence[str] = FEEDS, seconds: float = 60) -> Ended:
        """What Airflow's retries and later runs would do: go round until nothing moves any more; the last round."""
        until = time.monotonic() + seconds
        while True:
            ended = self.survivor().run([["day", list(feed_ids)]])
            if ended.error is None and not self.unsettled():
                return ended
            if time.monotonic() > until:
                return Ended(error=ended.error or f"{self.unsettled()} batches, records or submissions are left undone")
            time.sleep(0.2)

    def unsettled(self) -> int:
        """Batches on their way, records without a final answer, submissions without one."""
        sql = """select (select count(*) from batch where state in ('fetched', 'stored', 'delivered'))
                      + (select count(*) from delivery where state not in ('accepted', 'refused', 'withdrawn'))
                      + (select count(*) from submission where answered_at is null) as n"""
        return int(self.ask(sql)[0].n)

    def ask(self, sql: str, *values: Any) -> list[Any]:
        """A question to the hub's own tables."""
        with psycopg.connect(self.url, options="-c search_path=hub", row_factory=namedtuple_row) as connection:
            return connection.execute(sql, values or None).fetchall()

    def close(self) -> None:
        """End the worker and forget the database."""
        self._hang_up()
        drop_database(self._server, self.database)

    @contextmanager
    def second_hub(self) -> Iterator[dict[str, Any]]:
        """Another hub's database and archive, for a worker that is to belong to it."""
        name, archive = f"{self.database}_second", self.folder / "archive_second"
        archive.mkdir()
        make_database(self._server, name, TEMPLATE)
        try:
            yield {"database": self._server.url(name), "archive": str(archive)}
        finally:
            drop_database(self._server, name)

    def back_up(self) -> Path:
        """What `hub backup` writes of the database and the archive as they are now."""
        folder = self.folder / f"backup_{next(_numbers)}"
        with self._engine() as engine:
            make_backup(engine, Archive(self.archive), folder)
        return folder

    def restore(self, folder: Path) -> None:
        """Lose the database, not the archive, and do what `hub restore` does."""
        self._hang_up()
        drop_database(self._server, self.database)
        make_database(self._server, self.database, "template1")
        with self._engine() as engine:
            restore_backup(engine, Archive(self.archive), folder, "admin")

    def log_fault(self) -> str:
        """What is wrong with the seals of the exchange log; empty when nothing is."""
        with self._engine() as engine:
            try:
                exchange_log.verify_log(engine, {})
            except Altered as error:
                return str(error)
        return ""

    @contextmanager
    def _engine(self) -> Iterator[Engine]:
        engine = open_database(self.url)
        try:
            yield engine
        finally:
            engine.dispose()

    def cut_connections(self) -> None:
        """End every session of the hub, as a restarted database does."""
        with psycopg.connect(self._server.url("postgres"), autocommit=True) as connection:
            sql = "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s"
            connection.execute(sql, (self.database,))

    def database_port(self) -> int:
        return self._server.port

    def _hang_up(self) -> None:
        if self._survivor is not None:
            self._survivor.close()
            self._survivor = None
        self.cut_connections()


def make_database(server: EmbeddedPostgres, name: str, template: str) -> None:
    """A copy of another database; nobody may be connected to that."""
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        for attempt in range(50):
            try:
                connection.execute(f'create database "{name}" template "{template}"')
                return
            except psycopg.errors.ObjectInUse:
                if attempt == 49:
                    raise
                time.sleep(0.1)


def drop_database(server: EmbeddedPostgres, name: str) -> None:
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(f'drop database if exists "{name}" with (force)')


def make_template(server: EmbeddedPostgres) -> None:
    """The tables, once: a copy of them takes a tenth of a second."""
    if server.create_database(TEMPLATE):
        engine = open_database(server.url(TEMPLATE))
        migrate(engine)
        with working(engine) as work:
            sealing_key(work)  # the quarter's first key: later ones are made where a flow changes keys
        engine.dispose()


def small_mappings(folder: Path) -> Path:
    """Four feeds of four kinds and four receivers of three kinds, all of them quick and patient with old day folders.

    Jining stands for the receivers that know no submission key; here it takes the records of Tai'an's area.
    """
    target = folder / "mappings"
    shutil.copytree(MAPPINGS, target, ignore=shutil.ignore_patterns("samples", "__pycache__"))
    kept = {
        "": (*FEEDS, STEPS, "partners"),
        "receivers": RECEIVERS,
        "statements": (BANK,),
    }
    for path in target.rglob("*.yaml"):
        place = path.relative_to(target).parent.name
        if path.stem not in kept[place]:
            path.unlink()
        elif path.stem != "partners":
            spec = yaml.safe_load(path.read_text("utf-8"))
            _hurry(spec, is_receiver=place == "receivers", is_bank=path.stem.startswith(BANK))
            path.write_text(yaml.safe_dump(spec, allow_unicode=True, sort_keys=False), "utf-8")
    _forget_unused_codes(target)
    return target


def _hurry(spec: dict[str, Any], *, is_receiver: bool, is_bank: bool) -> None:
    """A call brings two or three rows here, of which one may be bad: what share may be rejected is asked of the bank alone."""
    if is_receiver:
        spec |= {"calls_per_second": 1000, "delayed_seconds": 1, "delayed_at_most": 2}
        if spec.get("areas") == ["3708"]:
            spec["areas"] = ["3709"]
    elif "source" in spec:
        spec["source"] |= {"look_back_days": 36500} if is_bank else {}
        spec["source"] |= {"calls_per_second": 1000} if spec["source"]["connector"] == "rest" else {}
        if not is_bank:
            spec["expect"].pop("rejected_at_most", None)
        elif "report" in spec:
            spec["report"]["intake"]["proof"] = "out/{date}/PRF_{name}.json"


def _forget_unused_codes(mappings: Path) -> None:
    """Every worker reads every code table: some hundreds of them are for other feeds."""
    text = "".join(path.read_text("utf-8") for path in (*mappings.glob("*.yaml"), *mappings.glob("receivers/*.yaml")))
    for path in (mappings / "codes").glob("*.csv"):
        if not re.search(rf"codes: {path.stem}\b", text):
            path.unlink()


@contextmanager
def standing(folder: Path, server: EmbeddedPostgres, door: Path, seed: int = 7) -> Iterator[Stand]:
    """A stand for the length of a `with` block. Its web partners have no row yet, its bank no file."""
    folder.mkdir(parents=True, exist_ok=True)
    mappings = small_mappings(folder)
    receivers = ",".join(name for name in RECEIVERS if name != "province")
    options = {"seed": seed, "scale": SCALE, "latency": 0, "rate": 1000, "bad_share": 0.05, "mappings": mappings}
    with running(folder / "partners", receivers, **options) as up:
        for partner in ("bureau", "nat", "daizong"):
            up.control.show(partner, 0)
        stand = Stand(folder, server, door, up, mappings, seed)
        try:
            yield stand
        finally:
            stand.close()
