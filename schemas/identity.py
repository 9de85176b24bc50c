"""Rules on people's document numbers, which depend on the kind of document."""

import datetime as dt

import polars as pl

from schemas import checks
from schemas.check_digits import ID_CARD_SHAPE

ID_CARD = "01"
RESIDENCE_PERMIT = "91"
"""The residence permit of Hong Kong, Macao and Taiwan residents is numbered like the ID card."""


def id_card_numbers(id_no: str, id_type: str | None = None) -> pl.Expr:
    """The numbers that must obey GB 11643; without a document kind, all that look like ID cards."""
    number = pl.col(id_no)
    if id_type is None:
        return pl.when(number.str.contains(r"^([0-9]{15}|[0-9]{17}[0-9X])$")).then(number)
    return pl.when(pl.col(id_type).is_in([ID_CARD, RESIDENCE_PERMIT])).then(number)


def not_15_digits(number: pl.Expr) -> pl.Expr:
    """The old 15-digit number, invalid since 2013, is turned down under its own code."""
    return ~number.str.contains(r"^[0-9]{15}$")


def id_card_shape(number: pl.Expr) -> pl.Expr:
    """Eighteen characters with a birth date that exists and has come."""
    shaped = number.str.contains(ID_CARD_SHAPE) & _birth_day_exists(number)
    return shaped | ~not_15_digits(number)


def _birth_day_exists(number: pl.Expr) -> pl.Expr:
    born = number.str.slice(6, 8).str.to_date("%Y%m%d", strict=False)
    return born.is_between(dt.date(1900, 1, 1), pl.lit(checks.today())).fill_null(False)
