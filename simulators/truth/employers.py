"""What human resources, inspection and those who use credit results know of employers and the insured."""

from datetime import date, timedelta

from simulators.truth.clock import add_workdays, moment, same_day_next_year
from simulators.truth.document import Document, record
from simulators.truth.firms import Firm
from simulators.truth.people import MANAGERS, person
from simulators.truth.permits import permits
from simulators.truth.places import city_of, county_of
from simulators.truth.sections import Service
from simulators.truth.site import contract_fields
from simulators.truth.workers import Worker, worker_at
from simulators.truth.world import World
from simulators.workdays import workday_before

_QUALIFICATIONS = {
    "contractor": "建筑工程施工总承包二级（示例）",
    "labour": "施工劳务资质（示例）",
    "supervisor": "工程监理乙级（示例）",
}
_SERVICE_TEAM = 12
_REASONS = ("deposit_overdue", "labour_fee_unpaid", "wage_overdue", "complaints_frequent", "order_disobeyed")
_USERS = {"trading": "公共资源交易中心", "fagai": "发展和改革委员会"}
_APPLIED = {
    "joint_punish": (("bidding", "restricted"), ("qualification", "refused"), ("deposit", "raised")),
    "incentive": (("bidding", "preferred"), ("deposit", "lowered"), ("award", "preferred")),
}
_DOUBTS = (("invest_code", "投资项目统一代码"), ("area_code", "行政区划代码（9位）"), ("scale", "建设规模"))


def enterprises(world: World, count: int) -> list[Document]:
    """Registered employers."""
    known = world.employers
    return [_enterprise(world, known[k], k) for k in range(min(count, len(known)))]


def _enterprise(world: World, firm: Firm, k: int) -> Document:
    legal = person(MANAGERS + 195_000 + k % 5_000)
    return record(
        "enterprise",
        uscc=firm.uscc,
        name=firm.name,
        kind="branch" if "分公司" in firm.name else "limited",
        status="suspended" if k % 23 == 22 else "active",
        legal_person_name=legal.name,
        legal_person_id_no=legal.id_no if k % 4 else None,
        registered_capital_fen=(5 + k * 7 % 60) * 100_000_000,
        phone=legal.phone,
        insured_count=8 + k * 13 % 240,
        qualification=_QUALIFICATIONS.get(firm.role),
        area6_code=firm.area6,
        source_updated_at=moment(world.day, 6, k % 500, k % 60),
    )


