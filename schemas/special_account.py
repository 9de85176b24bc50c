"""Special account (农民工工资专用账户): the bank account from which wages of one project are paid."""

from typing import ClassVar

import dataframely as dy
import polars as pl

from schemas import fields, row_rules
from schemas.shared import Shared, Verdict


class SpecialAccount(Shared):
    label: ClassVar[str] = "农民工工资专用账户"
    label_en: ClassVar[str] = "Special account"
    business_key: ClassVar[tuple[str, ...]] = ("bank3_code", "account_no")
    money: ClassVar[str] = "balance_fen"
    area: ClassVar[str] = "area6_code"
    source: ClassVar[str] = "工程建设领域农民工工资专用账户管理暂行办法（人社部发〔2021〕53号）"
    rule_reasons: ClassVar[dict[str, Verdict]] = {
        "line_number_of_bank": ("cnaps_code", "L117"),
        "project_named": ("permit_no", "L101"),
        "filed_after_opening": ("filing_on", "L117"),
        "closed_after_opening": ("close_notice_on", "L117"),
    }

    bank3_code = fields.bank3(key=True)
    account_no = fields.account_no("专户账号", "Number of the account", key=True)
    account_name = fields.account_name("专户名称", "Contractor, project and 农民工工资专用账户", required=True)
    cnaps_code = fields.cnaps("开户行联行号", "Line number of the branch", required=True)
    permit_no = fields.permit_no()
    contractor_uscc = fields.uscc("总包单位统一社会信用代码", "General contractor", required=True)
    contractor_name = fields.text("总包单位名称", "Name of the general contractor")
    open_on = fields.past_day("开户日期", "Opening date", required=True)
    agreement_on = fields.past_day("三方协议日期", "Date of the agreement between owner, contractor and bank")
    status = fields.code("账户状态", "State of the account", "account_status", required=True)
    balance_fen = fields.fen("余额", "Balance, may be negative", least=-fields.MAX_FEN, required=True)
    balance_at = fields.past_time("余额时间", "When the balance was taken")
    area6_code = fields.area6(required=True)
    service_no = fields.service_no()
    filing_on = fields.past_day("备案日期", "When the account was filed with the authority")
    close_notice_on = fields.past_day("销户公示日期", "When the closing was announced")

    @dy.rule()
    def line_number_of_bank(cls) -> pl.Expr:
        return row_rules.line_number_of("cnaps_code", "bank3_code")

    @dy.rule()
    def project_named(cls) -> pl.Expr:
        """A permit or a service contract, at least one of them."""
        return pl.col("permit_no").is_not_null() | pl.col("service_no").is_not_null()

    @dy.rule()
    def filed_after_opening(cls) -> pl.Expr:
        return pl.col("open_on") <= pl.col("filing_on")

    @dy.rule()
    def closed_after_opening(cls) -> pl.Expr:
        return pl.col("open_on") <= pl.col("close_notice_on")
