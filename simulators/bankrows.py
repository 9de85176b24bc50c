"""The city's accounts, movements and payrolls as rows in each bank's own words, with the defects that banks make.

A row's fen counts as the bank's own totals count it, so header and trailer always reconcile.
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time

from simulators.bankfiles import yuan
from simulators.projects import BANKS, Bank, Project
from simulators.spoil import (
    Defect,
    Row,
    amount_defects,
    break_check,
    constant,
    impossible_day,
    missing,
    mojibake,
    month_13,
    negate,
    postpone,
    repeat,
    shorten_id,
)
from simulators.wages import Payroll, PayrollLine, Txn
from simulators.world import City

DEFECTS: Mapping[str, tuple[Defect, ...]] = {
    "ACCT": (
        Defect("bad_uscc", "contractor_uscc", break_check),
        Defect("unknown_code", "status", constant("8")),
        *amount_defects("balance"),
        Defect("bad_cnaps", "cnaps", break_check),
        Defect("missing", "account_name", missing),
        Defect("impossible_date", "opened_on", impossible_day),
        Defect("month_13", "opened_on", month_13),
        Defect("future_date", "opened_on", postpone),
    ),
    "TXN": (
        Defect("duplicate_serial", "txn_no", repeat),
        *amount_defects("amount"),
        Defect("amount_negative", "amount", negate),
        Defect("missing", "txn_no", missing),
        Defect("impossible_date", "txn_at", impossible_day),
        Defect("future_date", "txn_at", postpone),
        Defect("month_13", "txn_at", month_13),
        Defect("unknown_code", "direction", constant("7")),
        Defect("bad_cnaps", "opposite_cnaps", break_check),
    ),
    "PAYR": (
        Defect("bad_id", "id_no", break_check),
        Defect("bad_card", "card_no", break_check),
        Defect("bad_cnaps", "cnaps", break_check),
        *amount_defects("amount"),
        Defect("amount_negative", "amount", negate),
        Defect("missing", "name", missing),
        Defect("missing", "id_no", missing),
        Defect("impossible_date", "paid_at", impossible_day),
        Defect("future_date", "paid_at", postpone),
        Defect("month_13", "paid_at", month_13),
        Defect("unknown_code", "id_type", constant("77")),
        Defect("duplicate_serial", "line_no", repeat),
        Defect("mojibake", "name", mojibake),
        Defect("id_15", "id_no", shorten_id),
    ),
}
_WENHE_STATUS = {"0": "N", "1": "F", "2": "C"}
_WENHE_RESULT = {"S": "0000", "F": "0003", "U": "0001", "R": "9001"}


def account_row(city: City, project: Project, minute: int = 0) -> Row:
    """A wage account with its balance at the end of the day."""
    bank, balance = project.bank, city.movements(project)[0]
    status = "1" if city.is_quiet(project) and project.number % 40 == 9 else "0"
    fields = {
        "account_no": project.account_no,
        "account_name": project.account_name,
        "cnaps": bank.cnaps,
        "permit_no": project.permit_no,
        "contractor_uscc": project.contractor_uscc,
        "contractor_name": project.contractor_name,
        "opened_on": f"{project.account_opened_on:%Y%m%d}",
        "agreement_on": f"{project.account_opened_on:%Y%m%d}",
        "status": _WENHE_STATUS[status] if _is_wenhe(bank) else status,
        "balance": _money(bank, balance),
        "balance_at": f"{datetime.combine(city.day, time(18, minute)):%Y%m%d%H%M%S}",
    }
    return Row("special_account", project.account_no, balance, fields)


def txn_row(bank: Bank, txn: Txn) -> Row:
    """A movement of a wage account."""
    fields = {
        "account_no": txn.account_no,
        "txn_no": txn.txn_no,
        "txn_at": f"{txn.at:%Y%m%d%H%M%S}",
        "direction": {"1": "C", "2": "D"}[txn.direction] if _is_wenhe(bank) else txn.direction,
        "action": f"0{txn.action}" if _is_wenhe(bank) else txn.action,
        "amount": _money(bank, txn.fen),
        "balance_after": _money(bank, txn.balance_fen),
        "opposite_name": txn.opposite_name,
        "opposite_account": txn.opposite_account,
        "opposite_cnaps": txn.opposite_cnaps,
        "batch_no": txn.batch_no,
        "summary": txn.summary,
    }
    return Row("account_txn", txn.txn_no, txn.fen, fields)


def payroll_rows(bank: Bank, payroll: Payroll) -> Iterator[Row]:
    """The lines of a payroll."""
    return (_line_row(bank, payroll.batch_no, line) for line in payroll.lines)


def _line_row(bank: Bank, batch_no: str, line: PayrollLine) -> Row:
    fields = {
        "batch_no": batch_no,
        "line_no": str(line.line_no),
        "name": line.name,
        "id_type": "01",
        "id_no": line.id_no,
        "card_no": line.card_no,
        "cnaps": line.cnaps,
        "amount": _money(bank, line.fen),
        "result": _WENHE_RESULT[line.result] if _is_wenhe(bank) else line.result,
        "fail_code": line.fail_code,
        "paid_at": f"{line.paid_at:%Y%m%d%H%M%S}",
        "serial": line.serial,
    }
    return Row("payroll_line", f"{batch_no}/{line.line_no}", line.fen, fields)


def payroll_head(bank: Bank, payroll: Payroll) -> dict[str, str]:
    """What the file's header says about the payroll."""
    return {
        "batch_no": payroll.batch_no,
        "permit_no": payroll.project.permit_no,
        "payer_account": payroll.project.account_no,
        "pay_month": _month(bank, payroll.pay_month),
        "employer_uscc": payroll.project.contractor_uscc,
    }


def _month(bank: Bank, month: date) -> str:
    return f"{month:%Y%m}" if _is_wenhe(bank) else f"{month:%Y-%m}"


def _money(bank: Bank, fen: int) -> str:
    return str(fen) if _is_wenhe(bank) else yuan(fen)


def _is_wenhe(bank: Bank) -> bool:
    return bank is BANKS["wenhe"]
