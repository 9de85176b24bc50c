"""Hold our vectorised checks of printed numbers against python-stdnum, value by value: `python -m bench.identifiers [count]`.

A third of the values is valid, a third has one character changed, a third has two neighbours swapped or one character lost.
Prints for each kind how many were compared and valid, how many differ, and the seconds of both. Ends with 1 if any differs.
"""

import datetime as dt
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import polars as pl
from stdnum import luhn
from stdnum.cn import ric, uscc
from stdnum.exceptions import ValidationError

from schemas import checks, identity
from schemas.check_digits import CARD_SHAPE, USCC_SHAPE, id_card_digit, luhn_digit, uscc_digit

USCC_LETTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
DIGITS = "0123456789"
SEED = 20261123


@dataclass(frozen=True)
class Number:
    """A kind of number: how to make a valid one, which characters a slip may write, our verdict and the other one."""

    name: str
    make: Callable[[random.Random], str]
    letters: str
    ours: Callable[[pl.Expr], pl.Expr]
    theirs: Callable[[str], bool]


def make_uscc(chance: random.Random) -> str:
    body = f"{chance.choice(('11', '12', '91', '92', '93'))}{chance.randrange(10**6):06d}"
    body += "".join(chance.choices(USCC_LETTERS, k=9))
    return body + uscc.calc_check_digit(body)


def make_ric(chance: random.Random) -> str:
    born = dt.date(1900, 1, 1) + dt.timedelta(days=chance.randrange(46_000))
    body = f"{chance.randrange(110_000, 830_000)}{born:%Y%m%d}{chance.randrange(1000):03d}"
    return body + ric.calc_check_digit(body + "0")


def make_card(chance: random.Random) -> str:
    body = "62" + "".join(chance.choices(DIGITS, k=chance.choice((13, 16))))
    return body + luhn.calc_check_digit(body)


def ric_says(number: str) -> bool:
    """Date and check digit. stdnum also wants a county of its own list; a person's county need not exist today."""
    if len(number) != 18:
        return False
    try:
        born = ric.get_birth_date(number)
        right = number[:17].isdigit() and ric.calc_check_digit(number) == number[-1]
    except (ValidationError, ValueError):
        return False
    return right and dt.date(1900, 1, 1) <= born <= checks.today()


def our_ric(number: pl.Expr) -> pl.Expr:
    """As the rules of a record with an ID card judge it."""
    judged = identity.id_card_shape(number) & identity.not_15_digits(number) & identity.not_small_x(number)
    return judged & id_card_digit(number)


NUMBERS = (
    Number(
        "cn.uscc",
        make_uscc,
        USCC_LETTERS + "IOSVZ",
        lambda n: n.str.contains(USCC_SHAPE) & uscc_digit(n),
        # stdnum allows digits only in the first two places, GB 32100 letters as well (such as N2 and Y1)
        lambda n: uscc.is_valid(n) if n[:2].isdigit() else _with_letters_first(n),
    ),
    Number("cn.ric", make_ric, DIGITS + "X", our_ric, ric_says),
    Number(
        "luhn",
        make_card,
        DIGITS,
        lambda n: n.str.contains(CARD_SHAPE) & luhn_digit(n),
        lambda n: 16 <= len(n) <= 19 and luhn.is_valid(n),
    ),
)


def _with_letters_first(number: str) -> bool:
    plain = len(number) == 18 and set(number) <= set(USCC_LETTERS) and number[2:8].isdigit()
    return plain and bool(uscc.calc_check_digit(number[:17]) == number[17])


def spoil(number: str, letters: str, kind: int, chance: random.Random) -> str:
    """A slip of the pen; it may by chance leave the number right."""
    if kind == 0:
        return number
    place = chance.randrange(len(number) - 1)
    if kind == 1:
        return number[:place] + chance.choice(letters) + number[place + 1 :]
    if chance.random() < 0.9:
        return number[:place] + number[place + 1] + number[place] + number[place + 2 :]
    return number[:place] + number[place + 1 :]


def compare(number: Number, count: int) -> int:
    """The number of differences, printed with the counts and seconds."""
    chance = random.Random(SEED)
    values = [spoil(number.make(chance), number.letters, i % 3, chance) for i in range(count)]
    start = time.perf_counter()
    ours = pl.DataFrame({"n": values}).select(v=number.ours(pl.col("n")).fill_null(False))["v"].to_list()
    middle = time.perf_counter()
    theirs = [number.theirs(value) for value in values]
    end = time.perf_counter()
    different: int = sum(one != other for one, other in zip(ours, theirs, strict=True))
    print(
        f"{number.name:8} {count:>9,} values, {sum(theirs):>7,} valid, {different} differences; "
        f"polars {middle - start:.2f} s, stdnum {end - middle:.1f} s"
    )
    return different


def main() -> None:
    """Compare all three kinds."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    sys.exit(1 if sum(compare(number, count) for number in NUMBERS) else 0)


if __name__ == "__main__":
    main()
