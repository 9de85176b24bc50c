"""The day on real Airflow while its processes are killed: task processes, the scheduler, the triggerer, one database backend.

The launcher starts components again as a service manager would; nobody helps otherwise. Judged by the partners' own ledgers, row by
row and fen by fen, as the demonstration is.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable
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

PARTNERS = (*FIRST, *PERMITS, "yimeng", "yishan", "inspection")
SECONDS = (6.0, 12.0)
"""Between two kills: long enough for new tasks to have begun."""
Kill = Callable[[Stand, Random], bool]


def kill_task(stand: Stand, chance: Random) -> bool:
    """One process that runs a task, as the kernel does when memory is short."""
    scheduler = psutil.Process(stand.supervisor.pid("airflow-scheduler"))
    running = [one for one in scheduler.children(recursive=True) if "task" in " ".join(one.cmdline())[:400]]
    found = running or scheduler.children(recursive=True)
    if not found:
        return False
    chance.choice(found).kill()
    return True


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


KILLS: dict[str, Kill] = {
    "task": kill_task,
    "scheduler": kill_component("scheduler"),
    "triggerer": kill_component("triggerer"),
    "sessions": cut_sessions,
}


def play(seed: int, kills: int, say: Callable[[str], None]) -> tuple[int, list[str]]:
    """One day under fire; gives how many kills there were and what does not balance afterwards."""
    chance = Random(f"airflow/{seed}")
    with tempfile.TemporaryDirectory(prefix="faults-airflow-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        with (
            lock_state(Path(folder) / "state") as state,
            open_stand(state, Wish(0.1, seed, today(), partners=PARTNERS), say, port=0) as stand,
        ):
            over = threading.Event()
            shots: list[str] = []
            gunner = threading.Thread(target=_shoot, args=(stand, chance, kills, shots, over, say), daemon=True)
            gunner.start()
            settled = let_the_day_happen(stand, say)
            over.set()
            gunner.join(30)
            summary = sum_up(stand)
            violations = [f"not balanced: {gap}" for gap in summary.gaps]
            return len(shots), violations if settled else ["the day did not settle", *violations]


def _shoot(
    stand: Stand, chance: Random, kills: int, shots: list[str], over: threading.Event, say: Callable[[str], None]
) -> None:
    """Components may die as often as the launcher restarts them (three times in a row); the rest hits tasks."""
    left = {"scheduler": 2, "triggerer": 2}
    while len(shots) < kills and not over.wait(chance.uniform(*SECONDS)):
        what = chance.choice([name for name in KILLS if left.get(name, 1)])
        try:
            hit = KILLS[what](stand, chance)
        except psutil.Error:
            continue  # it had just ended by itself
        if hit:
            left[what] = left.get(what, 2) - (1 if what in left else 0)
            shots.append(what)
            say(f"killed: {what}")
            time.sleep(1)
