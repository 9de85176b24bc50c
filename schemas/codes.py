"""Our own words for coded values, each with its Chinese label. Partners' codes become these words in mappings/codes.

Words that rules and programs use stand here. Printed codes of standards and of the national interface stand in CSV tables
that officials can read and correct; they are read from there, so that no list is kept twice (docs/decisions/0014-code-lists.md).
"""

import csv
from importlib.resources import files

from schemas.supervision_codes import SUPERVISION_CODES

YES_NO = {"true": "是", "false": "否"}


def _table(name: str) -> dict[str, str]:
    """Label by code of a table in mappings/codes whose codes are ours."""
    text = files("mappings").joinpath(f"codes/{name}.csv").read_text(encoding="utf-8")
    return {row["code"]: row["label"] for row in csv.DictReader(text.splitlines())}


CODE_LISTS: dict[str, dict[str, str]] = SUPERVISION_CODES | {
    "domain": {"construction": "工程建设领域", "non_construction": "非工程建设领域"},
    "project_category": _table("project_category"),
    "project_status": _table("project_status"),
    "permit_type": {
        "project_approval": "立项审批",
        "land_plan": "用地规划许可",
        "bid_award": "中标通知",
        "construction": "施工许可",
        "commencement_report": "开工报告",
        "acceptance": "竣工验收",
    },
    "account_status": {"normal": "正常", "frozen": "冻结", "closed": "销户"},
    "txn_direction": {"in": "收入", "out": "支出"},
    "txn_action": {
        "wage": "工资发放",
        "labour_fee": "人工费入账",
        "interest": "利息",
        "returned": "退票",
        "fee": "手续费",
        "frozen": "冻结",
        "deducted": "扣划",
        "other": "其他",
    },
    "payroll_result": {"success": "发放成功", "failed": "发放失败", "pending": "处理中", "returned": "退票"},
    "id_type": _table("id_type"),
    "guarantee_type": _table("guarantee_type"),
    "guarantee_status": {
        "draft": "草稿",
        "pending": "待审",
        "active": "生效",
        "endorsed": "批改",
        "expiring": "临期",
        "expired": "到期",
        "claiming": "索赔中",
        "paid": "已赔付",
        "released": "已解保/返还",
        "surrendered": "退保",
        "void": "作废",
    },
    "guarantee_event_type": {
        "apply": "申请",
        "approve": "批准",
        "deposit": "缴存",
        "endorse": "批改",
        "extend": "延期",
        "expire": "到期",
        "notice": "支付通知",
        "claim": "索赔",
        "paid": "赔付",
        "replenish": "补足",
        "release_apply": "申请解保",
        "release": "解保/返还",
        "surrender": "退保",
    },
    "enterprise_kind": {
        "limited": "有限责任公司",
        "joint_stock": "股份有限公司",
        "sole": "个人独资企业",
        "partnership": "合伙企业",
        "household": "个体工商户",
        "cooperative": "农民专业合作社",
        "branch": "分支机构",
        "government": "机关",
        "institution": "事业单位",
        "social": "社会组织",
        "other": "其他",
    },
    "enterprise_status": {
        "active": "存续",
        "suspended": "歇业",
        "moved_out": "迁出",
        "revoked": "吊销",
        "cancelled": "注销",
        "closed_down": "撤销",
    },
    "service_industry": {
        "sanitation": "环卫作业",
        "data_collection": "城区信息采集",
        "greening": "园林绿化养护",
        "security": "保安服务",
        "other": "其他",
    },
    "party_type": _table("party_types"),
    "work_type": _table("work_types"),
    "work_role": {"10": "管理人员", "20": "建筑工人"},
    "sex": {"0": "未知的性别", "1": "男", "2": "女", "9": "未说明的性别"},
    "ethnic": _table("ethnic_groups"),
    "contract_term": {"fixed": "固定期限", "open": "无固定期限", "task": "以完成一定工作任务为期限"},
    "wage_mode": {
        "fixed_monthly": "固定月薪",
        "monthly": "月薪",
        "daily": "计日",
        "hourly": "计时",
        "piece": "计量",
    },
    "insurance_kind": {
        "pension": "基本养老保险",
        "medical": "基本医疗保险",
        "unemployment": "失业保险",
        "injury": "工伤保险",
        "project_injury": "按项目参加工伤保险",
        "maternity": "生育保险",
    },
    "media_kind": {
        "camera": "固定摄像头",
        "dome": "球机",
        "gate": "考勤闸机",
        "drone": "无人机",
        "snapshot": "抓拍图片",
    },
    "activity_evidence": {
        "camera": "视频识别",
        "attendance": "考勤记录",
        "inspection": "现场检查",
        "report": "单位申报",
        "power": "用电数据",
    },
    "guarantee_purpose": {"wage_deposit": "农民工工资保证金", "project_payment": "工程款支付担保"},
    "claim_status": {
        "noticed": "已通知",
        "paying": "支付中",
        "partly_paid": "部分支付",
        "paid": "已支付",
        "overdue": "逾期未付",
        "refused": "拒付",
        "withdrawn": "撤回",
    },
    "warning_rule": _table("warning_rules"),
}
