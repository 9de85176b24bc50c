"""Attendance of a month (考勤月汇总): how often one worker was on the site."""

from typing import ClassVar

import dataframely as dy
import polars as pl

from schemas import fields, row_rules
from schemas.shared import Shared, Verdict


class AttendanceSummary(Shared):
    label: ClassVar[str] = "考勤月汇总"
    label_en: ClassVar[str] = "Attendance of a month"
    business_key: ClassVar[tuple[str, ...]] = ("permit_no", "contractor_uscc", "worker_no", "month")
    area: ClassVar[str] = "area_code"
    parents: ClassVar[tuple[str, ...]] = ("worker",)
    source: ClassVar[str] = "保障农民工工资支付条例（国令724号）第28条、第38条"
    rule_reasons: ClassVar[dict[str, Verdict]] = {
        "days_of_month": ("days", "L125"),
        "fence_within_punches": ("fence_out_count", "L125"),
        "abnormal_within_punches": ("abnormal_count", "L125"),
        "punches_in_order": ("last_at", "L117"),
    }

    permit_no = fields.permit_no(key=True)
    contractor_uscc = fields.uscc("总包单位统一社会信用代码", "General contractor", key=True)
    worker_no = fields.serial("工人编号", "Number given by the real-name platform", key=True)
    month = fields.month("考勤月份", "Month of the attendance", key=True)
    days = fields.count("出勤天数", "Days attended", least=0, required=True, unit="天")
    work_hours = fields.count("出勤工时", "Hours attended, whole", least=0, unit="小时")
    first_at = fields.past_time("首次打卡时间", "First punch of the month")
    last_at = fields.past_time("末次打卡时间", "Last punch of the month")
    punch_count = fields.count("打卡次数", "Number of punches", least=0, required=True, unit="次")
    fence_out_count = fields.count("围栏外打卡次数", "Punches outside the fence", least=0, unit="次")
    abnormal_count = fields.count("异常打卡次数", "Punches marked as abnormal", least=0, unit="次")
    device_count = fields.count("打卡设备数", "Devices used", least=0, unit="台")
    overlap_project_count = fields.count("重叠项目数", "Other projects attended on the same days", least=0, unit="个")
    area_code = fields.area9(required=True)
    source_updated_at = fields.source_updated_at()

    @dy.rule()
    def days_of_month(cls) -> pl.Expr:
        return row_rules.days_within("days", "month")

    @dy.rule()
    def fence_within_punches(cls) -> pl.Expr:
        return pl.col("fence_out_count") <= pl.col("punch_count")

    @dy.rule()
    def abnormal_within_punches(cls) -> pl.Expr:
        return pl.col("abnormal_count") <= pl.col("punch_count")

    @dy.rule()
    def punches_in_order(cls) -> pl.Expr:
        return pl.col("first_at") <= pl.col("last_at")
