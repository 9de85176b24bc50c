"""Insured employment (参保就业): for whom an employer pays social insurance."""

from typing import ClassVar

import dataframely as dy
import polars as pl

from schemas import fields, identity, row_rules
from schemas.documented import PERSON_REASONS, PersonRecord
from schemas.shared import Verdict


class WorkerEmployment(PersonRecord):
    label: ClassVar[str] = "参保就业"
    label_en: ClassVar[str] = "Insured employment"
    business_key: ClassVar[tuple[str, ...]] = ("employer_uscc", "insured_no")
    area: ClassVar[str] = "area6_code"
    source: ClassVar[str] = "社会保险法第57条、第58条；保障农民工工资支付条例（国令724号）第38条"
    rule_reasons: ClassVar[dict[str, Verdict]] = PERSON_REASONS | {
        "months_in_order": ("insured_to_month", "L117"),
    }

    employer_uscc = fields.uscc("参保单位统一社会信用代码", "Employer", key=True)
    insured_no = fields.serial("参保编号", "Number of the insured with the employer", key=True)
    worker_name = fields.text("姓名", "Name of the worker", characters=60, required=True, personal=True)
    id_type = fields.code("证件类型", "Kind of document", "id_type", required=True)
    id_no = fields.id_no("证件号码", "Number of the document", required=True)
    insurance = fields.code("险种", "Kind of insurance", "insurance_kind", required=True)
    insured_from_month = fields.month("参保起始月份", "First month insured", required=True)
    insured_to_month = fields.month("参保截止月份", "Last month insured, may lie ahead", ahead=True)
    area6_code = fields.area6(required=True)
    source_updated_at = fields.source_updated_at()

    @dy.rule()
    def old_enough(cls) -> pl.Expr:
        """By the end of the first month."""
        return identity.of_working_age(
            identity.id_card_numbers("id_no", "id_type"), row_rules.last_day_of(pl.col("insured_from_month"))
        )

    @dy.rule()
    def months_in_order(cls) -> pl.Expr:
        return pl.col("insured_from_month") <= pl.col("insured_to_month")
