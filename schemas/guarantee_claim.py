"""Guarantee claim (保函索赔): an official notice to pay, and what the issuer paid."""

from typing import ClassVar

import dataframely as dy
import polars as pl

from schemas import fields, row_rules, workdays
from schemas.shared import Shared, Verdict


class GuaranteeClaim(Shared):
    label: ClassVar[str] = "保函索赔"
    label_en: ClassVar[str] = "Guarantee claim"
    business_key: ClassVar[tuple[str, ...]] = ("insurer_uscc", "guarantee_no", "notice_no")
    money: ClassVar[str] = "claim_fen"
    area: ClassVar[str] = "area_code"
    parents: ClassVar[tuple[str, ...]] = ("guarantee",)
    source: ClassVar[str] = "工程建设领域农民工工资保证金规定（人社部发〔2021〕65号）第18、19条"
    rule_reasons: ClassVar[dict[str, Verdict]] = {
        "paid_within_claim": ("paid_fen", "L124"),
        "due_after_notice": ("pay_due_on", "L117"),
        "due_in_five_workdays": ("pay_due_on", "L123"),
        "replenished_in_ten_workdays": ("replenish_due_on", "L123"),
        "paid_after_notice": ("paid_on", "L117"),
        "payment_has_day": ("paid_on", "L101"),
        "paid_has_amount": ("paid_fen", "L101"),
    }

    insurer_uscc = fields.uscc("出具机构统一社会信用代码", "Bank, insurer or guarantee company", key=True)
    guarantee_no = fields.serial("保函（保单）编号", "Guarantee that is called upon", key=True)
    notice_no = fields.document_no("支付通知书文号", "Number of the official notice", key=True)
    order_no = fields.document_no("责令支付文书号", "Number of the order to pay that was not obeyed", required=True)
    notice_on = fields.past_day("通知日期", "Date of the notice", required=True)
    pay_due_on = fields.day("应付日期", "Fifth working day after the notice", required=True)
    claim_fen = fields.fen("索赔金额", "Amount called for", least=1, required=True)
    people_count = fields.count("涉及人数", "Workers to be paid", unit="人")
    paid_fen = fields.fen("已付金额", "Amount paid")
    paid_on = fields.past_day("支付日期", "Date of the payment")
    bank_serial_no = fields.serial("银行流水号", "The bank's number of the payment")
    replenish_due_on = fields.day("应补足日期", "Until when the guarantee must be made up")
    status = fields.code("索赔状态", "State of the claim", "claim_status", required=True)
    area_code = fields.area9(required=True)
    source_updated_at = fields.source_updated_at()

    @dy.rule()
    def paid_within_claim(cls) -> pl.Expr:
        return pl.col("paid_fen") <= pl.col("claim_fen")

    @dy.rule()
    def due_after_notice(cls) -> pl.Expr:
        return pl.col("notice_on") <= pl.col("pay_due_on")

    @dy.rule()
    def due_in_five_workdays(cls) -> pl.Expr:
        """Article 18: an earlier day may be set, a later one not."""
        return pl.col("pay_due_on") <= workdays.latest_due(pl.col("notice_on"), 5)

    @dy.rule()
    def replenished_in_ten_workdays(cls) -> pl.Expr:
        """Article 19, reckoned from the payment."""
        return pl.col("replenish_due_on") <= workdays.latest_due(pl.col("paid_on"), 10)

    @dy.rule()
    def paid_after_notice(cls) -> pl.Expr:
        return pl.col("notice_on") <= pl.col("paid_on")

    @dy.rule()
    def payment_has_day(cls) -> pl.Expr:
        return (pl.col("paid_fen") == 0) | pl.col("paid_fen").is_null() | pl.col("paid_on").is_not_null()

    @dy.rule()
    def paid_has_amount(cls) -> pl.Expr:
        return row_rules.when_then_given("status", ["partly_paid", "paid"], "paid_fen")