def _insured(world: World, count: int) -> list[Worker]:
    """Every other one cleans streets; the rest work on sites and are known to the real-name platform too."""
    on_site, services = world.workers(count // 2 + 1), world.services
    return [
        _cleaner(world, services[k // 2 % len(services)], k // 2) if k % 2 else on_site[k // 2] for k in range(count)
    ]


def _cleaner(world: World, service: Service, number: int) -> Worker:
    return worker_at(service, number // len(world.services) % _SERVICE_TEAM, world.day)


def employments(world: World, count: int) -> list[Document]:
    """The insured with their employers."""
    return [_employment(world, worker, k) for k, worker in enumerate(_insured(world, count))]


def _employment(world: World, w: Worker, k: int) -> Document:
    is_service = w.site.permit_no is None
    return record(
        "worker_employment",
        employer_uscc=w.employer.uscc,
        insured_no=f"{w.site.county}{'9' if is_service else '1'}{k + 1:011d}",
        worker_name=w.person.name,
        id_type="01",
        id_no=w.person.id_no,
        insurance="pension" if is_service else "project_injury",
        insured_from_month=f"{w.entered_on:%Y-%m}",
        insured_to_month=f"{w.left_on:%Y-%m}" if w.left_on else None,
        area6_code=w.site.county,
        source_updated_at=moment(world.day, 6, k % 500, k % 60),
    )


def hrss_contracts(world: World, count: int) -> list[Document]:
    """Contracts filed with human resources: other numbers than on site, some of the same people."""
    return [_filed(world, worker, k) for k, worker in enumerate(_insured(world, count))]


def _filed(world: World, w: Worker, k: int) -> Document:
    number = f"RS{w.site.county}{world.day:%Y}{k + 1:08d}"
    return record(
        "labor_contract",
        **contract_fields(w, number),
        permit_no=w.site.permit_no,
        contractor_uscc=w.site.contractor.uscc,
        file_sm3=None,
        area6_code=w.site.county,
        source_updated_at=moment(world.day, 6, k % 500, k % 60),
    )


def evals(world: World, count: int) -> list[Document]:
    """Grades of the year before, then of the years before that."""
    return [_eval(world, *_turn(world, k)) for k in range(count)]


def _turn(world: World, k: int) -> tuple[Firm, int, int]:
    rounds, place = divmod(k, len(world.employers))
    return world.employers[place], rounds, k


def _eval(world: World, firm: Firm, rounds: int, k: int) -> Document:
    grade = "C" if k % 17 == 16 else "A" if k % 5 == 0 else "B"
    year = world.day.year - 1 - rounds
    return record(
        "credit_eval",
        uscc=firm.uscc,
        year=str(year),
        enterprise_name=firm.name,
        grade=grade,
        score={"A": 92, "B": 78, "C": 51}[grade] + k % 7,
        org_name=f"{city_of(firm.area6).name}人力资源和社会保障局（示例）",
        published_on=workday_before(date(year + 1, 5, 20), k % 10),
        area6_code=firm.area6,
        source_updated_at=moment(world.day, 7, k % 500),
    )


def records(world: World, count: int) -> list[Document]:
    """Irregularities of contractors, each about a section."""
    return [_record(world, k) for k in range(count)]


def _record(world: World, k: int) -> Document:
    section = world.sections[k * 3 % len(world.sections)]
    happened = workday_before(world.day, 6 + k * 7 % 80)
    return record(
        "credit_record",
        uscc=section.contractor.uscc,
        record_no=f"XYJL{happened:%Y%m}{k + 1:06d}",
        reason=_REASONS[k % len(_REASONS)],
        happened_on=happened,
        permit_no=section.permit_no if k % 5 else None,
        amount_fen=(3 + k * 11 % 70) * 1_000_000 if k % 4 else None,
        doc_no=f"{section.city.mark}人社监令〔{happened:%Y}〕{k + 1}号",
        status=("valid", "valid", "corrected", "repaired")[k % 4],
        area6_code=section.county,
        source_updated_at=moment(world.day, 7, 30 + k % 400),
    )


def lists(world: World, count: int) -> list[Document]:
    """Employers listed to be punished for three years, or to be encouraged."""
    return [_listed(world, k) for k in range(count)]


def _listed(world: World, k: int) -> Document:
    firm, kind, number = _entry(world, k)
    listed = workday_before(world.day, 20 + k * 37 % 700)
    removed = workday_before(listed + timedelta(days=200), 0)  # not before six months have passed
    is_bad = kind == "joint_punish"
    return record(
        "credit_list",
        uscc=firm.uscc,
        list_kind=kind,
        list_no=number,
        enterprise_name=firm.name,
        reason="经责令仍未支付工资（示例）" if is_bad else "连续三年按时足额支付工资（示例）",
        basis_doc_no=f"{city_of(firm.area6).mark}人社{'惩' if is_bad else '励'}〔{listed:%Y}〕{k + 1}号",
        listed_on=listed,
        until_on=same_day_next_year(listed, 3 if is_bad else 2),
        removed_on=removed if k % 9 == 8 and removed <= world.day else None,
        person_name=person(MANAGERS + 195_000 + k % 5_000).name if is_bad else None,
        area6_code=firm.area6,
        source_updated_at=moment(world.day, 8, k % 400),
    )


def _entry(world: World, k: int) -> tuple[Firm, str, str]:
    firm = world.employers[k * 5 % len(world.employers)]
    kind = ("joint_punish", "incentive")[k % 2]
    return firm, kind, f"{'CJ' if k % 2 == 0 else 'JL'}{world.day:%Y}{k + 1:05d}"


def uses(world: World, org: str, count: int) -> list[Document]:
    """What an authority did because of a list."""
    planned = world.planned("lists")
    return [_use(world, org, k, *_entry(world, k % planned)) for k in range(count)]


def _use(world: World, org: str, k: int, firm: Firm, kind: str, number: str) -> Document:
    scene, result = _APPLIED[kind][k // 2 % 3]
    return record(
        "credit_use",
        org_name=f"{city_of(firm.area6).name}{_USERS[org]}（示例）",
        use_no=f"{org[:2].upper()}YY{world.day:%Y%m%d}{k + 1:05d}",
        uscc=firm.uscc,
        list_kind=kind,
        list_no=number,
        scene=scene,
        result=result,
        used_on=workday_before(world.day, 1 + k % 10),
        area6_code=firm.area6,
        source_updated_at=moment(world.day, 8, 30 + k % 400),
    )


def corrections(world: World, count: int) -> list[Document]:
    """Doubts about planning permits, to be answered within ten working days."""
    known = permits(world, "land_plan.land", max(count, world.planned("permits.land_plan.land")))
    return [_doubt(world, k, known[k]) for k in range(count)]


def _doubt(world: World, k: int, about: Document) -> Document:
    permit = about.rows["permit"]
    _, label = _DOUBTS[k % len(_DOUBTS)]
    raised = workday_before(world.day, 1 + k * 3 % 20)
    due = add_workdays(raised, 10)
    is_answered = due <= world.day
    return record(
        "correction_request",
        dataset="permit",
        request_no=f"JH{world.day:%Y%m%d}{k + 1:05d}",
        record_no=f"land_plan/{permit['permit_no']}",
        field_label=label,
        problem=f"{label}与立项文件不一致（示例）",
        raised_on=raised,
        due_on=due,
        status=("corrected", "refused")[k % 2] if is_answered else ("accepted", "raised")[k % 2],
        answered_on=min(add_workdays(raised, 7), world.day) if is_answered else None,
        area6_code=county_of(str(permit["area_code"])).code,
        source_updated_at=moment(world.day, 8, k % 400),
    )
