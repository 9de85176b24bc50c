"""Rules of the five cities' records: a row that breaks one is turned down for exactly that, and none goes untried."""

import datetime as dt
from typing import Any

import pytest
from numbers_of_rows import (
    BORN_30_FEBRUARY,
    CNAPS_402,
    CONTRACTOR,
    EARLIER,
    ENDS_WITH_X,
    FOREIGNER,
    FROM_HONG_KONG,
    ID_NO,
    NOON,
    PERMIT,
    TOMORROW,
    id_no,
    wrong_check,
)
from schema_rows import frame, verdicts
from test_schema_rules import MISTAKES as FIRST_MISTAKES

from schemas.catalogue import SCHEMAS, failure_names

FIFTEEN = "370902900101123"
SIXTEEN_ON_20261031 = id_no("37090220101031123")
SIXTEEN_ON_20261101 = id_no("37090220101101123")
DOCUMENTS: list[tuple[dict[str, Any], str]] = [
    ({"id_no": "E12345678"}, "L102"),
    ({"id_no": BORN_30_FEBRUARY}, "L102"),
    ({"id_no": wrong_check(ID_NO)}, "L103"),
    ({"id_no": FIFTEEN}, "L112"),
    ({"id_no": ENDS_WITH_X.lower()}, "L119"),
    ({"id_no": FROM_HONG_KONG}, "L121"),
    ({"id_type": "91"}, "L121"),
    ({"id_type": "91", "id_no": wrong_check(FROM_HONG_KONG)}, "L103"),
    ({"id_type": "92", "id_no": wrong_check(FOREIGNER)}, "L103"),
    ({"id_type": "92", "id_no": "USA12345678901"}, "L121"),
    ({"id_type": "92", "id_no": ID_NO}, "L121"),
    ({"id_type": "10", "id_no": "H1234567"}, "L121"),
    ({"id_type": "10", "id_no": "h12345678"}, "L121"),
    ({"id_type": "10", "id_no": "K12345678"}, "L121"),
    ({"id_type": "12", "id_no": "1234567"}, "L121"),
    ({"id_type": "08", "id_no": "e12345678"}, "L121"),
    ({"id_no": SIXTEEN_ON_20261101}, "L120"),
]
UNTYPED: list[tuple[str, str]] = [
    (wrong_check(ID_NO), "L103"),
    (FIFTEEN, "L112"),
    (ENDS_WITH_X.lower(), "L119"),
    (BORN_30_FEBRUARY, "L102"),
]
FIT: list[dict[str, Any]] = [
    {"id_no": ENDS_WITH_X},
    {"id_no": SIXTEEN_ON_20261031},
    {"id_no": id_no("37090219480101123")},  # 78 years old: no reason to turn a row down
    {"id_type": "91", "id_no": FROM_HONG_KONG},
    {"id_type": "91", "id_no": id_no("83000019900101123")},
    {"id_type": "92", "id_no": FOREIGNER},
    {"id_type": "92", "id_no": "USA123456789012"},
    {"id_type": "10", "id_no": "H12345678"},
    {"id_type": "10", "id_no": "M1234567890"},
    {"id_type": "12", "id_no": "12345678"},
    {"id_type": "08", "id_no": "E12345678"},
    {"id_type": "02", "id_no": "1234567"},
]
STARTED: dict[str, dict[str, Any]] = {
    "worker": {"entered_on": dt.date(2026, 10, 31)},
    "labor_contract": {"start_on": dt.date(2026, 10, 31)},
    "worker_employment": {"insured_from_month": "2026-10"},
    "payroll_line": {},  # the good row pays October
}
"""When work began, so that the age is known to a day."""

