"""Graded warnings of the province and what the inspection system did about them."""

from dataclasses import dataclass
from datetime import datetime

from simulators.truth.accounts import account_at
from simulators.truth.clock import add_workdays, moment, month_text
from simulators.truth.clues import all_clues
from simulators.truth.document import Document, Fields, record
from simulators.truth.people import OFFICERS, person
from simulators.truth.places import county_of
from simulators.truth.sections import Section
from simulators.truth.world import World
from simulators.workdays import workday_before

RULES = tuple(f"W{number:02d}" for number in range(1, 26))
_ACCOUNT_RULES = ("W03", "W16", "W17", "W18")
_TERMS = {"red": 2, "yellow": 5, "blue": 10}
_STATUSES = ("open", "ack", "explained", "handled", "open", "transferred", "dismissed", "closed")
_ENDED = ("handled", "dismissed", "closed")
# What was found and what is allowed, as the province words it; other rules say what they count.
_TEXTS = {
    "W02": ("合同签订后42天未开设", "30天内开设"),
    "W04": ("许可后26个工作日未存储", "20个工作日内存储"),
    "W09": ("未实名占比8%", "不高于0%"),
    "W11": ("围栏外打卡占比34%", "不高于10%"),
    "W14": ("当月拨付0.00元", "每月10日前拨付"),
    "W16": ("余额为应发额的62%", "不低于100%"),
    "W21": ("单月实发56000.00元", "不高于50000.00元"),
    "W23": ("工资产值比0.41", "0.7至1.3"),
    "W24": ("失败率6%", "不高于2%"),
}
_ACTIONS = ("ack", "dispatch", "arrive", "handle")


@dataclass(frozen=True)
class Raised:
    """One warning: rule, subject and period."""

    number: int
    section: Section
    rule: str
    subject_kind: str
    subject_no: str
    period: str
    level: str
    status: str
    raised_at: datetime

    @property
    def key(self) -> Fields:
        """What its steps carry as well."""
        return {
            "rule_code": self.rule,
            "subject_kind": self.subject_kind,
            "subject_no": self.subject_no,
            "period": self.period,
        }


def warnings(world: World, count: int) -> list[Document]:
    """Warnings about sections and their accounts."""
    return [_warning(world, raised_at(world, k)) for k in range(count)]


def warning_steps(world: World, count: int) -> list[Document]:
    """Two steps of each warning, further ones in a second turn."""
    planned = world.planned("warnings")
    found = []
    for k in range(count):
        turn, place = divmod(k, 2 * planned)
        found.append(_step(world, raised_at(world, place // 2), turn * 2 + place % 2))
    return found


def raised_at(world: World, k: int) -> Raised:
    """The warning with this number; a rule meets a section once in a period."""
    rounds, nth = divmod(k, len(RULES))
    back, place = divmod(rounds, len(world.sections))
    section = world.sections[(place + nth) % len(world.sections)]
    rule = RULES[(nth * 7) % len(RULES)]
    kind, number = "project", f"{section.permit_no}-{section.contractor.uscc}"
    if rule in _ACCOUNT_RULES:
        account = account_at(world, section.bank, world.sites_of(section.bank).index(section))
        kind, number = "account", f"{section.bank.bank3}-{account.account_no}"
    return Raised(
        number=k,
        section=section,
        rule=rule,
        subject_kind=kind,
        subject_no=number,
        period=month_text(world.day, 1 + back),
        level=("yellow", "blue", "red", "blue", "yellow")[k % 5],
        status=_STATUSES[k % len(_STATUSES)],
        raised_at=moment(workday_before(world.day, 1 + k % 12), 7, k % 60, k % 60),
    )


def _warning(world: World, w: Raised) -> Document:
    section = w.section
    value, threshold = _TEXTS.get(w.rule, ("1项", "0项"))
    return record(
        "warning",
        **w.key,
        level=w.level,
        subject_name=section.name,
        value_text=value,
        threshold_text=threshold,
        raised_at=w.raised_at,
        responsible_uscc=section.contractor.uscc,
        responsible_name=section.contractor.name,
        handle_org=f"{county_of(section.area).name}人力资源和社会保障局（示例）",
        due_on=add_workdays(w.raised_at.date(), _TERMS[w.level]),
        status=w.status,
        closed_at=moment(world.day, 8, w.number % 50) if w.status in _ENDED else None,
        clue_serial_no=_clue_about(world, section, w.number) if w.status == "transferred" else None,
        area6_code=section.county,
        source_updated_at=moment(world.day, 8, 50 + w.number % 400),
    )


def _clue_about(world: World, section: Section, number: int) -> str:
    """A clue about the section, if there is one; else the one that the province opened itself."""
    known = (clue.serial_no for clue in all_clues(world) if clue.matter.site is section)
    return next(known, f"YJ{world.day:%Y%m%d}{number + 1:06d}")


def _step(world: World, w: Raised, nth: int) -> Document:
    section = w.section
    action = _ACTIONS[nth] if nth < len(_ACTIONS) else "close"
    is_there = action in ("arrive", "handle")
    return record(
        "warning_step",
        **w.key,
        step_no=nth + 1,
        action=action,
        org_name=f"{county_of(section.area).name}劳动保障监察大队（示例）",
        operator_name=person(OFFICERS + 190_000 + section.number % 5_000).name,
        done_at=max(w.raised_at, moment(workday_before(world.day, 0), 7, 50 + nth)),
        opinion=("已签收", "派员到现场核查", "已到达现场", "处置完成")[min(nth, 3)] + "（示例）",
        media_no=f"{section.realname_no}001" if nth else None,
        latitude_e6=section.city.latitude_e6 + section.number * 937 % 90_000 if nth or is_there else None,
        longitude_e6=section.city.longitude_e6 + section.number * 1_213 % 120_000 if nth or is_there else None,
        area6_code=section.county,
        source_updated_at=moment(world.day, 8, 55 + (w.number + nth) % 400),
    )
