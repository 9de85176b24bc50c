"""Check digits of printed numbers, as polars expressions that look up sums of several digits at once.

A number of the wrong shape has no verdict (null) and passes: its shape is judged elsewhere.
"""

from collections.abc import Callable
from functools import cache

import polars as pl

USCC_SHAPE = r"^[0-9A-HJ-NPQRTUWXY]{2}[0-9]{6}[0-9A-HJ-NPQRTUWXY]{10}$"
CNAPS_SHAPE = r"^[0-9]{12}$"
CARD_SHAPE = r"^[0-9]{16,19}$"
ID_CARD_SHAPE = r"^[1-9][0-9]{16}[0-9X]$"

_USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


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
    last = pl.when(shaped.str.ends_with("X")).then(pl.lit("10")).otherwise(shaped.str.tail(1)).cast(pl.UInt64)
    total = _lookup_sum(body, 17, _mod_11_2)
    return (total + last) % 11 == 1


def cnaps_digit(code: pl.Expr) -> pl.Expr:
    """Bank line number: ISO 7064 MOD 11,10 over twelve digits."""
    number = _only(code, CNAPS_SHAPE).cast(pl.UInt64)
    steps = pl.Series(
        [_mod_11_10(_mod_11_10(p, d // 10), d % 10) for p in range(11) for d in range(100)], dtype=pl.UInt64
    )
    product = pl.lit(10, dtype=pl.UInt64)
    for place in range(10, 0, -2):  # two digits a step; the eleventh is taken on its own
        product = pl.lit(steps).gather(product * 100 + _part(number, place, 2))
    single = pl.Series([_mod_11_10(p, d) for p in range(11) for d in range(10)], dtype=pl.UInt64)
    product = pl.lit(single).gather(product * 10 + _part(number, 1, 1))
    return (product + _part(number, 0, 1)) % 10 == 1


def luhn_digit(card: pl.Expr) -> pl.Expr:
    """Personal bank cards only; corporate accounts do not follow it."""
    number = _only(card, CARD_SHAPE).cast(pl.UInt64)
    total = _lookup_sum(number, 19, _luhn)
    return total % 10 == 0


def _lookup_sum(number: pl.Expr, digits: int, value: Callable[[int, int], int]) -> pl.Expr:
    """The sum of value(digit, place) over the digits, places counted from the right; four digits a look-up."""
    return pl.sum_horizontal(
        [_digit_sums(place, value).gather(_part(number, place, 4)) for place in range(0, digits, 4)], ignore_nulls=False
    )


@cache
def _digit_sums(first: int, value: Callable[[int, int], int]) -> pl.Expr:
    places = range(first, first + 4)
    sums = [sum(value(n // 10**i % 10, place) for i, place in enumerate(places)) for n in range(10_000)]
    return pl.lit(pl.Series(sums, dtype=pl.UInt64))


def _part(number: pl.Expr, place: int, length: int) -> pl.Expr:
    """The decimal digits of an unsigned number that begin at a place, counted from the right."""
    return number // pl.lit(10**place, dtype=pl.UInt64) % pl.lit(10**length, dtype=pl.UInt64)


def _mod_11_2(digit: int, place: int) -> int:
    return digit * pow(2, place + 1, 11) % 11


def _luhn(digit: int, place: int) -> int:
    return sum(divmod(digit * (1 + place % 2), 10))


def _mod_11_10(product: int, digit: int) -> int:
    """One step of ISO 7064 MOD 11,10."""
    return ((product + digit) % 10 or 10) * 2 % 11


def _only(text: pl.Expr, shape: str) -> pl.Expr:
    return pl.when(text.str.contains(shape)).then(text)


def _uscc_term(shaped: pl.Expr, start: int, length: int) -> list[pl.Expr]:
    """Weighted values of eight characters, taken out of one machine word instead of eight strings."""
    word = shaped.str.slice(start, length).cast(pl.Binary).bin.reinterpret(dtype=pl.UInt64)
    octets = [word // pl.lit(256**i, dtype=pl.UInt64) % pl.lit(256, dtype=pl.UInt64) for i in range(length)]
    return [pl.lit(_uscc_values(3 ** (start + i))).gather(octet) for i, octet in enumerate(octets)]


@cache
def _uscc_values(weight: int) -> pl.Series:
    table = [0] * 256
    for value, character in enumerate(_USCC_ALPHABET):
        table[ord(character)] = value * weight % 31
    return pl.Series(table, dtype=pl.UInt32)
