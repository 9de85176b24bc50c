"""Site media reference (工地视频点位): where a camera of a site can be watched; pictures never pass the hub."""

from typing import ClassVar

from schemas import fields
from schemas.shared import Shared


class SiteMediaRef(Shared):
    label: ClassVar[str] = "工地视频点位"
    label_en: ClassVar[str] = "Site media reference"
    business_key: ClassVar[tuple[str, ...]] = ("permit_no", "contractor_uscc", "media_no")
    area: ClassVar[str] = "area_code"
    parents: ClassVar[tuple[str, ...]] = ("project",)
    source: ClassVar[str] = "保障农民工工资支付条例（国令724号）第38条"

    permit_no = fields.permit_no(key=True)
    contractor_uscc = fields.uscc("总包单位统一社会信用代码", "General contractor", key=True)
    media_no = fields.serial("点位编号", "Number of the camera", key=True)
    kind = fields.code("点位类型", "Kind of medium", "media_kind", required=True)
    url = fields.url("访问地址", "Where to watch it, without user name or password", required=True)
    place = fields.text("安装位置", "Where the camera stands")
    is_online = fields.flag("是否在线", "Answered at the last check")
    checked_at = fields.past_time("检查时间", "Time of the last check")
    area_code = fields.area9(required=True)
    source_updated_at = fields.source_updated_at()
