"""The vectorised number checks agree with an independent implementation, number by number."""

from collections.abc import Callable

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numbers_of_rows import CARD, CNAPS_313, CONTRACTOR, ID_NO
from stdnum import luhn
from stdnum.cn import ric, uscc
from stdnum.iso7064 import mod_11_10

from schemas import check_digits

USCC_LETTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
DIGITS = "0123456789"


def verdicts(check: Callable[[pl.Expr], pl.Expr], numbers: list[str]) -> list[bool | None]:
    frame = pl.DataFrame({"number": numbers})
    return frame.select(verdict=check(pl.col("number")))["verdict"].to_list()


@given(
    st.lists(
        st.tuples(st.text(DIGITS, min_size=8, max_size=8), st.text(USCC_LETTERS, min_size=10, max_size=10)), min_size=1
    )
)
def test_credit_codes_agree_with_stdnum(parts: list[tuple[str, str]]) -> None:
    """Random codes, and the same codes with the right check character."""
    numbers = [head + tail for head, tail in parts]
    numbers += [number[:17] + uscc.calc_check_digit(number[:17]) for number in numbers]
    assert verdicts(check_digits.uscc_digit, numbers) == [uscc.is_valid(number) for number in numbers]


@given(st.lists(st.tuples(st.from_regex("[1-9][0-9]{16}", fullmatch=True), st.sampled_from(DIGITS + "X")), min_size=1))
def test_id_numbers_agree_with_stdnum(parts: list[tuple[str, str]]) -> None:
    """Only the check character; dates are judged by the schema, counties not at all."""
    numbers = [body + last for body, last in parts]
    numbers += [number[:17] + ric.calc_check_digit(number) for number in numbers]
    assert verdicts(check_digits.id_card_digit, numbers) == [ric.calc_check_digit(n) == n[-1] for n in numbers]


@given(st.lists(st.text(DIGITS, min_size=12, max_size=12), min_size=1))
def test_bank_line_numbers_agree_with_stdnum(numbers: list[str]) -> None:
    """ISO 7064 MOD 11,10."""
    numbers = numbers + [number[:11] + mod_11_10.calc_check_digit(number[:11]) for number in numbers]
    assert verdicts(check_digits.cnaps_digit, numbers) == [mod_11_10.is_valid(number) for number in numbers]


@given(st.lists(st.text(DIGITS, min_size=16, max_size=19), min_size=1))
def test_card_numbers_agree_with_stdnum(numbers: list[str]) -> None:
    """Luhn over 16 to 19 digits."""
    numbers = numbers + [number[:-1] + luhn.calc_check_digit(number[:-1]) for number in numbers]
    assert verdicts(check_digits.luhn_digit, numbers) == [luhn.is_valid(number) for number in numbers]


@pytest.mark.parametrize(
    ("check", "number"),
    [
        (check_digits.uscc_digit, CONTRACTOR),
        (check_digits.id_card_digit, ID_NO),
        (check_digits.cnaps_digit, CNAPS_313),
        (check_digits.luhn_digit, CARD),
    ],
)
def test_a_number_of_the_wrong_shape_has_no_verdict(check: Callable[[pl.Expr], pl.Expr], number: str) -> None:
    """Too short, full-width, empty, with a space: the shape is judged elsewhere, and nothing raises."""
    wrong = [number[:-4], "９" * len(number), "", f" {number}", number + "0" * 9]
    assert verdicts(check, [number, *wrong]) == [True, *[None] * len(wrong)]


def test_a_line_number_of_a_real_bank_passes() -> None:
    """The test vector of the identifier notes."""
    assert verdicts(check_digits.cnaps_digit, ["313333007331"]) == [True]
