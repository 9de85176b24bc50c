"""Rules over several columns that more than one record follows. Null passes: what is missing has its own reason."""

from collections.abc import Collection

import polars as pl

from schemas.check_digits import CNAPS_SHAPE
from schemas.checks import MONTH_SHAPE


def when_then_given(column: str, words: Collection[str], needed: str) -> pl.Expr:
    """In certain states another column must be filled in."""
    return ~pl.col(column).is_in(list(words)) | pl.col(needed).is_not_null()


def both_or_none(one: str, other: str) -> pl.Expr:
    """Half a pair says nothing."""
    return pl.col(one).is_null() == pl.col(other).is_null()


def last_day_of(month: pl.Expr) -> pl.Expr:
    """The last day of a month written yyyy-MM."""
    shaped = pl.when(month.str.contains(MONTH_SHAPE)).then(month)
    return (shaped + "-01").str.to_date("%Y-%m-%d", strict=False).dt.month_end()


def days_within(days: str, month: str) -> pl.Expr:
    """No more days than the month has."""
    return pl.col(days) <= last_day_of(pl.col(month)).dt.day()


def line_number_of(cnaps_code: str, bank3_code: str) -> pl.Expr:
    """A line number begins with the class of its bank; one of the wrong shape has another reason."""
    line_number = pl.col(cnaps_code)
    return (line_number.str.head(3) == pl.col(bank3_code)) | ~line_number.str.contains(CNAPS_SHAPE)
