"""Whether what a mapping expects can come true: a partner that is looked at once an hour cannot have been seen a minute ago."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hub.feed import FeedSpec
from hub.registry.problems import Place

HOUR, DAY = 60, 24 * 60
PART = re.compile(r"(?:\*|(\d+)(?:-(\d+))?)(?:/(\d+))?")


def arrival_faults(spec: FeedSpec) -> Iterator[tuple[Place, str]]:
    """Between two looks the partner must be allowed to be out of sight, and one look to fail."""
    arrives = spec.expect.arrives
    if arrives is None:
        return
    pause = longest_pause(spec.schedule)
    if arrives.within_minutes < 2 * pause:
        cause = f"the schedule looks every {pause} minutes; at least {2 * pause} are needed, so that one look may fail"
        yield ("expect", "arrives", "within_minutes"), cause


def longest_pause(schedule: str) -> int:
    """Minutes between two runs of a schedule that runs every hour; a day for one that does not, which is a guess."""
    minutes, _, others = schedule.partition(" ")
    if set(others.split()) != {"*"}:
        return DAY
    places = sorted({minute for part in minutes.split(",") for minute in _minutes(part)})
    if not places:
        return DAY
    following = [*places[1:], places[0] + HOUR]
    return max(after - before for before, after in zip(places, following, strict=True))


def _minutes(part: str) -> range:
    """The minutes of ``7``, ``*/5`` or ``2-59/15``; none of what is written otherwise."""
    found = PART.fullmatch(part)
    if found is None:
        return range(0)
    first, last, step = found.groups()
    if first is None:
        return range(0, HOUR, int(step or 1))
    end = int(last) if last else HOUR - 1 if step else int(first)
    return range(int(first), min(end, HOUR - 1) + 1, int(step or 1))
