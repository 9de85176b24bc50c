"""The identifiers of the synthetic city obey their standards, or break them on purpose."""

import re

import pytest
from stdnum import luhn
from stdnum.cn import ric, uscc

from simulators import identifiers as ids

NUMBERS = range(0, 5_000, 7)


def test_credit_codes_pass_an_independent_check() -> None:
    """GB 32100, by python-stdnum."""
    for number in NUMBERS:
        assert uscc.is_valid(ids.make_uscc(number, "370900"))


def test_id_numbers_pass_an_independent_check_of_the_digit() -> None:
    """GB 11643, by python-stdnum; the county does not exist, so only digit and date are compared."""
    for number in NUMBERS:
        id_no = ids.make_id_no(number)
        assert ric.calc_check_digit(id_no) == id_no[-1]
        assert ric.get_birth_date(id_no).year in range(1968, 2006)
        assert id_no.startswith(ids.NO_COUNTY)


def test_id_numbers_do_not_repeat() -> None:
    """Two workers never share a number."""
    assert len({ids.make_id_no(number) for number in range(100_000)}) == 100_000


@pytest.mark.parametrize("line_number", ["313333007331", "102100099996", "105100000017", "301290000007"])
def test_line_numbers_of_real_banks_have_this_check_digit(line_number: str) -> None:
    """ISO 7064 MOD 11,10 on line numbers that banks print."""
    assert ids.cnaps_check(line_number[:-1]) == line_number[-1]


def test_personal_cards_pass_luhn_and_corporate_accounts_fail_it() -> None:
    """Nobody may check a corporate account as a card."""
    for number in NUMBERS:
        card = ids.make_card("621313", number)
        assert luhn.is_valid(card)
        assert len(card) == 19
        assert not luhn.is_valid(ids.make_account("3137700", number))


def test_phone_numbers_have_the_form_but_a_synthetic_range() -> None:
    """199 0000 xxxx."""
    assert re.fullmatch(r"1990000\d{4}", ids.make_phone(123_456))


def test_canaries_are_persons_and_cards_that_nobody_has() -> None:
    """From their seed, never twice, valid, of no county and no bank; and every number that was made is known."""
    plain = {ids.make_id_no(number) for number in range(1000)}
    try:
        ids.use_canaries(5)
        persons, cards = {ids.make_id_no(n) for n in range(20_000)}, {ids.make_card("621313", n) for n in range(20_000)}
        again = {ids.make_id_no(number) for number in range(20_000)}
        ids.use_canaries(6)
        others = {ids.make_id_no(number) for number in range(1000)}
    finally:
        ids.use_canaries(None)
    assert len(persons) == len(cards) == 20_000
    assert persons == again
    assert len(persons & plain) < 100
    assert len(persons & others) < 100
    assert all(one.startswith(ids.NO_COUNTY) and ids.id_check(one[:-1]) == one[-1] for one in persons)
    assert all(one.startswith(ids.CANARY_CARD) and ids.luhn_check(one[:-1]) == one[-1] for one in cards)
    assert persons <= ids.made["id"]
    assert cards <= ids.made["card"]
