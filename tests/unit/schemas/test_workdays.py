"""Working days are those of the State Council's calendar, and Monday to Friday where it does not reach."""

import datetime as dt

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import workdays

KNOWN_FROM, KNOWN_TO = dt.date(2004, 1, 1), dt.date(2026, 12, 31)


def after(day: dt.date, days: int) -> dt.date | None:
    return pl.DataFrame({"day": [day]}).select(workdays.add_workdays(pl.col("day"), days)).item()


@pytest.mark.parametrize(
    ("day", "days", "expected"),
    [
        (dt.date(2026, 11, 20), 5, dt.date(2026, 11, 27)),  # a plain week
        (dt.date(2026, 11, 21), 1, dt.date(2026, 11, 23)),  # from a Saturday
        (dt.date(2026, 9, 30), 1, dt.date(2026, 10, 8)),  # over the national day
        (dt.date(2026, 10, 9), 1, dt.date(2026, 10, 10)),  # a swapped Saturday
        (dt.date(2026, 2, 13), 1, dt.date(2026, 2, 14)),  # a swapped Saturday before the spring festival
        (dt.date(2026, 2, 14), 1, dt.date(2026, 2, 24)),
        (dt.date(2027, 1, 29), 1, dt.date(2027, 2, 1)),  # not known yet: Monday to Friday
    ],
)
def test_working_days_follow_the_calendar(day: dt.date, days: int, expected: dt.date) -> None:
    """Holidays do not count, swapped weekends do."""
    assert after(day, days) == expected


@given(st.dates(KNOWN_FROM, dt.date(2026, 10, 1)), st.integers(1, 20))
def test_the_table_agrees_with_walking_day_by_day(day: dt.date, days: int) -> None:
    """Against the package itself, one day after the other."""
    left, walked = days, day
    while left:
        walked += dt.timedelta(days=1)
        left -= workdays.is_workday(walked)
    assert after(day, days) == walked


@given(st.dates(dt.date(2027, 1, 1), dt.date(2098, 1, 1)))
def test_beyond_the_calendar_five_working_days_are_a_week(day: dt.date) -> None:
    """From a Monday to Friday; a later publication of the calendar may change the answer, so it is marked as uncertain."""
    monday = day - dt.timedelta(days=day.weekday())
    assert after(monday, 5) == monday + dt.timedelta(days=7)
    assert not pl.DataFrame({"day": [day]}).select(workdays.is_known(pl.col("day"))).item()


@pytest.mark.parametrize(
    ("notice", "latest"),
    [(dt.date(2026, 11, 20), dt.date(2026, 11, 27)), (dt.date(2026, 12, 30), dt.date(2027, 1, 16))],
)
def test_a_deadline_in_an_unknown_year_has_tolerance(notice: dt.date, latest: dt.date) -> None:
    """Nobody is blamed for a holiday that the package does not know yet."""
    assert pl.DataFrame({"day": [notice]}).select(workdays.latest_due(pl.col("day"), 5)).item() == latest


@pytest.mark.parametrize(
    "day", [None, dt.date(1970, 1, 1), dt.date(1979, 12, 31), dt.date(2100, 12, 31), dt.date(9999, 1, 1)]
)
def test_days_outside_the_table_have_no_answer(day: dt.date | None) -> None:
    """Such days are turned down for themselves; nothing raises."""
    frame = pl.DataFrame({"day": [day]}, schema={"day": pl.Date})
    assert frame.select(workdays.add_workdays(pl.col("day"), 5)).item() is None
