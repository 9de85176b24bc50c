"""All shared records, in the order a receiver must get them."""

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
