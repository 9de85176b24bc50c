"""What a partner knows of the shared records without reading our schemas: keys, money, and what must not be empty.

From docs/decisions/0011-records-of-the-five-cities.md, written out once more so that the simulators judge by their own copy.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Facts:
    """One kind of record."""

    key: tuple[str, ...]
    money: str = ""
    needed: tuple[str, ...] = ()
    tied: tuple[str, ...] = ()
    """Needed in some states only: where such a field cannot be read, a second reason may be given."""


def _facts(key: str, money: str = "", needed: str = "", tied: str = "") -> Facts:
    return Facts(tuple(key.split()), money, tuple(needed.split()), tuple(tied.split()))


FACTS: Mapping[str, Facts] = {
    "enterprise": _facts("uscc", "registered_capital_fen", "name"),
    "project": _facts("permit_no contractor_uscc", "contract_amount_fen", "name contractor_name"),
    "service_project": _facts("service_no contractor_uscc", "contract_amount_fen", "name contractor_name"),
    "permit": _facts("type permit_no", "contract_price_fen", "project_name issue_org"),
    "project_party": _facts("permit_no contractor_uscc party_uscc party_type", "", "party_name"),
    "worker": _facts("permit_no contractor_uscc worker_no", "", "worker_name"),
    "labor_contract": _facts("employer_uscc contract_no", "wage_fen", "worker_name", tied="end_on"),
    "worker_employment": _facts("employer_uscc insured_no", "", "worker_name"),
    "attendance_summary": _facts("permit_no contractor_uscc worker_no month", "", "days"),
    "site_media_ref": _facts("permit_no contractor_uscc media_no", "", "url"),
    "site_activity": _facts("permit_no contractor_uscc day_on"),
    "progress_settlement": _facts("permit_no contractor_uscc month", "output_fen"),
    "special_account": _facts("bank3_code account_no", "balance_fen", "account_name"),
    "account_txn": _facts("bank3_code txn_no", "amount_fen"),
    "payroll_batch": _facts("bank3_code batch_no", "total_fen"),
    "payroll_line": _facts("bank3_code batch_no line_no", "net_fen", "worker_name"),
    "guarantee": _facts("insurer_uscc guarantee_no", "amount_fen", "beneficiary_org"),
    "guarantee_event": _facts("insurer_uscc guarantee_no event_seq", "amount_fen"),
    "guarantee_claim": _facts("insurer_uscc guarantee_no notice_no", "claim_fen", "order_no", tied="paid_on paid_fen"),
    "clue": _facts("channel channel_serial_no", "arrears_fen", "reporter_name summary"),
    "clue_step": _facts("channel channel_serial_no step_no", "solved_fen", "org_name", tied="result_code"),
    "warning": _facts("rule_code subject_kind subject_no period", "", "", tied="closed_at"),
    "warning_step": _facts("rule_code subject_kind subject_no period step_no", "", "org_name"),
    "credit_eval": _facts("uscc year", "", "enterprise_name"),
    "credit_record": _facts("uscc record_no", "amount_fen"),
    "credit_list": _facts("uscc list_kind list_no", "", "enterprise_name basis_doc_no"),
    "credit_use": _facts("org_name use_no", "", "", tied="list_kind"),
    "notification": _facts("notice_channel notice_no"),
    "correction_request": _facts("dataset request_no", "", "record_no field_label problem", tied="answered_on"),
}


def facts_of(schema: str) -> Facts:
    """The facts of a schema; an unknown one has neither money nor needed fields, and no field of it is spoiled."""
    return FACTS.get(schema, Facts(()))
