"""The statement of files that each of the two banks drops at the end of a day: name, rows, amount and digest of every file it sent.

It is written from the bank's own ledger, whatever the hub has seen.
"""

from dataclasses import dataclass
from datetime import date

from simulators import bankfiles
from simulators.bankfiles import yuan
from simulators.ledger import Ledger
from simulators.projects import Bank

_FILES = """select files.name, files.digest, count(sent.file) as rows, coalesce(sum(sent.fen), 0) as fen
    from files join sent on sent.file = files.name and sent.kind <> 'payroll_batch'
    where files.name like ? group by files.name order by files.name"""


@dataclass(frozen=True)
class Line:
    """One file as its bank remembers it."""

    name: str
    rows: int
    fen: int
    digest: str


def statement_of(ledger: Ledger, bank: Bank, day: date, version: int) -> tuple[str, bytes]:
    """Name and bytes of the statement of one day."""
    found = ledger.db.execute(_FILES, (f"{bank.bank3}_%_{day:%Y%m%d}_%",))
    lines = [Line(row["name"], row["rows"], row["fen"], row["digest"]) for row in found]
    name = f"{bank.bank3}_{bankfiles.BRANCH_AREA}_STMT_{day:%Y%m%d}_0001_v{version}.txt"
    written = (_haidai if bank.partner == "haidai" else _wenhe)(bank, day, lines)
    return name, bankfiles.encode(bank, written)


def _haidai(bank: Bank, day: date, lines: list[Line]) -> list[str]:
    count, total = str(len(lines)), yuan(sum(line.fen for line in lines))
    head = "|".join(["H", "1.0", bank.bank3, "STMT", f"{day:%Y%m%d}", count, total, f"{day:%Y%m%d}235900"])
    rows = (
        "|".join(["D", str(n), one.name, str(one.rows), yuan(one.fen), one.digest]) for n, one in enumerate(lines, 1)
    )
    return [head, *rows, "|".join(["T", count, total])]


def _wenhe(bank: Bank, day: date, lines: list[Line]) -> list[str]:
    count, total = f"{len(lines):08d}", f"{sum(line.fen for line in lines):015d}"
    head = f"0{bank.bank3}STMT{day:%Y%m%d}{count}{total}{day:%Y%m%d}235900"
    rows = (f"1{n:06d}{one.name:60}{one.rows:08d}{one.fen:015d}{one.digest:64}" for n, one in enumerate(lines, 1))
    return [head, *rows, f"9{count}{total}"]
