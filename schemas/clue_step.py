"""Clue step (线索办理步骤): one act in the handling of a clue; steps are added, never changed."""

from typing import ClassVar

import dataframely as dy
import polars as pl

from schemas import fields, row_rules
from schemas.shared import Shared, Verdict


class ClueStep(Shared):
    label: ClassVar[str] = "线索办理步骤"
    label_en: ClassVar[str] = "Clue step"
    business_key: ClassVar[tuple[str, ...]] = ("channel", "channel_serial_no", "step_no")
    money: ClassVar[str] = "solved_fen"
    area: ClassVar[str] = "area6_code"
    parents: ClassVar[tuple[str, ...]] = ("clue",)
    source: ClassVar[str] = "保障农民工工资支付条例（国令724号）第10条；劳动保障监察条例（国令423号）第14、17条"
    rule_reasons: ClassVar[dict[str, Verdict]] = {
        "conclusion_has_result": ("result_code", "L101"),
    }

    channel = fields.code("线索渠道", "Where the report came in", "clue_channel", key=True)
    channel_serial_no = fields.serial("渠道编号", "Number given by the channel", characters=64, key=True)
    step_no = fields.count("步骤序号", "Number of the step in its clue", key=True)
    action = fields.code("办理动作", "What was done", "clue_action", required=True)
    org_name = fields.text("办理单位", "Who did it", required=True)
    org_level = fields.code("单位层级", "City, county or town", "org_level", required=True)
    operator_name = fields.text("经办人", "The officer", characters=60, personal=True)
    done_at = fields.past_time("办理时间", "When it was done", required=True)
    due_on = fields.day("应办日期", "Until when the next step is due")
    opinion = fields.text("办理意见", "Opinion of the officer", characters=1000, lines=True)
    doc_no = fields.document_no("文书号", "Number of the document issued")
    result_code = fields.code("核处结论", "Conclusion", "clue_result")
    solved_people = fields.count("解决人数", "People who got their wages", least=0, unit="人")
    solved_fen = fields.fen("解决金额", "Wages paid as a result")
    area6_code = fields.area6(required=True)
    source_updated_at = fields.source_updated_at()
    group_no = fields.serial(
        "并案编号", "Group of clues that this step put the clue into; clues of one matter share it"
    )

    @dy.rule()
    def conclusion_has_result(cls) -> pl.Expr:
        return row_rules.when_then_given("action", ["conclude"], "result_code")
