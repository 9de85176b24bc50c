"""Workers at a site: one person with a card and a day's wage, the same in every source that names them."""

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from simulators.truth.clock import first_of_month
from simulators.truth.firms import Firm
from simulators.truth.people import SITE_STRIDE, SITE_WORKERS, Person, person
from simulators.truth.sections import Section, Site
from simulators.workdays import is_workday

# Trades that a site of any kind has; codes of the national interface.
_TRADES = ("010", "020", "030", "040", "050", "060", "130", "150", "170", "190", "230", "240", "270", "300")


@dataclass(frozen=True)
class Worker:
    """A place on the roster of a site."""

    site: Site
    place: int
    person: Person
    worker_no: str
    card_no: str
    cnaps_code: str
    daily_fen: int
    entered_on: date
    left_on: date | None

    @property
    def employer(self) -> Firm:
        """Who hired the worker: most work for the labour company of the section."""
        site = self.site
        return site.labour if isinstance(site, Section) and self.place % 4 else site.contractor

    @property
    def is_manager(self) -> bool:
        """One of ten belongs to the site's management."""
        return isinstance(self.site, Section) and self.place % 10 == 0

    @property
    def is_shared(self) -> bool:
        """Whether the person is on the roster of another site as well."""
        own = SITE_WORKERS + self.site.number * SITE_STRIDE
        return isinstance(self.site, Section) and self.person.number != own + self.place % SITE_STRIDE

    @property
    def trade(self) -> str:
        """The work type."""
        return "900" if self.is_manager else _TRADES[(self.place + self.site.number) % len(_TRADES)]


def worker_at(site: Site, place: int, day: date) -> Worker:
    """The worker at a place of the roster."""
    number = site.person_number(place)
    # On some sites a foreman draws a colleague's wage: one card of two people is what the rules look for.
    carded = site.person_number(2) if place == 3 and site.number % 7 == 3 else number
    rng = Random(f"worker/{site.number}/{place}")
    entered = min(site.starts_on + timedelta(days=rng.randint(0, 40)), first_of_month(day, 1))
    left = day - timedelta(days=rng.randint(1, 9)) if rng.random() < 0.08 else None
    return Worker(
        site=site,
        place=place,
        person=person(number),
        worker_no=f"{site.county[:4]}{site.number:06d}{place + 1:04d}",
        card_no=site.bank.card(carded),
        cnaps_code=site.bank.cnaps(site.city, 1 + place % 3),
        daily_fen=rng.randint(220, 420) * 100 if isinstance(site, Section) else rng.randint(90, 160) * 100,
        entered_on=entered,
        left_on=left,
    )


def days_worked(worker: Worker, month: date) -> int:
    """Days attended in a month: what attendance and payroll both say."""
    rng = Random(f"days/{worker.site.number}/{worker.place}/{month:%Y-%m}")
    days = [first_of_month(month) + timedelta(days=i) for i in range(31)]
    open_days = sum(is_workday(day) for day in days if day.month == month.month)
    return max(1, min(open_days + rng.randint(-4, 4), 28))
