"""Worker (项目内工人): a person on the list of a project, known by the number the real-name platform gave."""

from typing import ClassVar

import dataframely as dy
import polars as pl

from schemas import fields, identity, row_rules
from schemas.documented import PERSON_REASONS, PersonRecord
from schemas.shared import Verdict


class Worker(PersonRecord):
    label: ClassVar[str] = "项目工人"
    label_en: ClassVar[str] = "Worker"
    business_key: ClassVar[tuple[str, ...]] = ("permit_no", "contractor_uscc", "worker_no")
    area: ClassVar[str] = "area_code"
    parents: ClassVar[tuple[str, ...]] = ("project",)
    source: ClassVar[str] = "保障农民工工资支付条例（国令724号）第28条；GB 11643-1999"
    rule_reasons: ClassVar[dict[str, Verdict]] = PERSON_REASONS | {
        "left_after_entering": ("left_on", "L117"),
        "card_of_bank": ("cnaps_code", "L117"),
    }

    permit_no = fields.permit_no(key=True)
    contractor_uscc = fields.uscc("总包单位统一社会信用代码", "General contractor", key=True)
    worker_no = fields.serial("工人编号", "Number given by the real-name platform", key=True)
    worker_name = fields.text("姓名", "Name of the worker", characters=60, required=True, personal=True)
    id_type = fields.code("证件类型", "Kind of document", "id_type", required=True)
    id_no = fields.id_no("证件号码", "Number of the document", required=True)
    sex = fields.code("性别", "Sex, GB/T 2261.1", "sex")
    ethnic_code = fields.code("民族", "Ethnic group, GB/T 3304", "ethnic")
    birth_on = fields.birth_day("出生日期", "Date of birth")
    phone = fields.mobile("手机号码", "Mobile number of the worker", personal=True)
    work_type = fields.code("工种", "Trade", "work_type", required=True)
    work_role = fields.code("岗位类型", "Manager or worker", "work_role", required=True)
    team_name = fields.text("班组名称", "Team of the worker")
    employer_uscc = fields.uscc("用工单位统一社会信用代码", "Employer")
    card_no = fields.card("工资卡号", "The worker's own bank card")
    bank3_code = fields.bank3("工资卡银行代码", "Three-digit bank class code of the card")
    cnaps_code = fields.cnaps("工资卡开户行联行号", "Line number of the worker's bank")
    entered_on = fields.past_day("进场日期", "First day on the project", required=True)
    left_on = fields.past_day("退场日期", "Last day on the project")
    is_team_leader = fields.flag("是否班组长", "Leads the team")
    area_code = fields.area9(required=True)
    source_updated_at = fields.source_updated_at()

    @dy.rule()
    def old_enough(cls) -> pl.Expr:
        """When entering the site."""
        return identity.of_working_age(identity.id_card_numbers("id_no", "id_type"), pl.col("entered_on"))

    @dy.rule()
    def left_after_entering(cls) -> pl.Expr:
        return pl.col("entered_on") <= pl.col("left_on")

    @dy.rule()
    def card_of_bank(cls) -> pl.Expr:
        """The line number begins with the class of its bank."""
        return row_rules.line_number_of("cnaps_code", "bank3_code")
