"""What the inspection system did about clues, and the messages that were sent about them."""

from collections.abc import Iterator

from simulators.truth.clock import add_workdays, moment
from simulators.truth.clues import Clue, all_clues, deadline, group_numbers, groups
from simulators.truth.document import Document, Fields, record
from simulators.truth.people import OFFICERS, person
from simulators.truth.places import county_of
from simulators.truth.world import World

_STEPS = ("accept", "investigate", "conclude", "feed_back", "close")
_MERGED = ("accept", "merge", "contact", "feed_back", "close")
"""The steps of a clue that is handled together with another: it has no conclusion of its own."""
_OPINIONS = {
    "accept": "材料齐全，予以受理（示例）",
    "investigate": "已到现场调查核实，责成总包单位说明情况（示例）",
    "merge": "与同一事项的其他线索并案办理（示例）",
    "contact": "已告知反映人并案办理（示例）",
    "conclude": "已作出核处结论（示例）",
    "feed_back": "已向渠道反馈（示例）",
    "close": "办结归档（示例）",
}
_NOTICES = (("accepted", "reporter", 1), ("assigned", "handler", 1), ("concluded", "reporter", 9))


def steps(world: World, count: int) -> list[Document]:
    """Three steps of each clue, further ones in a second turn."""
    number_of = group_numbers(world)
    leading = {found[0].key for found in groups(world).values()}
    return [_step(world, clue, nth, number_of.get(clue.key), clue.key in leading) for clue, nth in _taken(world, count)]


def _taken(world: World, count: int) -> Iterator[tuple[Clue, int]]:
    """Clue and place of each of so many steps."""
    known = all_clues(world)
    for k in range(count):
        turn, place = divmod(k, 3 * len(known))
        yield known[place // 3], turn * 3 + place % 3


def must_hear(world: World, count: int) -> dict[tuple[str, str], tuple[str, str, int]]:
    """Which clue's channel must be told which conclusion, when so many steps are sent and nothing of it all is spoiled.

    A clue hears its own conclusion, or that of the clue its group was concluded under, once it was said to be in the group.
    """
    number_of = group_numbers(world)
    leading = {found[0].key: number for number, found in groups(world).items()}
    taken = {(clue.key, nth) for clue, nth in _taken(world, count)}
    concluded = {key: (*key, 3) for key, nth in taken if nth == 2 and (key not in number_of or key in leading)}
    of_group = {leading[key]: step for key, step in concluded.items() if key in leading}
    heard = dict(concluded)
    for clue in all_clues(world):
        is_merged = (clue.key, 1) in taken or clue.family == "superior"
        if clue.key not in leading and is_merged and number_of.get(clue.key) in of_group:
            heard[clue.key] = of_group[number_of[clue.key]]
    return heard


def _step(world: World, clue: Clue, nth: int, group: str | None, is_leading: bool) -> Document:
    site, matter = clue.matter.site, clue.matter
    own = _STEPS if group is None or is_leading else _MERGED
    action = own[nth] if nth < len(own) else "review"
    done = deadline(clue, (1, 4, 9, 10, 11)[min(nth, 4)], world)
    result = ("1", "1", "2", "3", "1", "6")[clue.number % 6] if action == "conclude" else None
    solved = {"1": (matter.people, matter.fen), "2": (matter.people // 2, matter.fen // 200 * 100)}.get(result or "")
    level = ("town", "county", "city")[clue.number % 3] if action == "accept" else "county"
    orgs = {"town": "镇街治理中心", "county": "劳动保障监察大队", "city": "劳动保障监察支队"}
    place = site.city.name if level == "city" else county_of(site.area).name
    return record(
        "clue_step",
        channel=clue.channel,
        channel_serial_no=clue.serial_no,
        step_no=nth + 1,
        action=action,
        org_name=f"{place}{orgs[level]}（示例）",
        org_level=level,
        operator_name=person(OFFICERS + 190_000 + site.number % 5_000).name,
        done_at=done,
        due_on=add_workdays(done.date(), 5) if action in ("accept", "investigate") else None,
        opinion=_OPINIONS.get(action, "复核通过（示例）"),
        doc_no=f"{site.city.mark}人社监〔{done:%Y}〕{clue.serial_no[-4:]}号" if action == "conclude" else None,
        result_code=result,
        solved_people=solved[0] if solved else None,
        solved_fen=solved[1] if solved else None,
        area6_code=site.county,
        source_updated_at=max(done, moment(world.day, 6, nth)),
        group_no=group if action == "merge" or (action == "accept" and is_leading) else None,
    )


def notices(world: World, channel: str, count: int) -> list[Document]:
    """Messages about clues: three SMS each, or an order to the leader in charge."""
    known = all_clues(world)
    if channel == "sms":
        return [_sms(world, known[k // 3 % len(known)], k) for k in range(count)]
    return [_order(world, known[k % len(known)], k, channel) for k in range(count)]


def _sms(world: World, clue: Clue, k: int) -> Document:
    kind, target, days = _NOTICES[k % 3]
    officer = person(OFFICERS + 190_000 + clue.matter.site.number % 5_000)
    sent = deadline(clue, days, world)
    is_failed = k % 17 == 16
    return record(
        "notification",
        **_about(clue, "sms", f"SMS{world.day:%Y%m%d}{k + 1:08d}", kind, target),
        phone=(officer if target == "handler" else clue.matter.reporter.person).phone,
        level=None,
        sent_at=sent,
        status="failed" if is_failed else "delivered",
        status_at=sent.replace(second=40),
        fail_reason="空号（示例）" if is_failed else None,
        due_on=None,
        source_updated_at=sent.replace(second=40),
    )


def _order(world: World, clue: Clue, k: int, channel: str) -> Document:
    sent = deadline(clue, 2, world)
    level = ("red", "yellow", "blue")[k % 3]
    status = ("read", "answered", "sent", "delivered")[k % 4]
    return record(
        "notification",
        **_about(clue, channel, f"SDT{world.day:%Y%m%d}{k + 1:06d}", "supervise", "leader"),
        phone=None,
        level=level,
        sent_at=sent,
        status=status,
        status_at=moment(world.day, 9, 30 + k % 300),
        fail_reason=None,
        due_on=add_workdays(sent.date(), {"red": 2, "yellow": 5, "blue": 10}[level]),
        source_updated_at=moment(world.day, 9, 30 + k % 300),
    )


def _about(clue: Clue, channel: str, number: str, kind: str, target: str) -> Fields:
    return {
        "notice_channel": channel,
        "notice_no": number,
        "kind": kind,
        "target": target,
        "clue_channel": clue.channel,
        "channel_serial_no": clue.serial_no,
        "area6_code": clue.matter.site.county,
    }
