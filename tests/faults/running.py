"""A whole run: episodes are shared out to a few stands at once, each stand is thrown away after some dozens of them."""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from launcher.postgres import EmbeddedPostgres

from . import matrix, scenarios, zygote
from .aging import FORMER_KEK
from .invariants import Checker, Violation
from .matrix import Episode, Verdict
from .scenarios import Scenario
from .stand import Stand, make_template, standing

PER_STAND = 40
Told = Callable[[Verdict], None]


@dataclass(frozen=True)
class Ground:
    """What all stands stand on: a database server and the process that workers are forked from."""

    folder: Path
    server: EmbeddedPostgres
    door: Path


@contextmanager
def ground(folder: Path) -> Iterator[Ground]:
    """Start both for the length of a `with` block."""
    folder.mkdir(parents=True, exist_ok=True)
    with (
        mock.patch.dict(os.environ, HUB_KEK_OLD=FORMER_KEK),
        EmbeddedPostgres(folder / "postgres") as server,
        zygote.running(folder) as door,
    ):
        make_template(server)
        yield Ground(folder, server, door)


def measure(on: Ground) -> Mapping[str, Mapping[str, int]]:
    """How often each flow reaches each point; what is wrong without any fault is a mistake of the suite or of the hub."""
    with standing(on.folder / "undisturbed", on.server, on.door) as stand:
        checker = Checker(stand)
        reached = matrix.measure(stand, checker)
        if found := checker.judge():
            raise AssertionError(f"violated without any fault: {'; '.join(map(str, found))}")
        return reached


def run_all(
    on: Ground, work: Sequence[Episode | tuple[Scenario, int]], stands: int, minutes: float, told: Told
) -> list[Verdict]:
    """Every episode and scenario in order, on so many stands at once; ``told`` hears of each verdict as it comes.

    After so many minutes none is begun any more: then there are fewer verdicts than work.
    """
    until = time.monotonic() + minutes * 60
    waiting: queue.SimpleQueue[Episode | tuple[Scenario, int]] = queue.SimpleQueue()
    for one in work:
        waiting.put(one)
    verdicts: list[Verdict] = []
    lock = threading.Lock()

    def note(verdict: Verdict) -> None:
        with lock:
            verdicts.append(verdict)
            told(verdict)

    threads = [threading.Thread(target=_use_up, args=(on, waiting, number, until, note)) for number in range(stands)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return verdicts


def _use_up(
    on: Ground, waiting: queue.SimpleQueue[Episode | tuple[Scenario, int]], number: int, until: float, note: Told
) -> None:
    turn = 0
    while not waiting.empty() and time.monotonic() < until:
        turn += 1
        with standing(on.folder / f"stand-{number}-{turn}", on.server, on.door) as stand:
            checker = Checker(stand)
            for _ in range(PER_STAND):
                if time.monotonic() > until:
                    return
                try:
                    one = waiting.get_nowait()
                except queue.Empty:
                    return
                verdict, goes_on = play(stand, checker, one)
                note(verdict)
                if not goes_on:
                    break


def play(stand: Stand, checker: Checker, one: Episode | tuple[Scenario, int]) -> tuple[Verdict, bool]:
    """One episode or scenario, and whether the stand is fit for another one."""
    try:
        if isinstance(one, Episode):
            verdict, is_alone = matrix.run(stand, checker, one), False
        else:
            scenario, seed = one
            verdict, is_alone = scenarios.run(scenario, stand, checker, seed), scenario.is_alone
    except Exception as error:
        name = f"kill · {one.flow} · {one.name}" if isinstance(one, Episode) else one[0].name
        seed = one.seed if isinstance(one, Episode) else one[1]
        broken = Violation("harness", f"{type(error).__name__}: {error}")
        return Verdict(name, seed, 0, (broken,), 0), False
    return verdict, not is_alone and not verdict.violations
