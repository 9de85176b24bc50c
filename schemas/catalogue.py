"""All shared records, in the order a receiver must get them, and why a row was turned down, as a stable code."""

from typing import NamedTuple

import dataframely as dy
import polars as pl

from schemas.account_txn import AccountTxn
from schemas.clue import Clue
from schemas.guarantee import Guarantee
from schemas.guarantee_event import GuaranteeEvent
from schemas.payroll_batch import PayrollBatch
from schemas.payroll_line import PayrollLine
from schemas.permit import Permit
from schemas.project import Project
from schemas.shared import Shared
from schemas.special_account import SpecialAccount

SCHEMAS: dict[str, type[Shared]] = {
    "project": Project,
    "permit": Permit,
    "special_account": SpecialAccount,
    "account_txn": AccountTxn,
    "payroll_batch": PayrollBatch,
    "payroll_line": PayrollLine,
    "guarantee": Guarantee,
    "guarantee_event": GuaranteeEvent,
    "clue": Clue,
}

CODE_OF_CHECK: dict[str, str] = {
    "nullability": "L101",
    "check__not_blank": "L101",
    "regex": "L102",
    "check__check_digit": "L103",
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
