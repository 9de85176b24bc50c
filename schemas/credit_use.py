"""Credit use (信用结果应用): what an authority decided because of a list."""

from typing import ClassVar

import dataframely as dy
import polars as pl

from schemas import fields
from schemas.shared import Shared, Verdict


class CreditUse(Shared):
    label: ClassVar[str] = "信用结果应用"
    label_en: ClassVar[str] = "Use of a credit list"
    business_key: ClassVar[tuple[str, ...]] = ("org_name", "use_no")
    area: ClassVar[str] = "area6_code"
    source: ClassVar[str] = "拖欠农民工工资失信联合惩戒对象名单管理暂行办法（人社部令第45号）"
    rule_reasons: ClassVar[dict[str, Verdict]] = {
        "list_of_entry": ("list_kind", "L101"),
    }

    org_name = fields.key_text("应用单位", "Authority that used the list", key=True)
    use_no = fields.serial("应用编号", "Number of the decision in that authority", key=True)
    uscc = fields.uscc("统一社会信用代码", "The employer", required=True)
    list_kind = fields.code("名单类型", "Which list was used", "list_kind")
    list_no = fields.serial("名单编号", "Entry that was used")
    scene = fields.code("应用场景", "In which matter", "credit_scene", required=True)
    result = fields.code("应用结果", "What was decided", "credit_use_result", required=True)
    used_on = fields.past_day("应用日期", "Date of the decision", required=True)
    area6_code = fields.area6(required=True)
    source_updated_at = fields.source_updated_at()

    @dy.rule()
    def list_of_entry(cls) -> pl.Expr:
        """An entry is known by its list and its number."""
        return pl.col("list_no").is_null() | pl.col("list_kind").is_not_null()
