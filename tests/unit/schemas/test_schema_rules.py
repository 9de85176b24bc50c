"""A good row of each record passes; a row with one mistake is turned down for exactly that field and reason."""

import datetime as dt
from typing import Any

import pytest
from numbers_of_rows import (
    BORN_30_FEBRUARY,
    BORN_TOMORROW,
    CNAPS_402,
    CONTRACTOR,
    FROM_HONG_KONG,
    ID_NO,
    TOMORROW,
    TOMORROW_EARLY,
    wrong_check,
)
from schema_rows import GOOD, frame, verdicts

from schemas.catalogue import SCHEMAS, explain
from schemas.fields import MAX_FEN

BAD_USCC = wrong_check(CONTRACTOR)
LONG = "长" * 501

# schema, changed fields, field blamed, code
MISTAKES: list[tuple[str, dict[str, Any], str, str]] = [
    ("project", {"permit_no": "37090220260315"}, "permit_no", "L102"),
    ("project", {"permit_no": "370902202613150101"}, "permit_no", "L102"),
    ("project", {"contractor_uscc": "91370902MA00000O1X"}, "contractor_uscc", "L102"),
    ("project", {"contractor_uscc": BAD_USCC}, "contractor_uscc", "L103"),
    ("project", {"owner_uscc": None}, "owner_uscc", "L101"),
    ("project", {"name": None}, "name", "L101"),
    ("project", {"name": " \u3000"}, "name", "L101"),
    ("project", {"name": "锟斤拷教学楼"}, "name", "L114"),
    ("project", {"name": "第一中\ufffd教学楼"}, "name", "L114"),
    ("project", {"name": "第一中\ue000教学楼"}, "name", "L114"),
    ("project", {"name": "教学楼".encode().decode("latin-1")}, "name", "L114"),
    ("project", {"name": "教学\u202e楼"}, "name", "L118"),
    ("project", {"name": "教学\n楼"}, "name", "L118"),
    ("project", {"owner_name": "局\x00"}, "owner_name", "L118"),
    ("project", {"name": "楼" * 201}, "name", "L111"),
    ("project", {"domain": "工程"}, "domain", "L108"),
    ("project", {"category": "14"}, "category", "L108"),
    ("project", {"invest_code": "2603-370902-04-01"}, "invest_code", "L102"),
    ("project", {"contract_amount_fen": -1}, "contract_amount_fen", "L111"),
    ("project", {"contract_amount_fen": MAX_FEN + 1}, "contract_amount_fen", "L111"),
    ("project", {"contract_sign_on": TOMORROW}, "contract_sign_on", "L107"),
    ("project", {"contract_sign_on": dt.date(1900, 1, 1)}, "contract_sign_on", "L111"),
    ("project", {"planned_end_on": dt.date(9999, 12, 31)}, "planned_end_on", "L111"),
    ("project", {"planned_end_on": dt.date(2026, 3, 19)}, "planned_end_on", "L117"),
    ("project", {"status": "6"}, "status", "L108"),
    ("project", {"area_code": "370902999"}, "area_code", "L113"),
    ("project", {"area_code": "371202001"}, "area_code", "L113"),
    ("project", {"area_code": "37090201"}, "area_code", "L102"),
    ("project", {"area_code": "370902"}, "area_code", "L102"),
    ("project", {"source_updated_at": TOMORROW_EARLY}, "source_updated_at", "L107"),
    ("permit", {"type": "building"}, "type", "L108"),
    ("permit", {"permit_no": None}, "permit_no", "L101"),
    ("permit", {"contractor_uscc": None}, "contractor_uscc", "L101"),
    ("permit", {"issue_on": TOMORROW, "valid_to_on": None}, "issue_on", "L107"),
    ("permit", {"scale": LONG}, "scale", "L111"),
    ("special_account", {"bank3_code": "3130", "cnaps_code": "x"}, "bank3_code", "L102"),
    ("special_account", {"account_no": "1234567"}, "account_no", "L102"),
    ("special_account", {"account_name": "泰山建工集团有限公司"}, "account_name", "L102"),
    ("special_account", {"cnaps_code": wrong_check(GOOD["special_account"]["cnaps_code"])}, "cnaps_code", "L103"),
    ("special_account", {"cnaps_code": CNAPS_402}, "cnaps_code", "L117"),
    ("special_account", {"open_on": TOMORROW, "filing_on": None}, "open_on", "L107"),
    ("special_account", {"status": "0"}, "status", "L108"),
    ("special_account", {"area6_code": "371203"}, "area6_code", "L113"),
    ("account_txn", {"txn_no": "T/1"}, "txn_no", "L102"),
    ("account_txn", {"txn_at": TOMORROW_EARLY}, "txn_at", "L107"),
    ("account_txn", {"direction": "D"}, "direction", "L108"),
    ("account_txn", {"action": "1"}, "action", "L108"),
    ("account_txn", {"amount_fen": 0}, "amount_fen", "L111"),
    ("account_txn", {"balance_after_fen": None}, "balance_after_fen", "L101"),
    ("account_txn", {"opposite_account_no": "账号"}, "opposite_account_no", "L102"),
    ("payroll_batch", {"pay_month": "2026-13"}, "pay_month", "L102"),
    ("payroll_batch", {"pay_month": "2026/99"}, "pay_month", "L102"),
    ("payroll_batch", {"pay_month": "2026-12"}, "pay_month", "L107"),
    ("payroll_batch", {"total_count": 0, "signed_count": None}, "total_count", "L111"),
    ("payroll_batch", {"employer_uscc": BAD_USCC}, "employer_uscc", "L103"),
    ("payroll_line", {"line_no": 0}, "line_no", "L111"),
    ("payroll_line", {"worker_name": None}, "worker_name", "L101"),
    ("payroll_line", {"id_type": "1"}, "id_type", "L108"),
    ("payroll_line", {"id_no": None}, "id_no", "L101"),
    ("payroll_line", {"id_no": wrong_check(ID_NO)}, "id_no", "L103"),
    ("payroll_line", {"id_no": "370902900101123"}, "id_no", "L112"),
    ("payroll_line", {"id_no": BORN_30_FEBRUARY}, "id_no", "L102"),
    ("payroll_line", {"id_no": "37090219900101123x"}, "id_no", "L119"),
    ("payroll_line", {"id_no": "E12345678"}, "id_no", "L102"),
    ("payroll_line", {"id_type": "08", "id_no": "护照"}, "id_no", "L102"),
    ("payroll_line", {"id_type": "91", "id_no": wrong_check(FROM_HONG_KONG)}, "id_no", "L103"),
    ("payroll_line", {"card_no": wrong_check(GOOD["payroll_line"]["card_no"])}, "card_no", "L103"),
    ("payroll_line", {"card_no": "621700000000000"}, "card_no", "L102"),
    ("payroll_line", {"net_fen": -1, "gross_fen": None}, "net_fen", "L111"),
    ("payroll_line", {"result": "S"}, "result", "L108"),
    ("payroll_line", {"result": "failed"}, "fail_code", "L101"),
    ("payroll_line", {"paid_at": TOMORROW_EARLY}, "paid_at", "L107"),
    ("guarantee", {"type": "insurance"}, "type", "L108"),
    ("guarantee", {"guarantee_no": "DZ/1"}, "guarantee_no", "L102"),
    ("guarantee", {"valid_to_on": dt.date(2027, 3, 30)}, "valid_to_on", "L117"),
    ("guarantee", {"amount_fen": 8_600_000_01}, "amount_fen", "L117"),
    ("guarantee", {"amount_fen": 0}, "amount_fen", "L111"),
    ("guarantee", {"rate_ppm": 1_000_001}, "rate_ppm", "L111"),
    ("guarantee", {"is_irrevocable": False}, "is_irrevocable", "L117"),
    ("guarantee", {"is_on_demand": None}, "is_on_demand", "L101"),
    ("guarantee", {"status": "2"}, "status", "L108"),
    ("guarantee", {"file_sm3": "0f"}, "file_sm3", "L102"),
    ("guarantee_event", {"event_seq": 0}, "event_seq", "L111"),
    ("guarantee_event", {"type": "N"}, "type", "L108"),
    ("guarantee_event", {"occurred_at": TOMORROW_EARLY}, "occurred_at", "L107"),
    ("guarantee_event", {"due_on": dt.date(1, 1, 1)}, "due_on", "L111"),
    ("clue", {"channel": "phone"}, "channel", "L108"),
    ("clue", {"reporter_phone": "053812345678"}, "reporter_phone", "L102"),
    ("clue", {"reporter_phone": "１３９００００００００"}, "reporter_phone", "L102"),
    ("clue", {"reporter_id_no": wrong_check(ID_NO)}, "reporter_id_no", "L103"),
    ("clue", {"reporter_id_no": BORN_TOMORROW}, "reporter_id_no", "L102"),
    ("clue", {"reporter_id_no": "370902900101123"}, "reporter_id_no", "L112"),
    ("clue", {"arrears_people": 0}, "arrears_people", "L111"),
    ("clue", {"arrears_to_month": "2026-08"}, "arrears_to_month", "L117"),
    ("clue", {"arrears_to_month": "2026-12"}, "arrears_to_month", "L107"),
    ("clue", {"summary": LONG}, "summary", "L111"),
    ("clue", {"summary": "欠薪\x07"}, "summary", "L118"),
    ("clue", {"entry_form": "1"}, "entry_form", "L108"),
]

