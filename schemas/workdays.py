"""Working days of the People's Republic, with its holidays and swapped weekends, for clocks such as "within five working days".

The State Council names the holidays of a year late in the year before, so the calendar ends with the last year that the
package chinesecalendar knows. Beyond it a working day is Monday to Friday, and `is_known` says so; a deadline reckoned
there has `GRACE_DAYS` of tolerance, as the holidays to come can only be guessed.
"""

import datetime as dt
from functools import cache

import chinese_calendar
import polars as pl

FIRST, LAST = dt.date(1980, 1, 1), dt.date(2100, 12, 31)
GRACE_DAYS = 10
"""The longest holiday (eight or nine days) and the weekend it is joined to."""


def is_workday(day: dt.date) -> bool:
    """Whether offices work on this day; Monday to Friday where the calendar does not reach."""
    return bool(chinese_calendar.is_workday(day)) if _knows(day) else day.weekday() < 5


def add_workdays(day: pl.Expr, days: int) -> pl.Expr:
    """The working day that is so many working days after a day (which need not be one itself); null outside 1980 to 2100."""
    place = _place(day)
    return pl.lit(_workdays()).gather(pl.lit(_passed()).gather(place) + (days - 1))


def workdays_between(first: pl.Expr, last: pl.Expr) -> pl.Expr:
    """How many working days have begun after the first day and by the last; negative when the last comes before the first."""
    passed = pl.lit(_passed())
    return passed.gather(_place(last)) - passed.gather(_place(first))


def is_known(day: pl.Expr) -> pl.Expr:
    """Whether the calendar of that day's year has been published, so that working days are certain."""
    first, last = _known_years()
    return day.dt.year().is_between(first, last)


def latest_due(day: pl.Expr, days: int) -> pl.Expr:
    """The last day that can be so many working days later: exact in known years, with a tolerance beyond."""
    due = add_workdays(day, days)
    return pl.when(is_known(due)).then(due).otherwise(due.dt.offset_by(f"{GRACE_DAYS}d"))


def _place(day: pl.Expr) -> pl.Expr:
    inside = day.is_between(FIRST, LAST - dt.timedelta(days=366))
    return pl.when(inside).then((day - pl.lit(FIRST)).dt.total_days())


@cache
def _workdays() -> pl.Series:
    """All working days in order."""
    return pl.Series("day", [day for day in _days() if is_workday(day)], dtype=pl.Date)


@cache
def _passed() -> pl.Series:
    """For each day, how many working days have begun by its end."""
    return pl.Series("passed", [is_workday(day) for day in _days()], dtype=pl.Int64).cum_sum()


def _days() -> list[dt.date]:
    return [FIRST + dt.timedelta(days=n) for n in range((LAST - FIRST).days + 1)]


def _knows(day: dt.date) -> bool:
    first, last = _known_years()
    return first <= day.year <= last


@cache
def _known_years() -> tuple[int, int]:
    years = {day.year for day in chinese_calendar.constants.holidays}
    return min(years), max(years)
