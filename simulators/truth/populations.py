"""Populations by the names of the profiles."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from simulators.truth import accounts, clues, employers, payrolls, permits, site, steps, sureties, warned
from simulators.truth.document import Document
from simulators.truth.world import World

_PLAIN: Mapping[str, Callable[[World, int], list[Document]]] = {
    "services": permits.services,
    "parties": site.parties,
    "workers": site.workers,
    "contracts": site.contracts,
    "attendance": site.attendance,
    "media": site.media,
    "activity": site.activity,
    "settlements": site.settlements,
    "enterprises": employers.enterprises,
    "employments": employers.employments,
    "hrss_contracts": employers.hrss_contracts,
    "steps": steps.steps,
    "warnings": warned.warnings,
    "warning_steps": warned.warning_steps,
    "evals": employers.evals,
    "records": employers.records,
    "lists": employers.lists,
    "corrections": employers.corrections,
}
_OF_BANK: Mapping[str, Callable[[World, str, int], list[Document]]] = {
    "accounts": accounts.accounts,
    "txns": accounts.txns,
    "payrolls": payrolls.payrolls,
}
_FAMILIES: Mapping[str, Callable[[World, str, int], list[Document]]] = {
    "permits": permits.permits,
    "clues": clues.clues,
    "uses": employers.uses,
    "notices": steps.notices,
}


@dataclass(frozen=True)
class Truth(World):
    """The five cities as documents."""

    def documents(
        self, population: str, *, partner: str, feed: str, count: int, nature: str | None = None
    ) -> list[Document]:
        """The first so many documents of a population; `count` is scaled already."""
        family, _, rest = population.partition(".")
        if population in _PLAIN:
            return _PLAIN[population](self, count)
        if population in _OF_BANK:
            return _OF_BANK[population](self, partner, count)
        if family == "guarantees":
            return sureties.guarantees(self, rest, partner, count)
        if family in _FAMILIES:
            return _FAMILIES[family](self, rest, count)
        raise ValueError(f"{feed}: there is no population {population}")

    def same_matters(self) -> dict[str, list[tuple[str, str]]]:
        """Clues about one matter, by channel and serial number: what a search for duplicates has to find."""
        return clues.same_matters(self)

    def must_hear(self) -> dict[tuple[str, str], tuple[str, str, int]]:
        """Which clue's channel must be told which conclusion, by channel, serial number and step."""
        return steps.must_hear(self, self.planned("steps"))
