"""What people's document numbers must look like, which depends on the kind of document."""

import datetime as dt

import polars as pl

from schemas import checks
from schemas.check_digits import ID_CARD_SHAPE

GENERAL_SHAPE = r"^[0-9A-Za-z()/-]{5,24}$"
"""What any document number looks like; judged by the column itself."""
ID_CARD = "01"
PASSPORT = "08"
MAINLAND_PERMIT = "10"
"""Travel permit of Hong Kong and Macao residents."""
TAIWAN_PERMIT = "12"
RESIDENCE_PERMIT = "91"
"""The residence permit of Hong Kong, Macao and Taiwan residents is numbered like the ID card."""
FOREIGN_RESIDENCE = "92"
"""Since 2023 numbered like the ID card, beginning with 9; before, three letters and twelve digits."""
RESIDENCE_PREFIX = r"^8[123]0000"
SHAPES = {
    PASSPORT: r"^[0-9A-Z]{5,17}$",
    MAINLAND_PERMIT: r"^[HM][0-9]{8}([0-9]{2})?$",
    TAIWAN_PERMIT: r"^[0-9]{8}$",
    FOREIGN_RESIDENCE: r"^([A-Z]{3}[0-9]{12}|9[0-9]{16}[0-9X])$",
}
"""Documents that are not numbered like the ID card; for those not listed only the general shape counts."""
YEARS_TO_WORK = 16


def id_card_numbers(id_no: str, id_type: str | None = None) -> pl.Expr:
    """The numbers that must obey GB 11643; without a document kind, all that look like ID cards."""
    number = pl.col(id_no)
    if id_type is None:
        return pl.when(number.str.contains(r"^([0-9]{15}|[0-9]{17}[0-9Xx])$")).then(number)
    kind = pl.col(id_type)
    numbered_alike = kind.is_in([ID_CARD, RESIDENCE_PERMIT])
    new_foreign = (kind == FOREIGN_RESIDENCE) & number.str.contains(SHAPES[FOREIGN_RESIDENCE]) & _is_long(number)
    return pl.when(numbered_alike | new_foreign).then(number)


def not_15_digits(number: pl.Expr) -> pl.Expr:
    """The old 15-digit number, invalid since 2013, is turned down under its own code."""
    return ~number.str.contains(r"^[0-9]{15}$")


def not_small_x(number: pl.Expr) -> pl.Expr:
    """A small x stands for the right number but is not the agreed writing: the mapping should say `as: upper`."""
    return ~number.str.contains(r"^[1-9][0-9]{16}x$")


def id_card_shape(number: pl.Expr) -> pl.Expr:
    """Eighteen characters with a birth date that exists and has come."""
    shaped = number.str.contains(ID_CARD_SHAPE) & _birth_day_exists(number)
    return shaped | ~not_15_digits(number) | ~not_small_x(number)


def fits_kind(id_no: str, id_type: str) -> pl.Expr:
    """A number of the named kind of document. ID cards of the wrong shape have other reasons already."""
    number, kind = pl.col(id_no), pl.col(id_type)
    resident = number.str.contains(RESIDENCE_PREFIX)
    of_region = pl.when(kind == RESIDENCE_PERMIT).then(resident).when(kind == ID_CARD).then(~resident).otherwise(True)
    verdict = ~number.str.contains(ID_CARD_SHAPE) | of_region
    for document, shape in SHAPES.items():
        verdict = verdict & ((kind != document) | number.str.contains(shape))
    return verdict | ~number.str.contains(GENERAL_SHAPE)


def of_working_age(numbers: pl.Expr, on: pl.Expr) -> pl.Expr:
    """Sixteen on that day, by the birth date in the number (labour law, article 15). There is no upper limit."""
    return born_on(numbers).dt.offset_by(f"{YEARS_TO_WORK}y") <= on


def born_on(numbers: pl.Expr) -> pl.Expr:
    """The birth date in an eighteen-digit number."""
    shaped = pl.when(numbers.str.contains(ID_CARD_SHAPE)).then(numbers)
    return shaped.str.slice(6, 8).str.to_date("%Y%m%d", strict=False)


def _is_long(number: pl.Expr) -> pl.Expr:
    return number.str.len_chars() == 18


def _birth_day_exists(number: pl.Expr) -> pl.Expr:
    born = number.str.slice(6, 8).str.to_date("%Y%m%d", strict=False)
    return born.is_between(dt.date(1900, 1, 1), pl.lit(checks.today())).fill_null(False)
