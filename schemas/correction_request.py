"""Correction request (校核申请): a user of shared data doubts a record; the provider must answer."""

from typing import ClassVar

from schemas import fields
from schemas.shared import Shared


class CorrectionRequest(Shared):
    label: ClassVar[str] = "校核申请"
    label_en: ClassVar[str] = "Correction request"
    business_key: ClassVar[tuple[str, ...]] = ("dataset", "request_no")
    area: ClassVar[str] = "area6_code"
    source: ClassVar[str] = "政务数据共享条例（国令809号）第26条"

    dataset = fields.code("数据集", "Records the request is about", "dataset", key=True)
    request_no = fields.serial("申请编号", "Number of the request", key=True)
    record_no = fields.printed("记录编号", "Business key of the record doubted", r"^[^\\s|]{1,200}$", required=True)
    field_label = fields.text("存疑字段", "Label of the field doubted", required=True)
    problem = fields.text("存疑说明", "What is wrong with it", characters=500, required=True)
    raised_on = fields.past_day("提出日期", "Date of the request", required=True)
    due_on = fields.day("答复期限", "Tenth working day after the request", required=True)
    status = fields.code("申请状态", "State of the request", "correction_status", required=True)
    answered_on = fields.past_day("答复日期", "Date of the answer")
    area6_code = fields.area6(required=True)
    source_updated_at = fields.source_updated_at()
