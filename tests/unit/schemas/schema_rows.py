"""One good row of every shared record, and a way to see why a changed row is turned down. All numbers are invented."""

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
from stdnum import luhn
from stdnum.cn import ric, uscc
from stdnum.iso7064 import mod_11_10

from schemas.catalogue import SCHEMAS, explain
from schemas.shared import Shared

TODAY = dt.date(2026, 11, 23)
TOMORROW = dt.date(2026, 11, 24)
ZONE = ZoneInfo("Asia/Shanghai")


def with_check(calculate: Any, body: str) -> str:
    """The body of a number with its check digit."""
    return body + calculate(body)


def wrong_check(number: str) -> str:
    """The same number with another last digit."""
    return number[:-1] + ("1" if number[-1] != "1" else "2")


CONTRACTOR = with_check(uscc.calc_check_digit, "91370902MA0000001")
OWNER = with_check(uscc.calc_check_digit, "11370900004340002")
INSURER = with_check(uscc.calc_check_digit, "91370100MA0000003")
CNAPS_313 = with_check(mod_11_10.calc_check_digit, "31346300001")
CNAPS_402 = with_check(mod_11_10.calc_check_digit, "40246300001")
CARD = with_check(luhn.calc_check_digit, "621700000000000001")
ID_NO = with_check(lambda body: ric.calc_check_digit(body + "0"), "37090219900101123")
BORN_30_FEBRUARY = with_check(lambda body: ric.calc_check_digit(body + "0"), "37090219900230123")
BORN_TOMORROW = with_check(lambda body: ric.calc_check_digit(body + "0"), "37090220261124123")
PERMIT = "370902202603150101"
NOON = dt.datetime(2026, 11, 20, 12, tzinfo=ZONE)
TODAY_LATE = dt.datetime(2026, 11, 23, 23, 59, tzinfo=ZONE)
TOMORROW_EARLY = dt.datetime(2026, 11, 24, 0, 0, tzinfo=ZONE)

