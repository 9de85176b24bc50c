"""The two banks' file formats: columns, dialects and how a list of rows becomes bytes.

Both banks send the same columns in the same order; haidai separates them by bars, wenhe by byte positions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from simulators.projects import BANKS, Bank
from simulators.spoil import Row

ENCODING = "gb18030"
BRANCH_AREA = "370900"
# Columns after `seq`, with wenhe's widths in bytes.
COLUMNS: Mapping[str, tuple[tuple[str, int], ...]] = {
    "ACCT": (
        ("account_no", 32), ("account_name", 120), ("cnaps", 12), ("permit_no", 18), ("contractor_uscc", 18),
        ("contractor_name", 60), ("opened_on", 8), ("agreement_on", 8), ("status", 1), ("balance", 15),
        ("balance_at", 14),
    ),
    "TXN": (
        ("account_no", 32), ("txn_no", 24), ("txn_at", 14), ("direction", 1), ("action", 2), ("amount", 15),
        ("balance_after", 15), ("opposite_name", 60), ("opposite_account", 32), ("opposite_cnaps", 12),
        ("batch_no", 20), ("summary", 60),
    ),
    "PAYR": (
        ("batch_no", 20), ("line_no", 6), ("name", 40), ("id_type", 2), ("id_no", 18), ("card_no", 19), ("cnaps", 12),
        ("amount", 15), ("result", 4), ("fail_code", 4), ("paid_at", 14), ("serial", 24),
    ),
}  # fmt: skip
PAYROLL_COLUMNS = (("batch_no", 20), ("permit_no", 18), ("payer_account", 32), ("pay_month", 6), ("employer_uscc", 18))
_NUMBERS = frozenset({"line_no", "balance", "amount", "balance_after"})


@dataclass(frozen=True)
class Head:
    """What the header line says beside the totals."""

    bank3: str
    kind: str
    day: date
    sequence: int
    payroll: Mapping[str, str] | None = None
    version: int = 1

    @property
    def name(self) -> str:
        """The data file's name."""
        return f"{self.bank3}_{BRANCH_AREA}_{self.kind}_{self.day:%Y%m%d}_{self.sequence:04d}_v{self.version}.txt"

    @property
    def file_batch(self) -> str:
        """The bank's own number of this file."""
        return f"{self.bank3}{self.kind}{self.day:%Y%m%d}{self.sequence:04d}"

    @property
    def made_at(self) -> datetime:
        """When the bank's night run wrote the file."""
        return datetime(self.day.year, self.day.month, self.day.day, 18, 15, self.sequence % 60)


@dataclass(frozen=True)
class Totals:
    """Detail rows and amount as header and trailer give them."""

    rows: int
    fen: int


def haidai_lines(head: Head, totals: Totals, rows: Sequence[Row]) -> list[str]:
    """The lines of a haidai file, header and trailer included."""
    start = ["H", "1.0", head.bank3, head.kind, f"{head.day:%Y%m%d}", head.file_batch, str(totals.rows)]
    start += [yuan(totals.fen), "CNY", "yuan", "GB18030", f"{head.made_at:%Y%m%d%H%M%S}"]
    start += [head.payroll[column] for column, _ in PAYROLL_COLUMNS] if head.payroll else []
    details = (
        ["D", str(seq), *(row.fields[column] for column, _ in COLUMNS[head.kind])] for seq, row in enumerate(rows, 1)
    )
    trailer = ["T", str(totals.rows), yuan(totals.fen)]
    return ["|".join(text.replace("|", "\\|") for text in line) for line in (start, *details, trailer)]


def wenhe_lines(head: Head, totals: Totals, rows: Sequence[Row]) -> list[str]:
    """The lines of a wenhe file, header and trailer included."""
    start = f"0{head.bank3}{head.kind:4}{head.day:%Y%m%d}{head.file_batch:20}{totals.rows:08d}{totals.fen:015d}"
    start += f"{head.made_at:%Y%m%d%H%M%S}"
    if head.payroll:
        start += "".join(_fit(head.payroll[column], width) for column, width in PAYROLL_COLUMNS)
    details = (f"1{seq:06d}" + _fixed(row, head.kind) for seq, row in enumerate(rows, 1))
    return [start, *details, f"9{totals.rows:08d}{totals.fen:015d}"]


def _fixed(row: Row, kind: str) -> str:
    return "".join(_fit(row.fields[name], width, name in _NUMBERS) for name, width in COLUMNS[kind])


def _fit(text: str, width: int, is_number: bool = False) -> str:
    """The text at a width in bytes: numbers zero-filled behind their sign, text cut between characters."""
    size = len(text.encode(ENCODING))
    while size > width:
        text = text[:-1]
        size = len(text.encode(ENCODING))
    if not is_number:
        return text + " " * (width - size)
    sign, digits = ("-", text[1:]) if text.startswith("-") else ("", text)
    return sign + "0" * (width - size) + digits


def yuan(fen: int) -> str:
    """Fen as yuan with two decimals."""
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100}.{abs(fen) % 100:02d}"


def line_end(bank: Bank) -> str:
    """What the bank ends its lines with."""
    return "\r\n" if bank is BANKS["haidai"] else "\n"


def lines_of(bank: Bank, head: Head, totals: Totals, rows: Sequence[Row]) -> list[str]:
    """The lines of a file in this bank's format."""
    return (haidai_lines if bank is BANKS["haidai"] else wenhe_lines)(head, totals, rows)


def encode(bank: Bank, lines: Sequence[str], encoding: str = ENCODING) -> bytes:
    """The file's bytes."""
    end = line_end(bank)
    return "".join(line + end for line in lines).encode(encoding)
