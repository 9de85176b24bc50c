"""Whatever number or amount comes, the vectorised reading is that of plain Python and python-stdnum."""

import datetime as dt
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numbers_of_rows import id_no
from stdnum.cn import ric

from hub.recipes import RECIPES
from schemas import fields, identity
from schemas.check_digits import USCC_SHAPE

DAYS = st.dates(dt.date(1900, 1, 1), dt.date(2026, 11, 23))
FEN = st.integers(-(10**13), 10**13)


def read(recipe: str, texts: list[str]) -> list[int | None]:
    return pl.DataFrame({"t": texts}).select(v=RECIPES[recipe].read(pl.col("t"), ""))["v"].to_list()


@given(st.lists(st.tuples(DAYS, st.integers(100_000, 829_999), st.integers(0, 999)), min_size=1, max_size=20))
def test_the_birth_date_is_the_one_stdnum_reads(people: list[tuple[dt.date, int, int]]) -> None:
    """And a number with its right digit passes, whatever the county."""
    numbers = [id_no(f"{county:06}{born:%Y%m%d}{n:03}") for born, county, n in people]
    found = pl.DataFrame({"n": numbers}).select(
        born=identity.born_on(pl.col("n")), shape=identity.id_card_shape(pl.col("n"))
    )
    assert found["born"].to_list() == [ric.get_birth_date(number) for number in numbers]
    assert found["shape"].all()


@given(DAYS, DAYS)
def test_working_age_is_sixteen_birthdays(born: dt.date, on: dt.date) -> None:
    """Held against counting years by hand; who was born on 29 February has a birthday on the 28th."""
    number = id_no(f"370902{born:%Y%m%d}123")
    day = min(born.day, 28) if born.month == 2 and (born.year + 16) % 4 else born.day
    expected = dt.date(born.year + 16, born.month, day) <= on
    rows = pl.DataFrame({"n": [number], "on": [on]})
    assert rows.select(identity.of_working_age(pl.col("n"), pl.col("on"))).item() == expected


@given(st.from_regex(r"[0-9]{6}(19|20)[0-9]{2}[01][0-9][0-3][0-9][0-9]{4}", fullmatch=True))
def test_a_permit_number_holds_a_day_of_the_calendar(number: str) -> None:
    """Shape and date together agree with Python's calendar."""
    check = fields.permit_no()
    shaped = pl.DataFrame({"n": [number]}).select(
        a=pl.col("n").str.contains(fields.PERMIT_SHAPE), b=check.check["date_exists"](pl.col("n"))
    )
    try:
        dt.date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
        exists = True
    except ValueError:
        exists = False
    assert (shaped["a"][0] and shaped["b"][0]) == exists


@given(FEN)
def test_fen_and_yuan_come_back_as_they_went(fen: int) -> None:
    """A whole number of fen, written as 元, as 万元 and as 分, is read as the same number."""
    yuan, wan = Decimal(fen).scaleb(-2), Decimal(fen).scaleb(-6)
    assert read("yuan", [f"{yuan:.2f}"]) == [fen]
    assert read("money_wan", [f"{wan:.6f}"]) == [fen]
    assert read("fen", [str(fen)]) == [fen]


@given(st.decimals(-(10**10), 10**10, places=4))
def test_a_fraction_of_a_fen_is_never_rounded(yuan: Decimal) -> None:
    """More decimals than the unit has are unreadable, even where they are zeros."""
    assert read("yuan", [f"{yuan:.4f}"]) == [None]
    assert read("fen", [f"{yuan:.1f}"]) == [None]
    assert read("money_wan", [f"{yuan:.7f}"]) == [None]


@given(st.text(max_size=20))
def test_no_text_makes_a_recipe_raise(text: str) -> None:
    """What is no amount is null, and what is read is what Python reads."""
    for recipe, places in (("yuan", 2), ("money_wan", 6), ("fen", 0)):
        [amount] = read(recipe, [text])
        assert amount is None or Decimal(amount) == Decimal(text).scaleb(places)


@pytest.mark.parametrize("letters", ["N2", "Y1", "A1", "91"])
def test_the_first_two_places_of_a_credit_code_may_be_letters(letters: str) -> None:
    """Farmers' and other organisations have them; python-stdnum only knows digits there."""
    assert pl.DataFrame({"n": [letters + "370902MA00000010"]}).select(pl.col("n").str.contains(USCC_SHAPE)).item()