# what must pass although it looks unusual
UNUSUAL: list[tuple[str, dict[str, Any]]] = [
    ("special_account", {"account_no": "1234567890123456"}),  # a corporate account fails Luhn
    ("project", {"start_on": None}),
    ("project", {"area_code": "370176001", "name": "𠮷䶮㭎大厦"}),  # a functional zone; rare characters
    ("permit", {"type": "project_approval", "contractor_uscc": None, "contractor_name": None}),
    ("payroll_line", {"id_type": "08", "id_no": "E12345678"}),
    ("payroll_line", {"id_type": "08", "id_no": "370902900101123"}),  # fifteen digits, but not an ID card
    ("payroll_line", {"result": "failed", "fail_code": "E001"}),
    ("payroll_line", {"net_fen": 0, "gross_fen": 50_000}),
    ("guarantee", {"type": "cash", "is_irrevocable": False, "valid_to_on": dt.date(2026, 12, 31)}),
    ("guarantee", {"valid_from_on": dt.date(2028, 2, 29), "valid_to_on": dt.date(2029, 2, 28)}),
    ("clue", {"reporter_id_no": "H1234567890"}),
    ("clue", {"reporter_id_no": None, "arrears_from_month": None}),
]


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_good_row_passes(name: str) -> None:
    """The sample of each record is whole, and nothing in it is turned down."""
    assert set(GOOD[name]) == set(SCHEMAS[name].column_names())
    assert verdicts(name) == set()


