"""What the national platform knows: clues about unpaid wages, most of them about the city's projects.

Persons, ID numbers and telephone numbers are invented; amounts are in yuan as on the national form.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random

from simulators import names
from simulators.identifiers import make_id_no, make_phone
from simulators.projects import Project
from simulators.workdays import previous_month, workday_before

_FIRST_REPORTER = 9_000_000


@dataclass(frozen=True)
class Clue:
    """One report of unpaid wages."""

    code: str
    source: str
    registered_at: datetime
    reporter: str
    phone: str
    id_no: str
    project: Project
    is_construction: bool
    has_contract: bool
    people: int
    fen: int
    begin: date
    end: date
    remark: str
    has_reported: bool
    updated_at: datetime


def build_clues(rng: Random, projects: tuple[Project, ...], count: int, day: date) -> Iterator[Clue]:
    """The clues in the order in which they were updated."""
    for number in range(count):
        yield _build_clue(rng, rng.choice(projects), number, count, day)


def _build_clue(rng: Random, project: Project, number: int, count: int, day: date) -> Clue:
    people = rng.randint(1, 30)
    end = previous_month(day)
    begin = (end - timedelta(days=31 * rng.randint(0, 4))).replace(day=1)
    registered = datetime.combine(workday_before(day, rng.randint(1, 5)), time(9))
    registered += timedelta(minutes=number * 11 % 480)
    return Clue(
        code=f"QG{project.area[:6]}{day:%Y%m%d}{number + 1:05d}",
        source=rng.choice("1234"),
        registered_at=registered,
        reporter=names.person_name(rng),
        phone=make_phone(number),
        id_no=make_id_no(_FIRST_REPORTER + number),
        project=project,
        is_construction=rng.random() < 0.85,
        has_contract=rng.random() < 0.6,
        people=people,
        fen=people * rng.randint(4_000, 30_000) * 100 + rng.choice((0, 0, 50)),
        begin=begin,
        end=end,
        remark=f"反映{project.name}拖欠{people}名工人工资（示例）",
        has_reported=rng.random() < 0.3,
        updated_at=datetime.combine(day, time(6)) + timedelta(seconds=number * 36_000 // count),
    )
