"""The supervised units: project sections under one general contractor, and services that the cities buy."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random

from simulators.truth.clock import moment
from simulators.truth.firms import BANKS, INSURERS, Bank, Firm, Insurer, buyer, firm
from simulators.truth.people import (
    OFFICERS,
    SERVICE_STRIDE,
    SERVICE_WORKERS,
    SITE_STRIDE,
    SITE_WORKERS,
    Person,
    person,
)
from simulators.truth.places import City, cities, county_of
from simulators.workdays import workday_before

SERVICE_BANK = BANKS["shuhe"]
# Issuer: specialty in the permit's number (the first five simulators use 01 and 90), categories, sites.
_ISSUERS = {
    "window": ("19", ("01", "02", "08", "12"), ("产业园厂房", "市政道路", "变电站", "通信机房")),
    "housing": ("02", ("01", "01", "01", "02"), ("安置房", "中学教学楼", "门诊楼", "租赁住房")),
    "transport": ("12", ("05", "05", "06"), ("省道改建", "高速连接线", "码头泊位")),
    "water": ("10", ("07", "07", "02"), ("河道治理", "水库加固", "供水管网")),
}
_LABOUR_SHARE = {"01": 230_000, "02": 120_000, "07": 120_000, "05": 80_000, "06": 80_000}
_SERVICES = (("sanitation", "环卫作业"), ("data_collection", "城区信息采集"), ("greening", "绿化养护"))


@dataclass(frozen=True)
class Section:
    """A section with everything that hangs on it for good."""

    number: int
    issuer: str
    city: City
    area: str
    permit_no: str
    name: str
    address: str
    category: str
    invest_code: str
    owner: Firm
    contractor: Firm
    labour: Firm
    supervisor: Firm
    bank: Bank
    insurer: Insurer
    price_fen: int
    approved_on: date
    signed_on: date
    issued_on: date
    starts_on: date
    ends_on: date
    status: str
    is_gov_invest: bool
    scale: str
    updated_at: datetime
    service_no: None = None

    @property
    def county(self) -> str:
        """Six digits."""
        return self.area[:6]

    @property
    def key(self) -> dict[str, str]:
        """What children of a project carry."""
        return {"permit_no": self.permit_no, "contractor_uscc": self.contractor.uscc}

    @property
    def labour_share_ppm(self) -> int:
        """The part of the works that is labour cost."""
        return _LABOUR_SHARE.get(self.category, 150_000)

    @property
    def monthly_labour_fen(self) -> int:
        """Labour cost of a month, whole hundreds of yuan."""
        months = max(6, (self.ends_on - self.starts_on).days // 30)
        return self.price_fen // months * self.labour_share_ppm // 1_000_000 // 10_000 * 10_000

    @property
    def realname_no(self) -> str:
        """Number on the real-name platform."""
        return f"{self.county}{self.issued_on:%Y%m%d}{self.number % 1000:03d}"

    @property
    def officer(self) -> Person:
        """The labour officer."""
        return person(OFFICERS + self.number)

    def person_number(self, place: int) -> int:
        """The person at a place of the roster; a few work on the neighbouring site of the city as well."""
        shared = place == 4 and self.number % 10 in range(5, 10) and self.number % 3 == 0
        owner = self.number - 5 if shared else self.number
        return SITE_WORKERS + owner * SITE_STRIDE + place % SITE_STRIDE


@dataclass(frozen=True)
class Service:
    """A service contract of a city; it needs no permit."""

    number: int
    city: City
    area: str
    service_no: str
    name: str
    industry: str
    owner: Firm
    contractor: Firm
    price_fen: int
    signed_on: date
    starts_on: date
    ends_on: date
    status: str
    updated_at: datetime
    permit_no: None = None
    bank: Bank = SERVICE_BANK

    @property
    def county(self) -> str:
        """Six digits."""
        return self.area[:6]

    @property
    def monthly_labour_fen(self) -> int:
        """Labour cost of a month."""
        return self.price_fen * 6 // 120 // 10_000 * 10_000

    def person_number(self, place: int) -> int:
        """The person at a place of the roster."""
        return SERVICE_WORKERS + self.number * SERVICE_STRIDE + place % SERVICE_STRIDE


Site = Section | Service
"""What wages are paid for."""


def build_section(rng: Random, number: int, issuer: str, day: date, taken: Counter[str]) -> Section:
    """One section. Numbers five apart lie in the same city, and some of them share owner, street and investment code."""
    city = cities()[number % 5]
    lead = number - 5 if number // 5 % 6 == 1 else number
    county = city.counties[lead // 5 % len(city.counties)]
    area = county.streets[lead * 7 % len(county.streets)]
    issued = workday_before(day, rng.randint(90, 420))
    signed = workday_before(issued, rng.randint(10, 60))
    approved = workday_before(day, 700 + lead % 60)
    starts = issued + timedelta(days=rng.randint(3, 20))
    specialty, categories, sites = _ISSUERS[issuer]
    stem = f"{county.code}{issued:%Y%m%d}"
    taken[stem + specialty] += 1
    in_city = number // 5
    name = f"{county.name}示例{sites[number % len(sites)]}{number + 1:03d}标段"
    return Section(
        number=number,
        issuer=issuer,
        city=city,
        area=area,
        permit_no=f"{stem}{taken[stem + specialty]:02d}{specialty}",
        name=name,
        address=f"山东省{city.name}{county.name}示例路{lead + 1}号",
        category=categories[number % len(categories)],
        invest_code=f"{approved:%y%m}-{county.code}-04-01-{500_000 + lead * 7919 % 500_000:06d}",
        owner=firm("owner", city_number(number, lead // 5 // 2)),
        contractor=firm("contractor", city_number(number, in_city * 2 // 3)),
        labour=firm("labour", city_number(number, in_city // 2)),
        supervisor=firm("supervisor", city_number(number, in_city // 4)),
        bank=_bank_at(city, in_city),
        insurer=list(INSURERS.values())[number % len(INSURERS)],
        price_fen=rng.randint(800, 60_000) * 1_000_000 + rng.randint(0, 9_999) * 100,
        approved_on=approved,
        signed_on=signed,
        issued_on=issued,
        starts_on=starts,
        ends_on=max(starts, day) + timedelta(days=rng.randint(120, 800)),
        status=("003", "003", "003", "003", "005", "003", "004")[number % 7],
        is_gov_invest=rng.random() < 0.4,
        scale=f"建筑面积{rng.randint(2, 90) * 1000}平方米"
        if issuer == "housing"
        else f"投资{rng.randint(8, 600)}百万元",
        updated_at=moment(day, 6, number % 600, number % 60),
    )


def build_service(rng: Random, number: int, day: date) -> Service:
    """One service contract; each city has some."""
    city = cities()[number % 5]
    county = city.counties[number // 5 % len(city.counties)]
    area = county.streets[number * 3 % len(county.streets)]
    signed = workday_before(day, rng.randint(120, 500))
    industry, words = _SERVICES[number % len(_SERVICES)]
    return Service(
        number=number,
        city=city,
        area=area,
        service_no=f"FW{area[:6]}{signed:%Y}{5000 + number % 5000:04d}",
        name=f"{county_of(area).name}示例{words}{number + 1:03d}包",
        industry=industry,
        owner=buyer(number),
        contractor=firm("cleaner", city_number(number, number // 5 // 2)),
        price_fen=rng.randint(120, 900) * 1_000_000,
        signed_on=signed,
        starts_on=signed + timedelta(days=rng.randint(5, 20)),
        ends_on=day + timedelta(days=rng.randint(200, 700)),
        status="003",
        updated_at=moment(day, 7, number % 500),
    )


def city_number(number: int, in_city: int) -> int:
    """A firm's number in the city of a section."""
    return number % 5 + 5 * in_city


def _bank_at(city: City, in_city: int) -> Bank:
    """One of the city's banks, by turns; the bank of the services keeps no accounts of projects."""
    found = [bank for bank in BANKS.values() if bank.home == city.prefix and bank is not SERVICE_BANK]
    return found[in_city % len(found)]
