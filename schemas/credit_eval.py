"""Credit evaluation (守法诚信等级评价): the grade of an employer for a year."""

from typing import ClassVar

from schemas import fields
from schemas.shared import Shared


class CreditEval(Shared):
    label: ClassVar[str] = "守法诚信等级评价"
    label_en: ClassVar[str] = "Credit evaluation"
    business_key: ClassVar[tuple[str, ...]] = ("uscc", "year")
    area: ClassVar[str] = "area6_code"
    source: ClassVar[str] = (
        "保障农民工工资支付条例（国令724号）第47条；企业劳动保障守法诚信等级评价办法（人社部规〔2016〕1号）"
    )

    uscc = fields.uscc("统一社会信用代码", "The employer", key=True)
    year = fields.year("评价年度", "Year the grade is for", key=True)
    enterprise_name = fields.text("企业名称", "Name of the employer", required=True)
    grade = fields.code("等级", "Grade", "credit_grade", required=True)
    score = fields.count("得分", "Points, whole", least=0, unit="分值")
    org_name = fields.text("评价机关", "Authority that graded")
    published_on = fields.past_day("公示日期", "Date of publication")
    area6_code = fields.area6(required=True)
    source_updated_at = fields.source_updated_at()
