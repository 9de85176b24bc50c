"""Clue (欠薪线索): a worker's report of unpaid wages, from any channel."""

from typing import ClassVar

import dataframely as dy
import polars as pl

from schemas import fields
from schemas.documented import Documented, document_reasons
from schemas.shared import Verdict


class Clue(Documented):
    label: ClassVar[str] = "欠薪线索"
    label_en: ClassVar[str] = "Clue"
    business_key: ClassVar[tuple[str, ...]] = ("channel", "channel_serial_no")
    money: ClassVar[str] = "arrears_fen"
    area: ClassVar[str] = "area_code"
    source: ClassVar[str] = "保障农民工工资支付条例（国令724号）第10条；全国根治欠薪线索反映平台表单"
    document: ClassVar[tuple[str, str | None]] = ("reporter_id_no", None)
    rule_reasons: ClassVar[dict[str, Verdict]] = document_reasons("reporter_id_no") | {
        "months_in_order": ("arrears_to_month", "L117"),
    }

    channel = fields.code("线索渠道", "Where the report came in", "clue_channel", key=True)
    channel_serial_no = fields.serial("渠道编号", "Number given by the channel", characters=64, key=True)
    received_at = fields.past_time("登记时间", "When the channel registered it", required=True)
    reporter_name = fields.text("反映人姓名", "Who reports", characters=60, required=True, personal=True)
    reporter_id_no = fields.id_no("反映人证件号码", "Document of the reporter")
    reporter_phone = fields.printed(
        "反映人电话", "Mobile number of the reporter", r"^1[3-9][0-9]{9}$", required=True, personal=True
    )
    domain = fields.code("领域", "Construction or not", "domain", required=True)
    area_code = fields.area9(required=True)
    address = fields.text("详细地址", "Where the work was done")
    project_name = fields.text("欠薪项目", "Name of the project")
    owner_name = fields.text("建设单位", "Owner of the works")
    contractor_name = fields.text("总包单位", "General contractor")
    sub_name = fields.text("分包单位", "Subcontractor")
    employer_name = fields.text("被反映单位", "Employer complained about")
    has_contract = fields.flag("是否签订劳动合同", "Has a labour contract")
    is_gov_invest = fields.flag("是否政府投资", "Paid for by government")
    arrears_people = fields.count("欠薪人数", "Number of people unpaid")
    arrears_fen = fields.fen("欠薪金额", "Amount unpaid", required=True)
    arrears_from_month = fields.month("欠薪起始月份", "First month unpaid")
    arrears_to_month = fields.month("欠薪截止月份", "Last month unpaid")
    summary = fields.text(
        "反映内容", "What happened, in the reporter's words", characters=500, lines=True, required=True, personal=True
    )
    entry_form = fields.code("入口形式", "How the report was made", "clue_entry_form")
    source_updated_at = fields.source_updated_at()
    contractor_uscc = fields.uscc("总包单位统一社会信用代码", "General contractor")
    employer_uscc = fields.uscc("被反映单位统一社会信用代码", "Employer complained about")
    supervise_level = fields.code("督办级别", "Red, yellow or blue", "supervise_level")
    group_no = fields.serial("群体线索编号", "Clues of one matter share it")
    due_on = fields.day("办理期限", "Until when the clue must be concluded")
    entry_tag = fields.serial("入口标识", "Which printed code or leaflet led to the report", characters=64)
    first_receiver_org = fields.text("首问单位", "Authority that was asked first; never changes")
    handle_area_code = fields.area9("办理行政区划代码（9位）", "Where the clue is handled")

    @dy.rule()
    def months_in_order(cls) -> pl.Expr:
        return pl.col("arrears_from_month") <= pl.col("arrears_to_month")