# schema, changed fields, field blamed, code
BROKEN: list[tuple[str, dict[str, Any], str, str]] = [
    *((name, started | change, "id_no", code) for name, started in STARTED.items() for change, code in DOCUMENTS),
    *(("enterprise", {"legal_person_id_no": number}, "legal_person_id_no", code) for number, code in UNTYPED),
    *(("project_party", {"manager_id_no": number}, "manager_id_no", code) for number, code in UNTYPED),
    *(("clue", {"reporter_id_no": number}, "reporter_id_no", code) for number, code in UNTYPED),
    ("enterprise", {"phone": "12345"}, "phone", "L102"),
    ("project", {"permit_no": "370902202602300101"}, "permit_no", "L122"),
    ("project", {"siku_no": "3709022602300101"}, "siku_no", "L122"),
    ("project", {"siku_no": "370902260315010"}, "siku_no", "L102"),
    ("project", {"realname_no": "37090220260230001"}, "realname_no", "L122"),
    ("project", {"invest_code": "2613-370902-04-01-123456"}, "invest_code", "L122"),
    ("project", {"invest_code": "2014-370902-04-01-123456"}, "invest_code", "L122"),
    ("project", {"longitude_e6": None}, "longitude_e6", "L101"),
    ("project", {"latitude_e6": 117_100_000}, "latitude_e6", "L111"),
    ("project", {"labour_fee_day": 32}, "labour_fee_day", "L111"),
    ("project", {"labour_fee_ratio_ppm": 1_000_001}, "labour_fee_ratio_ppm", "L111"),
    ("service_project", {"service_no": "FW37090218260001"}, "service_no", "L102"),
    ("service_project", {"planned_end_on": dt.date(2026, 1, 31)}, "planned_end_on", "L117"),
    ("permit", {"valid_to_on": dt.date(2026, 3, 14)}, "valid_to_on", "L117"),
    ("project_party", {"left_on": dt.date(2026, 3, 19)}, "left_on", "L117"),
    ("project_party", {"party_type": "013"}, "party_type", "L108"),
    ("worker", {"left_on": dt.date(2026, 3, 20)}, "left_on", "L117"),
    ("worker", {"cnaps_code": CNAPS_402}, "cnaps_code", "L117"),
    ("worker", {"sex": "3"}, "sex", "L108"),
    ("worker", {"ethnic_code": "57"}, "ethnic_code", "L108"),
    ("worker", {"birth_on": dt.date(1900, 1, 1)}, "birth_on", "L111"),
    ("labor_contract", {"end_on": dt.date(2026, 3, 20)}, "end_on", "L117"),
    ("labor_contract", {"end_on": None}, "end_on", "L101"),
    ("worker_employment", {"insured_to_month": "2026-02"}, "insured_to_month", "L117"),
    ("attendance_summary", {"days": 29}, "days", "L125"),
    ("attendance_summary", {"fence_out_count": 57}, "fence_out_count", "L125"),
    ("attendance_summary", {"abnormal_count": 57}, "abnormal_count", "L125"),
    ("attendance_summary", {"first_at": NOON}, "last_at", "L117"),
    ("site_media_ref", {"url": "rtsp://admin:word@video.example/1"}, "url", "L102"),
    ("site_activity", {"day_on": TOMORROW}, "day_on", "L107"),
    ("progress_settlement", {"labour_part_fen": 101}, "labour_part_fen", "L124"),
    ("special_account", {"permit_no": None}, "permit_no", "L101"),
    ("special_account", {"filing_on": dt.date(2026, 3, 24)}, "filing_on", "L117"),
    ("special_account", {"close_notice_on": dt.date(2026, 3, 24)}, "close_notice_on", "L117"),
    ("payroll_batch", {"permit_no": None}, "permit_no", "L101"),
    ("payroll_batch", {"signed_count": 2}, "signed_count", "L125"),
    ("payroll_line", {"permit_no": None, "service_no": None}, "permit_no", "L101"),
    ("payroll_line", {"gross_fen": 650_001}, "net_fen", "L124"),
    ("payroll_line", {"days": 32}, "days", "L125"),
    ("payroll_line", {"backpay_month": "2026-11"}, "backpay_month", "L117"),
    ("guarantee", {"purpose": None}, "purpose", "L101"),
    ("guarantee", {"purpose": "deposit"}, "purpose", "L108"),
    ("guarantee_claim", {"paid_fen": 101}, "paid_fen", "L124"),
    ("guarantee_claim", {"paid_fen": None}, "paid_fen", "L101"),
    ("guarantee_claim", {"paid_on": None}, "paid_on", "L101"),
    ("guarantee_claim", {"paid_on": dt.date(2026, 9, 24), "replenish_due_on": None}, "paid_on", "L117"),
    ("guarantee_claim", {"pay_due_on": dt.date(2026, 9, 24)}, "pay_due_on", "L117"),
    ("guarantee_claim", {"pay_due_on": dt.date(2026, 10, 10)}, "pay_due_on", "L123"),
    ("guarantee_claim", {"replenish_due_on": dt.date(2026, 10, 23)}, "replenish_due_on", "L123"),
    ("clue_step", {"result_code": None}, "result_code", "L101"),
    ("clue_step", {"result_code": "11"}, "result_code", "L108"),
    ("warning", {"closed_at": None}, "closed_at", "L101"),
    ("warning", {"status": "transferred"}, "clue_serial_no", "L101"),
    ("warning", {"raised_at": NOON, "closed_at": EARLIER}, "closed_at", "L117"),
    ("warning", {"rule_code": "W26"}, "rule_code", "L108"),
    ("warning", {"period": "2026-00"}, "period", "L102"),
    ("warning_step", {"latitude_e6": None}, "longitude_e6", "L101"),
    ("credit_eval", {"year": "26"}, "year", "L102"),
    ("credit_eval", {"grade": "D"}, "grade", "L108"),
    ("credit_list", {"until_on": dt.date(2029, 3, 1)}, "until_on", "L123"),
    ("credit_list", {"until_on": dt.date(2029, 2, 26)}, "until_on", "L123"),
    ("credit_list", {"removed_on": dt.date(2026, 8, 27)}, "removed_on", "L123"),
    (
        "credit_list",
        {"list_kind": "incentive", "until_on": dt.date(2026, 2, 27), "removed_on": None},
        "until_on",
        "L117",
    ),
    ("credit_list", {"list_kind": "incentive", "until_on": dt.date(2026, 8, 27)}, "removed_on", "L117"),
    ("credit_use", {"list_kind": None}, "list_kind", "L101"),
    ("credit_use", {"org_name": "泰山/中心"}, "org_name", "L102"),
    ("notification", {"status": "failed"}, "fail_reason", "L101"),
    ("notification", {"sent_at": NOON, "status_at": EARLIER}, "status_at", "L117"),
    ("notification", {"phone": "053812345678"}, "phone", "L102"),
    ("correction_request", {"dataset": "permits"}, "dataset", "L108"),
    ("correction_request", {"due_on": dt.date(2026, 10, 10)}, "due_on", "L123"),
    ("correction_request", {"due_on": dt.date(2026, 9, 17)}, "due_on", "L117"),
    ("correction_request", {"answered_on": dt.date(2026, 9, 17)}, "answered_on", "L117"),
    ("correction_request", {"answered_on": None}, "answered_on", "L101"),
]