GOOD: dict[str, dict[str, Any]] = {
    "project": {
        "permit_no": PERMIT,
        "contractor_uscc": CONTRACTOR,
        "name": "泰山市第一中学教学楼",
        "domain": "construction",
        "category": "01",
        "invest_code": "2603-370902-04-01-123456",
        "owner_uscc": OWNER,
        "owner_name": "泰山市教育局",
        "contractor_name": "泰山建工集团有限公司",
        "contract_amount_fen": 8_600_000_00,
        "contract_sign_on": dt.date(2026, 3, 1),
        "start_on": dt.date(2026, 3, 20),
        "planned_end_on": dt.date(2027, 9, 30),
        "status": "003",
        "is_gov_invest": True,
        "address": "东岳大街1号",
        "area_code": "370902001",
        "source_updated_at": NOON,
    },
    "permit": {
        "type": "construction",
        "permit_no": PERMIT,
        "project_name": "泰山市第一中学教学楼",
        "invest_code": None,
        "owner_name": "泰山市教育局",
        "owner_uscc": OWNER,
        "contractor_name": "泰山建工集团有限公司",
        "contractor_uscc": CONTRACTOR,
        "contract_price_fen": 8_600_000_00,
        "scale": "12000平方米",
        "issue_org": "泰山市行政审批服务局",
        "issue_on": dt.date(2026, 3, 15),
        "area_code": "370902000",
        "is_revoked": False,
        "source_updated_at": NOON,
    },
    "special_account": {
        "bank3_code": "313",
        "account_no": "10000001",
        "account_name": "泰山建工集团有限公司第一中学教学楼农民工工资专用账户",
        "cnaps_code": CNAPS_313,
        "permit_no": PERMIT,
        "contractor_uscc": CONTRACTOR,
        "contractor_name": "泰山建工集团有限公司",
        "open_on": dt.date(2026, 3, 25),
        "agreement_on": dt.date(2026, 3, 24),
        "status": "normal",
        "balance_fen": -1,
        "balance_at": NOON,
        "area6_code": "370902",
    },
    "account_txn": {
        "bank3_code": "313",
        "txn_no": "T202611200001",
        "account_no": "10000001",
        "txn_at": TODAY_LATE,
        "direction": "out",
        "action": "wage",
        "amount_fen": 1,
        "balance_after_fen": 0,
        "opposite_name": "㛃·买买提",
        "opposite_account_no": CARD,
        "opposite_cnaps_code": CNAPS_402,
        "batch_no": "P2026110001",
        "summary": "10月工资",
        "area6_code": "370900",
    },
    "payroll_batch": {
        "bank3_code": "402",
        "batch_no": "P2026110001",
        "permit_no": PERMIT,
        "payer_account_no": "10000001",
        "pay_month": "2026-11",
        "employer_uscc": CONTRACTOR,
        "total_count": 1,
        "total_fen": 600_000,
        "made_at": NOON,
        "area6_code": "370902",
    },
    "payroll_line": {
        "bank3_code": "402",
        "batch_no": "P2026110001",
        "line_no": 1,
        "worker_name": "张三",
        "id_type": "01",
        "id_no": ID_NO,
        "card_no": CARD,
        "cnaps_code": CNAPS_313,
        "net_fen": 600_000,
        "result": "success",
        "fail_code": None,
        "paid_at": NOON,
        "bank_serial_no": "S1",
        "pay_month": "2026-10",
        "permit_no": PERMIT,
        "area6_code": "370902",
    },
    "guarantee": {
        "insurer_uscc": INSURER,
        "guarantee_no": "DZ-2026-000001",
        "type": "surety_insurance",
        "applicant_uscc": CONTRACTOR,
        "applicant_name": "泰山建工集团有限公司",
        "beneficiary_org": "泰山市人力资源和社会保障局",
        "project_name": "泰山市第一中学教学楼",
        "permit_no": PERMIT,
        "invest_code": None,
        "contract_amount_fen": 8_600_000_00,
        "amount_fen": 86_000_00,
        "rate_ppm": 12_500,
        "premium_fen": 107_500,
        "issue_on": dt.date(2026, 3, 18),
        "valid_from_on": dt.date(2026, 4, 1),
        "valid_to_on": dt.date(2027, 3, 31),
        "is_irrevocable": True,
        "is_on_demand": True,
        "status": "active",
        "file_sm3": "0f" * 32,
        "area_code": "370902001",
        "source_updated_at": NOON,
    },
    "guarantee_event": {
        "insurer_uscc": INSURER,
        "guarantee_no": "DZ-2026-000001",
        "event_seq": 1,
        "type": "notice",
        "occurred_at": NOON,
        "amount_fen": 0,
        "notice_no": "泰人社支〔2026〕1号",
        "due_on": dt.date(2026, 11, 27),
        "result": None,
        "area_code": "370902001",
    },
    "clue": {
        "channel": "nat",
        "channel_serial_no": "QG20261120000001",
        "received_at": NOON,
        "reporter_name": "李四",
        "reporter_id_no": ID_NO,
        "reporter_phone": "13900000000",
        "domain": "construction",
        "area_code": "370902001",
        "address": None,
        "project_name": "泰山市第一中学教学楼",
        "owner_name": None,
        "contractor_name": "泰山建工集团有限公司",
        "sub_name": None,
        "employer_name": None,
        "has_contract": True,
        "is_gov_invest": None,
        "arrears_people": 1,
        "arrears_fen": 0,
        "arrears_from_month": "2026-09",
        "arrears_to_month": "2026-10",
        "summary": "两个月没有发工资。\n多次讨要无果。",
        "entry_form": "miniapp",
        "source_updated_at": NOON,
    },
}


def frame(name: str, *changes: dict[str, Any]) -> pl.DataFrame:
    """Good rows of a schema, each with some values changed."""
    schema = SCHEMAS[name]
    rows = [GOOD[name] | change for change in changes]
    return pl.DataFrame(rows, schema={column: spec.dtype for column, spec in schema.columns().items()})


def verdicts(name: str, /, **change: Any) -> set[tuple[str, str]]:
    """Why the good row with these changes is turned down: (field, code) pairs, empty when it passes."""
    schema: type[Shared] = SCHEMAS[name]
    counts = schema.filter(frame(name, change)).failure.counts()
    return {tuple(explain(schema, failure)) for failure in counts}  # type: ignore[misc]
