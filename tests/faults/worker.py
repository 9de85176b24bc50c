"""A worker: does what Airflow's tasks do, in a process of its own, and dies or stumbles where it is told to.

It speaks lines of JSON over its connection; the last line of one that is killed says at which point it died.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import signal
import socket
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import IO, Any

from airflow.sdk.exceptions import AirflowSkipException

import connectors.http
import connectors.retrying
import hub.registry.files
import hub.registry.receivers
import hub.settings
from hub import bootstrap, points, tasks, watching
from hub.model import Connection
from hub.pipeline import guarding
from hub.settings import now
from hub.store.database import open_database

from . import by_hand as decisions
from .mutants import MUTANTS

log = logging.getLogger("worker")
MOST_ROUNDS = 60
HASTE = 300
"""How many times shorter than in production a circuit stays open."""


def serve(connection: socket.socket) -> None:
    """Run one job after the other until the connection is closed."""
    with connection, connection.makefile("rw", encoding="utf-8") as line:
        for wish in line:
            job = json.loads(wish)
            if "place" in job:
                _settle_in(job["place"])
                _say(line, ended=True)
            else:
                _say(line, **_run(job, line))


def _say(line: IO[str], **facts: object) -> None:
    line.write(json.dumps(facts) + "\n")
    line.flush()


def _settle_in(place: Mapping[str, Any]) -> None:
    """Where this worker's database, archive, mappings and partners are, and where it writes its log."""
    os.environ.update(HUB_DATABASE_URL=place["database"], HUB_ARCHIVE=place["archive"], HUB_MAPPINGS=place["mappings"])
    logging.basicConfig(filename=place["log"], level=logging.INFO, force=True)
    paper = os.open(place["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(paper, 1)
    os.dup2(paper, 2)
    known = {name: _connection(name, **facts) for name, facts in place["connections"].items()}
    _replace(bootstrap, "find_connection", known.__getitem__)
    _replace(bootstrap, "open_database", cache(open_database))  # one pool for all patterns of mappings
    _read_mappings_once()
    tasks.POLL_SECONDS = 0.02
    _replace(connectors.retrying, "_backing_off", lambda state: 0.05)
    for pauses in ("AWAY_SECONDS", "REFUSED_SECONDS"):  # a circuit opens after as many failures, for a shorter while
        _replace(guarding, pauses, tuple(seconds / HASTE for seconds in getattr(guarding, pauses)))
    if place.get("impatient"):
        connectors.http.READ_SECONDS = 1
    for name in place.get("mutants", ()):
        MUTANTS[name]()


def _connection(name: str, conn_type: str, extra: Mapping[str, Any], **facts: Any) -> Connection:
    return Connection(name, extra={key: str(value) for key, value in extra.items()}, **facts)


def _replace(module: ModuleType, name: str, value: object) -> None:
    """In this process alone."""
    assert hasattr(module, name), f"{module.__name__} has no {name} any more"
    setattr(module, name, value)


def _read_mappings_once() -> None:
    """A task reads the mappings it needs; a worker here is many tasks, and the files do not change under it."""
    known = cache(hub.registry.files.read_file)

    def read(path: Path, model: Any) -> tuple[Any, list[Any]]:
        found, problems = known(path, model)
        return found, list(problems)

    for module in (hub.registry, hub.registry.receivers):
        _replace(module, "read_file", read)


def _run(job: Mapping[str, Any], line: IO[str]) -> dict[str, Any]:
    """Do the verbs one after the other; what goes wrong with one keeps no other from being done, as with DAGs."""
    fault = job.get("fault") or {}
    watcher = _Watcher(fault, line)
    points.watch(watcher)
    _turn_clock(float(fault.get("hours", 0)))
    errors: list[Exception] = []
    try:
        for verb, *words in job["verbs"]:
            _attempt(errors, VERBS[verb], *words)
    finally:
        points.watch(None)
        _turn_clock(0)
    first = f"{type(errors[0]).__name__}: {errors[0]}" if errors else None
    return {"ended": True, "error": first, "reached": watcher.counts}


def _attempt(errors: list[Exception], step: Callable[..., object], *words: Any) -> Any:
    """The step's result, None when it was skipped or failed. Failures are logged as Airflow logs a task's."""
    try:
        return step(*words)
    except AirflowSkipException:
        return None
    except Exception as error:
        log.exception("a task failed")
        errors.append(error)
        return None


def _raise_first(errors: Sequence[Exception]) -> None:
    if errors:
        raise errors[0]


def take_in(feed_ids: Sequence[str]) -> None:
    """Each feed's DAG: fetch, store, acknowledge. The last runs whatever became of the others."""
    errors: list[Exception] = []
    for feed_id in feed_ids:
        waiting = _attempt(errors, tasks.fetch, feed_id)
        if waiting:
            _attempt(errors, tasks.store, feed_id, waiting)
        _attempt(errors, tasks.acknowledge, feed_id)
    _raise_first(errors)


def send_out() -> None:
    """The DAG `deliver`, again and again while something is due."""
    errors: list[Exception] = []
    for _ in range(MOST_ROUNDS):
        due = _attempt(errors, tasks.find_due)
        for partner in due or ():
            _attempt(errors, tasks.deliver, partner)
        if not due or errors:
            break
    _raise_first(errors)


def tell_back() -> None:
    """The DAG `report`."""
    errors: list[Exception] = []
    for partner in _attempt(errors, tasks.find_untold) or ():
        _attempt(errors, tasks.report, partner)
    _raise_first(errors)


def whole_day(feed_ids: Sequence[str]) -> None:
    """Everything there is to do, once round."""
    errors: list[Exception] = []
    for step, *words in ((take_in, feed_ids), (send_out,), (tell_back,)):
        _attempt(errors, step, *words)
    _raise_first(errors)


def by_hand(decision: str, name: str) -> None:
    """What an officer or an admin decides about the newest batch of a file."""
    decisions.decide(decision, name)


def watch_ahead(minutes: int) -> None:
    """The DAG `watch` as it will run from now on, every quarter of an hour, until so many minutes from now."""
    for ahead in range(0, minutes + 1, 15):
        watching.watch(bootstrap.open_house(), now() + timedelta(minutes=ahead))


VERBS: Mapping[str, Callable[..., object]] = {
    "day": whole_day,
    "in": take_in,
    "fetch": tasks.fetch,
    "deliver": tasks.deliver,
    "by_hand": by_hand,
    "watch": watch_ahead,
}


class _Watcher:
    """Counts the points that are reached, and does at one of them what the fault says."""

    def __init__(self, fault: Mapping[str, Any], line: IO[str]) -> None:
        self.counts: Counter[str] = Counter()
        self._fault, self._line = fault, line

    def __call__(self, point: str) -> None:
        self.counts[point] += 1
        fault, hit = self._fault, self.counts[point]
        if point != fault.get("point") or not fault["hit"] <= hit < fault["hit"] + fault.get("times", 1):
            return
        if fault["kind"] == "kill":
            _say(self._line, died=point, hit=hit)
            os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(60)
        if fault["kind"] == "disk_full":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if fault["kind"] == "pause":
            _say(self._line, paused=point)
            self._line.readline()


def _turn_clock(hours: float) -> None:
    """Let this process believe that it is later or earlier than it is."""

    class Turned(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Turned:
            return cls.fromtimestamp(_TIME() + hours * 3600, tz)

    _replace(hub.settings, "datetime", Turned if hours else datetime)
    time.time = (lambda: _TIME() + hours * 3600) if hours else _TIME


_TIME = time.time
