"""A test of the tests: the exchange is broken on purpose inside one worker, and the checker must say so.

Each mutant is shown to be harmless in nothing but the promise it takes away: the same kill without it is survived.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from . import scenarios
from .flows import flow_named
from .invariants import Checker, Violation
from .running import Ground
from .stand import Stand, standing

CASES = (
    ("tell_before_it_happened", "bank file", "put.begun", 1, "I10"),
    ("forget_the_keys", "clues", "deliver.answered", 1, "I3"),
    ("forget_the_keys", "bank file", "deliver.answered", 4, "I3"),
    ("forget_the_keys", "clues", "call.answered", 1, "I4"),
    ("forget_the_keys", "conclusions", "conclude.told", 1, "I4"),
    ("archive_after_the_commit", "permits", "fetch.committed", 1, "I6"),
)
"""What is taken away, where and how late the worker dies (the fourth answer is the first of a receiver with keys), what breaks."""


@pytest.fixture
def own_stand(on: Ground, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """A stand that nobody else has to go on with."""
    with standing(tmp_path_factory.mktemp("mutant"), on.server, on.door) as found:
        yield found


def violations_of(stand: Stand, flow_name: str, point: str, hit: int, mutants: list[str]) -> list[Violation]:
    """What the checker finds after a worker with these mutants died at the point, and a sound one did the rest."""
    checker, flow = Checker(stand), flow_named(flow_name)
    name = flow.offer(stand, checker, Random(1))
    with stand.worker(mutants=mutants) as worker:
        assert worker.run(flow.verbs(name), {"kind": "kill", "point": point, "hit": hit}).died == point
    left = checker.at_death()
    stand.finish(flow.feeds, seconds=5)
    return [*left, *checker.judge()]


@pytest.mark.parametrize(("mutant", "flow", "point", "hit", "invariant"), CASES)
def test_the_checker_notices_a_promise_that_is_taken_away(
    own_stand: Stand, mutant: str, flow: str, point: str, hit: int, invariant: str
) -> None:
    """The invariant that hangs on it is violated."""
    assert invariant in {one.invariant for one in violations_of(own_stand, flow, point, hit, [mutant])}


@pytest.mark.parametrize(("flow", "point", "hit"), sorted({case[1:4] for case in CASES}))
def test_the_same_death_of_a_sound_worker_is_survived(own_stand: Stand, flow: str, point: str, hit: int) -> None:
    """Else the test above would prove nothing."""
    assert violations_of(own_stand, flow, point, hit, []) == []


@pytest.mark.parametrize(
    ("mutants", "invariants"),
    [
        (["hand_over_what_is_answered", "forget_the_fence"], {"I5"}),
        (["hand_over_what_is_answered"], set()),
        ([], set()),
    ],
    ids=["unfenced", "fenced", "sound"],
)
def test_a_worker_that_was_overtaken_goes_on_only_without_the_fence(
    own_stand: Stand, mutants: list[str], invariants: set[str]
) -> None:
    """It holds an old version in its hands; a receiver without submission keys would be given it after the new one.

    What its records were answered since would keep it from sending as well: that guard is taken away, and the fence stands alone.
    """
    play = scenarios.overtaken_by_a_correction("jining", "deliver.claimed", 2, mutants)
    checker = Checker(own_stand)
    is_asleep, left = play(own_stand, checker, Random(1))
    assert is_asleep
    assert {one.invariant for one in [*left, *checker.judge()]} == invariants
