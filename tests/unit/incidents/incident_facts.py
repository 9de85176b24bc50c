"""Facts for the tables of these tests: a few feeds of two partners, and days on which something came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from hub.feed import Arrives, Feed
from hub.incidents import Day, Facts, Watched
from hub.registry import read_registry
from hub.settings import TIME_ZONE

MAPPINGS = Path(__file__).parents[3] / "mappings"
LONG_AGO = datetime(2025, 1, 1, tzinfo=TIME_ZONE)
_KNOWN = read_registry(MAPPINGS, "haidai_*").feeds | read_registry(MAPPINGS, "bureau_*").feeds


def at(text: str) -> datetime:
    """A moment in Shanghai, such as 2026-02-14 18:05."""
    return datetime.fromisoformat(text).replace(tzinfo=TIME_ZONE)


def arrives(**words: Any) -> Arrives:
    """By six in the evening of each working day, unless it is said otherwise."""
    return Arrives.model_validate({"by": "18:00", "within_minutes": 60, **words})


def feed(feed_id: str = "haidai_accounts", **words: Any) -> Feed:
    """A feed of the project with other expectations."""
    known = _KNOWN[feed_id]
    expect = known.spec.expect.model_copy(update={"arrives": arrives(**words)})
    return known.model_copy(update={"spec": known.spec.model_copy(update={"expect": expect})})


def came(*days: str | tuple[str, int]) -> list[Day]:
    """Days with a moment and perhaps how many rows (100)."""
    found = [(day, 100) if isinstance(day, str) else day for day in days]
    return [Day(at(moment).date(), rows, at(moment)) for moment, rows in found]


def facts(
    now: str, *feeds: Feed, days: Mapping[str, Sequence[Day]] | Sequence[Day] = (), looked: str = "", **more: Any
) -> Facts:
    """What is known now; each feed was looked at a moment ago, or when ``looked`` says."""
    known = {one.feed_id: one for one in feeds}
    brought = days if isinstance(days, Mapping) else {feed_id: days for feed_id in known}
    watched = {feed_id: Watched(LONG_AGO, at(looked or now)) for feed_id in known}
    given = {"resumed_at": LONG_AGO, "feeds": known, "watched": watched, "days": brought, **more}
    return Facts(now=at(now), **given)
