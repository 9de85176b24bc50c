"""Payroll batch (工资批次): one order to a bank to pay the wages of a month."""

from typing import ClassVar

import dataframely as dy
import polars as pl

from schemas import fields
from schemas.shared import Shared, Verdict


class PayrollBatch(Shared):
    label: ClassVar[str] = "工资代发批次"
    label_en: ClassVar[str] = "Payroll batch"
    business_key: ClassVar[tuple[str, ...]] = ("bank3_code", "batch_no")
    money: ClassVar[str] = "total_fen"
    area: ClassVar[str] = "area6_code"
    source: ClassVar[str] = "保障农民工工资支付条例（国令724号）第31条"
    rule_reasons: ClassVar[dict[str, Verdict]] = {
        "project_named": ("permit_no", "L101"),
        "signed_within_total": ("signed_count", "L125"),
    }

    bank3_code = fields.bank3(key=True)
    batch_no = fields.serial("工资批次号", "Number of the batch, unique in the bank", key=True)
    permit_no = fields.permit_no()
    payer_account_no = fields.account_no("付款专户账号", "Special account that pays", required=True)
    pay_month = fields.month("工资所属月份", "Month the wages are for", required=True)
    employer_uscc = fields.uscc("用工单位统一社会信用代码", "Employer", required=True)
    total_count = fields.count("总笔数", "Number of payments", required=True)
    total_fen = fields.fen("总金额", "Sum of the payments", required=True)
    made_at = fields.past_time("制单时间", "When the batch was made")
    area6_code = fields.area6(required=True)
    service_no = fields.service_no()
    is_backpay = fields.flag("是否补发", "Pays wages of earlier months")
    signed_count = fields.count("签字人数", "Workers who signed the sheet", least=0, unit="人")
    sheet_sm3 = fields.sm3("工资表文件摘要（SM3）", "SM3 digest of the signed sheet")

    @dy.rule()
    def project_named(cls) -> pl.Expr:
        """A permit or a service contract, at least one of them."""
        return pl.col("permit_no").is_not_null() | pl.col("service_no").is_not_null()

    @dy.rule()
    def signed_within_total(cls) -> pl.Expr:
        return pl.col("signed_count") <= pl.col("total_count")
