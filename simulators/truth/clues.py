"""Clues of every channel. What happened is a matter; some matters are reported through several channels."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from simulators.truth.clock import add_workdays, moment, month_text
from simulators.truth.document import Document, record
from simulators.truth.places import county_of
from simulators.truth.sections import Section, Site
from simulators.truth.workers import Worker, worker_at
from simulators.truth.world import World
from simulators.workdays import workday_before

# Family of the population: mark of the serial number. Two families belong to the national channel.
_MARKS = {
    "nat_project": "GQG", "nat_other": "GQF", "12345": "RX", "12333": "RS", "petition": "XF", "net_politics": "WZ",
    "city_miniapp": "AX", "ishandong": "ASD", "visit": "JF", "superior": "DB",
}  # fmt: skip
_FORMS = {"city_miniapp": ("miniapp", "qrcode"), "ishandong": ("app",), "nat_project": ("web", "miniapp", "qrcode")}


@dataclass(frozen=True)
class Matter:
    """Unpaid wages of somebody somewhere, however often they are reported."""

    name: str
    site: Site
    reporter: Worker
    people: int
    fen: int
    months: int
    has_contract: bool


@dataclass(frozen=True)
class Clue:
    """One report of a matter through one channel."""

    family: str
    number: int
    channel: str
    serial_no: str
    received_at: datetime
    matter: Matter

    @property
    def key(self) -> tuple[str, str]:
        """Channel and serial number."""
        return self.channel, self.serial_no


def clues(world: World, family: str, count: int) -> list[Document]:
    """The clues of a channel."""
    known = group_numbers(world)
    found = [clue_at(world, family, k) for k in range(count)]
    return [_document(world, clue, known.get(clue.key)) for clue in found]


def all_clues(world: World) -> list[Clue]:
    """Every clue that is sent, channel by channel in turns."""
    feeds = [(p.population.partition(".")[2], p.at(world.scale)) for p in world.feeds("clues.")]
    longest = max(count for _, count in feeds)
    return [clue_at(world, family, k) for k in range(longest) for family, count in feeds if k < count]


def clue_at(world: World, family: str, k: int) -> Clue:
    """The clue of a channel with this number."""
    channel = ("superior", "leader")[k % 2] if family == "superior" else family
    channel = "nat" if family.startswith("nat_") else channel
    place = list(_MARKS).index(family)
    day = workday_before(world.day, 1 + (k * 5 + place) % 24)
    return Clue(
        family=family,
        number=k,
        channel=channel,
        serial_no=f"{_MARKS[family]}{world.day:%Y%m%d}{k + 1:06d}",
        received_at=moment(day, 8, 30 + (k * 37 + place * 11) % 480, k % 60),
        matter=_matter(world, family, k),
    )


def _matter(world: World, family: str, k: int) -> Matter:
    """Every third matter is known to all channels; the others to one."""
    if family == "nat_other" or (family != "nat_project" and k % 7 == 6):
        name = f"service/{k // 7 if family != 'nat_other' else k // 2}"
    else:
        name = f"shared/{k // 3}" if k % 3 == 0 else f"{family}/{k}"
    rng = world.rng("matter", name)
    if name.startswith("service/"):
        site: Site = world.services[rng.randrange(len(world.services))]
        places = 12
    else:
        # most complaints come from where many work
        sections = world.paying if rng.random() < 0.6 else world.sections
        section = sections[rng.randrange(len(sections))]
        site, places = section, max(world.registered[section.number], 3)
    people = rng.randint(1, 18)
    return Matter(
        name=name,
        site=site,
        reporter=worker_at(site, rng.randrange(1, places), world.day),
        people=people,
        fen=people * rng.randint(4_000, 26_000) * 100 + rng.choice((0, 0, 50)),
        months=rng.randint(0, 3),
        has_contract=rng.random() < 0.6,
    )


def _document(world: World, clue: Clue, group: str | None) -> Document:
    matter, site = clue.matter, clue.matter.site
    who = matter.reporter.person
    rng = Random(f"clue/{clue.serial_no}")
    begin, end = month_text(world.day, 1 + matter.months), month_text(world.day, 1)
    is_section = isinstance(site, Section)
    org = f"{county_of(site.area).name}人力资源和社会保障局（示例）"
    forms = _FORMS.get(clue.family, ("web",))
    yuan = f"{matter.fen // 100}元"
    return record(
        "clue",
        channel=clue.channel,
        channel_serial_no=clue.serial_no,
        received_at=clue.received_at,
        reporter_name=who.name,
        reporter_id_no=who.id_no if clue.family != "net_politics" or clue.number % 2 else None,
        reporter_phone=who.phone,
        domain="construction" if is_section else "non_construction",
        area_code=site.area,
        address=site.address if isinstance(site, Section) else f"{site.city.name}{county_of(site.area).name}示例街",
        project_name=site.name,
        owner_name=site.owner.name,
        contractor_name=site.contractor.name,
        sub_name=site.labour.name if isinstance(site, Section) else None,
        employer_name=matter.reporter.employer.name,
        has_contract=matter.has_contract,
        is_gov_invest=site.is_gov_invest if isinstance(site, Section) else True,
        arrears_people=matter.people,
        arrears_fen=matter.fen,
        arrears_from_month=begin,
        arrears_to_month=end,
        summary=f"反映在{site.name}务工，{begin}至{end}工资未发，共{matter.people}人，合计{yuan}（示例）",
        entry_form=forms[clue.number % len(forms)],
        source_updated_at=max(clue.received_at, moment(world.day, 6, clue.number % 500)),
        contractor_uscc=site.contractor.uscc,
        employer_uscc=matter.reporter.employer.uscc,
        supervise_level=("red", "yellow", "blue")[clue.number % 3] if clue.family == "superior" else None,
        group_no=group if clue.family == "superior" else None,
        due_on=add_workdays(clue.received_at.date(), 20),
        entry_tag=f"HELMET-{rng.randint(1, 17_000):05d}" if clue.family == "city_miniapp" and clue.number % 2 else None,
        first_receiver_org=org,
        handle_area_code=f"{site.county}000",
    )


def groups(world: World) -> dict[str, list[Clue]]:
    """Matters that the inspection handles as one: two to four clues of each matter that came through several channels.

    The first of a group is the one that is concluded. Other clues of the matter came unnoticed and are handled for themselves.
    """
    matters: dict[str, list[Clue]] = {}
    for clue in all_clues(world):
        matters.setdefault(clue.matter.name, []).append(clue)
    found = {
        f"BA{world.day:%Y%m%d}{number + 1:05d}": _together(of_matter, number)
        for number, of_matter in enumerate(matters.values())
    }
    return {number: together for number, together in found.items() if len(together) > 1}


def _together(of_matter: Sequence[Clue], number: int) -> list[Clue]:
    """Every second clue up to so many, and the order from above, whose number of the group the others are merged under."""
    above = [clue for clue in of_matter if clue.family == "superior"][:1]
    others = [clue for clue in of_matter if clue not in above][number % 2 :: 2]
    return [*others[: 4 - number % 3 - len(above)], *above]


def group_numbers(world: World) -> dict[tuple[str, str], str]:
    """The group of each clue that is in one."""
    return {clue.key: number for number, found in groups(world).items() for clue in found}


def same_matters(world: World) -> dict[str, list[tuple[str, str]]]:
    """The clues of each matter that came more than once: what a search for duplicates has to find."""
    found: dict[str, list[tuple[str, str]]] = {}
    for clue in all_clues(world):
        found.setdefault(clue.matter.name, []).append(clue.key)
    return {name: keys for name, keys in found.items() if len(keys) > 1}


def deadline(clue: Clue, days: int, world: World) -> datetime:
    """So many days after the clue came, but not after the day."""
    return min(clue.received_at + timedelta(days=days, minutes=20), moment(world.day, 8, 20 + clue.number % 60))
