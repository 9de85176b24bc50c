"""The five cities on one working day: what every population draws from."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import count as count_from
from itertools import islice
from random import Random

from simulators.truth.firms import BANKS, Bank, Firm
from simulators.truth.profiles import Planned, read_profiles
from simulators.truth.sections import SERVICE_BANK, Section, Service, Site, build_section, build_service
from simulators.truth.workers import Worker, worker_at

_DEFINING = ("permits.construction.", "permits.commencement_report.")
_PAID_TOGETHER = 10
_EXTRA = 100_000


@dataclass(frozen=True)
class World:
    """Everything is drawn from the seed, the scale and the day; nothing lies after the day."""

    seed: int = 7
    scale: float = 1
    day: date = date(2026, 11, 23)

    def rng(self, *what: object) -> Random:
        """A random source of its own for each purpose, so that no part depends on another's order."""
        return Random("/".join(str(part) for part in ("truth", self.seed, float(self.scale), self.day, *what)))

    def feeds(self, population: str) -> list[Planned]:
        """The feeds that send a population, or all of a family when the name ends with a dot."""
        family = population.endswith(".")
        return [
            planned
            for planned in read_profiles()
            if planned.population == population or (family and planned.population.startswith(population))
        ]

    def planned(self, population: str, partner: str | None = None) -> int:
        """How many documents are sent of a population at this scale."""
        feeds = self.feeds(population)
        return sum(planned.at(self.scale) for planned in feeds if partner in (None, planned.partner))

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        """The sections that the permit feeds define; children belong to these and no others."""
        return tuple(section for issued in self._issued.values() for section in issued)

    @cached_property
    def _issued(self) -> dict[str, tuple[Section, ...]]:
        feeds = [planned for family in _DEFINING for planned in self.feeds(family)]
        feeds.sort(key=read_profiles().index)
        numbers, found = count_from(), {}
        for planned in feeds:
            taken: Counter[str] = Counter()
            found[planned.partner] = tuple(
                build_section(self.rng("section", planned.partner, i), next(numbers), planned.partner, self.day, taken)
                for i in range(planned.at(self.scale))
            )
        return found

    def issued(self, issuer: str, count: int) -> tuple[Section, ...]:
        """The sections of an issuer; more than planned have no children."""
        known = self._issued.get(issuer, ())
        taken = Counter(section.permit_no[:14] + section.permit_no[16:] for section in known)
        first = _EXTRA + 5_000 * list(self._issued).index(issuer)
        more = (
            build_section(self.rng("section", issuer, i), first + i, issuer, self.day, taken)
            for i in range(len(known), count)
        )
        return (*known[:count], *more)

    @cached_property
    def services(self) -> tuple[Service, ...]:
        """The service contracts that the city administration sends."""
        return self.services_up_to(self.planned("services"))

    def services_up_to(self, count: int) -> tuple[Service, ...]:
        """So many service contracts."""
        return tuple(build_service(self.rng("service", i), i, self.day) for i in range(count))

    def sites_of(self, bank: Bank) -> tuple[Site, ...]:
        """For which projects or services a bank keeps accounts, never none."""
        if bank is SERVICE_BANK:
            return self.services
        own = tuple(section for section in self.sections if section.bank is bank)
        return own or (self.sections[bank.number % len(self.sections)],)

    @cached_property
    def paying(self) -> tuple[Section, ...]:
        """Sections that pay wages through one of the banks today."""
        found: dict[int, Section] = {}
        for bank in BANKS.values():
            sites = self.sites_of(bank)
            for k in range(self.planned("payrolls", bank.partner)):
                site = sites[k % len(sites)]
                if isinstance(site, Section):
                    found[site.number] = site
        return tuple(found.values())

    def workers(self, count: int) -> list[Worker]:
        """Workers in the order of the real-name platform: teams of sites that pay today stand first."""
        return [worker_at(section, place, self.day) for section, place in islice(self._places(), count)]

    def _places(self) -> Iterator[tuple[Section, int]]:
        others = [section for section in self.sections if section not in self.paying]
        for place in range(_PAID_TOGETHER):
            yield from ((section, place) for section in self.paying)
        for place in range(_PAID_TOGETHER):
            yield from ((section, place) for section in others)
        for place in count_from(_PAID_TOGETHER):
            yield from ((section, place) for section in self.sections)

    @cached_property
    def registered(self) -> Counter[int]:
        """How many workers of each section the real-name platform sends."""
        return Counter(section.number for section, _ in islice(self._places(), self.planned("workers")))

    @cached_property
    def employers(self) -> tuple[Firm, ...]:
        """Contractors, labour companies, owners and service companies, each once."""
        found = [firm for s in self.sections for firm in (s.contractor, s.labour)]
        found += [service.contractor for service in self.services]
        found += [section.owner for section in self.sections]
        return tuple({firm.uscc: firm for firm in found}.values())
