"""Credit list entry (信用名单): an employer under joint punishment, or commended."""

from typing import ClassVar

import dataframely as dy
import polars as pl

from schemas import fields
from schemas.shared import Shared, Verdict


class CreditList(Shared):
    label: ClassVar[str] = "信用名单"
    label_en: ClassVar[str] = "Credit list entry"
    business_key: ClassVar[tuple[str, ...]] = ("uscc", "list_kind", "list_no")
    area: ClassVar[str] = "area6_code"
    source: ClassVar[str] = "拖欠农民工工资失信联合惩戒对象名单管理暂行办法（人社部令第45号）"
    rule_reasons: ClassVar[dict[str, Verdict]] = {
        "three_years": ("until_on", "L123"),
        "six_months_at_least": ("removed_on", "L123"),
        "ends_after_listing": ("until_on", "L117"),
        "removed_before_end": ("removed_on", "L117"),
    }

    uscc = fields.uscc("统一社会信用代码", "The employer", key=True)
    list_kind = fields.code("名单类型", "Which list", "list_kind", key=True)
    list_no = fields.serial("名单编号", "Number of the entry", key=True)
    enterprise_name = fields.text("企业名称", "Name of the employer", required=True)
    reason = fields.text("列入事由", "Why the employer was listed", characters=500)
    basis_doc_no = fields.document_no("列入决定书文号", "Number of the decision", required=True)
    listed_on = fields.past_day("列入日期", "Date of listing", required=True)
    until_on = fields.day("有效期止", "Last day of the listing", required=True)
    removed_on = fields.past_day("移出日期", "Date of removal before the end")
    person_name = fields.text("责任人员姓名", "Person listed with the employer", characters=60, personal=True)
    area6_code = fields.area6(required=True)
    source_updated_at = fields.source_updated_at()

    @dy.rule()
    def three_years(cls) -> pl.Expr:
        """Joint punishment lasts three years; the last day may be counted or not."""
        return _commended() | pl.col("until_on").is_between(
            pl.col("listed_on").dt.offset_by("3y").dt.offset_by("-1d"), pl.col("listed_on").dt.offset_by("3y")
        )

    @dy.rule()
    def six_months_at_least(cls) -> pl.Expr:
        """Nobody is taken off the punishment list earlier."""
        return _commended() | (pl.col("removed_on") >= pl.col("listed_on").dt.offset_by("6mo"))

    @dy.rule()
    def ends_after_listing(cls) -> pl.Expr:
        return pl.col("listed_on") <= pl.col("until_on")

    @dy.rule()
    def removed_before_end(cls) -> pl.Expr:
        return pl.col("removed_on") <= pl.col("until_on")


def _commended() -> pl.Expr:
    return pl.col("list_kind") != "joint_punish"
