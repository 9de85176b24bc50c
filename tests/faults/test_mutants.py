"""A test of the tests: the exchange is broken on purpose inside one worker, and the checker must say so.

Each mutant is shown to be harmless in nothing but the promise it takes away: the same kill without it is survived.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from .flows import FLOWS
from .invariants import Checker, Violation
from .running import Ground
from .stand import Stand, standing

CASES = (
    ("tell_before_it_happened", "bank file", "report.sent", "I10"),
    ("forget_the_keys", "bank file", "deliver.answered", "I3"),
    ("forget_the_keys", "clues", "call.answered", "I4"),
    ("archive_after_the_commit", "permits", "fetch.committed", "I7"),
)


@pytest.fixture
def own_stand(on: Ground, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """A stand that nobody else has to go on with."""
    with standing(tmp_path_factory.mktemp("mutant"), on.server, on.door) as found:
        yield found


def violations_of(stand: Stand, flow_name: str, point: str, mutants: list[str]) -> list[Violation]:
    """What the checker finds after a worker with these mutants died at the point, and a sound one did the rest."""
    checker, flow = Checker(stand), next(flow for flow in FLOWS if flow.name == flow_name)
    name = flow.offer(stand, checker, Random(1))
    with stand.worker(mutants=mutants) as worker:
        assert worker.run(flow.verbs(name), {"kind": "kill", "point": point, "hit": 1}).died == point
    stand.finish(flow.feeds, seconds=5)
    return checker.judge()


@pytest.mark.parametrize(("mutant", "flow", "point", "invariant"), CASES)
def test_the_checker_notices_a_promise_that_is_taken_away(
    own_stand: Stand, mutant: str, flow: str, point: str, invariant: str
) -> None:
    """The invariant that hangs on it is violated."""
    assert invariant in {one.invariant for one in violations_of(own_stand, flow, point, [mutant])}


@pytest.mark.parametrize(("flow", "point"), sorted({(flow, point) for _, flow, point, _ in CASES}))
def test_the_same_death_of_a_sound_worker_is_survived(own_stand: Stand, flow: str, point: str) -> None:
    """Else the test above would prove nothing."""
    assert violations_of(own_stand, flow, point, []) == []
