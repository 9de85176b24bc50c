"""Project (工程项目/标段): what is supervised, one general contractor under one permit."""

from typing import ClassVar

import dataframely as dy
import polars as pl

from schemas import fields, row_rules
from schemas.shared import Shared, Verdict


class Project(Shared):
    label: ClassVar[str] = "工程项目"
    label_en: ClassVar[str] = "Project"
    business_key: ClassVar[tuple[str, ...]] = ("permit_no", "contractor_uscc")
    money: ClassVar[str] = "contract_amount_fen"
    area: ClassVar[str] = "area_code"
    source: ClassVar[str] = "保障农民工工资支付条例（国令724号）第38条"
    rule_reasons: ClassVar[dict[str, Verdict]] = {
        "ends_after_start": ("planned_end_on", "L117"),
        "place_whole": ("longitude_e6", "L101"),
    }

    permit_no = fields.permit_no(key=True)
    contractor_uscc = fields.uscc("总包单位统一社会信用代码", "General contractor", key=True)
    name = fields.text("项目名称", "Name of the project", required=True)
    domain = fields.code("领域", "Construction or not", "domain", required=True)
    category = fields.code("项目类别", "Kind of works, national list", "project_category", required=True)
    invest_code = fields.invest_code()
    owner_uscc = fields.uscc("建设单位统一社会信用代码", "Owner of the works", required=True)
    owner_name = fields.text("建设单位名称", "Name of the owner")
    contractor_name = fields.text("总包单位名称", "Name of the general contractor", required=True)
    contract_amount_fen = fields.fen("合同金额", "Amount of the construction contract", required=True)
    contract_sign_on = fields.past_day("合同签订日期", "Signing date of the construction contract", required=True)
    start_on = fields.day("开工日期", "Planned or actual start")
    planned_end_on = fields.day("计划完工日期", "Planned end")
    status = fields.code("项目状态", "State of the works", "project_status", required=True)
    is_gov_invest = fields.flag("是否政府投资", "Paid for by government")
    address = fields.text("项目地址", "Address of the site")
    area_code = fields.area9(required=True)
    source_updated_at = fields.source_updated_at()
    prov_project_no = fields.serial("省平台项目编号", "Number given by the provincial platform")
    siku_no = fields.siku_no()
    realname_no = fields.realname_no()
    bid_section_no = fields.serial("标段编号", "Number of the bid section", characters=64)
    invest_fen = fields.fen("总投资", "Investment of the whole project")
    labour_fee_ratio_ppm = fields.ppm("人工费比例", "Share of the works that is labour cost")
    labour_fee_monthly_fen = fields.fen("约定月人工费", "Labour cost to be paid each month")
    labour_fee_day = fields.month_day("人工费拨付日", "Day of the month for labour cost")
    pay_day = fields.month_day("发薪日", "Day of the month for wages")
    labour_officer_name = fields.text("劳资专管员姓名", "Labour officer of the project", characters=60, personal=True)
    labour_officer_phone = fields.phone("劳资专管员电话", "Telephone of the labour officer", personal=True)
    latitude_e6 = fields.latitude()
    longitude_e6 = fields.longitude()
    has_payment_guarantee = fields.flag("是否有工程款支付担保", "The owner guarantees payment")
    has_realname = fields.flag("是否实名制管理", "Workers are registered by name")
    has_deposit = fields.flag("是否存储保证金", "Has a wage deposit")
    has_account = fields.flag("是否开设专户", "Has a special account")
    has_bank_pay = fields.flag("是否银行代发", "The bank pays the workers directly")
    has_monthly_full = fields.flag("是否按月足额", "Wages are paid monthly and in full")
    has_billboard = fields.flag("是否设维权公示牌", "Has a notice board with workers' rights")

    @dy.rule()
    def ends_after_start(cls) -> pl.Expr:
        return pl.col("planned_end_on") >= pl.col("start_on")

    @dy.rule()
    def place_whole(cls) -> pl.Expr:
        return row_rules.both_or_none("latitude_e6", "longitude_e6")
