"""Special accounts and their movements of the day: balances follow from the movements, wages from the payrolls."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from simulators.identifiers import make_account, make_cnaps
from simulators.truth.clock import moment
from simulators.truth.document import Document, record
from simulators.truth.firms import BANKS, Bank
from simulators.truth.payrolls import Payroll, account_number, payroll_of
from simulators.truth.sections import Site
from simulators.truth.world import World
from simulators.workdays import workday_before

_SUFFIX = "农民工工资专用账户"


@dataclass(frozen=True)
class Account:
    """An account at a bank; the number counts within the bank."""

    bank: Bank
    number: int
    nth: int
    site: Site

    @property
    def account_no(self) -> str:
        """As printed."""
        return account_number(self.bank, self.number)

    @property
    def name(self) -> str:
        """As the regulation prescribes; further accounts of a site are numbered."""
        again = f"（{self.nth + 1}）" if self.nth else ""
        return f"{self.site.contractor.name}{self.site.name}{again}{_SUFFIX}"

    @property
    def status(self) -> str:
        """A site's first account is in use."""
        return ("normal", "normal", "normal", "frozen", "normal", "closed")[self.number % 6] if self.nth else "normal"

    @property
    def opened_on(self) -> date:
        """Within thirty days of the contract, but for some (rule W02)."""
        late = 75 if self.number % 11 == 10 else 5 + self.number % 24
        return workday_before(self.site.signed_on + timedelta(days=late), 0)

    @property
    def opening_fen(self) -> int:
        """What was in it in the morning: enough for a month, but for some (rule W16)."""
        if self.status == "closed":
            return 0
        share = 5 if self.number % 13 == 12 else 110 + self.number * 7 % 60
        return max(30_000_000, self.site.monthly_labour_fen) * share // 100 // 100 * 100


@dataclass(frozen=True)
class Movement:
    """One movement of an account."""

    account: Account
    number: int
    at: datetime
    direction: str
    action: str
    fen: int
    balance_fen: int
    opposite: tuple[str, str, str]
    batch_no: str | None
    summary: str


def accounts(world: World, partner: str, count: int) -> list[Document]:
    """The accounts of a bank with their balances at the end of the day."""
    bank = BANKS[partner]
    closing = {m.account.number: m.balance_fen for m in movements(world, bank, world.planned("txns", partner))}
    found = (account_at(world, bank, k) for k in range(count))
    return [_account(world, account, closing.get(account.number, account.opening_fen)) for account in found]


def txns(world: World, partner: str, count: int) -> list[Document]:
    """The bank's movements of the day in the order of time."""
    return [_txn(movement) for movement in movements(world, BANKS[partner], count)]


