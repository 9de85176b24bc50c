"""What the insurer knows: wage guarantees and what happened to each.

Amounts are 1 to 3 percent of the contract, periods at least a year, and the events fit the status.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random

from simulators.identifiers import make_uscc
from simulators.projects import Project
from simulators.sm3 import sm3_hex
from simulators.workdays import workday_before

INSURER_USCC = make_uscc(9_000_001, "370900")
# Status -> the events that lead to it.
_STORIES = {
    "1": "A", "2": "AP", "3": "APE", "6": "APNC", "7": "PNCF", "8": "APL", "9": "APS",
}  # fmt: skip
_USUAL = "222222222233167899"
_CLAIM = "NCF"


@dataclass(frozen=True)
class GuaranteeEvent:
    """One thing that happened to a guarantee."""

    seq: int
    kind: str
    at: datetime
    fen: int | None
    notice_no: str | None = None
    due_on: date | None = None
    result: str | None = None


@dataclass(frozen=True)
class Guarantee:
    """One guarantee for one project."""

    number: int
    guarantee_no: str
    kind: str
    project: Project
    insured_fen: int
    rate: str
    premium_fen: int
    issued_on: date
    valid_from: date
    valid_to: date
    file_hash: str
    status: str
    updated_at: datetime
    events: tuple[GuaranteeEvent, ...]


def build_guarantees(rng: Random, projects: tuple[Project, ...], count: int, day: date) -> Iterator[Guarantee]:
    """Guarantees for the last projects, which have no payroll on the day."""
    for number in range(count):
        yield _build_guarantee(rng, projects[-1 - number % len(projects)], number, count, day)


def _build_guarantee(rng: Random, project: Project, number: int, count: int, day: date) -> Guarantee:
    issued = workday_before(project.issued_on + timedelta(days=25), rng.randint(0, 20))
    years = rng.randint(2, 4)
    insured = project.price_fen * rng.randint(10, 30) // 1000 // 100 * 100
    status = rng.choice(_USUAL)
    guarantee_no = f"DZBX{issued:%Y%m%d}{number + 1:06d}"
    return Guarantee(
        number=number,
        guarantee_no=guarantee_no,
        kind=rng.choice(("surety_insurance", "surety_insurance", "bank_guarantee", "guarantee_company")),
        project=project,
        insured_fen=insured,
        rate="0.0150",
        premium_fen=insured * 15 * years // 1000,
        issued_on=issued,
        valid_from=issued,
        valid_to=max(issued + timedelta(days=366 * years), project.ends_on),
        file_hash=sm3_hex(guarantee_no.encode()),
        status=status,
        updated_at=datetime.combine(day, time(6)) + timedelta(seconds=number * 36_000 // count),
        events=tuple(_build_events(rng, status, issued, insured, number, day)),
    )


def _build_events(
    rng: Random, status: str, issued: date, insured: int, number: int, day: date
) -> Iterator[GuaranteeEvent]:
    claim = insured * rng.randint(20, 90) // 100
    for seq, kind in enumerate(_STORIES[status], 1):
        at = datetime.combine(issued + timedelta(days=8 * (seq - 1)), time(9, 30 + seq))
        claimed = kind in _CLAIM
        yield GuaranteeEvent(
            seq=seq,
            kind=kind,
            at=at,
            fen=claim if claimed else insured if kind in "APE" else None,
            notice_no=f"ZFTZ{issued:%Y}{number + 1:05d}" if claimed else None,
            due_on=at.date() + timedelta(days=7) if kind == "N" else None,
            result="同意" if kind in "PL" else None,
        )
