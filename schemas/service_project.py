"""Service project (非工程用工项目): work that needs no permit, known by the number of its service contract."""

from typing import ClassVar

import dataframely as dy
import polars as pl

from schemas import fields
from schemas.shared import Shared, Verdict


class ServiceProject(Shared):
    label: ClassVar[str] = "非工程用工项目"
    label_en: ClassVar[str] = "Service project"
    business_key: ClassVar[tuple[str, ...]] = ("service_no", "contractor_uscc")
    money: ClassVar[str] = "contract_amount_fen"
    area: ClassVar[str] = "area_code"
    source: ClassVar[str] = "保障农民工工资支付条例（国令724号）第2条、第38条"
    rule_reasons: ClassVar[dict[str, Verdict]] = {
        "ends_after_start": ("planned_end_on", "L117"),
    }

    service_no = fields.service_no(key=True)
    contractor_uscc = fields.uscc("承接单位统一社会信用代码", "Who took the service contract", key=True)
    name = fields.text("项目名称", "Name of the project", required=True)
    industry = fields.code("服务行业", "Kind of service", "service_industry", required=True)
    owner_uscc = fields.uscc("购买单位统一社会信用代码", "Who pays for the service", required=True)
    owner_name = fields.text("购买单位名称", "Name of who pays for the service")
    contractor_name = fields.text("承接单位名称", "Name of who took the contract", required=True)
    contract_amount_fen = fields.fen("合同金额", "Amount of the service contract", required=True)
    contract_sign_on = fields.past_day("合同签订日期", "Signing date of the service contract", required=True)
    start_on = fields.day("服务起始日期", "First day of service")
    planned_end_on = fields.day("计划结束日期", "Planned end")
    status = fields.code("项目状态", "State of the service", "project_status", required=True)
    area_code = fields.area9(required=True)
    source_updated_at = fields.source_updated_at()

    @dy.rule()
    def ends_after_start(cls) -> pl.Expr:
        return pl.col("start_on") <= pl.col("planned_end_on")
