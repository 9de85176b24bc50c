"""Labour contract (劳动合同): what an employer and a worker agreed."""

from typing import ClassVar

import dataframely as dy
import polars as pl

from schemas import fields, identity, row_rules
from schemas.documented import PERSON_REASONS, PersonRecord
from schemas.shared import Verdict


class LaborContract(PersonRecord):
    label: ClassVar[str] = "劳动合同"
    label_en: ClassVar[str] = "Labour contract"
    business_key: ClassVar[tuple[str, ...]] = ("employer_uscc", "contract_no")
    money: ClassVar[str] = "wage_fen"
    area: ClassVar[str] = "area6_code"
    source: ClassVar[str] = "保障农民工工资支付条例（国令724号）第28条；劳动合同法第10条、第17条"
    rule_reasons: ClassVar[dict[str, Verdict]] = PERSON_REASONS | {
        "ends_after_start": ("end_on", "L117"),
        "fixed_term_ends": ("end_on", "L101"),
    }

    employer_uscc = fields.uscc("用工单位统一社会信用代码", "Employer", key=True)
    contract_no = fields.serial("合同编号", "Number of the contract, unique with the employer", key=True)
    permit_no = fields.permit_no()
    contractor_uscc = fields.uscc("总包单位统一社会信用代码", "General contractor of the project")
    worker_name = fields.text("姓名", "Name of the worker", characters=60, required=True, personal=True)
    id_type = fields.code("证件类型", "Kind of document", "id_type", required=True)
    id_no = fields.id_no("证件号码", "Number of the document", required=True)
    term = fields.code(
        "合同期限类型", "For a time, without end, or for a piece of work", "contract_term", required=True
    )
    start_on = fields.day("合同起始日期", "First day of the contract", required=True)
    end_on = fields.day("合同终止日期", "Last day of the contract")
    wage_mode = fields.code("计薪方式", "How the wage is reckoned", "wage_mode")
    wage_fen = fields.fen("约定工资", "Wage agreed, per month, day, hour or piece")
    signed_on = fields.past_day("签订日期", "Signing date")
    file_sm3 = fields.sm3("合同文件摘要（SM3）", "SM3 digest of the signed document")
    area6_code = fields.area6(required=True)
    source_updated_at = fields.source_updated_at()

    @dy.rule()
    def old_enough(cls) -> pl.Expr:
        """On the first day of the contract."""
        return identity.of_working_age(identity.id_card_numbers("id_no", "id_type"), pl.col("start_on"))

    @dy.rule()
    def ends_after_start(cls) -> pl.Expr:
        return pl.col("start_on") <= pl.col("end_on")

    @dy.rule()
    def fixed_term_ends(cls) -> pl.Expr:
        return row_rules.when_then_given("term", ["fixed"], "end_on")
