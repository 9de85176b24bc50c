"""Commit points: the code reaches the named ones and no others, and nobody hears of them unless somebody watches."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub import points
from hub.points import POINTS

ROOT = Path(__file__).parents[3]
REACHED = re.compile(r'\breach\("([^"]*)"\)')


@pytest.fixture
def nobody_watches_afterwards() -> Iterator[None]:
    yield
    points.watch(None)


def reached() -> set[str]:
    """Every name that the source reaches."""
    files = [path for folder in ("hub", "connectors") for path in (ROOT / folder).rglob("*.py")]
    return {name for path in files for name in REACHED.findall(path.read_text("utf-8"))}


def test_every_point_is_named_and_every_name_is_reached() -> None:
    """A point without words cannot be judged; words without a point are tested by nobody."""
    assert reached() == set(POINTS)


def test_no_point_is_reached_by_a_name_that_is_made_up_while_running() -> None:
    """The test above reads the source; a name that is computed would escape it."""
    for path in (path for folder in ("hub", "connectors") for path in (ROOT / folder).rglob("*.py")):
        text = path.read_text("utf-8")
        calls = len(re.findall(r"(?<!def )\breach\(", text))
        assert calls == len(REACHED.findall(text)), path.name


def test_there_are_at_least_forty_in_every_kind_of_flow() -> None:
    """In: fetching, storing. Out: reporting by file and by call, delivering, collecting. By hand: four decisions."""
    assert len(POINTS) >= 40
    flows = {name.partition(".")[0] for name in POINTS}
    assert flows >= {"fetch", "archive", "store", "put", "call", "report", "deliver", "collect", "delivered"}
    assert flows >= {"release", "close", "resend", "replay"}


def test_each_says_what_is_durable_in_words_of_its_own() -> None:
    """Two points with the same words would be one."""
    assert len(set(POINTS.values())) == len(POINTS)
    assert all(len(words) > 15 and not words.endswith(".") for words in POINTS.values())


def test_a_watcher_hears_every_point_until_it_is_sent_away(nobody_watches_afterwards: None) -> None:
    """Without one nothing happens at all."""
    heard: list[str] = []
    points.reach("fetch.ended")
    points.watch(heard.append)
    points.reach("fetch.ended")
    points.watch(None)
    points.reach("fetch.ended")
    assert heard == ["fetch.ended"]
