"""Site activity (工地开停工): whether there was work on a site on a day, and how one knows."""

from typing import ClassVar

from schemas import fields
from schemas.shared import Shared


class SiteActivity(Shared):
    label: ClassVar[str] = "工地开停工"
    label_en: ClassVar[str] = "Site activity"
    business_key: ClassVar[tuple[str, ...]] = ("permit_no", "contractor_uscc", "day_on")
    area: ClassVar[str] = "area_code"
    parents: ClassVar[tuple[str, ...]] = ("project",)
    source: ClassVar[str] = "保障农民工工资支付条例（国令724号）第29条、第35条"

    permit_no = fields.permit_no(key=True)
    contractor_uscc = fields.uscc("总包单位统一社会信用代码", "General contractor", key=True)
    day_on = fields.past_day("日期", "The day", key=True)
    is_working = fields.flag("是否施工", "There was work", required=True)
    evidence = fields.code("判断依据", "How one knows", "activity_evidence", required=True)
    people_count = fields.count("现场人数", "People seen", least=0, unit="人")
    machine_count = fields.count("现场机械数", "Machines seen", least=0, unit="台")
    area_code = fields.area9(required=True)
    source_updated_at = fields.source_updated_at()