def account_at(world: World, bank: Bank, number: int) -> Account:
    """The bank's account with this number."""
    sites = world.sites_of(bank)
    return Account(bank, number, number // len(sites), sites[number % len(sites)])


def movements(world: World, bank: Bank, count: int) -> list[Movement]:
    """So many movements; those beyond the plan come after the balances were taken."""
    found, balances = [], dict[int, int]()
    planned = world.planned("txns", bank.partner)
    steps = _steps(world, bank)
    for number in range(count):
        account, (direction, action, fen, party, batch_no, summary) = next(steps)
        before = balances.get(account.number, account.opening_fen)
        balances[account.number] = before + (fen if direction == "in" else -fen)
        at = moment(world.day, 8, 40, number * 32_000 // planned)
        if number >= planned:
            at = moment(world.day, 18, 20, number - planned)
        balance, opposite = balances[account.number], _opposite(account, party, action, number)
        found.append(Movement(account, number, at, direction, action, fen, balance, opposite, batch_no, summary))
    return found


_Step = tuple[str, str, int, str, str | None, str]


def _steps(world: World, bank: Bank) -> Iterator[tuple[Account, _Step]]:
    """Accounts that pay wages first, then the others, each with one movement a round."""
    planned = range(max(1, world.planned("accounts", bank.partner)))
    used = [account for k in planned if (account := account_at(world, bank, k)).status == "normal"]
    payrolls = world.planned("payrolls", bank.partner)
    plans = [_plan(world, account, payrolls) for account in used]
    while True:
        for account, plan in zip(used, plans, strict=True):
            yield account, next(plan)


def _plan(world: World, account: Account, payrolls: int) -> Iterator[_Step]:
    """The movements of one account: its payrolls, then ordinary ones without end."""
    site, bank = account.site, account.bank
    rng = world.rng("movements", bank.partner, account.number)
    others = len(world.sites_of(bank))
    for k in range(payrolls):
        if account.nth == 0 and k % others == account.number:
            yield from _wages(bank, payroll_of(world, bank, k))
    for turn in range(1_000_000):
        monthly = max(site.monthly_labour_fen, 20_000_000)
        yield (
            "in",
            "labour_fee",
            monthly * rng.randint(80, 110) // 100 // 100 * 100,
            site.owner.name,
            None,
            "人工费入账",
        )
        if turn % 2:
            yield "in", "interest", rng.randint(100, 90_000), bank.title, None, "结息"
        yield "out", "fee", rng.randint(1, 50) * 100, bank.title, None, "账户手续费"
        if account.number % 17 == 16:  # money that goes elsewhere: rule W17
            yield "out", "other", 1_500_000, site.contractor.name, None, "往来款"


def _wages(bank: Bank, payroll: Payroll) -> Iterator[_Step]:
    party = f"{bank.title}代发过渡户"
    month = payroll.pay_month.replace("-", "年") + "月"
    yield "out", "wage", payroll.total_fen, party, payroll.batch_no, f"{month}工资代发"
    if payroll.back_fen:
        yield "in", "returned", payroll.back_fen, party, payroll.batch_no, "代发退票"


def _opposite(account: Account, party: str, action: str, number: int) -> tuple[str, str, str]:
    """Name, account and line number of the other side."""
    bank, city = account.bank, account.site.city
    other = make_account(f"88{bank.bank3}{bank.number}", account.number * 10 + number % 10)
    cnaps = make_cnaps("102", 7, city.pbc_code) if action == "labour_fee" else bank.cnaps(city, 9)
    return party, other, cnaps


def _account(world: World, a: Account, balance: int) -> Document:
    site, opened = a.site, a.opened_on
    filed = None if a.number % 9 == 8 else min(opened + timedelta(days=6 + a.number % 20), world.day)
    return record(
        "special_account",
        bank3_code=a.bank.bank3,
        account_no=a.account_no,
        account_name=a.name,
        cnaps_code=a.bank.cnaps(site.city),
        permit_no=site.permit_no,
        contractor_uscc=site.contractor.uscc,
        contractor_name=site.contractor.name,
        open_on=opened,
        agreement_on=opened if a.number % 10 != 7 else None,
        status=a.status,
        balance_fen=balance,
        balance_at=moment(world.day, 18),
        area6_code=site.city.code,
        service_no=site.service_no,
        filing_on=filed,
        close_notice_on=workday_before(world.day, 45) if a.status == "closed" else None,
    )


def _txn(m: Movement) -> Document:
    name, other, cnaps = m.opposite
    bank, site = m.account.bank, m.account.site
    return record(
        "account_txn",
        bank3_code=bank.bank3,
        txn_no=f"{bank.number}{m.at:%Y%m%d}{m.number + 1:08d}",
        account_no=m.account.account_no,
        txn_at=m.at,
        direction=m.direction,
        action=m.action,
        amount_fen=m.fen,
        balance_after_fen=m.balance_fen,
        opposite_name=name,
        opposite_account_no=other,
        opposite_cnaps_code=cnaps,
        batch_no=m.batch_no,
        summary=m.summary,
        area6_code=site.city.code,
    )
