"""Payroll batch (工资批次): one order to a bank to pay the wages of a month."""

from typing import ClassVar

from schemas import fields
from schemas.shared import Shared


class PayrollBatch(Shared):
    label: ClassVar[str] = "工资代发批次"
    label_en: ClassVar[str] = "Payroll batch"
    business_key: ClassVar[tuple[str, ...]] = ("bank3_code", "batch_no")
    money: ClassVar[str] = "total_fen"
    source: ClassVar[str] = "保障农民工工资支付条例（国令724号）第31条"

    bank3_code = fields.bank3(key=True)
    batch_no = fields.serial("工资批次号", "Number of the batch, unique in the bank", key=True)
    permit_no = fields.permit_no(required=True)
    payer_account_no = fields.account_no("付款专户账号", "Special account that pays", required=True)
    pay_month = fields.month("工资所属月份", "Month the wages are for", required=True)
    employer_uscc = fields.uscc("用工单位统一社会信用代码", "Employer", required=True)
    total_count = fields.count("总笔数", "Number of payments", required=True)
    total_fen = fields.fen("总金额", "Sum of the payments", required=True)
    made_at = fields.past_time("制单时间", "When the batch was made")
    area6_code = fields.area6(required=True)
