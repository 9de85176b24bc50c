"""A synthetic city on one working day: the single source of everything the simulated partners say.

The same seed, scale and day give the same city to the byte; every identifier has a valid check digit and nothing
lies after the day.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from random import Random

from simulators.clues import Clue, build_clues
from simulators.guarantees import Guarantee, build_guarantees
from simulators.projects import BANKS, Bank, Project, build_projects
from simulators.wages import Payroll, Txn, build_late_income, build_movements, build_payroll
from simulators.workdays import previous_month

PROJECTS, PAYROLLS_PER_BANK, PAYROLL_LINES, GUARANTEES, CLUES = 200, 8, 5_000, 60, 40
_EXTRA_LINES = 40
_EXTRA_WORKERS = 8_000_000


@dataclass(frozen=True)
class City:
    """The city on its business day."""

    seed: int = 7
    scale: float = 1
    day: date = date(2026, 11, 23)

    def rng(self, *what: object) -> Random:
        """A random source of its own for each purpose, so that no part depends on another's order."""
        return Random("/".join(str(part) for part in (self.seed, float(self.scale), self.day, *what)))

    def count(self, at_scale_one: int) -> int:
        """A count at this city's scale, never zero."""
        return max(1, round(at_scale_one * self.scale))

    @cached_property
    def projects(self) -> tuple[Project, ...]:
        """All projects."""
        return tuple(build_projects(self.rng("projects"), max(2, self.count(PROJECTS)), self.day))

    @cached_property
    def guarantees(self) -> tuple[Guarantee, ...]:
        """All guarantees, by number."""
        return tuple(build_guarantees(self.rng("guarantees"), self.projects, self.count(GUARANTEES), self.day))

    @cached_property
    def clues(self) -> tuple[Clue, ...]:
        """All clues, in the order of their update times."""
        return tuple(build_clues(self.rng("clues"), self.projects, self.count(CLUES), self.day))

    def accounts_at(self, bank: Bank) -> list[Project]:
        """The projects that keep their wage account at this bank; the first ones pay wages today."""
        return self._accounts[bank.partner]

    @cached_property
    def _accounts(self) -> dict[str, list[Project]]:
        return {name: [p for p in self.projects if p.bank.partner == name] for name in BANKS}

    def payroll_count(self, bank: Bank) -> int:
        """How many payrolls this bank paid today."""
        return min(self.count(PAYROLLS_PER_BANK), len(self.accounts_at(bank)))

    def payroll(self, bank: Bank, index: int) -> Payroll:
        """The bank's payroll with this index; an index past the day's payrolls gives an additional small one."""
        accounts = self.accounts_at(bank)
        project = accounts[index % len(accounts)]
        first, count = self._workers(bank, index)
        batch_no = f"{bank.bank3}{self.day:%Y%m%d}{index + 1:06d}"
        month = previous_month(self.day)
        return build_payroll(self.rng("payroll", batch_no), project, batch_no, self.day, first, count, month)

    def _workers(self, bank: Bank, index: int) -> tuple[int, int]:
        """First running number and head count of a payroll; the lines are spread evenly over all files."""
        per_bank = self.payroll_count(bank)
        ordinal = index * len(BANKS) + list(BANKS).index(bank.partner)
        if index >= per_bank:
            return _EXTRA_WORKERS + ordinal * _EXTRA_LINES, _EXTRA_LINES
        lines, rest = divmod(self.count(PAYROLL_LINES), per_bank * len(BANKS))
        return ordinal * (lines + 1), lines + (1 if ordinal < rest else 0)

    def is_quiet(self, project: Project) -> bool:
        """Whether the project's account had no movement today."""
        index = project.number // len(BANKS)
        return index >= self.payroll_count(project.bank) and index % 5 == 4

    def movements(self, project: Project) -> tuple[int, list[Txn]]:
        """The closing balance of a project's account and the movements of the day."""
        if project.number not in self._movements:
            index = project.number // len(BANKS)
            payroll = self.payroll(project.bank, index) if index < self.payroll_count(project.bank) else None
            closing, movements = build_movements(self.rng("txns", project.number), project, payroll, self.day)
            self._movements[project.number] = closing, [] if self.is_quiet(project) else movements
        return self._movements[project.number]

    @cached_property
    def _movements(self) -> dict[int, tuple[int, list[Txn]]]:
        """Remembered, because a movement of wages costs the making of the whole payroll."""
        return {}

    def txns(self, bank: Bank) -> Iterator[Txn]:
        """All movements at the bank in the order of time, account by account within a second."""
        rows = (txn for project in self.accounts_at(bank) for txn in self.movements(project)[1])
        return iter(sorted(rows, key=lambda txn: (txn.at, txn.txn_no)))

    def late_income(self, project: Project, number: int) -> Txn:
        """One more income of an account after the end of the day's movements."""
        closing, _ = self.movements(project)
        return build_late_income(project, closing, number, self.day)
