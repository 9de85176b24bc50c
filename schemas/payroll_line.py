"""Payroll line (工资明细): what one worker was paid in one batch, and whether it arrived."""

from typing import ClassVar

import dataframely as dy
import polars as pl

from schemas import fields, identity, row_rules
from schemas.documented import PERSON_REASONS, PersonRecord
from schemas.shared import Verdict


class PayrollLine(PersonRecord):
    label: ClassVar[str] = "工资代发明细"
    label_en: ClassVar[str] = "Payroll line"
    business_key: ClassVar[tuple[str, ...]] = ("bank3_code", "batch_no", "line_no")
    money: ClassVar[str] = "net_fen"
    area: ClassVar[str] = "area6_code"
    parents: ClassVar[tuple[str, ...]] = ("payroll_batch",)
    source: ClassVar[str] = "保障农民工工资支付条例（国令724号）第15条、第31条；GB 11643-1999"
    rule_reasons: ClassVar[dict[str, Verdict]] = PERSON_REASONS | {
        "project_named": ("permit_no", "L101"),
        "failure_has_code": ("fail_code", "L101"),
        "gross_less_deductions": ("net_fen", "L124"),
        "days_of_month": ("days", "L125"),
        "backpay_of_earlier": ("backpay_month", "L117"),
    }

    bank3_code = fields.bank3(key=True)
    batch_no = fields.serial("工资批次号", "Batch the line belongs to", key=True)
    line_no = fields.count("明细序号", "Number of the line in its batch", key=True)
    worker_name = fields.text("姓名", "Name of the worker", characters=60, required=True, personal=True)
    id_type = fields.code("证件类型", "Kind of document", "id_type", required=True)
    id_no = fields.id_no("证件号码", "Number of the document", required=True)
    card_no = fields.card("银行卡号", "The worker's own bank card", required=True)
    cnaps_code = fields.cnaps("收款行联行号", "Line number of the worker's bank")
    net_fen = fields.fen("实发金额", "Net wage", required=True)
    result = fields.code("发放结果", "Whether the wage arrived", "payroll_result", required=True)
    fail_code = fields.serial("失败代码", "The bank's own code; required when the payment failed", characters=20)
    paid_at = fields.past_time("发放时间", "When the bank paid")
    bank_serial_no = fields.serial("银行流水号", "The bank's number of the payment")
    pay_month = fields.month("工资所属月份", "Month the wage is for", required=True)
    permit_no = fields.permit_no()
    area6_code = fields.area6(required=True)
    service_no = fields.service_no()
    days = fields.count("出勤天数", "Days attended", least=0, unit="天")
    work_hours = fields.count("出勤工时", "Hours attended, whole", least=0, unit="小时")
    gross_fen = fields.fen("应发金额", "Gross wage")
    deduct_fen = fields.fen("扣款金额", "Deductions")
    backpay_month = fields.month("补发月份", "Earlier month the wage is for")

    @dy.rule()
    def failure_has_code(cls) -> pl.Expr:
        return (pl.col("result") != "failed") | pl.col("fail_code").is_not_null()

    @dy.rule()
    def project_named(cls) -> pl.Expr:
        """A permit or a service contract, at least one of them."""
        return pl.col("permit_no").is_not_null() | pl.col("service_no").is_not_null()

    @dy.rule()
    def old_enough(cls) -> pl.Expr:
        """By the end of the month that is paid."""
        return identity.of_working_age(
            identity.id_card_numbers("id_no", "id_type"), row_rules.last_day_of(pl.col("pay_month"))
        )

    @dy.rule()
    def gross_less_deductions(cls) -> pl.Expr:
        """Judged when all three are given."""
        return pl.col("gross_fen") - pl.col("deduct_fen") == pl.col("net_fen")

    @dy.rule()
    def days_of_month(cls) -> pl.Expr:
        return row_rules.days_within("days", "pay_month")

    @dy.rule()
    def backpay_of_earlier(cls) -> pl.Expr:
        return pl.col("backpay_month") <= pl.col("pay_month")
