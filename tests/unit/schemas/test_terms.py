"""Until when a clue must be concluded, and how late one is, in working days of the official calendar."""

import datetime as dt

import polars as pl
import pytest

from schemas import terms, workdays
from schemas.codes import CODE_LISTS

FRIDAY = dt.date(2026, 9, 25)  # the Mid-Autumn holiday; 20 September and 10 October are worked on Sundays and Saturdays


@pytest.mark.parametrize(
    ("channel", "level", "own", "day"),
    [
        ("nat", None, None, dt.date(2026, 10, 29)),
        ("12345", None, dt.date(2026, 10, 8), dt.date(2026, 10, 8)),
        ("petition", None, None, dt.date(2026, 11, 24)),
        ("superior", "red", None, dt.date(2026, 10, 9)),
        ("superior", "blue", None, dt.date(2026, 10, 29)),
        ("superior", "red", dt.date(2026, 9, 30), dt.date(2026, 9, 30)),
    ],
)
def test_a_clue_has_its_own_day_or_the_term_of_its_channel(
    channel: str, level: str | None, own: dt.date | None, day: dt.date
) -> None:
    """The channel's own day goes before any term; supervision shortens a term and never lengthens it."""
    assert terms.conclude_day(channel, FRIDAY, level, own) == day


def test_every_channel_and_level_has_a_term() -> None:
    """A channel without one would have no deadline."""
    assert set(terms.TERMS) == set(CODE_LISTS["clue_channel"])
    assert set(terms.URGENT) == set(CODE_LISTS["supervise_level"])


def test_a_clue_from_before_the_calendar_has_a_day_all_the_same() -> None:
    """Sixty days, so that nothing stays without an end."""
    assert terms.conclude_day("nat", dt.date(1979, 1, 1), None, None) == dt.date(1979, 3, 2)


@pytest.mark.parametrize(
    ("first", "last", "days"),
    [
        (dt.date(2026, 9, 30), dt.date(2026, 10, 12), 4),
        (dt.date(2026, 10, 12), dt.date(2026, 9, 30), -4),
        (dt.date(2026, 11, 20), dt.date(2026, 11, 21), 0),
        (dt.date(2026, 11, 20), dt.date(2026, 11, 23), 1),
    ],
)
def test_lateness_counts_working_days_only(first: dt.date, last: dt.date, days: int) -> None:
    """Holidays do not count, swapped Saturdays do; a day in the future is negative."""
    assert pl.select(workdays.workdays_between(pl.lit(first), pl.lit(last))).item() == days
