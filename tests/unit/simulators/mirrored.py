"""A small truth and mappings of every form, for the tests of the mirror."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from hub.feed import Feed
from hub.registry import read_registry
from simulators.identifiers import make_account, make_card, make_cnaps, make_id_no, make_uscc
from simulators.mirror.plain import MirroredFeed, Plan, Profile, read_codes, read_feed
from simulators.mirror.stock import Stock

DAY = date(2026, 11, 23)
NOON = datetime(2026, 11, 23, 12)
BANK = "701"


@dataclass(frozen=True)
class Fact:
    """A document, as the truth gives them."""

    rows: Mapping[str, Mapping[str, Any]]
    inner: tuple["Fact", ...] = field(default=())


def accounts(count: int) -> list[Fact]:
    """Special accounts; one name has a rare character, one the separators of files."""
    return [Fact({"special_account": _account(number)}) for number in range(count)]


def _account(number: int) -> dict[str, Any]:
    contractor = ("山东䶮建", '山东"示例"建设|!集团,有限公司', "山东示例建筑")[number % 3]
    return {
        "bank3_code": BANK,
        "account_no": make_account("7011", number),
        "account_name": f"{contractor}示例{number}号农民工工资专用账户",
        "cnaps_code": make_cnaps(BANK, number),
        "permit_no": f"37090220260101{number:04d}",
        "contractor_uscc": make_uscc(number, "370902"),
        "contractor_name": contractor,
        "open_on": date(2026, 1, 5) + timedelta(days=number % 200),
        "agreement_on": None if number % 4 == 0 else date(2026, 1, 4),
        "status": ("normal", "frozen", "closed")[number % 3],
        "balance_fen": 123_456_7 * number + 5 if number % 5 else -120,
        "balance_at": NOON + timedelta(seconds=number),
        "area6_code": "370902",
    }


def payrolls(count: int, lines: int = 12) -> list[Fact]:
    """Payroll batches with their lines inside."""
    return [_payroll(number, lines) for number in range(count)]


def _payroll(number: int, lines: int) -> Fact:
    batch = {
        "bank3_code": BANK,
        "batch_no": f"GZ2026{number:04d}",
        "permit_no": f"37090220260101{number:04d}",
        "payer_account_no": make_account("7011", number),
        "pay_month": "2026-10",
        "employer_uscc": make_uscc(number, "370902"),
        "total_count": lines,
        "total_fen": sum(_net(number, line) for line in range(lines)),
        "made_at": NOON,
        "area6_code": "370902",
    }
    return Fact({"payroll_batch": batch}, tuple(_line(batch, number, line) for line in range(lines)))


def _net(number: int, line: int) -> int:
    return 500_000 + number * 100 + line * 11_111


def _line(batch: Mapping[str, Any], number: int, line: int) -> Fact:
    person = 1000 * number + line
    failed = line % 6 == 5
    return Fact(
        {
            "payroll_line": {
                "bank3_code": BANK,
                "batch_no": batch["batch_no"],
                "line_no": line + 1,
                "worker_name": ("张示例", "欧阳㭎", "李𠮷")[line % 3],
                "id_type": "01",
                "id_no": make_id_no(person),
                "card_no": make_card("622202", person),
                "cnaps_code": make_cnaps(BANK, line),
                "net_fen": _net(number, line),
                "result": "failed" if failed else "success",
                "fail_code": "E01" if failed else None,
                "paid_at": None if failed else NOON + timedelta(seconds=line),
                "bank_serial_no": f"S{person:08d}",
                "pay_month": "2026-10",
                "permit_no": batch["permit_no"],
                "area6_code": "370902",
            }
        }
    )


def guarantees(count: int) -> list[Fact]:
    """Guarantees with two events each."""
    return [_guarantee(number) for number in range(count)]


def _guarantee(number: int) -> Fact:
    amount = 3_000_000_00 + number * 101
    shared = {"insurer_uscc": make_uscc(9_000_002, "370900"), "guarantee_no": f"BH2026{number:05d}"}
    guarantee = {
        **shared,
        "type": "surety_insurance",
        "applicant_uscc": make_uscc(number, "370902"),
        "applicant_name": f"山东示例{number}建设有限公司",
        "beneficiary_org": "泰山区人力资源和社会保障局",
        "project_name": f"泰山区示例{number}号项目",
        "permit_no": f"37090220260101{number:04d}",
        "contract_amount_fen": amount * 50,
        "amount_fen": amount,
        "rate_ppm": 12_500 + number,
        "premium_fen": 3_750_000 + number,
        "issue_on": date(2026, 2, 3),
        "valid_from_on": date(2026, 2, 3),
        "valid_to_on": date(2028, 2, 2),
        "is_irrevocable": True,
        "is_on_demand": True,
        "status": "active",
        "area_code": "370902001",
        "purpose": "wage_deposit",
        "source_updated_at": NOON - timedelta(hours=number % 7, seconds=number),
    }
    events = [
        Fact({"guarantee_event": {**shared, "event_seq": seq, "type": kind, "amount_fen": amount if seq == 2 else None,
                                  "occurred_at": NOON - timedelta(days=9 - seq), "area_code": "370902001"}})
        for seq, kind in ((1, "apply"), (2, "approve"))
    ]  # fmt: skip
    return Fact({"guarantee": guarantee}, tuple(events))


TABLES = {
    "account_state": {"A1": "normal", "A2": "frozen", "A3": "closed", "A9": "closed"},
    "paid": {"成功": "success", "失败": "failed"},
    "card": {"身份证": "01"},
    "event": {"01": "apply", "02": "approve"},
    "state": {"生效": "active"},
    "shape": {"BX": "surety_insurance"},
    "ja": {"是": "true", "否": "false"},
    "told": {"accepted": "已收", "stored": "已收", "rejected": "退回", "refused": "退回"},
}

ACCOUNT_FIELDS: dict[str, Any] = {
    "account_no": "账号",
    "account_name": "户名",
    "cnaps_code": "联行号",
    "permit_no": "许可证号",
    "contractor_uscc": {"from": "总包代码", "as": "upper"},
    "contractor_name": "总包名称",
    "open_on": {"from": "开户日", "as": "date %Y-%m-%d"},
    "agreement_on": {"from": "协议日", "as": "date %Y%m%d"},
    "status": {"from": "状态", "codes": "account_state"},
    "balance_fen": {"from": "余额", "as": "yuan"},
    "balance_at": {"from": "余额时间", "as": "time %Y-%m-%d %H:%M:%S"},
}
ACCOUNT_COLUMNS = [
    "账号",
    "户名",
    "联行号",
    "许可证号",
    "总包代码",
    "总包名称",
    "开户日",
    "协议日",
    "状态",
    "余额",
    "余额时间",
    "柜员号",
]
ACCOUNT_WIDTHS = dict(zip(ACCOUNT_COLUMNS, (32, 120, 12, 18, 18, 90, 10, 8, 2, 15, 19, 6), strict=True))


def account_record(**changes: Any) -> dict[str, Any]:
    """The record of an account, with the bank and the area where the test says."""
    fields = {**ACCOUNT_FIELDS, "bank3_code": "@bank", "area6_code": "@area", **changes}
    return {"special_account": {"rows": "detail", "fields": fields, "ignore": ["柜员号"]}}


def sftp(form: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """A source of files."""
    return {
        "connector": "sftp",
        "connection": "probe_sftp",
        "files": "in/{date}/*_ZH_*.dat",
        "name": "{bank}_{area}_{type}_{date}_{seq}.dat",
        "format": dict(form),
        **more,
    }


@dataclass(frozen=True)
class Pair:
    """One mapping as the hub reads it and as the mirror does."""

    feed: Feed
    mirrored: MirroredFeed
    plan: Plan


def mapping(folder: Path, source: Mapping[str, Any], records: Mapping[str, Any], **more: Any) -> Pair:
    """Write a mappings folder with one feed and read it from both sides; it must be fit for the hub."""
    profile = Profile("probe", more.pop("count", 12), cells=more.pop("cells", {}), parts=more.pop("parts", {}))
    (folder / "codes").mkdir(parents=True)
    for name, table in TABLES.items():
        lines = "".join(f"{code},{value},x\n" for code, value in table.items())
        (folder / "codes" / f"{name}.csv").write_text("code,value,label\n" + lines, encoding="utf-8")
    partners = {"partners": {"probe": {"title": "探针银行（虚构） / Probe (invented)", "kind": "bank"}}}
    (folder / "partners.yaml").write_text(yaml.safe_dump(partners, allow_unicode=True), encoding="utf-8")
    spec = {"title": "探针 / Probe", "partner": "probe", "schedule": "0 * * * *", "source": source, "records": records}
    path = folder / "probe_things.yaml"
    path.write_text(yaml.safe_dump({**spec, **more}, allow_unicode=True, sort_keys=False), encoding="utf-8")
    registry = read_registry(folder)
    assert not registry.problems, registry.problems
    mirrored = read_feed(path, profile)
    plan = Plan(folder, {"probe_things": mirrored}, read_codes(folder / "codes"))
    return Pair(registry.feed("probe_things"), mirrored, plan)


@dataclass(frozen=True)
class Told:
    """A truth that says what a test gives it."""

    facts: Sequence[Fact]

    def documents(self, population: str, *, partner: str, feed: str, count: int, nature: str) -> Sequence[Fact]:
        """All of it, whatever is asked for."""
        return self.facts


def stock(pair: Pair, facts: Sequence[Fact], share: float = 0.0) -> Stock:
    """A stock of these facts."""
    return Stock(pair.plan, lambda: Told(facts), 7, 1, share, DAY)
