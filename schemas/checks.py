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

USCC_SHAPE = r"^[0-9A-HJ-NPQRTUWXY]{2}[0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}$"
CNAPS_SHAPE = r"^[0-9]{12}$"
CARD_SHAPE = r"^[0-9]{16,19}$"
ID_CARD_SHAPE = r"^[1-9][0-9]{16}[0-9X]$"
MONTH_SHAPE = r"^(19|20)[0-9]{2}-(0[1-9]|1[0-2])$"

MOJIBAKE = (
    r"锟斤|斤拷|烫烫|屯屯"  # what a replaced byte turns into when it is decoded once more as GBK
    r"|\x{FFFD}|\p{Co}"  # the replacement character; the private use areas
    r"|[\x{80}-\x{9F}]|[\x{C2}-\x{F4}][\x{A0}-\x{BF}]"  # UTF-8 that was read as Latin-1
)
BIDI = r"\x{061C}\x{200E}\x{200F}\x{2028}-\x{202E}\x{2066}-\x{2069}"
CONTROL = r"[\x{00}-\x{1F}\x{7F}" + BIDI + "]"
CONTROL_BUT_LINES = r"[\x{00}-\x{08}\x{0B}\x{0C}\x{0E}-\x{1F}\x{7F}" + BIDI + "]"

_USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


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
    six = code.str.len_bytes() == 6
    known = pl.when(six).then(code.is_in(known_areas(6).implode())).otherwise(code.is_in(known_areas(9).implode()))
    return known | ~current_area(code) | ~code.str.contains(r"^[0-9]+$")


def current_area(code: pl.Expr) -> pl.Expr:
    """Does not lie in a county that has been abolished."""
    return ~code.str.head(6).is_in(retired_counties().implode())


def not_future(day: pl.Expr) -> pl.Expr:
    """A date that has come. Times are compared by day, so that a partner's fast clock does no harm."""
    return day <= pl.lit(today())


def plausible_day(day: pl.Expr) -> pl.Expr:
    """Between 1980 and 2099: neither an empty date nor an "open end" written as a date."""
    return day.dt.year().is_between(1980, 2099)


def since_1980(moment: pl.Expr) -> pl.Expr:
    """A date or time that is no empty value written as one (0001-01-01, 1900-01-01, 1970-01-01)."""
    return moment.dt.year() >= 1980


def time_not_future(at: pl.Expr) -> pl.Expr:
    """A time of today or earlier, in Shandong."""
    return at.dt.date() <= pl.lit(today())


def month_not_future(month: pl.Expr) -> pl.Expr:
    """A month (yyyy-MM) that has begun."""
    return month <= pl.lit(today().strftime("%Y-%m"))


def uscc_digit(uscc: pl.Expr) -> pl.Expr:
    """GB 32100-2015: the sum of character values times 3^i is a multiple of 31."""
    shaped = _only(uscc, USCC_SHAPE)
    terms = [_uscc_term(shaped, start, length) for start, length in ((0, 8), (8, 8))]
    tail = shaped.str.slice(16, 2).cast(pl.Binary).bin.reinterpret(dtype=pl.UInt16)
    terms.append([pl.lit(_uscc_values(3**16)).gather(tail % 256), pl.lit(_uscc_values(1)).gather(tail // 256)])
    return pl.sum_horizontal([term for part in terms for term in part], ignore_nulls=False) % 31 == 0


def id_card_digit(number: pl.Expr) -> pl.Expr:
    """GB 11643-1999: MOD 11-2 over eighteen characters, X counting ten."""
    shaped = _only(number, ID_CARD_SHAPE)
    body = shaped.str.head(17).cast(pl.UInt64)
    total = pl.sum_horizontal([_digit(body, 16 - i) * weight for i, weight in enumerate(_ID_WEIGHTS)])
    last = pl.when(shaped.str.ends_with("X")).then(pl.lit("10")).otherwise(shaped.str.tail(1)).cast(pl.UInt64)
    return (total + last) % 11 == 1


def id_card_birth(number: pl.Expr) -> pl.Expr:
    """The birth date inside an ID number exists and lies between 1900 and today."""
    born = _only(number, ID_CARD_SHAPE).str.slice(6, 8)
    date = born.str.to_date("%Y%m%d", strict=False)
    return born.is_null() | date.is_between(dt.date(1900, 1, 1), pl.lit(today())).fill_null(False)


def cnaps_digit(code: pl.Expr) -> pl.Expr:
    """Bank line number: ISO 7064 MOD 11,10 over twelve digits."""
    number = _only(code, CNAPS_SHAPE).cast(pl.UInt64)
    steps = pl.Series([((p + d) % 10 or 10) * 2 % 11 for p in range(11) for d in range(10)], dtype=pl.UInt64)
    product = pl.lit(10, dtype=pl.UInt64)
    for place in range(11, 0, -1):
        product = pl.lit(steps).gather(product * 10 + _digit(number, place))
    return (product + number % 10) % 10 == 1


def luhn_digit(card: pl.Expr) -> pl.Expr:
    """Personal bank cards only; corporate accounts do not follow it."""
    number = _only(card, CARD_SHAPE).cast(pl.UInt64)
    doubled = pl.Series([0, 2, 4, 6, 8, 1, 3, 5, 7, 9], dtype=pl.UInt64)
    digits = [_digit(number, place) for place in range(19)]
    terms = [pl.lit(doubled).gather(digit) if place % 2 else digit for place, digit in enumerate(digits)]
    return pl.sum_horizontal(terms, ignore_nulls=False) % 10 == 0


def _only(text: pl.Expr, shape: str) -> pl.Expr:
    return pl.when(text.str.contains(shape)).then(text)


def _digit(number: pl.Expr, place: int) -> pl.Expr:
    """The decimal digit of an unsigned number at that place, counted from the right."""
    return number // pl.lit(10**place, dtype=pl.UInt64) % pl.lit(10, dtype=pl.UInt64)


def _uscc_term(shaped: pl.Expr, start: int, length: int) -> list[pl.Expr]:
    """Weighted values of eight characters, taken out of one machine word instead of eight strings."""
    word = shaped.str.slice(start, length).cast(pl.Binary).bin.reinterpret(dtype=pl.UInt64)
    octets = [word // pl.lit(256**i, dtype=pl.UInt64) % pl.lit(256, dtype=pl.UInt64) for i in range(length)]
    return [pl.lit(_uscc_values(3 ** (start + i))).gather(octet) for i, octet in enumerate(octets)]


def _uscc_values(weight: int) -> pl.Series:
    table = [0] * 256
    for value, character in enumerate(_USCC_ALPHABET):
        table[ord(character)] = value * weight % 31
    return pl.Series(table, dtype=pl.UInt32)
