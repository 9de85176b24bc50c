"""What the real-name platform, the cameras and the housing bureau know of a site."""

from datetime import date, datetime, timedelta
from random import Random

from simulators.sm3 import sm3_hex
from simulators.truth.clock import first_of_month, moment, month_text
from simulators.truth.document import Document, Fields, record
from simulators.truth.people import MANAGERS, person
from simulators.truth.sections import Section
from simulators.truth.workers import Worker, days_worked
from simulators.truth.world import World
from simulators.workdays import workday_before


def parties(world: World, count: int) -> list[Document]:
    """Companies of a section: the general contractor first."""
    return [_party(world, *_turn(world, k)) for k in range(count)]


def workers(world: World, count: int) -> list[Document]:
    """Workers on site."""
    return [record("worker", **_worker(world, worker)) for worker in world.workers(count)]


def contracts(world: World, count: int) -> list[Document]:
    """Labour contracts as the real-name platform has them, with the section."""
    return [_contract(world, worker) for worker in world.workers(count)]


def attendance(world: World, count: int) -> list[Document]:
    """Attendance of the month before; more than there are workers: of the months before that."""
    known = world.workers(world.planned("workers"))
    return [_attendance(world, known[k % len(known)], 1 + k // len(known)) for k in range(count)]


def media(world: World, count: int) -> list[Document]:
    """Cameras."""
    return [_camera(world, *_turn(world, k)) for k in range(count)]


def activity(world: World, count: int) -> list[Document]:
    """Whether a site was at work, day by day backwards from the day before."""
    return [_active(world, *_turn(world, k)) for k in range(count)]


def settlements(world: World, count: int) -> list[Document]:
    """Output of a month, backwards from the month before."""
    return [_settlement(world, *_turn(world, k)) for k in range(count)]


def _turn(world: World, k: int) -> tuple[Section, int]:
    """Sections take turns; the second number says how often it was this one's turn before."""
    rounds, place = divmod(k, len(world.sections))
    return world.sections[place], rounds


def _updated(world: World, k: int) -> datetime:
    return moment(world.day, 6, k % 540, k % 60)


def _party(world: World, s: Section, nth: int) -> Document:
    kinds = (("009", s.contractor), ("006", s.labour), ("007", s.supervisor), ("008", s.owner))
    kind, firm = kinds[nth] if nth < len(kinds) else (f"{1 + nth % 3:03d}", s.labour)
    if nth >= len(kinds):
        kind = ("001", "002", "003", "004", "005", "010", "011", "012")[(nth - 4) % 8]
    manager = person(MANAGERS + (s.number * 4 + nth) % 190_000)
    return record(
        "project_party",
        **s.key,
        party_uscc=firm.uscc,
        party_type=kind,
        party_name=firm.name,
        entered_on=min(s.starts_on, world.day),
        left_on=None,
        manager_name=manager.name,
        manager_id_no=manager.id_no if s.number % 3 else None,
        manager_phone=manager.phone,
        area_code=s.area,
        source_updated_at=_updated(world, s.number),
    )


def _worker(world: World, w: Worker) -> Fields:
    who = w.person
    assert isinstance(w.site, Section)
    return {
        **w.site.key,
        "worker_no": w.worker_no,
        "worker_name": who.name,
        "id_type": "01",
        "id_no": who.id_no,
        "sex": who.sex,
        "ethnic_code": "03" if who.number % 40 == 0 else "11" if who.number % 40 == 1 else "01",
        "birth_on": who.born_on,
        "phone": who.phone if w.place % 12 != 11 else None,
        "work_type": w.trade,
        "work_role": "10" if w.is_manager else "20",
        "team_name": "项目部" if w.is_manager else f"示例{1 + w.place // 5}班",
        "employer_uscc": w.employer.uscc,
        "card_no": w.card_no,
        "bank3_code": w.site.bank.bank3,
        "cnaps_code": w.cnaps_code,
        "entered_on": w.entered_on,
        "left_on": w.left_on,
        "is_team_leader": w.place % 5 == 1,
        "area_code": w.site.area,
        "source_updated_at": _updated(world, who.number),
    }


def _contract(world: World, w: Worker) -> Document:
    assert isinstance(w.site, Section)
    number = f"SM{w.worker_no}"
    return record(
        "labor_contract",
        **contract_fields(w, number),
        **w.site.key,
        file_sm3=sm3_hex(number.encode()) if w.place % 3 else None,
        area6_code=w.site.county,
        source_updated_at=_updated(world, w.person.number),
    )


def contract_fields(w: Worker, number: str) -> Fields:
    """What every source says of a contract."""
    is_task = w.place % 3 == 1
    return {
        "employer_uscc": w.employer.uscc,
        "contract_no": number,
        "worker_name": w.person.name,
        "id_type": "01",
        "id_no": w.person.id_no,
        "term": "task" if is_task else "fixed",
        "start_on": w.entered_on,
        "end_on": None if is_task else max(w.site.ends_on, w.entered_on),
        "wage_mode": "monthly" if w.is_manager else "daily",
        "wage_fen": w.daily_fen * 26 if w.is_manager else w.daily_fen,
        "signed_on": w.entered_on,
    }


def _attendance(world: World, w: Worker, back: int) -> Document:
    assert isinstance(w.site, Section)
    begin = first_of_month(world.day, back)
    days = days_worked(w, begin)
    rng = Random(f"punches/{w.worker_no}/{begin:%Y-%m}")
    is_odd = rng.random() < 0.04
    last = begin + timedelta(days=min(days + rng.randint(0, 2), 27))
    return record(
        "attendance_summary",
        **w.site.key,
        worker_no=w.worker_no,
        month=month_text(begin),
        days=days,
        work_hours=days * 8 + rng.randint(0, 30),
        first_at=moment(begin, 7, rng.randint(0, 50)),
        last_at=moment(last, 18, rng.randint(0, 50)),
        punch_count=days * 2 + rng.randint(0, 6),
        fence_out_count=days if is_odd else rng.randint(0, 1),
        abnormal_count=rng.randint(1, 4) if is_odd else 0,
        device_count=rng.randint(1, 3),
        overlap_project_count=int(w.is_shared),
        area_code=w.site.area,
        source_updated_at=_updated(world, w.person.number),
    )


def _camera(world: World, s: Section, nth: int) -> Document:
    number = f"{s.realname_no}{nth + 1:03d}"
    return record(
        "site_media_ref",
        **s.key,
        media_no=number,
        kind=("camera", "dome", "gate", "drone")[(s.number + nth) % 4],
        url=f"https://video.example.org/live/{number}",
        place=("大门", "塔吊", "材料区", "生活区")[(s.number + nth) % 4],
        is_online=s.number % 6 != 5,
        checked_at=moment(world.day, 8, s.number % 60),
        area_code=s.area,
        source_updated_at=moment(world.day, 8, s.number % 60),
    )


def _active(world: World, s: Section, nth: int) -> Document:
    day = world.day - timedelta(days=1 + nth)
    works = s.status == "003" or (s.status == "005" and s.number % 2 == 0)  # work on a stopped site: rule W12
    return record(
        "site_activity",
        **s.key,
        day_on=day,
        is_working=works,
        evidence=("camera", "attendance", "power", "camera")[(s.number + nth) % 4],
        people_count=12 + s.number % 30 if works else 0,
        machine_count=s.number % 5 if works else 0,
        area_code=s.area,
        source_updated_at=_later(world, day, s.number),
    )


def _later(world: World, day: date, number: int) -> datetime:
    return min(moment(day, 19, number % 60), moment(world.day, 6, number % 60))


def _settlement(world: World, s: Section, nth: int) -> Document:
    labour = s.monthly_labour_fen * (70 + (s.number * 13 + nth * 7) % 60) // 100 // 100 * 100
    output = labour * 1_000_000 // s.labour_share_ppm // 100 * 100
    certified = workday_before(first_of_month(world.day, nth) + timedelta(days=9), 0)
    return record(
        "progress_settlement",
        **s.key,
        month=month_text(world.day, 1 + nth),
        output_fen=output,
        labour_part_fen=labour,
        certified_at=moment(min(certified, world.day), 9, s.number % 300),
        is_owner_confirmed=s.number % 9 != 4,
        area_code=s.area,
        source_updated_at=_updated(world, s.number + nth),
    )
