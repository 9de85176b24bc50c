"""Project party (参建单位): one enterprise in one part on a project."""

from typing import ClassVar

import dataframely as dy
import polars as pl

from schemas import fields
from schemas.documented import Documented, document_reasons
from schemas.shared import Verdict


class ProjectParty(Documented):
    label: ClassVar[str] = "参建单位"
    label_en: ClassVar[str] = "Project party"
    business_key: ClassVar[tuple[str, ...]] = ("permit_no", "contractor_uscc", "party_uscc", "party_type")
    area: ClassVar[str] = "area_code"
    parents: ClassVar[tuple[str, ...]] = ("project",)
    source: ClassVar[str] = "保障农民工工资支付条例（国令724号）第30条、第38条"
    document: ClassVar[tuple[str, str | None]] = ("manager_id_no", None)
    rule_reasons: ClassVar[dict[str, Verdict]] = document_reasons("manager_id_no") | {
        "left_after_entering": ("left_on", "L117"),
    }

    permit_no = fields.permit_no(key=True)
    contractor_uscc = fields.uscc("总包单位统一社会信用代码", "General contractor", key=True)
    party_uscc = fields.uscc("参建单位统一社会信用代码", "The enterprise that takes part", key=True)
    party_type = fields.code("参建类型", "In which part", "party_type", key=True)
    party_name = fields.text("参建单位名称", "Name of the enterprise", required=True)
    entered_on = fields.past_day("进场日期", "First day on the project")
    left_on = fields.past_day("退场日期", "Last day on the project")
    manager_name = fields.text("负责人姓名", "Who answers for the party", characters=60, personal=True)
    manager_id_no = fields.id_no("负责人证件号码", "Document of who answers for the party")
    manager_phone = fields.phone("负责人电话", "Telephone of who answers for the party", personal=True)
    area_code = fields.area9(required=True)
    source_updated_at = fields.source_updated_at()

    @dy.rule()
    def left_after_entering(cls) -> pl.Expr:
        return pl.col("entered_on") <= pl.col("left_on")