@pytest.mark.parametrize(("name", "change", "field", "code"), MISTAKES)
def test_one_mistake_gives_one_reason(name: str, change: dict[str, Any], field: str, code: str) -> None:
    """The field and the code are those a partner would expect."""
    expected = {(field, code)}
    if "bank3_code" in change:
        expected.add(("cnaps_code", "L102"))
    assert verdicts(name, **change) == expected


@pytest.mark.parametrize(("name", "change"), UNUSUAL)
def test_the_unusual_but_right_passes(name: str, change: dict[str, Any]) -> None:
    """Checks do not turn down what the law and life allow."""
    assert verdicts(name, **change) == set()


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_repeated_business_key_is_blamed_on_its_last_part(name: str) -> None:
    """Both copies are turned down under L105; who wins is decided before validation."""
    schema = SCHEMAS[name]
    failure = schema.filter(frame(name, {}, {})).failure
    assert failure.counts() == {"primary_key": 2}
    assert explain(schema, "primary_key") == (schema.business_key[-1], "L105")


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_required_field_is_missed(name: str) -> None:
    """An empty required field is always L101, and nothing else about that field is said."""
    for column, spec in SCHEMAS[name].columns().items():
        if not spec.nullable:
            assert verdicts(name, **{column: None}) == {(column, "L101")}, column
