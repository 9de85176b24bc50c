"""The files a bank drops on the business day, good ones, ones with a fault of the whole file, and one with a bad line.

Everything is computed from the city, so the same state always gives the same bytes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from simulators import bankfiles
from simulators.bankfiles import Head, Totals
from simulators.bankrows import DEFECTS, account_row, payroll_head, payroll_rows, txn_row
from simulators.ledger import Sent
from simulators.projects import BANKS, Bank
from simulators.sm3 import sm3_hex
from simulators.spoil import Defect, Row, spoil_rows
from simulators.world import City

FEED_OF = {"ACCT": "accounts", "TXN": "txns", "PAYR": "payrolls"}
FAULTS = (
    "truncated", "wrong_totals", "wrong_amount", "wrong_digest", "undecodable", "empty", "other_columns",
    "wrong_sender", "utf8", "flag_without_file", "many_bad_lines",
    "one_bad_card",
)  # fmt: skip
_EXTRA_ROWS = 20
_SHARES = {"many_bad_lines": 0.5, "one_bad_card": 0.001}


@dataclass(frozen=True)
class Drop:
    """One data file with its flag and digest file; no content means that the data file never arrives."""

    bank: Bank
    name: str
    feed: str
    content: bytes | None
    digest: str
    flag: str
    fault: str | None
    sent: tuple[Sent, ...]


def drops_of(city: City, bank: Bank, bad_share: float) -> Iterator[Drop]:
    """The bank's good files of the day."""
    yield _pack(bank, *_day_file(city, bank, "ACCT", bad_share))
    yield _pack(bank, *_day_file(city, bank, "TXN", bad_share))
    for index in range(city.payroll_count(bank)):
        yield _pack(bank, *_payroll_file(city, bank, index, bad_share))


def extra_drop(city: City, bank: Bank, kind: str, extra: int, fault: str | None) -> Drop:
    """One more file after the day's own; `extra` counts from 1 and chooses its accounts or its payroll."""
    if kind == "PAYR":
        defects = [one for one in DEFECTS[kind] if fault != "one_bad_card" or one.kind == "bad_card"]
        index = city.payroll_count(bank) + extra - 1
        head, rows = _payroll_file(city, bank, index, _SHARES.get(fault or "", 0), defects)
    else:
        head, rows = _extra_file(city, bank, kind, extra)
    return _pack(bank, head, rows, fault)


def corrected_drop(city: City, bank: Bank, name: str) -> Drop:
    """The second version of a payroll file without faults: its first three lines were paid a minute later than it said."""
    index = int(name.split("_")[-2]) - 1
    head, rows = _payroll_file(city, bank, index, 0)
    later = [
        replace(row, fields={**row.fields, "paid_at": str(int(row.fields["paid_at"]) + 100)}) if place < 3 else row
        for place, row in enumerate(rows)
    ]
    drop = _pack(bank, replace(head, version=2), later)
    if drop.name.rpartition("_v")[0] != name.rpartition("_v")[0]:
        raise ValueError(f"{name} is no payroll file of {bank.partner}")
    return drop


def _day_file(city: City, bank: Bank, kind: str, share: float) -> tuple[Head, list[Row]]:
    quiet = {project.account_no for project in city.accounts_at(bank) if city.is_quiet(project)}
    if kind == "ACCT":
        rows = [account_row(city, project) for project in city.accounts_at(bank)]
        # A bad account row has no movements, else these would wait for their account forever.
        spoiled = spoil_rows(
            rows, DEFECTS[kind], share, city.rng("spoil", bank, kind), lambda row: row.key not in quiet
        )
    else:
        rows = [txn_row(bank, txn) for txn in city.txns(bank)]
        spoiled = spoil_rows(rows, DEFECTS[kind], share, city.rng("spoil", bank, kind))
    return Head(bank.bank3, kind, city.day, 1), spoiled


def _payroll_file(
    city: City, bank: Bank, index: int, share: float, defects: Sequence[Defect] = DEFECTS["PAYR"]
) -> tuple[Head, list[Row]]:
    payroll = city.payroll(bank, index)
    rows = spoil_rows(list(payroll_rows(bank, payroll)), defects, share, city.rng("spoil", bank, "PAYR", index))
    return Head(bank.bank3, "PAYR", city.day, index + 1, payroll_head(bank, payroll)), rows


def _extra_file(city: City, bank: Bank, kind: str, extra: int) -> tuple[Head, list[Row]]:
    """Accounts stated a minute later, or one more income for each of some accounts."""
    accounts = city.accounts_at(bank)
    chosen = [accounts[(extra * _EXTRA_ROWS + i) % len(accounts)] for i in range(min(_EXTRA_ROWS, len(accounts)))]
    if kind == "ACCT":
        rows = [account_row(city, project, minute=extra % 60) for project in chosen]
    else:
        rows = [txn_row(bank, city.late_income(project, extra)) for project in chosen]
    return Head(bank.bank3, kind, city.day, 1 + extra), rows


def _pack(bank: Bank, head: Head, rows: Sequence[Row], fault: str | None = None) -> Drop:
    totals = Totals(len(rows), sum(row.fen or 0 for row in rows))
    content = _spoil_file(bank, head, totals, rows, fault)
    feed = f"{bank.partner}_{FEED_OF[head.kind]}"
    written = b"" if fault == "wrong_digest" else content
    return Drop(
        bank=bank,
        name=head.name,
        feed=feed,
        content=None if fault == "flag_without_file" else content,
        digest=sm3_hex(written),
        flag=f"{len(content)}|{0 if fault == 'empty' else len(rows)}",
        fault=None if fault == "one_bad_card" else fault,
        sent=() if fault in ("empty", "flag_without_file") else tuple(_sent(feed, head, totals, rows)),
    )


def _sent(feed: str, head: Head, totals: Totals, rows: Sequence[Row]) -> Iterator[Sent]:
    if head.payroll:
        yield Sent(feed, "payroll_batch", head.payroll["batch_no"], 0, totals.fen, None, head.name)
    for seq, row in enumerate(rows, 1):
        yield Sent(feed, row.kind, row.key, seq, row.fen, row.bad, head.name)


def _spoil_file(bank: Bank, head: Head, totals: Totals, rows: Sequence[Row], fault: str | None) -> bytes:
    if fault == "empty":
        return b""
    if fault == "wrong_sender":
        other = BANKS["wenhe" if bank.partner == "haidai" else "haidai"]
        head = replace(head, bank3=other.bank3)
    lines = bankfiles.lines_of(bank, head, totals, rows)
    if fault in ("wrong_totals", "wrong_amount"):
        off = replace(totals, rows=totals.rows + 1) if fault == "wrong_totals" else replace(totals, fen=totals.fen + 1)
        lines[-1] = bankfiles.lines_of(bank, head, off, rows)[-1]
    if fault == "other_columns":
        lines[1:-1] = [_add_column(bank, line) for line in lines[1:-1]]
    content = bankfiles.encode(bank, lines, "utf-8" if fault == "utf8" else bankfiles.ENCODING)
    if fault == "truncated":
        return content[: len(content) * 3 // 5]
    if fault == "undecodable":
        middle = content.index(b"\n", len(content) // 2)
        return content[: middle - 4] + b"\xff\xff" + content[middle - 2 :]
    return content


def _add_column(bank: Bank, line: str) -> str:
    return f"{line}|001207" if bank.partner == "haidai" else f"{line}001207"
