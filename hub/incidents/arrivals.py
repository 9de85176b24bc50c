"""The days on which a feed is expected, and the last hour by which something should have come."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from hub.feed import Arrives
from hub.settings import TIME_ZONE
from schemas.workdays import is_workday

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Deadline:
    """Something must have come between the beginning of ``first`` and ``at``, which lies on ``last``."""

    first: date
    last: date
    at: datetime

    @property
    def opens_at(self) -> datetime:
        return datetime.combine(self.first, datetime.min.time(), TIME_ZONE)


def is_expected(arrives: Arrives, day: date) -> bool:
    """Whether the feed is expected on this day."""
    return arrives.days == "daily" or is_workday(day)


def last_deadline(arrives: Arrives, moment: datetime) -> Deadline:
    """The newest deadline that has passed at this moment."""
    local = moment.astimezone(TIME_ZONE)
    last = local.date() if local.time() >= arrives.hour else local.date() - ONE_DAY
    last = _back(arrives, last)
    first = last
    for _ in range(arrives.every - 1):
        first = _back(arrives, first - ONE_DAY)
    return Deadline(first, last, datetime.combine(last, arrives.hour, TIME_ZONE))


def _back(arrives: Arrives, day: date) -> date:
    """The day itself or the newest one before it on which the feed is expected."""
    while not is_expected(arrives, day):
        day -= ONE_DAY
    return day
