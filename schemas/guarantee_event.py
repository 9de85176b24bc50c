"""Guarantee event (保函事件): one step in the life of a guarantee, claims included."""

from typing import ClassVar

from schemas import fields
from schemas.shared import Shared


class GuaranteeEvent(Shared):
    label: ClassVar[str] = "保函事件"
    label_en: ClassVar[str] = "Guarantee event"
    business_key: ClassVar[tuple[str, ...]] = ("insurer_uscc", "guarantee_no", "event_seq")
    money: ClassVar[str] = "amount_fen"
    area: ClassVar[str] = "area_code"
    parents: ClassVar[tuple[str, ...]] = ("guarantee",)
    source: ClassVar[str] = "工程建设领域农民工工资保证金规定（人社部发〔2021〕65号）第18、19、21条"

    insurer_uscc = fields.uscc("出具机构统一社会信用代码", "Bank, insurer or guarantee company", key=True)
    guarantee_no = fields.serial("保函（保单）编号", "Guarantee the event belongs to", key=True)
    event_seq = fields.count("事件序号", "Number of the event in its guarantee", key=True)
    type = fields.code("事件类型", "What happened", "guarantee_event_type", required=True)
    occurred_at = fields.past_time("发生时间", "When it happened", required=True)
    amount_fen = fields.fen("金额", "Amount claimed, paid or added")
    notice_no = fields.text("支付通知书文号", "Number of the official notice", characters=100)
    due_on = fields.day("应办日期", "When the issuer must have paid or answered")
    result = fields.text("结果", "What came of it", characters=500)
    area_code = fields.area9(required=True)
