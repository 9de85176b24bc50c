"""Warning step (预警处置): one act in the handling of a warning."""

from typing import ClassVar

import dataframely as dy
import polars as pl

from schemas import fields, row_rules
from schemas.shared import Shared, Verdict


class WarningStep(Shared):
    label: ClassVar[str] = "预警处置"
    label_en: ClassVar[str] = "Warning step"
    business_key: ClassVar[tuple[str, ...]] = ("rule_code", "subject_kind", "subject_no", "period", "step_no")
    area: ClassVar[str] = "area6_code"
    parents: ClassVar[tuple[str, ...]] = ("warning",)
    source: ClassVar[str] = "保障农民工工资支付条例（国令724号）第38条；山东省农民工工资支付监管平台管理办法（2023）"
    rule_reasons: ClassVar[dict[str, Verdict]] = {
        "place_whole": ("longitude_e6", "L101"),
    }

    rule_code = fields.code("预警规则", "Rule that was met", "warning_rule", key=True)
    subject_kind = fields.code("预警对象类型", "Kind of thing warned of", "warning_subject", key=True)
    subject_no = fields.serial("预警对象编号", "Its printed numbers, joined by dashes", characters=100, key=True)
    period = fields.period("预警周期", "Month or year the warning is about", key=True)
    step_no = fields.count("步骤序号", "Number of the step in its warning", key=True)
    action = fields.code("处置动作", "What was done", "warning_action", required=True)
    org_name = fields.text("处置单位", "Who did it", required=True)
    operator_name = fields.text("经办人", "The officer", characters=60, personal=True)
    done_at = fields.past_time("处置时间", "When it was done", required=True)
    opinion = fields.text("处置意见", "Opinion of the officer", characters=1000, lines=True)
    media_no = fields.serial("现场影像编号", "Number of the pictures taken on site", characters=64)
    latitude_e6 = fields.latitude()
    longitude_e6 = fields.longitude()
    area6_code = fields.area6(required=True)
    source_updated_at = fields.source_updated_at()

    @dy.rule()
    def place_whole(cls) -> pl.Expr:
        return row_rules.both_or_none("latitude_e6", "longitude_e6")
