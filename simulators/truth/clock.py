"""Dates of the truth: terms in working days, months as text, moments of a day."""

from datetime import date, datetime, time, timedelta

from simulators.workdays import is_workday


def add_workdays(day: date, count: int) -> date:
    """The so-manieth working day after a day, by the calendar of the People's Republic."""
    while count:
        day += timedelta(days=1)
        count -= is_workday(day)
    return day


def month_text(day: date, back: int = 0) -> str:
    """The month so many months before, as yyyy-MM."""
    return f"{first_of_month(day, back):%Y-%m}"


def first_of_month(day: date, back: int = 0) -> date:
    """The first day of the month so many months before."""
    months = day.year * 12 + day.month - 1 - back
    return date(months // 12, months % 12 + 1, 1)


def moment(day: date, hour: int, minutes: int = 0, seconds: int = 0) -> datetime:
    """A time of a day in China, without zone."""
    return datetime.combine(day, time(hour)) + timedelta(minutes=minutes, seconds=seconds)


def same_day_next_year(day: date, years: int) -> date:
    """The day so many years later; 29 February becomes 28 February."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 2, 28)
