"""Correction request (校核申请): a user of shared data doubts a record; the provider must answer."""

from typing import ClassVar

import dataframely as dy
import polars as pl

from schemas import fields, row_rules, workdays
from schemas.shared import Shared, Verdict


class CorrectionRequest(Shared):
    label: ClassVar[str] = "校核申请"
    label_en: ClassVar[str] = "Correction request"
    business_key: ClassVar[tuple[str, ...]] = ("dataset", "request_no")
    area: ClassVar[str] = "area6_code"
    source: ClassVar[str] = "政务数据共享条例（国令809号）第26条"
    rule_reasons: ClassVar[dict[str, Verdict]] = {
        "due_after_request": ("due_on", "L117"),
        "due_in_ten_workdays": ("due_on", "L123"),
        "answered_after_request": ("answered_on", "L117"),
        "answer_has_day": ("answered_on", "L101"),
    }

    dataset = fields.code("数据集", "Records the request is about", "dataset", key=True)
    request_no = fields.serial("申请编号", "Number of the request", key=True)
    record_no = fields.printed("记录编号", "Business key of the record doubted", r"^[^\s|]{1,200}$", required=True)
    field_label = fields.text("存疑字段", "Label of the field doubted", required=True)
    problem = fields.text("存疑说明", "What is wrong with it", characters=500, required=True)
    raised_on = fields.past_day("提出日期", "Date of the request", required=True)
    due_on = fields.day("答复期限", "Tenth working day after the request", required=True)
    status = fields.code("申请状态", "State of the request", "correction_status", required=True)
    answered_on = fields.past_day("答复日期", "Date of the answer")
    area6_code = fields.area6(required=True)
    source_updated_at = fields.source_updated_at()

    @dy.rule()
    def due_after_request(cls) -> pl.Expr:
        return pl.col("raised_on") <= pl.col("due_on")

    @dy.rule()
    def due_in_ten_workdays(cls) -> pl.Expr:
        """Article 26: an earlier day may be set, a later one not."""
        return pl.col("due_on") <= workdays.latest_due(pl.col("raised_on"), 10)

    @dy.rule()
    def answered_after_request(cls) -> pl.Expr:
        return pl.col("raised_on") <= pl.col("answered_on")

    @dy.rule()
    def answer_has_day(cls) -> pl.Expr:
        return row_rules.when_then_given("status", ["corrected", "refused"], "answered_on")
