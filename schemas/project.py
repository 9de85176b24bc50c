"""Project (工程项目/标段): what is supervised, one general contractor under one permit."""

from typing import ClassVar

import dataframely as dy
import polars as pl

from schemas import fields
from schemas.shared import Shared, Verdict


class Project(Shared):
    label: ClassVar[str] = "工程项目"
    label_en: ClassVar[str] = "Project"
    business_key: ClassVar[tuple[str, ...]] = ("permit_no", "contractor_uscc")
    money: ClassVar[str] = "contract_amount_fen"
    source: ClassVar[str] = "保障农民工工资支付条例（国令724号）第38条"
    rule_reasons: ClassVar[dict[str, Verdict]] = {"ends_after_start": ("planned_end_on", "L117")}

    permit_no = fields.permit_no(key=True)
    contractor_uscc = fields.uscc("总包单位统一社会信用代码", "General contractor", key=True)
    name = fields.text("项目名称", "Name of the project", required=True)
    domain = fields.code("领域", "Construction or not", "domain", required=True)
    category = fields.code("项目类别", "Kind of works, national list", "project_category", required=True)
    invest_code = fields.invest_code()
    owner_uscc = fields.uscc("建设单位统一社会信用代码", "Owner of the works", required=True)
    owner_name = fields.text("建设单位名称", "Name of the owner")
    contractor_name = fields.text("总包单位名称", "Name of the general contractor", required=True)
    contract_amount_fen = fields.fen("合同金额", "Amount of the construction contract", required=True)
    contract_sign_on = fields.past_day("合同签订日期", "Signing date of the construction contract", required=True)
    start_on = fields.day("开工日期", "Planned or actual start")
    planned_end_on = fields.day("计划完工日期", "Planned end")
    status = fields.code("项目状态", "State of the works", "project_status", required=True)
    is_gov_invest = fields.flag("是否政府投资", "Paid for by government")
    address = fields.text("项目地址", "Address of the site")
    area_code = fields.area9(required=True)
    source_updated_at = fields.source_updated_at()

    @dy.rule()
    def ends_after_start(cls) -> pl.Expr:
        return pl.col("planned_end_on") >= pl.col("start_on")
