"""All shared records, in the order a receiver must get them, and why a row was turned down, as a stable code."""

from typing import NamedTuple

import dataframely as dy
import polars as pl

from schemas.account_txn import AccountTxn
from schemas.attendance_summary import AttendanceSummary
from schemas.clue import Clue
from schemas.clue_step import ClueStep
from schemas.correction_request import CorrectionRequest
from schemas.credit_eval import CreditEval
from schemas.credit_list import CreditList
from schemas.credit_record import CreditRecord
from schemas.credit_use import CreditUse
from schemas.enterprise import Enterprise
from schemas.guarantee import Guarantee
from schemas.guarantee_claim import GuaranteeClaim
from schemas.guarantee_event import GuaranteeEvent
from schemas.labor_contract import LaborContract
from schemas.notification import Notification
from schemas.payroll_batch import PayrollBatch
from schemas.payroll_line import PayrollLine
from schemas.permit import Permit
from schemas.progress_settlement import ProgressSettlement
from schemas.project import Project
from schemas.project_party import ProjectParty
from schemas.service_project import ServiceProject
from schemas.shared import Shared
from schemas.site_activity import SiteActivity
from schemas.site_media_ref import SiteMediaRef
from schemas.special_account import SpecialAccount
from schemas.warning import RaisedWarning
from schemas.warning_step import WarningStep
from schemas.worker import Worker
from schemas.worker_employment import WorkerEmployment

SCHEMAS: dict[str, type[Shared]] = {
    "enterprise": Enterprise,
    "project": Project,
    "service_project": ServiceProject,
    "permit": Permit,
    "project_party": ProjectParty,
    "worker": Worker,
    "labor_contract": LaborContract,
    "worker_employment": WorkerEmployment,
    "attendance_summary": AttendanceSummary,
    "site_media_ref": SiteMediaRef,
    "site_activity": SiteActivity,
    "progress_settlement": ProgressSettlement,
    "special_account": SpecialAccount,
    "account_txn": AccountTxn,
    "payroll_batch": PayrollBatch,
    "payroll_line": PayrollLine,
    "guarantee": Guarantee,
    "guarantee_event": GuaranteeEvent,
    "guarantee_claim": GuaranteeClaim,
    "clue": Clue,
    "clue_step": ClueStep,
    "warning": RaisedWarning,
    "warning_step": WarningStep,
    "credit_eval": CreditEval,
    "credit_record": CreditRecord,
    "credit_list": CreditList,
    "credit_use": CreditUse,
    "notification": Notification,
    "correction_request": CorrectionRequest,
}

CODE_OF_CHECK: dict[str, str] = {
    "nullability": "L101",
    "check__not_blank": "L101",
    "regex": "L102",
    "check__check_digit": "L103",
    "check__date_exists": "L122",
    "check__not_future": "L107",
    "check__is_code": "L108",
    "check__in_range": "L111",
    "check__max_chars": "L111",
    "min": "L111",
    "max": "L111",
    "check__known_area": "L113",
    "check__current_area": "L113",
    "check__readable_text": "L114",
    "check__no_control": "L118",
}
"""The part of a failure name after `|`. A new kind of check must be added here; a test finds the missing ones."""


class Explained(NamedTuple):
    """What a dataframely failure means: the field to blame and a code of hub/reasons.csv."""

    field: str
    code: str


def explain(schema: type[Shared], failure_name: str) -> Explained:
    """Translate the name of a failed rule, such as `id_no|regex`, `primary_key` or `ends_after_start`."""
    if failure_name == "primary_key":
        return Explained(schema.business_key[-1], "L105")
    if failure_name in schema.rule_reasons:
        return Explained(*schema.rule_reasons[failure_name])
    field, _, check = failure_name.partition("|")
    code = _code_of_cast(schema.columns()[field]) if check == "dtype" else CODE_OF_CHECK[check]
    return Explained(field, code)


def failure_names(schema: type[Shared]) -> list[str]:
    """Every name under which a row of this schema can fail, casting included."""
    return list(schema._validation_rules(with_cast=True))


def _code_of_cast(column: dy.Column) -> str:
    """A value that cannot become the type of its column."""
    if column.dtype == pl.Boolean:
        return "L108"
    if column.dtype.is_temporal():
        return "L110"
    return "L109" if column.dtype == pl.Int64 else "L102"
