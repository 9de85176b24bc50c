"""Account transaction (专户流水): one movement on a special account."""

from typing import ClassVar

from schemas import fields
from schemas.shared import Shared


class AccountTxn(Shared):
    label: ClassVar[str] = "专户流水"
    label_en: ClassVar[str] = "Account transaction"
    business_key: ClassVar[tuple[str, ...]] = ("bank3_code", "txn_no")
    money: ClassVar[str] = "amount_fen"
    area: ClassVar[str] = "area6_code"
    parents: ClassVar[tuple[str, ...]] = ("special_account",)
    source: ClassVar[str] = "工程建设领域农民工工资专用账户管理暂行办法（人社部发〔2021〕53号）"

    bank3_code = fields.bank3(key=True)
    txn_no = fields.serial("流水号", "Number of the transaction, unique in the bank", key=True)
    account_no = fields.account_no("专户账号", "Number of the account", required=True)
    txn_at = fields.past_time("交易时间", "When it was booked", required=True)
    direction = fields.code("收支方向", "In or out", "txn_direction", required=True)
    action = fields.code("交易类型", "What it was for", "txn_action", required=True)
    amount_fen = fields.fen("交易金额", "Amount, always positive", least=1, required=True)
    balance_after_fen = fields.fen("交易后余额", "Balance afterwards", least=-fields.MAX_FEN, required=True)
    opposite_name = fields.text("对方户名", "Name of the other side; a worker where wages are paid", personal=True)
    opposite_account_no = fields.printed(
        "对方账号", "Account or card of the other side", r"^[0-9A-Za-z-]{4,40}$", personal=True
    )
    opposite_cnaps_code = fields.cnaps("对方联行号", "Line number of the other side's bank")
    batch_no = fields.serial("工资批次号", "Payroll batch the movement belongs to")
    summary = fields.text("摘要", "Purpose, as booked")
    area6_code = fields.area6(required=True)
