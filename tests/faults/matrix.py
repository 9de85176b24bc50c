"""The kill matrix: every commit point of every flow, at several of the times it is reached, for several seeds.

First each flow is run undisturbed and the points it reaches are counted; then workers are killed at them, one or several in a row,
a clean worker does what they left undone, and the checker judges.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from hub.points import POINTS

from .flows import FLOWS, Flow, flow_named
from .invariants import Checker, Violation
from .stand import Stand

Reached = Mapping[str, Mapping[str, int]]
"""How often each flow reaches each point."""
LATER_HITS = 6
"""Beyond the sixth time a point is no new one: the same step for another record of the same kind."""


@dataclass(frozen=True)
class Kill:
    """A worker is killed when it reaches a point for the n-th time."""

    point: str
    hit: int


@dataclass(frozen=True)
class Episode:
    """New data on one flow and the kills in a row that it must survive."""

    flow: str
    seed: int
    kills: tuple[Kill, ...]
    is_chain: bool = False
    """Killed at points chosen by chance."""

    @property
    def name(self) -> str:
        """The kills in a row; a long row is named by its ends."""
        words = [f"{kill.point}#{kill.hit}" for kill in self.kills]
        return " → ".join(words if len(words) < 8 else [words[0], f"{len(words) - 2} more", words[-1]])


@dataclass(frozen=True)
class Verdict:
    """What came of an episode. ``injected`` counts the faults that really happened; ``died``: where workers were killed."""

    scenario: str
    seed: int
    injected: int
    violations: tuple[Violation, ...]
    seconds: float
    died: tuple[str, ...] = ()
    is_kill: bool = False


def measure(stand: Stand, checker: Checker) -> Reached:
    """How often each flow reaches each point when nobody disturbs it."""
    chance = Random(0)
    found: dict[str, Mapping[str, int]] = {}
    for flow in FLOWS:
        name = _prepare(stand, checker, flow, chance)
        with stand.worker() as worker:
            ended = worker.run(flow.verbs(name))
        stand.finish(flow.feeds)
        stand.control.clear_faults()
        found[flow.name] = ended.reached
    return found


def plan(reached: Reached, seeds: Sequence[int], chains: int, length: int) -> Iterator[Episode]:
    """For each seed: every point by itself, in a flow that reaches it, and random chains. Each flow is marched through once, for
    one of the seeds: killed at one of its points after the other."""
    for turn, seed in enumerate(seeds):
        chance = Random(f"matrix/{seed}")
        for point in POINTS:
            flows = [name for name, counts in reached.items() if counts.get(point)]
            if flows:
                yield Episode(flow := chance.choice(flows), seed, (_kill(reached, flow, point, chance),))
        for flow in list(reached)[turn :: len(seeds)]:
            yield march(flow, [point for point in POINTS if reached[flow].get(point)], seed)
        for _ in range(chains):
            flow = chance.choice([flow.name for flow in FLOWS if not flow.by_hand])
            points = chance.choices(sorted(reached[flow]), k=length)
            yield Episode(flow, seed, tuple(_kill(reached, flow, point, chance) for point in points), is_chain=True)


def march(flow: str, points: Sequence[str], seed: int) -> Episode:
    """Killed at one point after the other, each worker going on where the last one fell."""
    return Episode(flow, seed, tuple(Kill(point, 1) for point in points))


def _kill(reached: Reached, flow: str, point: str, chance: Random) -> Kill:
    return Kill(point, chance.randint(1, min(reached[flow][point], LATER_HITS)))


def run(stand: Stand, checker: Checker, episode: Episode) -> Verdict:
    """Offer, kill, finish, judge."""
    started, chance = time.monotonic(), Random(f"{episode.seed}/{episode.name}")
    flow = flow_named(episode.flow)
    name = _prepare(stand, checker, flow, chance)
    died, left = list[str](), list[Violation]()
    for kill in episode.kills:
        with stand.worker() as worker:
            ended = worker.run(flow.verbs(name), {"kind": "kill", "point": kill.point, "hit": kill.hit})
        if ended.died:
            died.append(ended.died)
            left += checker.at_death()
    if flow.by_hand:
        stand.survivor().run([["by_hand", flow.by_hand, name]])  # refused when the one who died had done it already
    rest = stand.finish(flow.feeds)
    stand.control.clear_faults()
    left += [Violation("I7", f"it does not come to rest: {rest.error}")] if rest.error else []
    violations = tuple([*left, *checker.judge()])
    words, seconds = f"kill · {episode.flow} · {episode.name}", time.monotonic() - started
    return Verdict(words, episode.seed, len(died), violations, seconds, tuple(died), is_kill=True)


def _prepare(stand: Stand, checker: Checker, flow: Flow, chance: Random) -> str:
    name = flow.offer(stand, checker, chance)
    if flow.before:
        stand.finish(flow.feeds)
    return name
