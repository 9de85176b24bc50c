"""Counties and streets of the five pilot cities, real codes from the area list, functional zones included."""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_AREAS = Path(__file__).parents[2] / "mappings" / "codes" / "areas.csv"
_CITIES = {
    # prefix: name, short name in documents, PBC code, latitude and longitude in millionths
    "3702": ("青岛市", "青", "4520", 36_067_000, 120_383_000),
    "3707": ("潍坊市", "潍", "4580", 36_707_000, 119_162_000),
    "3708": ("济宁市", "济", "4610", 35_415_000, 116_587_000),
    "3709": ("泰安市", "泰", "4630", 36_200_000, 117_088_000),
    "3710": ("威海市", "威", "4650", 37_513_000, 122_120_000),
}
# Functional zones have long names; signs and account names say them shorter.
_SHORT = {"370772": "滨海区", "370871": "高新区", "371071": "火炬高区", "371072": "经开区", "371073": "临港区"}


@dataclass(frozen=True)
class County:
    """A county, district or functional zone."""

    code: str
    name: str
    streets: tuple[str, ...]


@dataclass(frozen=True)
class City:
    """A pilot city."""

    prefix: str
    name: str
    mark: str
    pbc_code: str
    latitude_e6: int
    longitude_e6: int
    counties: tuple[County, ...]

    @property
    def code(self) -> str:
        """Six digits."""
        return self.prefix + "00"


@cache
def cities() -> tuple[City, ...]:
    """The five pilot cities by code; functional zones stand first among the counties of each."""
    rows = _rows()
    streets: dict[str, list[str]] = {}
    for row in rows:
        if row["level"] == "street":
            streets.setdefault(row["code"][:6], []).append(row["code"])
    counties = sorted((row for row in rows if row["level"] == "county"), key=lambda row: row["status"] != "functional")
    return tuple(
        City(prefix, *facts, tuple(_county(row, streets) for row in counties if row["code"].startswith(prefix)))
        for prefix, facts in _CITIES.items()
    )


@cache
def city_of(area: str) -> City:
    """The city of an area code."""
    return next(city for city in cities() if area.startswith(city.prefix))


@cache
def county_of(area: str) -> County:
    """The county of an area code."""
    return next(county for county in city_of(area).counties if area.startswith(county.code))


def _county(row: dict[str, str], streets: dict[str, list[str]]) -> County:
    code = row["code"]
    return County(code, _SHORT.get(code, row["name"]), tuple(streets.get(code, [code + "000"])))


@cache
def _rows() -> tuple[dict[str, str], ...]:
    with _AREAS.open(encoding="utf-8", newline="") as file:
        return tuple(row for row in csv.DictReader(file) if row["status"] != "retired")
