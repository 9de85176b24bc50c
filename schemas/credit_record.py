"""Credit record (信用异常记录): one failing of an employer."""

from typing import ClassVar

from schemas import fields
from schemas.shared import Shared


class CreditRecord(Shared):
    label: ClassVar[str] = "信用异常记录"
    label_en: ClassVar[str] = "Credit record"
    business_key: ClassVar[tuple[str, ...]] = ("uscc", "record_no")
    money: ClassVar[str] = "amount_fen"
    area: ClassVar[str] = "area6_code"
    source: ClassVar[str] = "保障农民工工资支付条例（国令724号）第47、48条"

    uscc = fields.uscc("统一社会信用代码", "The employer", key=True)
    record_no = fields.serial("记录编号", "Number of the record", key=True)
    reason = fields.code("异常情形", "What the employer failed to do", "credit_reason", required=True)
    happened_on = fields.past_day("发生日期", "When it happened", required=True)
    permit_no = fields.permit_no()
    amount_fen = fields.fen("涉及金额", "Amount concerned")
    doc_no = fields.document_no("文书号", "Number of the document it rests on")
    status = fields.code("记录状态", "State of the record", "credit_record_status", required=True)
    area6_code = fields.area6(required=True)
    source_updated_at = fields.source_updated_at()
