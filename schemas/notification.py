"""Notification (通知): one message to a reporter, a handler or a leader."""

from typing import ClassVar

import dataframely as dy
import polars as pl

from schemas import fields, row_rules
from schemas.shared import Shared, Verdict


class Notification(Shared):
    label: ClassVar[str] = "通知"
    label_en: ClassVar[str] = "Notification"
    business_key: ClassVar[tuple[str, ...]] = ("notice_channel", "notice_no")
    area: ClassVar[str] = "area6_code"
    source: ClassVar[str] = "保障农民工工资支付条例（国令724号）第10条；劳动保障监察条例（国令423号）"
    rule_reasons: ClassVar[dict[str, Verdict]] = {
        "failure_has_reason": ("fail_reason", "L101"),
        "state_after_sending": ("status_at", "L117"),
    }

    notice_channel = fields.code("通知渠道", "How the message went", "notice_channel", key=True)
    notice_no = fields.serial("通知编号", "Number given by the channel", characters=64, key=True)
    kind = fields.code("通知类型", "What the message says", "notice_kind", required=True)
    target = fields.code("通知对象", "Whom it is for", "notice_target", required=True)
    phone = fields.mobile("接收号码", "Mobile number it went to", personal=True)
    clue_channel = fields.code("线索渠道", "Channel of the clue it is about", "clue_channel")
    channel_serial_no = fields.serial("线索渠道编号", "Clue it is about", characters=64)
    level = fields.code("督办级别", "Red, yellow or blue", "supervise_level")
    sent_at = fields.past_time("发送时间", "When it was sent", required=True)
    status = fields.code("通知状态", "What became of it", "notice_status", required=True)
    status_at = fields.past_time("状态时间", "When the state was reported")
    fail_reason = fields.text("失败原因", "Why it did not arrive")
    due_on = fields.day("要求反馈日期", "Until when an answer is due")
    area6_code = fields.area6(required=True)
    source_updated_at = fields.source_updated_at()

    @dy.rule()
    def failure_has_reason(cls) -> pl.Expr:
        return row_rules.when_then_given("status", ["failed"], "fail_reason")

    @dy.rule()
    def state_after_sending(cls) -> pl.Expr:
        return pl.col("sent_at") <= pl.col("status_at")
