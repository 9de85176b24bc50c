"""How much each feed sends at scale 1, read from profiles.yaml: what one feed refers to must be what another one sends."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

PROFILES = Path(__file__).parents[1] / "profiles.yaml"


@dataclass(frozen=True)
class Planned:
    """One line of the profiles."""

    feed: str
    population: str
    count: int
    nature: str

    @property
    def partner(self) -> str:
        """Feeds are called after their partner."""
        return self.feed.partition("_")[0]

    def at(self, scale: float) -> int:
        """How many documents it sends at this scale, never none."""
        return max(1, round(self.count * scale))


@cache
def read_profiles(path: Path = PROFILES) -> tuple[Planned, ...]:
    """Every profiled feed, in the order of the file."""
    feeds = yaml.safe_load(path.read_text(encoding="utf-8"))["feeds"]
    return tuple(
        Planned(feed, words["population"], int(words["count"]), words.get("nature", "project"))
        for feed, words in feeds.items()
    )