# what must pass although it looks unusual
SOUND: list[tuple[str, dict[str, Any]]] = [
    *((name, started | change) for name, started in STARTED.items() for change in FIT),
    ("project", {"invest_code": "2017-370902-04-01-123456"}),
    ("project", {"latitude_e6": None, "longitude_e6": None}),
    ("special_account", {"permit_no": None, "service_no": "FW37090220260001"}),
    ("payroll_line", {"permit_no": None}),
    ("payroll_line", {"gross_fen": None, "deduct_fen": 1}),
    ("labor_contract", {"term": "task", "end_on": None}),
    ("attendance_summary", {"days": 0, "punch_count": 0, "fence_out_count": None}),
    ("guarantee", {"purpose": "project_payment", "is_irrevocable": False, "valid_to_on": dt.date(2026, 12, 31)}),
    ("guarantee_claim", {"pay_due_on": dt.date(2026, 9, 28)}),
    ("guarantee_claim", {"status": "noticed", "paid_fen": None, "paid_on": None, "replenish_due_on": None}),
    ("guarantee_claim", {"status": "refused", "paid_fen": 0, "paid_on": None}),
    ("clue_step", {"action": "accept", "result_code": None}),
    ("warning", {"subject_kind": "enterprise", "subject_no": CONTRACTOR, "period": "2026"}),
    ("credit_list", {"until_on": dt.date(2029, 2, 27), "removed_on": None}),
    ("credit_list", {"list_kind": "incentive", "until_on": dt.date(2026, 12, 31), "removed_on": dt.date(2026, 3, 1)}),
    ("credit_use", {"list_no": None, "list_kind": None}),
    ("notification", {"status": "failed", "fail_reason": "空号"}),
    ("correction_request", {"status": "raised", "answered_on": None, "record_no": f"{PERMIT}/{CONTRACTOR}"}),
]


@pytest.mark.parametrize(("name", "change", "field", "code"), BROKEN)
def test_a_broken_rule_gives_its_reason(name: str, change: dict[str, Any], field: str, code: str) -> None:
    """The field and the code are those a partner would expect, and no other is blamed."""
    assert verdicts(name, **change) == {(field, code)}


@pytest.mark.parametrize(("name", "change"), SOUND)
def test_the_unusual_but_right_passes(name: str, change: dict[str, Any]) -> None:
    """Checks do not turn down what the law and life allow."""
    assert verdicts(name, **change) == set()


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_rule_over_several_columns_is_broken_once(name: str) -> None:
    """A rule that no row of these tables breaks could be lost without anyone seeing it."""
    changes = [change for schema, change, *_ in (*BROKEN, *FIRST_MISTAKES) if schema == name]
    broken = SCHEMAS[name].filter(frame(name, *changes)).failure.counts() if changes else {}
    rules = {rule for rule in failure_names(SCHEMAS[name]) if "|" not in rule} - {"primary_key"}
    assert rules - set(broken) == set()
