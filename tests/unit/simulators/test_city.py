"""The synthetic city: the agreed size, the same every time, consistent, and nothing in the future."""

from datetime import date, timedelta

import pytest

from simulators.bankfiles import ENCODING
from simulators.names import STREETS
from simulators.projects import BANKS
from simulators.wages import OUT
from simulators.workdays import is_workday, workday_before
from simulators.world import City

DAY = date(2026, 11, 23)


@pytest.fixture(scope="module")
def city() -> City:
    return City()


def test_scale_one_has_the_agreed_size(city: City) -> None:
    """200 projects, 16 payrolls with 5,000 lines, 60 guarantees, 40 clues."""
    payrolls = [city.payroll(bank, i) for bank in BANKS.values() for i in range(city.payroll_count(bank))]
    assert (len(city.projects), len(city.guarantees), len(city.clues), len(payrolls)) == (200, 60, 40, 16)
    assert sum(len(payroll.lines) for payroll in payrolls) == 5_000


def test_the_same_seed_gives_the_same_city(city: City) -> None:
    """And another seed another one."""
    bank = BANKS["haidai"]
    again, other = City(7, 1.0, DAY), City(8)
    assert (again.projects, again.guarantees, again.clues) == (city.projects, city.guarantees, city.clues)
    assert again.payroll(bank, 3) == city.payroll(bank, 3)
    assert other.projects != city.projects


def test_every_number_is_given_once(city: City) -> None:
    """Permits, approvals, accounts, guarantees, clues, workers and serials are unique."""
    lines = [x for bank in BANKS.values() for i in range(8) for x in city.payroll(bank, i).lines]
    for numbers in (
        [p.permit_no for p in city.projects] + [p.approval_no for p in city.projects],
        [p.account_no for p in city.projects],
        [g.guarantee_no for g in city.guarantees],
        [c.code for c in city.clues],
        [x.id_no for x in lines],
        [x.serial for x in lines],
    ):
        assert len(set(numbers)) == len(numbers)


def test_nothing_has_happened_after_the_day(city: City) -> None:
    """Signing, issue, opening, movements, payments, events and clues."""
    for project in city.projects:
        assert project.approved_on < project.signed_on < project.issued_on < DAY
        assert project.signed_on <= project.account_opened_on < DAY
        assert project.updated_at.date() == DAY
        assert all(txn.at.date() == DAY for txn in city.movements(project)[1])
    for guarantee in city.guarantees:
        assert all(event.at.date() <= DAY for event in guarantee.events)
    assert all(clue.registered_at.date() < DAY and clue.end < DAY for clue in city.clues)


def test_official_dates_are_working_days(city: City) -> None:
    """Offices do not sign on holidays; swapped weekends count as the State Council announced them."""
    assert all(is_workday(project.issued_on) and is_workday(project.signed_on) for project in city.projects)
    assert not is_workday(date(2026, 10, 1))
    assert workday_before(date(2026, 10, 7), 0) == date(2026, 9, 30)
    assert is_workday(date(2031, 3, 3))
    assert not is_workday(date(2031, 3, 2))


def test_guarantees_obey_the_regulation(city: City) -> None:
    """One to three percent of the contract, a year at least, one to four events numbered from one."""
    for guarantee in city.guarantees:
        assert 0.0099 <= guarantee.insured_fen / guarantee.project.price_fen <= 0.03
        assert guarantee.valid_to >= guarantee.valid_from + timedelta(days=365)
        assert [event.seq for event in guarantee.events] == list(range(1, len(guarantee.events) + 1))
        assert 1 <= len(guarantee.events) <= 4
        assert all((event.fen or 0) <= guarantee.insured_fen for event in guarantee.events)


def test_wages_leave_the_account_from_which_they_are_paid(city: City) -> None:
    """The movement of wages is the sum of the lines that left the bank."""
    for bank in BANKS.values():
        payroll = city.payroll(bank, 0)
        paid = [t for t in city.movements(payroll.project)[1] if t.action == "1"]
        assert [(t.direction, t.fen, t.batch_no) for t in paid] == [
            (OUT, payroll.fen_of("S") + payroll.fen_of("R"), payroll.batch_no)
        ]
        assert payroll.pay_month == date(2026, 10, 1)


def test_names_are_synthetic_and_need_four_byte_characters(city: City) -> None:
    """Every project says so; some workers cannot be written in GBK."""
    assert all("示例" in project.name for project in city.projects)
    names = [line.name for i in range(8) for line in city.payroll(BANKS["wenhe"], i).lines]
    assert any(len(character.encode(ENCODING)) == 4 for name in names for character in name)
    assert any(b"|" in character.encode(ENCODING) for name in names for character in name)


def test_streets_are_of_the_city() -> None:
    """Nine digits, Tai'an, about sixty."""
    assert 50 <= len(set(STREETS)) == len(STREETS)
    assert all(len(street) == 9 and street.startswith("3709") for street in STREETS)


@pytest.mark.parametrize("scale", [0.05, 0.1, 2])
def test_other_scales_multiply_everything(scale: float) -> None:
    """Lines exactly, the rest at least one."""
    small = City(scale=scale)
    lines = sum(len(small.payroll(bank, i).lines) for bank in BANKS.values() for i in range(small.payroll_count(bank)))
    assert lines == 5_000 * scale
    assert len(small.projects) == 200 * scale
