"""Guarantee (工资保证金/保函/保单): the security that wages of a project will be paid."""

from typing import ClassVar

import dataframely as dy
import polars as pl

from schemas import fields
from schemas.shared import Shared, Verdict

NOT_A_LETTER = ("cash", "exempt")
"""Kinds without a letter of guarantee: articles 14 to 16 do not speak of them."""


class Guarantee(Shared):
    label: ClassVar[str] = "工资保证金（保函、保单）"
    label_en: ClassVar[str] = "Guarantee"
    business_key: ClassVar[tuple[str, ...]] = ("insurer_uscc", "guarantee_no")
    money: ClassVar[str] = "amount_fen"
    area: ClassVar[str] = "area_code"
    source: ClassVar[str] = "工程建设领域农民工工资保证金规定（人社部发〔2021〕65号）"
    rule_reasons: ClassVar[dict[str, Verdict]] = {
        "valid_for_a_year": ("valid_to_on", "L117"),
        "within_contract": ("amount_fen", "L117"),
        "irrevocable": ("is_irrevocable", "L117"),
    }

    insurer_uscc = fields.uscc("出具机构统一社会信用代码", "Bank, insurer or guarantee company", key=True)
    guarantee_no = fields.serial("保函（保单）编号", "Number given by the issuer", key=True)
    type = fields.code("保证金形式", "Kind of security", "guarantee_type", required=True)
    applicant_uscc = fields.uscc("投保（申请）单位统一社会信用代码", "General contractor", required=True)
    applicant_name = fields.text("投保（申请）单位名称", "Name of the general contractor")
    beneficiary_org = fields.text("受益人", "Local human resources authority", required=True)
    project_name = fields.text("项目名称", "Name of the project")
    permit_no = fields.permit_no(required=True)
    invest_code = fields.invest_code()
    contract_amount_fen = fields.fen("合同金额", "Amount of the construction contract", required=True)
    amount_fen = fields.fen("保证金额", "Amount secured", least=1, required=True)
    rate_ppm = fields.ppm("费率", "Premium rate in parts per million of the amount secured")
    premium_fen = fields.fen("保费", "Premium")
    issue_on = fields.past_day("出具日期", "Date of issue")
    valid_from_on = fields.day("有效期起", "First day of validity", required=True)
    valid_to_on = fields.day("有效期止", "Last day of validity", required=True)
    is_irrevocable = fields.flag("是否不可撤销", "Cannot be revoked", required=True)
    is_on_demand = fields.flag("是否见索即付", "Payable on first demand", required=True)
    status = fields.code("状态", "State of the guarantee", "guarantee_status", required=True)
    file_sm3 = fields.printed("电子保函文件摘要（SM3）", "SM3 digest of the electronic document", r"^[0-9a-fA-F]{64}$")
    area_code = fields.area9(required=True)
    source_updated_at = fields.source_updated_at()
    purpose = fields.code(
        "保证用途", "Wage deposit, or payment guarantee of the owner", "guarantee_purpose", required=True
    )
    required_fen = fields.fen("应存金额", "Amount that must be secured")
    exempt_doc_no = fields.document_no("免存文件号", "Number of the paper that exempts from the deposit")
    file_url = fields.url("电子保函文件地址", "Where the electronic document lies")

    @dy.rule()
    def valid_for_a_year(cls) -> pl.Expr:
        """Article 16. Both days count: 1 January to 31 December is a year."""
        year_over_on = pl.col("valid_from_on").dt.offset_by("1y").dt.offset_by("-1d")
        return (pl.col("valid_to_on") >= year_over_on) | _not_a_wage_letter()

    @dy.rule()
    def within_contract(cls) -> pl.Expr:
        return pl.col("amount_fen") <= pl.col("contract_amount_fen")

    @dy.rule()
    def irrevocable(cls) -> pl.Expr:
        return pl.col("is_irrevocable") | _not_a_wage_letter()


def _not_a_wage_letter() -> pl.Expr:
    """The owner's payment guarantee follows article 24 of the wage ordinance, which sets no term."""
    return pl.col("type").is_in(NOT_A_LETTER) | (pl.col("purpose") != "wage_deposit")
