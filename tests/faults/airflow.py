"""A day on real Airflow while its processes are killed: those that run tasks, the scheduler, the triggerer, every database session.

The launcher starts components again as a service manager would; nobody helps otherwise. Judged by the partners' own ledgers, row by
row and fen by fen, as the demonstration is.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random

import psutil
import sqlalchemy as sa

from hub.settings import today
from launcher.day import let_the_day_happen
from launcher.partners import FIRST, PERMITS
from launcher.stand import Stand, Wish, open_stand
from launcher.state import lock_state
from launcher.summary import sum_up

from .invariants import Violation
from .matrix import Verdict

NAME = "Airflow's processes killed during a day"
PARTNERS = (*FIRST, *PERMITS, "yimeng", "yishan", "inspection")
SECONDS = (6.0, 12.0)
"""Between two kills: long enough for new tasks to have begun."""
MOST = {"scheduler": 2, "triggerer": 2}
"""The launcher starts a component three times in a row at most."""
Say = Callable[[str], None]
Kill = Callable[[Stand, Random], bool]


def kill_task(stand: Stand, chance: Random) -> bool:
    """One process that runs a task, as the kernel does when memory is short."""
    scheduler = psutil.Process(stand.supervisor.pid("airflow-scheduler"))
    titles = {one: " ".join(one.cmdline()) for one in scheduler.children(recursive=True)}
    running = [one for one, title in titles.items() if "airflow worker --" in title and "<idle>" not in title]
    if running:
        chance.choice(running).kill()
    return bool(running)


def kill_component(name: str) -> Kill:
    """A whole component; what it had started is left to itself."""

    def kill(stand: Stand, chance: Random) -> bool:
        psutil.Process(stand.supervisor.pid(f"airflow-{name}")).kill()
        return True

    return kill


def cut_sessions(stand: Stand, chance: Random) -> bool:
    """Every session of the hub at PostgreSQL ends, in the middle of whatever it does."""
    sql = """select pg_terminate_backend(pid) from pg_stat_activity
             where datname = current_database() and pid <> pg_backend_pid()"""
    with stand.database.connect() as work:
        return bool(work.execute(sa.text(sql)).all())


KILLS: Mapping[str, Kill] = {
    "task": kill_task,
    "scheduler": kill_component("scheduler"),
    "triggerer": kill_component("triggerer"),
    "sessions": cut_sessions,
}


def play(seed: int, kills: int, say: Say) -> Verdict:
    """One day under fire."""
    started, shots = time.monotonic(), Counter[str]()
    with tempfile.TemporaryDirectory(prefix="faults-airflow-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        wish = Wish(0.1, seed, today(), partners=PARTNERS)
        with lock_state(Path(folder) / "state") as state, open_stand(state, wish, say, port=0) as stand:
            over = threading.Event()
            gunner = threading.Thread(target=_shoot, args=(stand, Random(seed), kills, shots, over, say), daemon=True)
            gunner.start()
            settled = let_the_day_happen(stand, say)
            over.set()
            gunner.join(30)
            found = [Violation("I1", gap) for gap in sum_up(stand).gaps]
            found += [] if settled else [Violation("I7", "the day did not settle")]
    return Verdict(NAME, seed, shots.total(), tuple(found), time.monotonic() - started)


def _shoot(stand: Stand, chance: Random, kills: int, shots: Counter[str], over: threading.Event, say: Say) -> None:
    while shots.total() < kills and not over.wait(chance.uniform(*SECONDS)):
        what = chance.choice(["task", *(name for name in KILLS if shots[name] < MOST.get(name, kills))])
        try:
            if KILLS[what](stand, chance):
                shots[what] += 1
                say(f"killed: {what}")
        except (psutil.Error, sa.exc.OperationalError):
            continue  # it had just ended by itself
