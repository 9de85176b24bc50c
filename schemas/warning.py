"""Warning (预警): one rule met by one thing in one month or year."""

from typing import ClassVar

import dataframely as dy
import polars as pl

from schemas import fields, row_rules
from schemas.shared import Shared, Verdict


class RaisedWarning(Shared):
    label: ClassVar[str] = "预警"
    label_en: ClassVar[str] = "Warning"
    business_key: ClassVar[tuple[str, ...]] = ("rule_code", "subject_kind", "subject_no", "period")
    area: ClassVar[str] = "area6_code"
    source: ClassVar[str] = "保障农民工工资支付条例（国令724号）第38条；山东省农民工工资支付监管平台管理办法（2023）"
    rule_reasons: ClassVar[dict[str, Verdict]] = {
        "closed_has_time": ("closed_at", "L101"),
        "transferred_has_clue": ("clue_serial_no", "L101"),
        "closed_after_raised": ("closed_at", "L117"),
    }

    rule_code = fields.code("预警规则", "Rule that was met", "warning_rule", key=True)
    subject_kind = fields.code("预警对象类型", "Kind of thing warned of", "warning_subject", key=True)
    subject_no = fields.serial("预警对象编号", "Its printed numbers, joined by dashes", characters=100, key=True)
    period = fields.period("预警周期", "Month or year the warning is about", key=True)
    level = fields.code("预警级别", "Red, yellow or blue", "supervise_level", required=True)
    subject_name = fields.text("预警对象名称", "Name of the thing warned of")
    value_text = fields.text("实际值", "What was found")
    threshold_text = fields.text("阈值", "What the rule allows")
    raised_at = fields.past_time("预警时间", "When it was raised", required=True)
    responsible_uscc = fields.uscc("责任单位统一社会信用代码", "Who must put it right")
    responsible_name = fields.text("责任单位名称", "Name of who must put it right")
    handle_org = fields.text("处置单位", "Authority that handles it")
    due_on = fields.day("处置期限", "Until when it must be handled")
    status = fields.code("预警状态", "State of the warning", "warning_status", required=True)
    closed_at = fields.past_time("办结时间", "When it was closed")
    clue_serial_no = fields.serial("转办线索编号", "Clue it was turned into", characters=64)
    area6_code = fields.area6(required=True)
    source_updated_at = fields.source_updated_at()

    @dy.rule()
    def closed_has_time(cls) -> pl.Expr:
        return row_rules.when_then_given("status", ["closed"], "closed_at")

    @dy.rule()
    def transferred_has_clue(cls) -> pl.Expr:
        return row_rules.when_then_given("status", ["transferred"], "clue_serial_no")

    @dy.rule()
    def closed_after_raised(cls) -> pl.Expr:
        return pl.col("raised_at") <= pl.col("closed_at")
