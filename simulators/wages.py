"""What the banks know: balances, movements of one day and the payroll results of the month before.

The movements of a day are computed from the payrolls of that day, so that balances and wages agree to the fen.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random

from simulators import names
from simulators.identifiers import make_account, make_card, make_cnaps, make_id_no
from simulators.projects import Bank, Project

SUCCESS, FAILED, UNKNOWN, RETURNED = "S", "F", "U", "R"
IN, OUT = "1", "2"


@dataclass(frozen=True)
class PayrollLine:
    """What became of one worker's wage."""

    line_no: int
    name: str
    id_no: str
    card_no: str
    cnaps: str
    fen: int
    result: str
    fail_code: str
    paid_at: datetime
    serial: str


@dataclass(frozen=True)
class Payroll:
    """One payroll batch of one project."""

    batch_no: str
    project: Project
    pay_month: date
    lines: tuple[PayrollLine, ...]

    def fen_of(self, result: str) -> int:
        """The wages with this result."""
        return sum(line.fen for line in self.lines if line.result == result)


@dataclass(frozen=True)
class Txn:
    """One movement of a wage account."""

    account_no: str
    txn_no: str
    at: datetime
    direction: str
    action: str
    fen: int
    balance_fen: int
    opposite_name: str
    opposite_account: str
    opposite_cnaps: str
    batch_no: str
    summary: str


def build_payroll(
    rng: Random, project: Project, batch_no: str, day: date, first: int, count: int, month: date
) -> Payroll:
    """A payroll whose workers carry the running numbers from `first` on."""
    lines = tuple(_build_line(rng, project.bank, day, first + i, i + 1) for i in range(count))
    return Payroll(batch_no, project, month, lines)


def _build_line(rng: Random, bank: Bank, day: date, number: int, line_no: int) -> PayrollLine:
    result = rng.choices((SUCCESS, FAILED, UNKNOWN, RETURNED), (96, 2, 1, 1))[0]
    return PayrollLine(
        line_no=line_no,
        name=names.person_name(rng),
        id_no=make_id_no(number),
        card_no=make_card(bank.card_prefix, number),
        cnaps=make_cnaps(bank.bank3, 12 + number % 9),
        fen=rng.randint(3_000_00, 12_000_00),
        result=result,
        fail_code={SUCCESS: "", FAILED: "0003", UNKNOWN: "0001", RETURNED: "9001"}[result],
        paid_at=datetime.combine(day, time(10)) + timedelta(seconds=line_no * 7 % 10_800),
        serial=f"{bank.bank3}{day:%Y%m%d}{number:013d}",
    )


def build_movements(rng: Random, project: Project, payroll: Payroll | None, day: date) -> tuple[int, list[Txn]]:
    """The closing balance of a project's account and the day's movements that lead to it."""
    balance = rng.randint(50_000, 900_000) * 100
    movements = []
    steps = enumerate(_plan(rng, project, payroll), 1)
    for number, (direction, action, fen, party, summary) in steps:
        balance += fen if direction == IN else -fen
        at = datetime.combine(day, time(8, 30)) + timedelta(minutes=number * 100, seconds=project.number % 3600)
        batch_no = payroll.batch_no if payroll and action in "14" else ""
        txn_no = f"{day:%Y%m%d}{project.number:08d}{number:04d}"
        opposite = (party, *_opposite_account(project, number, action))
        movements.append(
            Txn(project.account_no, txn_no, at, direction, action, fen, balance, *opposite, batch_no, summary)
        )
    return balance, movements


def _plan(rng: Random, project: Project, payroll: Payroll | None) -> Iterator[tuple[str, str, int, str, str]]:
    """Direction, action, fen, opposite party and summary of each movement, in the order of the day."""
    bank = project.bank.title
    paid = payroll.fen_of(SUCCESS) + payroll.fen_of(RETURNED) if payroll else 0
    yield IN, "2", paid + rng.randint(30_000, 400_000) * 100, project.owner_name, "人工费入账"
    if payroll:
        yield OUT, "1", paid, f"{bank}代发过渡户", f"{payroll.pay_month:%Y年%m月}工资代发"
    if payroll and payroll.fen_of(RETURNED):
        yield IN, "4", payroll.fen_of(RETURNED), f"{bank}代发过渡户", "代发退票"
    if project.number % 3 == 0:
        yield IN, "3", rng.randint(100, 90_000), bank, "结息|按季"
    if project.number % 4 == 1:
        yield OUT, "5", rng.randint(1, 50) * 100, bank, "账户手续费"


def _opposite_account(project: Project, number: int, action: str) -> tuple[str, str]:
    """Account and line number of the other side."""
    account = make_account("88" + project.bank.account_prefix[:4], project.number * 10 + number)
    return account, make_cnaps("102" if action == "2" else project.bank.bank3, 7)


def build_late_income(project: Project, closing: int, number: int, day: date) -> Txn:
    """An income after the day's last movement; the closing balance is that of the movements before."""
    at = datetime.combine(day, time(18)) + timedelta(seconds=number)
    fen = 50_000_00 + number * 100
    return Txn(
        project.account_no, f"{day:%Y%m%d}{project.number:08d}{9000 + number:04d}", at, IN, "2", fen, closing + fen,
        project.owner_name, *_opposite_account(project, 9, "2"), "", "人工费入账",
    )  # fmt: skip
