"""Permit (许可/节点): one official step in the life of a project."""

from typing import ClassVar

import dataframely as dy
import polars as pl

from schemas import fields
from schemas.shared import Shared, Verdict


class Permit(Shared):
    label: ClassVar[str] = "许可与审批"
    label_en: ClassVar[str] = "Permit"
    business_key: ClassVar[tuple[str, ...]] = ("type", "permit_no")
    money: ClassVar[str] = "contract_price_fen"
    area: ClassVar[str] = "area_code"
    source: ClassVar[str] = "建筑工程施工许可管理办法；投资项目统一代码（发改投资〔2020〕1439号）"
    rule_reasons: ClassVar[dict[str, Verdict]] = {
        "builder_of_construction": ("contractor_uscc", "L101"),
        "valid_after_issue": ("valid_to_on", "L117"),
    }

    type = fields.code("许可类型", "Which step", "permit_type", key=True)
    permit_no = fields.permit_no("许可编号", "Number of the permit or approval: area, day, four digits", key=True)
    project_name = fields.text("项目名称", "Name of the project", required=True)
    invest_code = fields.invest_code()
    owner_name = fields.text("建设单位名称", "Name of the owner")
    owner_uscc = fields.uscc("建设单位统一社会信用代码", "Owner of the works")
    contractor_name = fields.text("施工单位名称", "Name of the general contractor")
    contractor_uscc = fields.uscc("施工单位统一社会信用代码", "General contractor; required for construction permits")
    contract_price_fen = fields.fen("合同价格（或投资额）", "Contract price, or investment for approvals")
    scale = fields.text("建设规模", "Size of the works, as printed on the permit", characters=500)
    issue_org = fields.text("发证机关", "Issuing authority", required=True)
    issue_on = fields.past_day("发证日期", "Date of issue", required=True)
    area_code = fields.area9(required=True)
    is_revoked = fields.flag("是否撤销", "Withdrawn by the authority")
    source_updated_at = fields.source_updated_at()
    valid_to_on = fields.day("有效期止", "Last day of validity")
    ecert_no = fields.serial("电子证照编号", "Number of the electronic certificate", characters=64)
    supervisor_name = fields.text("监理单位名称", "Name of the supervising company")

    @dy.rule()
    def builder_of_construction(cls) -> pl.Expr:
        return (pl.col("type") != "construction") | pl.col("contractor_uscc").is_not_null()

    @dy.rule()
    def valid_after_issue(cls) -> pl.Expr:
        return pl.col("issue_on") <= pl.col("valid_to_on")
