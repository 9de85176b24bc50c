"""Permits of every type; those that begin the works define the project."""

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta

from simulators.truth.clock import moment
from simulators.truth.document import Document, Fields, record
from simulators.truth.places import county_of
from simulators.truth.sections import Section, Service
from simulators.truth.world import World
from simulators.workdays import workday_before

DEFINING = ("construction", "commencement_report")
_AUTHORITIES = {
    "window": "行政审批服务局", "housing": "住房和城乡建设局", "transport": "交通运输局", "water": "水务局",
    "land": "自然资源和规划局", "trading": "公共资源交易中心",
}  # fmt: skip


@dataclass(frozen=True)
class _Step:
    """A step before or after the works: its place in the number, and how many days before or after what."""

    specialty: str
    days_before: int


_STEPS = {
    "project_approval": _Step("30", 0),
    "land_plan": _Step("31", 60),
    "bid_award": _Step("41", 15),
    "acceptance": _Step("51", 0),
}


def permits(world: World, type_and_issuer: str, count: int) -> list[Document]:
    """Permits of a type from an issuer."""
    kind, _, issuer = type_and_issuer.partition(".")
    if kind in DEFINING:
        return [_defining(section, kind) for section in world.issued(issuer, count)]
    taken: Counter[str] = Counter()
    sections = world.sections
    return [_other(world, sections[k % len(sections)], k, kind, issuer, taken) for k in range(count)]


def services(world: World, count: int) -> list[Document]:
    """Service contracts."""
    return [_service(service) for service in world.services_up_to(count)]


def _defining(section: Section, kind: str) -> Document:
    permit = _permit(section, kind, section.issuer, section.permit_no, section.issued_on)
    permit |= {"project_name": section.name, "source_updated_at": section.updated_at}
    return Document({"project": _project(section), "permit": permit})


def _project(s: Section) -> Fields:
    n = s.number
    return {
        **s.key,
        "name": s.name,
        "domain": "construction",
        "category": s.category,
        "invest_code": s.invest_code,
        "owner_uscc": s.owner.uscc,
        "owner_name": s.owner.name,
        "contractor_name": s.contractor.name,
        "contract_amount_fen": s.price_fen,
        "contract_sign_on": s.signed_on,
        "start_on": s.starts_on,
        "planned_end_on": s.ends_on,
        "status": s.status,
        "is_gov_invest": s.is_gov_invest,
        "address": s.address,
        "area_code": s.area,
        "source_updated_at": s.updated_at,
        "prov_project_no": f"SD{s.county}{n + 1:06d}" if n % 4 else None,
        "siku_no": f"{s.county}{s.approved_on:%y%m%d}{s.category}{n % 100:02d}",
        "realname_no": s.realname_no,
        "bid_section_no": f"BD{s.signed_on:%Y%m}{n + 1:05d}" if n % 3 else None,
        "invest_fen": s.price_fen * 13 // 1000 * 100,
        "labour_fee_ratio_ppm": s.labour_share_ppm,
        "labour_fee_monthly_fen": s.monthly_labour_fen,
        "labour_fee_day": 5 + n % 6,
        "pay_day": 15 + n % 11,
        "labour_officer_name": s.officer.name,
        "labour_officer_phone": s.officer.phone,
        "latitude_e6": s.city.latitude_e6 + n * 937 % 90_000,
        "longitude_e6": s.city.longitude_e6 + n * 1_213 % 120_000,
        "has_payment_guarantee": n % 4 != 1,
        "has_realname": n % 9 != 8,
        "has_deposit": n % 8 != 7,
        "has_account": True,
        "has_bank_pay": n % 6 != 5,
        "has_monthly_full": n % 5 != 4,
        "has_billboard": n % 7 != 6,
    }


def _other(world: World, section: Section, k: int, kind: str, issuer: str, taken: Counter[str]) -> Document:
    step = _STEPS[kind]
    issued = _issued_on(world, section, kind, k, step)
    stem = f"{section.county}{issued:%Y%m%d}"
    taken[stem] += 1
    fields = _permit(section, kind, issuer, f"{stem}{taken[stem]:02d}{step.specialty}", issued)
    fields["source_updated_at"] = moment(world.day, 6, 3 + k % 500)
    if kind in ("land_plan", "project_approval"):
        fields |= {"contractor_name": None, "contractor_uscc": None, "supervisor_name": None}
        fields["contract_price_fen"] = section.price_fen * 13 // 1000 * 100
    return record("permit", **fields)


def _issued_on(world: World, section: Section, kind: str, k: int, step: _Step) -> date:
    if kind == "acceptance":
        return workday_before(world.day, 3 + k * 5 % 90)
    begin = section.signed_on if kind == "bid_award" else section.signed_on - timedelta(days=90)
    return workday_before(begin, step.days_before + k % 10)


def _permit(section: Section, kind: str, issuer: str, number: str, issued: date) -> Fields:
    name = section.name.replace("标段", "标段一期") if kind == "acceptance" else section.name
    return {
        "type": kind,
        "permit_no": number,
        "project_name": name,
        "invest_code": section.invest_code,
        "owner_name": section.owner.name,
        "owner_uscc": section.owner.uscc,
        "contractor_name": section.contractor.name,
        "contractor_uscc": section.contractor.uscc,
        "contract_price_fen": section.price_fen,
        "scale": section.scale,
        "issue_org": f"{county_of(section.area).name}{_AUTHORITIES[issuer]}（示例）",
        "issue_on": issued,
        "area_code": section.area,
        "is_revoked": False,
        "valid_to_on": issued + timedelta(days=730) if section.number % 5 else None,
        "ecert_no": f"1.2.156.3005.2.{number}" if section.number % 3 else None,
        "supervisor_name": section.supervisor.name,
    }


def _service(s: Service) -> Document:
    return record(
        "service_project",
        service_no=s.service_no,
        contractor_uscc=s.contractor.uscc,
        name=s.name,
        industry=s.industry,
        owner_uscc=s.owner.uscc,
        owner_name=s.owner.name,
        contractor_name=s.contractor.name,
        contract_amount_fen=s.price_fen,
        contract_sign_on=s.signed_on,
        start_on=s.starts_on,
        planned_end_on=s.ends_on,
        status=s.status,
        area_code=s.area,
        source_updated_at=s.updated_at,
    )
