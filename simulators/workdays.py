"""Working days of the People's Republic, with its holidays and swapped weekends.

Years that chinesecalendar does not know yet fall back to Monday to Friday.
"""

from datetime import date, timedelta
from functools import cache

import chinese_calendar


@cache
def is_workday(day: date) -> bool:
    """Whether offices work on this day."""
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:
        return day.weekday() < 5


def workday_before(day: date, days: int) -> date:
    """The last working day that is at least so many calendar days earlier."""
    day -= timedelta(days=days)
    while not is_workday(day):
        day -= timedelta(days=1)
    return day


def previous_month(day: date) -> date:
    """The first day of the month before."""
    return (day.replace(day=1) - timedelta(days=1)).replace(day=1)
