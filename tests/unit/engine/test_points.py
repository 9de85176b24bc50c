"""Commit points have names that the code reaches, and no others."""

from __future__ import annotations

import re
from pathlib import Path

from hub.points import POINTS, reach, watch

PROJECT = Path(__file__).parents[3]


def test_the_code_reaches_every_point_and_no_other() -> None:
    """A point that is renamed in one place only would never be tried."""
    sources = [path.read_text("utf-8") for name in ("hub", "connectors") for path in (PROJECT / name).rglob("*.py")]
    assert sorted({point for text in sources for point in re.findall(r'reach\("([a-z_.]+)"\)', text)}) == sorted(POINTS)


def test_a_point_is_heard_of_only_while_somebody_watches() -> None:
    """Production has nobody who does."""
    heard: list[str] = []
    reach("deliver.claimed")
    watch(heard.append)
    reach("deliver.claimed")
    watch(None)
    reach("deliver.claimed")
    assert heard == ["deliver.claimed"]
