"""Payrolls of the month before: the workers of a site with their days, and what became of each wage."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from simulators.identifiers import make_account
from simulators.sm3 import sm3_hex
from simulators.truth.clock import first_of_month, moment
from simulators.truth.document import Document, Fields, Value, record
from simulators.truth.firms import BANKS, Bank
from simulators.truth.sections import Section, Site
from simulators.truth.workers import Worker, days_worked, worker_at
from simulators.truth.world import World

_SERVICE_TEAM = 12
_FEWEST = 10
_FAILURES = ("0002", "0003", "0004", "0007")


@dataclass(frozen=True)
class Wage:
    """What one worker got."""

    worker: Worker
    days: int
    gross_fen: int
    deduct_fen: int
    result: str
    fail_code: str | None
    paid_at: datetime

    @property
    def net_fen(self) -> int:
        """Wage paid."""
        return self.gross_fen - self.deduct_fen


@dataclass(frozen=True)
class Payroll:
    """One batch."""

    bank: Bank
    number: int
    site: Site
    batch_no: str
    pay_month: str
    is_backpay: bool
    made_at: datetime
    wages: tuple[Wage, ...]

    @property
    def total_fen(self) -> int:
        """What leaves the account."""
        return sum(wage.net_fen for wage in self.wages)

    @property
    def back_fen(self) -> int:
        """What comes back to it."""
        return sum(wage.net_fen for wage in self.wages if wage.result in ("failed", "returned"))


def payrolls(world: World, partner: str, count: int) -> list[Document]:
    """The batches of a bank with their lines."""
    bank = BANKS[partner]
    sites = len(world.sites_of(bank))
    return [_document(payroll_of(world, bank, k), account_number(bank, k % sites)) for k in range(count)]


def payroll_of(world: World, bank: Bank, number: int) -> Payroll:
    """The bank's batch with this number; after a turn through its sites come wages of earlier months."""
    sites = world.sites_of(bank)
    rounds, place = divmod(number, len(sites))
    site = sites[place]
    rng = world.rng("payroll", bank.partner, number)
    month = first_of_month(world.day, 1 + rounds)
    made = moment(world.day, 9, number % 120)
    wages = []
    for line, place in enumerate(_places(world, site), 1):
        worker = worker_at(site, place, world.day)
        days = days_worked(worker, month)
        gross = days * worker.daily_fen
        if line == 7 and site.number % 12 == 5:
            gross = 5_600_000  # beyond what is reasonable: rule W21
        result = rng.choices(("success", "failed", "pending", "returned"), (92, 4, 2, 2))[0]
        wages.append(
            Wage(
                worker=worker,
                days=days,
                gross_fen=gross,
                deduct_fen=rng.choice((0, 0, 0, 10_000, 20_050)),
                result=result,
                fail_code={"failed": rng.choice(_FAILURES), "returned": "9001"}.get(result),
                paid_at=made + timedelta(minutes=30, seconds=line),
            )
        )
    batch_no = f"{bank.number}{world.day:%Y%m%d}{number + 1:05d}"
    return Payroll(bank, number, site, batch_no, f"{month:%Y-%m}", rounds > 0, made, tuple(wages))


def _places(world: World, site: Site) -> list[int]:
    """Who is paid: those the real-name platform knows, on some sites one more whom it does not (rule W09)."""
    if not isinstance(site, Section):
        return list(range(_SERVICE_TEAM))
    known = max(world.registered[site.number], _FEWEST)
    return [*range(known), *([known] if site.number % 3 == 0 else [])]


def account_number(bank: Bank, number: int) -> str:
    """The number of the bank's account: its own number and a running one, never right by Luhn."""
    return make_account(f"{bank.bank3}{bank.number}600", number + 1)


def _document(payroll: Payroll, account_no: str) -> Document:
    lines = (_line(payroll, number, wage) for number, wage in enumerate(payroll.wages, 1))
    return Document({"payroll_batch": _batch(payroll, account_no)}, tuple(lines))


def _batch(p: Payroll, account_no: str) -> Fields:
    failed = sum(wage.result == "failed" for wage in p.wages)
    return {
        **_common(p),
        "payer_account_no": account_no,
        "employer_uscc": p.site.contractor.uscc,
        "total_count": len(p.wages),
        "total_fen": p.total_fen,
        "made_at": p.made_at,
        "is_backpay": p.is_backpay,
        "signed_count": len(p.wages) - failed,
        "sheet_sm3": sm3_hex(p.batch_no.encode()),
    }


def _common(p: Payroll) -> dict[str, Value]:
    return {
        "bank3_code": p.bank.bank3,
        "batch_no": p.batch_no,
        "permit_no": p.site.permit_no,
        "service_no": p.site.service_no,
        "pay_month": p.pay_month,
        "area6_code": p.site.city.code,
    }


def _line(p: Payroll, number: int, wage: Wage) -> Document:
    worker = wage.worker
    paid = wage.result != "pending"
    return record(
        "payroll_line",
        **_common(p),
        line_no=number,
        worker_name=worker.person.name,
        id_type="01",
        id_no=worker.person.id_no,
        card_no=worker.card_no,
        cnaps_code=worker.cnaps_code,
        net_fen=wage.net_fen,
        result=wage.result,
        fail_code=wage.fail_code,
        paid_at=wage.paid_at if paid else None,
        bank_serial_no=f"{p.batch_no}{number:06d}" if paid else None,
        days=wage.days,
        work_hours=wage.days * 8,
        gross_fen=wage.gross_fen,
        deduct_fen=wage.deduct_fen,
        backpay_month=p.pay_month if p.is_backpay else None,
    )
