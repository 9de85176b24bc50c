"""Progress settlement (过程结算): what was built in a month, and how much of it is labour."""

from typing import ClassVar

import dataframely as dy
import polars as pl

from schemas import fields
from schemas.shared import Shared, Verdict


class ProgressSettlement(Shared):
    label: ClassVar[str] = "过程结算"
    label_en: ClassVar[str] = "Progress settlement"
    business_key: ClassVar[tuple[str, ...]] = ("permit_no", "contractor_uscc", "month")
    money: ClassVar[str] = "output_fen"
    area: ClassVar[str] = "area_code"
    parents: ClassVar[tuple[str, ...]] = ("project",)
    source: ClassVar[str] = "保障农民工工资支付条例（国令724号）第24条、第29条"
    rule_reasons: ClassVar[dict[str, Verdict]] = {
        "labour_within_output": ("labour_part_fen", "L124"),
    }

    permit_no = fields.permit_no(key=True)
    contractor_uscc = fields.uscc("总包单位统一社会信用代码", "General contractor", key=True)
    month = fields.month("结算月份", "Month of the works", key=True)
    output_fen = fields.fen("完成产值", "Value of the works done", required=True)
    labour_part_fen = fields.fen("其中人工费", "Labour cost within it")
    certified_at = fields.past_time("计量确认时间", "When the quantity was certified")
    is_owner_confirmed = fields.flag("建设单位是否确认", "Confirmed by the owner of the works")
    area_code = fields.area9(required=True)
    source_updated_at = fields.source_updated_at()

    @dy.rule()
    def labour_within_output(cls) -> pl.Expr:
        return pl.col("labour_part_fen") <= pl.col("output_fen")
