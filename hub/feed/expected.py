"""What is normal for a feed: how much of it, and when it comes. Outside the first a batch waits for an officer, outside the second
there is an incident."""

from __future__ import annotations

from datetime import time
from typing import Literal

from pydantic import Field, model_validator

from hub.feed.words import Spec


class Arrives(Spec):
    """When something new must have come, and how long the partner may be out of reach."""

    by: str = Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", description="the hour in Shanghai, such as 18:00, in quotes")
    days: Literal["workdays", "daily"] = Field("workdays", description="workdays: with swapped weekends, as published")
    every: int = Field(1, ge=1, le=23, description="once in so many of these days")
    within_minutes: int = Field(ge=5, le=10080, description="how old the last successful look at the partner may be")
    least_share: str | None = Field(
        None,
        pattern=r"^\d{1,2}(\.\d+)?%$",
        description="a day smaller than this share of the median of the days before it is suspicious",
    )

    @model_validator(mode="after")
    def days_can_be_compared(self) -> Arrives:
        if self.least_share is not None and self.every > 5:
            raise ValueError("least_share: what comes so seldom has too few days before it that are still looked at")
        return self

    @property
    def hour(self) -> time:
        return time.fromisoformat(self.by)

    @property
    def share(self) -> float | None:
        return None if self.least_share is None else float(self.least_share.rstrip("%")) / 100


class Expect(Spec):
    """What is normal: outside ``rows`` and ``rejected_at_most`` a batch waits for an officer."""

    rows: tuple[int, int] | None = None
    rejected_at_most: str | None = Field(None, pattern=r"^\d{1,3}(\.\d+)?%$")
    arrives: Arrives | None = None

    @property
    def rejected_share(self) -> float | None:
        return None if self.rejected_at_most is None else float(self.rejected_at_most.rstrip("%")) / 100
