"""The sample of `make faults` that every test run takes: killed once at every commit point, and each kind of scenario once."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from hub.points import POINTS

from . import matrix, scenarios
from .flows import REACHED_ONLY_BY, SPECIAL
from .invariants import Checker
from .scenarios import SCENARIOS
from .stand import Stand

CALLED = tuple(
    point for point in POINTS if point.startswith(("page.", "call.")) or (point.startswith("tell.") and "call" in point)
)
USUAL = tuple(point for point in POINTS if point not in (*SPECIAL, *CALLED))
ALSO = {"archive renewed": ("archive.opened", "archive.written", "archive.synced")}
"""Usual points at which a flow of another kind has something else to lose: here an object that is there already."""
MARCHES: Sequence[tuple[str, Sequence[str]]] = (
    ("bank file", USUAL),
    ("clues", CALLED),
    *((flow, (*ALSO.get(flow, ()), *points)) for flow, points in REACHED_ONLY_BY.items()),
)
QUICK = (
    "the same task twice at once", "asleep at deliver.claimed", "a commit nobody heard of", "disk full", "clock an hour early",
    "nobody goes on for an hour",
)  # fmt: skip


@pytest.mark.parametrize(("flow", "points"), MARCHES, ids=[flow for flow, _ in MARCHES])
def test_killed_at_every_point_it_loses_and_doubles_nothing(
    stand: Stand, checker: Checker, flow: str, points: Sequence[str]
) -> None:
    """One worker after the other is killed a point further on; the last one finishes, and all ledgers agree."""
    verdict = matrix.run(stand, checker, matrix.march(flow, points, seed=1))
    assert verdict.violations == ()
    assert verdict.died == tuple(points)


@pytest.mark.parametrize("name", QUICK)
def test_what_else_befalls_processes_is_survived(stand: Stand, checker: Checker, name: str) -> None:
    """Twice at once, overtaken, cut off, without space, with a wrong clock."""
    scenario = next(scenario for scenario in SCENARIOS if scenario.name == name)
    verdict = scenarios.run(scenario, stand, checker, seed=1)
    assert verdict.violations == ()
    assert verdict.injected
