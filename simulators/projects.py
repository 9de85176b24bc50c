"""The city's construction projects: what the bureau licenses and everything else hangs on.

One project has one construction permit, one project approval and one wage account at one of the two banks.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random

from simulators import names
from simulators.identifiers import make_account, make_cnaps, make_uscc
from simulators.workdays import workday_before


@dataclass(frozen=True)
class Bank:
    """A bank as the files name it."""

    partner: str
    bank3: str
    title: str
    card_prefix: str
    account_prefix: str

    @property
    def cnaps(self) -> str:
        """The line number of the branch that keeps the wage accounts."""
        return make_cnaps(self.bank3, 12)


BANKS = {
    "haidai": Bank("haidai", "313", "海岱银行泰山示例支行", "621313", "3137700"),
    "wenhe": Bank("wenhe", "402", "汶河银行泰山示例支行", "621402", "9020409020"),
}


@dataclass(frozen=True)
class Project:
    """One project with its permit, approval and wage account."""

    number: int
    permit_no: str
    approval_no: str
    invest_code: str
    name: str
    address: str
    area: str
    category: str
    owner_name: str
    owner_uscc: str
    contractor_name: str
    contractor_uscc: str
    supervisor_name: str
    price_fen: int
    invest_fen: int
    scale: str
    signed_on: date
    starts_on: date
    ends_on: date
    status: str
    is_gov_invest: bool
    issue_org: str
    issued_on: date
    approved_on: date
    approval_level: str
    updated_at: datetime
    bank: Bank
    account_no: str
    account_opened_on: date

    @property
    def account_name(self) -> str:
        """The legal form of a wage account's name: contractor, project, purpose."""
        return f"{self.contractor_name}{self.name}农民工工资专用账户"


def build_projects(rng: Random, count: int, day: date) -> Iterator[Project]:
    """The city's projects, oldest number first."""
    taken: Counter[str] = Counter()
    for number in range(count):
        yield _build_project(rng, number, count, day, taken)


def _build_project(rng: Random, number: int, count: int, day: date, taken: Counter[str]) -> Project:
    area = rng.choice(names.STREETS)
    issued = workday_before(day, rng.randint(100, 400))
    signed = workday_before(issued, rng.randint(10, 90))
    approved = workday_before(signed, rng.randint(60, 200))
    starts = issued + timedelta(days=rng.randint(3, 20))
    price = rng.randint(800, 60_000) * 1_000_000 + rng.randint(0, 9_999) * 100
    bank = list(BANKS.values())[number % 2]
    contractor = number * 2 // 3
    owner = number // 2
    return Project(
        number=number,
        permit_no=_number_document(area, issued, "01", taken),
        approval_no=_number_document(area, approved, "90", taken),
        invest_code=f"{approved:%y%m}-{area[:6]}-04-01-{number * 7919 % 1_000_000:06d}",
        name=names.project_name(number, area),
        address=f"山东省泰山市{names.county_name(area)}示例路{number + 1}号",
        area=area,
        category=rng.choice(("01", "01", "01", "02", "02", "05", "07", "08")),
        owner_name=names.owner_name(owner),
        owner_uscc=make_uscc(1_000_000 + owner, "370900"),
        contractor_name=names.contractor_name(contractor),
        contractor_uscc=make_uscc(2_000_000 + contractor, "370900"),
        supervisor_name=f"泰山市{rng.choice(('正信', '恒安', '东监'))}示例监理有限公司",
        price_fen=price,
        invest_fen=price * rng.randint(110, 140) // 100 // 100 * 100,
        scale=f"建筑面积{rng.randint(2, 90) * 1000}平方米",
        signed_on=signed,
        starts_on=starts,
        ends_on=day + timedelta(days=rng.randint(200, 900)),
        status=rng.choice(("003", "003", "003", "003", "001", "005")),
        is_gov_invest=rng.random() < 0.4,
        issue_org=f"{names.county_name(area)}行政审批服务局",
        issued_on=issued,
        approved_on=approved,
        approval_level=rng.choice(("003", "004", "004", "004")),
        updated_at=datetime.combine(day, time(6)) + timedelta(seconds=number * 36_000 // count),
        bank=bank,
        account_no=make_account(bank.account_prefix, number + 1),
        account_opened_on=workday_before(signed + timedelta(days=30), rng.randint(2, 25)),
    )


def _number_document(area: str, issued: date, kind: str, taken: Counter[str]) -> str:
    stem = f"{area[:6]}{issued:%Y%m%d}"
    taken[stem + kind] += 1
    return f"{stem}{taken[stem + kind]:02d}{kind}"
