"""Invented people: workers of a site with their cards and wages, officers, reporters. One number is one person everywhere."""

from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from random import Random

from simulators import names
from simulators.identifiers import make_id_no, make_phone

# Ranges of running numbers; the first five simulators use other ones.
SITE_WORKERS, SITE_STRIDE = 10_000_000, 500
SERVICE_WORKERS, SERVICE_STRIDE = 13_400_000, 100
OFFICERS = 13_200_000
MANAGERS = 13_000_000


@dataclass(frozen=True)
class Person:
    """A person who does not exist."""

    number: int
    name: str
    id_no: str
    phone: str

    @property
    def born_on(self) -> date:
        """As the ID number says."""
        return datetime.strptime(self.id_no[6:14], "%Y%m%d").date()

    @property
    def sex(self) -> str:
        """GB/T 2261.1, as the ID number says."""
        return "1" if int(self.id_no[16]) % 2 else "2"


@cache
def person(number: int) -> Person:
    """The person with this number, the same in every source."""
    return Person(number, names.person_name(Random(f"person/{number}")), make_id_no(number), make_phone(number))
