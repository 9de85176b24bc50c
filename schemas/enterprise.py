"""Enterprise (企业): who builds, employs, insures or owns, known by its social credit code."""

from typing import ClassVar

from schemas import fields
from schemas.documented import Documented, document_reasons
from schemas.shared import Verdict


class Enterprise(Documented):
    label: ClassVar[str] = "企业"
    label_en: ClassVar[str] = "Enterprise"
    business_key: ClassVar[tuple[str, ...]] = ("uscc",)
    money: ClassVar[str] = "registered_capital_fen"
    area: ClassVar[str] = "area6_code"
    source: ClassVar[str] = "保障农民工工资支付条例（国令724号）第38条；GB 32100-2015"
    document: ClassVar[tuple[str, str | None]] = ("legal_person_id_no", None)
    rule_reasons: ClassVar[dict[str, Verdict]] = document_reasons("legal_person_id_no")

    uscc = fields.uscc("统一社会信用代码", "Social credit code of the enterprise", key=True)
    name = fields.text("企业名称", "Registered name", required=True)
    kind = fields.code("企业类型", "Legal form", "enterprise_kind")
    status = fields.code("登记状态", "State of the registration", "enterprise_status", required=True)
    legal_person_name = fields.text("法定代表人姓名", "Legal representative", characters=60, personal=True)
    legal_person_id_no = fields.id_no("法定代表人证件号码", "Document of the legal representative")
    registered_capital_fen = fields.fen("注册资本", "Registered capital")
    phone = fields.phone("联系电话", "Telephone of the enterprise", personal=True)
    insured_count = fields.count("参保人数", "People insured by the enterprise", least=0, unit="人")
    qualification = fields.text("资质等级", "Qualifications, as printed", characters=500)
    area6_code = fields.area6(required=True)
    source_updated_at = fields.source_updated_at()
