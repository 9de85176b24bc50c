"""Checks on one column, as polars expressions. The name of a check decides its reason code (see catalogue.py).

A check judges only what no other check of the column has turned down already, so that one mistake gives one reason:
the check digit of a number is not looked at while the number has the wrong shape. Null always passes.
"""

import datetime as dt
from collections.abc import Callable, Iterable
from zoneinfo import ZoneInfo

import polars as pl

from schemas.areas import known_areas, retired_counties

Check = Callable[[pl.Expr], pl.Expr]

TIME_ZONE = "Asia/Shanghai"

AREA_SHAPE = r"^([0-9]{6}|[0-9]{9})$"
MONTH_SHAPE = r"^(19|20)[0-9]{2}-(0[1-9]|1[0-2])$"

MOJIBAKE = (
    r"锟斤|斤拷"  # what a replaced byte turns into when it is decoded once more as GBK
    r"|\x{FFFD}|\p{Co}"  # the replacement character; the private use areas
    r"|[\x{80}-\x{9F}]|[\x{C2}-\x{F4}][\x{A0}-\x{BF}]"  # UTF-8 that was read as Latin-1
)
BIDI = r"\x{061C}\x{200E}\x{200F}\x{2028}-\x{202E}\x{2066}-\x{2069}"
CONTROL = r"[\x{00}-\x{1F}\x{7F}" + BIDI + "]"
CONTROL_BUT_LINES = r"[\x{00}-\x{08}\x{0B}\x{0C}\x{0E}-\x{1F}\x{7F}" + BIDI + "]"


def today() -> dt.date:
    """The day in Shandong. Checks ask at every evaluation; tests replace this function."""
    return dt.datetime.now(ZoneInfo(TIME_ZONE)).date()


def not_blank(text: pl.Expr) -> pl.Expr:
    """Holds more than white space."""
    return text.str.strip_chars() != ""


def readable_text(text: pl.Expr) -> pl.Expr:
    """Shows no trace of a wrong decoding (mojibake)."""
    return ~text.str.contains(MOJIBAKE)


def no_control(text: pl.Expr) -> pl.Expr:
    """Holds no control character and none that turns the writing direction."""
    return ~text.str.contains(CONTROL)


def no_control_but_lines(text: pl.Expr) -> pl.Expr:
    """The same for longer texts, which may hold tabs and line ends."""
    return ~text.str.contains(CONTROL_BUT_LINES)


def at_most(characters: int) -> Check:
    """A check that the text has no more characters (not bytes) than that."""
    return lambda text: text.str.len_chars() <= characters


def one_of(codes: Iterable[str]) -> Check:
    """A check that the value is one of our words."""
    words = pl.Series(sorted(codes), dtype=pl.String)
    return lambda code: code.is_in(words.implode())


def known_area(code: pl.Expr) -> pl.Expr:
    """Is in the area list, or was once (a retired area has its own check)."""
    area = _only(code, AREA_SHAPE)
    known = pl.concat([known_areas(6), known_areas(9)])
    return area.is_in(known.implode()) | ~current_area(code)


def current_area(code: pl.Expr) -> pl.Expr:
    """Does not lie in a county that has been abolished."""
    return ~_only(code, AREA_SHAPE).str.head(6).is_in(retired_counties().implode())


def date_exists(shape: str, first: int, form: str) -> Check:
    """A check that the date inside a printed number is one of the calendar; numbers of another shape are judged elsewhere."""
    length = {"%Y%m%d": 8, "%y%m%d": 6}[form]
    return lambda number: (
        _only(number, shape).str.slice(first, length).str.to_date(form, strict=False).is_not_null()
        | (~number.str.contains(shape))
    )


def approval_month_exists(code: pl.Expr) -> pl.Expr:
    """An investment code begins with yyMM since 2020, and with the year (2015 to 2020) before."""
    head = code.str.head(4)
    return head.str.contains(r"^[0-9]{2}(0[1-9]|1[0-2])$|^20(1[5-9]|20)$") | ~code.str.contains(r"^[0-9]{4}-")


def not_future(day: pl.Expr) -> pl.Expr:
    """A date that has come. Times are compared by day, so that a partner's fast clock does no harm."""
    return day <= pl.lit(today())


def plausible_day(day: pl.Expr) -> pl.Expr:
    """Between 1980 and 2099: neither an empty date nor an "open end" written as a date."""
    return day.dt.year().is_between(1980, 2099)


def since_1980(moment: pl.Expr) -> pl.Expr:
    """A date or time that is no empty value written as one (0001-01-01, 1900-01-01, 1970-01-01)."""
    return moment.dt.year() >= 1980


def since_1900(born: pl.Expr) -> pl.Expr:
    """A birth date that is no empty value written as one."""
    return born > pl.date(1900, 1, 1)


def time_not_future(at: pl.Expr) -> pl.Expr:
    """A time of today or earlier, in Shandong."""
    return at.dt.date() <= pl.lit(today())


def month_not_future(month: pl.Expr) -> pl.Expr:
    """A month (yyyy-MM) that has begun."""
    return _only(month, MONTH_SHAPE) <= pl.lit(today().strftime("%Y-%m"))


def _only(text: pl.Expr, shape: str) -> pl.Expr:
    return pl.when(text.str.contains(shape)).then(text)
