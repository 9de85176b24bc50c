"""What a clue came to, told to every channel it came by: judged by what the channels' own ledgers say they were told.

Clues and steps are offered as their partners would send them, so that every order of arrival can be tried; the channels that are
told are the simulated partners' real servers and folders.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import pytest
from round_trip import MAPPINGS, Hub, at_once, connections, find_connections

from hub import bootstrap, pipeline, upkeep
from hub.archive import Archive
from hub.errors import PartnerRefused
from hub.feed import CallReport
from hub.migrations import migrate
from hub.model import BatchState, Fetched, Stage
from hub.pipeline import House
from hub.registry import read_registry
from hub.store import batches, conclusions
from hub.store.database import open_database, working
from launcher.postgres import EmbeddedPostgres
from schemas.terms import conclude_day
from simulators.running import running

REGISTRY = read_registry(MAPPINGS)
STEPS = "inspection_steps"
_numbers, _files = count(1), count(1)


@dataclass(frozen=True)
class Channel:
    """Where clues come by: the feed, its partner, its word for the serial number, the inspection's code of it."""

    feed_id: str
    partner: str
    serial: str
    code: str


CHANNELS = {
    "nat": Channel("nat_clues", "nat", "CLUE_CODE", "01"),
    "12345": Channel("hotline12345_clues", "hotline12345", "workOrderNo", "02"),
    "net_politics": Channel("netpolitics_clues", "netpolitics", "messageNo", "05"),
    "city_miniapp": Channel("miniapp_clues", "miniapp", "complaintId", "07"),
    "superior": Channel("superior_clues", "superior", "orderNo", "10"),
}
BY_CALL = [name for name in CHANNELS if name != "superior"]


class Offer:
    """A partner that has exactly this to send."""

    def __init__(self, tree: Mapping[str, Any], name: str = "pages") -> None:
        self._found = Fetched(name, [json.dumps(tree, ensure_ascii=False).encode()])

    def fetch(self, *_: object) -> Iterator[Fetched]:
        yield self._found


@dataclass(frozen=True)
class Desk:
    """A hub that clues and steps can be laid before, and its channels' ledgers."""

    hub: Hub

    def take(self, feed_id: str, tree: Mapping[str, Any], name: str = "pages") -> None:
        """Fetch and store what a partner offers."""
        pipeline.fetch_feed(self.hub.house, self.hub.feed(feed_id), Offer(tree, name))
        assert set(self.hub.store(feed_id)) == {BatchState.STORED}

    def report(self, feed_id: str) -> None:
        """Tell the partner of its rows, so that nothing but conclusions is left to tell."""
        self.hub.tell(feed_id, Stage.INTAKE)
        pipeline.mark_delivered(self.hub.house)
        self.hub.tell(feed_id, Stage.OUTCOME)

    def clue(self, channel: str, serial: str | None = None, *, report: bool = True, **changes: Any) -> str:
        """One clue of a channel comes, good in all its columns; its serial number."""
        serial = serial or f"T{next(_numbers):08d}"
        known = CHANNELS[channel]
        name = "pages"
        if channel == "superior":
            name, changes = f"dbps/20261123/DBJ_20261123_{next(_files):04d}.json", {"jointCaseNo": None, **changes}
        self.take(known.feed_id, page_of(known, {known.serial: serial, **changes}), name)
        if report:
            self.report(known.feed_id)
        return serial

    def step(self, *acts: tuple[str, str, Mapping[str, Any]]) -> None:
        """Steps of the inspection about clues (channel, serial number, what differs) in one batch."""
        rows = [{**STEP, "CLUE_SOURCE": CHANNELS[c].code, "CLUE_CODE": serial, **row} for c, serial, row in acts]
        self.take(STEPS, {"code": 200, "msg": "", "data": {"rows": rows, "totalCount": len(rows)}})

    def tell(self, *channels: str) -> None:
        """Tell the channels (all of them) what they may hear."""
        for channel in channels or CHANNELS:
            feed = self.hub.feed(CHANNELS[channel].feed_id)
            with bootstrap.open_connector(feed) as connector:
                pipeline.tell_conclusions(self.hub.house, feed, connector)

    def heard(self, channel: str, serial: str) -> list[tuple[str, int]]:
        """What the channel's own ledger says it was told of a clue, in order, with how often."""
        told = [row for row in self.rows(channel) if row["item"] == serial]
        return [(row["status"].removeprefix("conclusion "), row["times"]) for row in told]

    def rows(self, channel: str) -> list[dict[str, Any]]:
        """Every conclusion in the channel's own ledger."""
        found = self.hub.up.control.statuses(CHANNELS[channel].partner)
        return [row for row in found if row["status"].startswith("conclusion ")]

    def detail(self, channel: str, serial: str) -> dict[str, Any]:
        """The row or line that the channel was told last, in its own words."""
        found: dict[str, Any] = [row for row in self.rows(channel) if row["item"] == serial][-1]["detail"]
        return found

    def states(self, serial: str) -> list[str]:
        """The hub's own view, oldest first."""
        sql = "select state from conclusion where channel_serial_no = :serial order by number"
        return [row.state for row in self.hub.ask(sql, serial=serial)]


STEP = {
    "STEP_NO": "3", "DEAL_ACTION": "120", "UNDERTAKE_UNIT": "劳动保障监察大队（示例）", "UNIT_LEVEL": "2",
    "UNDERTAKE_PERSON": "孙洋", "DEAL_TIME": "2026-11-20 09:00:00", "LIMIT_DATE": "",
    "DEAL_SITUATION": "经办人孙洋查明（示例）", "DOC_CODE": "", "CONCLUSION": "01", "SOLVED_PERSON": "3", "SOLVED_MONEY": "1.5",
    "REGION_CODE": "370902", "UPDATE_TIME": "2026-11-20 09:00:00", "UNDERTAKE_PERSON_PHONE": "1", "JOINT_CODE": "",
}  # fmt: skip
"""A conclusion as the inspection writes it: solved, three people, 15,000.00 yuan."""


def merge(group: str, **changes: Any) -> dict[str, Any]:
    """A step by which a clue is handled together with others."""
    said = {"DEAL_ACTION": "109", "CONCLUSION": "", "SOLVED_PERSON": "", "SOLVED_MONEY": ""}
    return {"STEP_NO": "2", "DEAL_TIME": "2026-11-19 09:00:00", "JOINT_CODE": group, **said, **changes}


def page_of(channel: Channel, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The channel's own sample with one good row of it, changed."""
    folder = MAPPINGS / "samples" / channel.feed_id
    good = json.loads((folder / "expected.json").read_text("utf-8"))["records"]["clue"]
    serials = {record["channel_serial_no"] for record in good}
    path = next(path for path in sorted(folder.glob("*.json")) if path.name != "expected.json")
    tree: dict[str, Any] = json.loads(path.read_text("utf-8"))
    *above, last = REGISTRY.feed(channel.feed_id).spec.records["clue"].rows.split("/")
    holder = tree
    for step in above:
        holder = holder[step]
    row = next(row for row in holder[last] if row[channel.serial] in serials)
    holder[last] = [{**row, **changes}]
    return tree


@pytest.fixture(scope="module")
def desk(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """The channels' servers, and a hub that knows nobody but them and the inspection."""
    folder = tmp_path_factory.mktemp("hub") / "mappings"
    shutil.copytree(MAPPINGS, folder)
    wanted = {STEPS, "partners", *(channel.feed_id for channel in CHANNELS.values())}
    for path in (*folder.glob("*.yaml"), *folder.glob("receivers/*.yaml")):
        if path.stem not in wanted:
            path.unlink()
    registry = read_registry(folder)
    assert registry.problems == ()
    assert postgres.create_database("conclusions")
    engine = open_database(postgres.url("conclusions"))
    migrate(engine)
    house = House(engine, Archive(tmp_path_factory.mktemp("archive")), registry)
    partners = ",".join(sorted({channel.partner for channel in CHANNELS.values()}))
    state = tmp_path_factory.mktemp("partners")
    with (
        running(state, mirrored=partners, scale=0.1, latency=0, rate=1000) as up,
        pytest.MonkeyPatch.context() as patch,
    ):
        known = find_connections(up.addresses) | connections(up.addresses)
        patch.setattr(bootstrap, "find_connection", known.__getitem__)
        yield Desk(Hub(house, up))
    engine.dispose()


@pytest.fixture
def second(desk: Desk) -> Iterator[House]:
    """Another worker's house."""
    house = desk.hub.house
    engine = open_database(house.engine.url.render_as_string(hide_password=False))
    yield House(engine, Archive(house.archive.folder), house.registry)
    engine.dispose()


def group_of(desk: Desk, *channels: str) -> tuple[str, dict[str, str]]:
    """One clue by each of these channels, merged into one group; the group and the serial numbers."""
    group = f"BA{next(_numbers):08d}"
    serials = {channel: desk.clue(channel) for channel in channels}
    desk.step(*((channel, serial, merge(group)) for channel, serial in serials.items()))
    return group, serials


def test_every_channel_of_a_merged_clue_hears_its_conclusion_once_under_its_own_number(desk: Desk) -> None:
    """Five channels, one conclusion: each in its own form and codes, with its own deadline, exactly once."""
    _, serials = group_of(desk, *CHANNELS)
    desk.step(("12345", serials["12345"], {}))
    desk.tell()
    desk.tell()
    words = {"nat": "01", "12345": "诉求已解决", "net_politics": "已解决", "city_miniapp": "SOLVED", "superior": "J1"}
    for channel, serial in serials.items():
        assert desk.heard(channel, serial) == [(f"1 {words[channel]}", 1)], channel
        assert desk.states(serial) == ["told"]
    assert desk.detail("nat", serials["nat"])["SOLVED_MONEY"] == "1.5"
    assert desk.detail("city_miniapp", serials["city_miniapp"])["paidMoney"] == "15000.00"
    assert desk.detail("superior", serials["superior"])["paidFen"] == "1500000"
    assert desk.detail("12345", serials["12345"])["isFinished"] == "是"


def test_every_channel_is_told_its_own_deadline(desk: Desk) -> None:
    """What the channel itself set; else the term of the channel, in working days after the clue was registered."""
    _, serials = group_of(desk, "12345", "net_politics")
    own = desk.clue("12345", replyDeadline="2026-12-24")
    desk.step(("12345", serials["12345"], {}), ("12345", own, {}))
    desk.tell("12345", "net_politics")
    assert desk.detail("12345", own)["replyDeadline"] == "2026-12-24"
    sql = "select received_at::date as day from record.clue where channel_serial_no = :serial"
    day = desk.hub.ask(sql, serial=serials["net_politics"])[0].day
    told = desk.detail("net_politics", serials["net_politics"])["replyBefore"]
    assert told == f"{conclude_day('net_politics', day, None, None):%Y-%m-%d}" != f"{day:%Y-%m-%d}"


def test_a_file_is_put_whole_with_digest_and_flag(desk: Desk) -> None:
    """A channel that drops files finds one file for each conclusion, complete when it can be seen."""
    serial = desk.clue("superior")
    desk.step(("superior", serial, {}))
    desk.tell("superior")
    put = desk.hub.up.control.ledger()["received"]["superior"]["con"][f"CON_{serial}_1.txt"]
    assert (put["digest_ok"], put["flag_ok"], put["versions"]) == (True, True, 1)


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_clue_by_itself_hears_its_own_conclusion(desk: Desk, channel: str) -> None:
    """No group, one channel; nobody else hears of it."""
    serial, other = desk.clue(channel), desk.clue(channel)
    desk.step((channel, serial, {"CONCLUSION": "05"}))
    desk.tell(channel)
    assert [times for _, times in desk.heard(channel, serial)] == [1]
    assert desk.heard(channel, other) == []


def test_a_conclusion_that_comes_before_the_clue_is_told_when_the_clue_comes(desk: Desk) -> None:
    """For the clue itself and for one of its group that comes last of all."""
    group, mine, theirs = f"BA{next(_numbers)}", f"E{next(_numbers)}", f"E{next(_numbers)}"
    desk.step(("city_miniapp", mine, {}), ("city_miniapp", mine, merge(group)), ("12345", theirs, merge(group)))
    desk.tell()
    assert desk.states(mine) == []
    for channel, serial in (("city_miniapp", mine), ("12345", theirs)):
        desk.clue(channel, serial)
        desk.tell()
        assert [times for _, times in desk.heard(channel, serial)] == [1]


def test_a_clue_that_joins_a_group_later_hears_what_the_group_came_to(desk: Desk) -> None:
    """By a step of the inspection, or by the number that its channel gave it; the others hear nothing twice."""
    group, serials = group_of(desk, "12345")
    desk.step(("12345", serials["12345"], {}))
    desk.tell()
    late = desk.clue("net_politics")
    desk.step(("net_politics", late, merge(group)))
    ordered = desk.clue("superior", jointCaseNo=group)
    desk.tell()
    assert desk.heard("net_politics", late) == [("1 已解决", 1)]
    assert desk.heard("superior", ordered) == [("1 J1", 1)]
    assert desk.heard("12345", serials["12345"]) == [("1 诉求已解决", 1)]


def test_a_corrected_conclusion_is_told_as_a_correction_to_all_of_the_group(desk: Desk) -> None:
    """A later version of the step, and then a later step: each told once, in order, after what was told before."""
    _, serials = group_of(desk, "12345", "city_miniapp")
    desk.step(("12345", serials["12345"], {}))
    desk.tell()
    desk.step(("12345", serials["12345"], {"CONCLUSION": "02", "UPDATE_TIME": "2026-11-21 09:00:00"}))
    desk.tell()
    desk.step(
        (
            "city_miniapp",
            serials["city_miniapp"],
            {"STEP_NO": "7", "CONCLUSION": "05", "DEAL_TIME": "2026-11-22 09:00:00"},
        )
    )
    desk.tell()
    heard = desk.heard("city_miniapp", serials["city_miniapp"])
    assert heard == [("1 SOLVED", 1), ("2 PARTLY_SOLVED", 1), ("3 NO_ARREARS", 1)]
    assert desk.heard("12345", serials["12345"]) == [("1 诉求已解决", 1), ("2 诉求部分解决", 1), ("3 诉求不属实", 1)]
    assert desk.detail("12345", serials["12345"])["feedbackType"] == "更正"


def test_no_channel_hears_an_earlier_conclusion_after_a_later_one(desk: Desk) -> None:
    """One that was concluded before what was told already, or that only repeats it, is no news."""
    _, serials = group_of(desk, "12345", "city_miniapp")
    desk.step(("12345", serials["12345"], {}))
    desk.tell()
    earlier = {"CONCLUSION": "03", "DEAL_TIME": "2026-11-18 09:00:00"}
    desk.step(("city_miniapp", serials["city_miniapp"], earlier))
    desk.step(("12345", serials["12345"], {"UPDATE_TIME": "2026-11-22 10:00:00", "UNDERTAKE_PERSON": "蔡伟"}))
    desk.tell()
    for channel, serial in serials.items():
        assert len(desk.heard(channel, serial)) == 1


def test_what_was_replaced_or_taken_back_before_it_was_told_is_never_told(desk: Desk) -> None:
    """Only the newest goes out, as the first; what is no conclusion any more does not, until it is one again."""
    changed, undone = desk.clue("12345"), desk.clue("12345")
    desk.step(("12345", changed, {}), ("12345", undone, {}))
    later = {"UPDATE_TIME": "2026-11-21 09:00:00"}
    desk.step(
        ("12345", changed, {"CONCLUSION": "06", **later}),
        ("12345", undone, {"DEAL_ACTION": "112", "CONCLUSION": "", **later}),
    )
    desk.tell()
    assert desk.heard("12345", changed) == [("1 非欠薪诉求", 1)]
    assert desk.heard("12345", undone) == []
    desk.step(("12345", undone, {"UPDATE_TIME": "2026-11-22 09:00:00"}))
    desk.tell()
    assert desk.heard("12345", undone) == [("1 诉求已解决", 1)]


def test_a_clue_that_leaves_the_group_before_it_was_told_hears_nothing_of_it(desk: Desk) -> None:
    """The inspection merged it by mistake; its own conclusion is told, also when it was made earlier."""
    _, serials = group_of(desk, "12345", "city_miniapp")
    mine = serials["city_miniapp"]
    desk.step(("city_miniapp", mine, {"CONCLUSION": "08", "DEAL_TIME": "2026-11-19 10:00:00"}))
    desk.step(("12345", serials["12345"], {}))
    desk.step(("city_miniapp", mine, merge(f"BA{next(_numbers)}", UPDATE_TIME="2026-11-21 09:00:00")))
    desk.tell()
    assert desk.heard("city_miniapp", mine) == [("1 UNREACHABLE", 1)]
    assert len(desk.heard("12345", serials["12345"])) == 1


def test_a_conclusion_waits_until_its_channel_knows_what_became_of_the_row(desk: Desk) -> None:
    """Told before "passed on" it would be taken back by it."""
    serial = desk.clue("12345", report=False)
    desk.step(("12345", serial, {}))
    desk.tell()
    assert desk.heard("12345", serial) == []
    assert "hotline12345" not in pipeline.feeds_owed(desk.hub.house).values()
    desk.report("hotline12345_clues")
    assert "hotline12345" in upkeep.untold_partners(desk.hub.house)
    desk.tell()
    assert len(desk.heard("12345", serial)) == 1
    assert "hotline12345" not in upkeep.untold_partners(desk.hub.house)


def die(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("channel", CHANNELS)
def test_dying_between_telling_and_noting_it_tells_nothing_twice(
    desk: Desk, channel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next worker tells it again under the same key; a correction that came meanwhile follows it."""
    serial = desk.clue(channel)
    desk.step((channel, serial, {}))
    monkeypatch.setattr(conclusions, "note_told", die)
    with pytest.raises(KeyboardInterrupt):
        desk.tell(channel)
    monkeypatch.undo()
    assert desk.states(serial) == ["telling"]
    assert [times for _, times in desk.heard(channel, serial)] == [1]
    desk.step((channel, serial, {"CONCLUSION": "02", "UPDATE_TIME": "2026-11-21 09:00:00"}))
    desk.tell(channel)
    desk.tell(channel)
    heard = desk.heard(channel, serial)
    assert [(status[0], times) for status, times in heard] == [("1", 1), ("2", 1)]
    assert desk.states(serial) == ["told", "told"]


@pytest.mark.parametrize("channel", CHANNELS)
def test_two_telling_at_once_tell_each_once(desk: Desk, second: House, channel: str) -> None:
    """Whoever comes second leaves it to the first."""
    serials = [desk.clue(channel) for _ in range(3)]
    desk.step(*((channel, serial, {}) for serial in serials))
    feed, calls = desk.hub.feed(CHANNELS[channel].feed_id), list[int]()

    def tell(house: House) -> None:
        with bootstrap.open_connector(feed) as connector:
            calls.append(pipeline.tell_conclusions(house, feed, connector))

    assert at_once(lambda: tell(desk.hub.house), lambda: tell(second)) == []
    assert sum(calls) == 3
    for serial in serials:
        assert [times for _, times in desk.heard(channel, serial)] == [1]


def test_a_clue_and_its_conclusion_stored_at_the_same_moment_find_each_other(desk: Desk, second: House) -> None:
    """Neither sees the other before it commits; the one that commits last owes the conclusion, and only once."""
    for _ in range(4):
        serial, known = f"M{next(_numbers)}", CHANNELS["city_miniapp"]
        rows = [{**STEP, "CLUE_SOURCE": known.code, "CLUE_CODE": serial}]
        offers = {
            known.feed_id: page_of(known, {known.serial: serial}),
            STEPS: {"code": 200, "msg": "", "data": {"rows": rows, "totalCount": 1}},
        }
        for feed_id, tree in offers.items():
            pipeline.fetch_feed(desk.hub.house, desk.hub.feed(feed_id), Offer(tree))
        stores = [
            storing(house, desk.hub, feed_id) for house, feed_id in zip((desk.hub.house, second), offers, strict=True)
        ]
        assert at_once(*stores) == []
        desk.report(known.feed_id)
        desk.tell("city_miniapp")
        assert [times for _, times in desk.heard("city_miniapp", serial)] == [1]


def storing(house: House, hub: Hub, feed_id: str) -> Callable[[], object]:
    """Store the batch of a feed that waits."""
    with working(house.engine) as work:
        batch = batches.batches_in(work, [BatchState.FETCHED], feed_id)[-1]
    return lambda: pipeline.store_batch(house, hub.feed(feed_id), batch.batch_id)


class Picky:
    """A channel that refuses some clues, quoting them."""

    def __init__(self, *refused: str) -> None:
        self.refused, self.taken = set(refused), list[str]()

    def send(self, report: CallReport, rows: Sequence[Mapping[str, str]], key: str) -> None:
        (row,) = rows
        if row["workOrderNo"] in self.refused:
            raise PartnerRefused(f"{report.call} answered code 500: 孙洋的工单 {key} 不存在")
        self.taken.append(row["workOrderNo"])


def test_a_refused_conclusion_keeps_no_other_waiting_and_is_tried_once_more(desk: Desk) -> None:
    """The partner's words, which may quote a clue, go no further; a correction replaces what was refused."""
    bad, good, mended = (desk.clue("12345") for _ in range(3))
    desk.step(*(("12345", serial, {}) for serial in (bad, good, mended)))
    feed, picky = desk.hub.feed("hotline12345_clues"), Picky(bad, mended)
    with pytest.raises(PartnerRefused, match="refused 2 conclusions") as refused:
        pipeline.tell_conclusions(desk.hub.house, feed, picky)
    assert "孙洋" not in str(refused.value) + str(refused.value.__cause__)
    assert picky.taken == [good]
    assert desk.states(bad) == desk.states(mended) == ["refused"]
    desk.step(("12345", mended, {"CONCLUSION": "02", "UPDATE_TIME": "2026-11-21 09:00:00"}))
    desk.tell("12345")
    assert desk.heard("12345", bad) == [("1 诉求已解决", 1)]
    assert desk.heard("12345", mended) == [("1 诉求部分解决", 1)]
    assert desk.states(mended) == ["superseded", "told"]


def test_clues_past_their_day_are_listed_until_their_channel_was_told(desk: Desk) -> None:
    """Open and untold ones; the working days are those of the calendar."""

    def overdue() -> dict[str, str]:
        with working(desk.hub.house.engine) as work:
            return {clue.channel_serial_no: clue.state for clue in conclusions.overdue_clues(work)}

    late = desk.clue(
        "12345", callTime="2020-01-02 09:00:00", lastModifyTime="2020-01-03 09:00:00", replyDeadline="2020-01-20"
    )
    timely = desk.clue("12345", replyDeadline="2099-01-05")
    assert overdue()[late] == "open"
    assert timely not in overdue()
    desk.step(("12345", late, {}))
    assert overdue()[late] == "waiting"
    desk.tell()
    assert late not in overdue()


def test_reading_steps_and_clues_again_tells_nothing_new(desk: Desk) -> None:
    """A replay of every batch of a matter leaves each ledger as it is."""
    known = {batch.batch_id for batch in desk.hub.batches()}
    _, serials = group_of(desk, *CHANNELS)
    desk.step(("nat", serials["nat"], {}))
    desk.step(("nat", serials["nat"], {"CONCLUSION": "02", "UPDATE_TIME": "2026-11-21 09:00:00"}))
    desk.tell()
    before = {channel: desk.rows(channel) for channel in CHANNELS}
    assert all(desk.heard(channel, serial) for channel, serial in serials.items())
    for batch in [batch for batch in desk.hub.batches() if batch.batch_id not in known]:
        pipeline.replay_batch(desk.hub.house, batch.batch_id)
    for channel in CHANNELS.values():
        desk.report(channel.feed_id)
    desk.tell()
    assert {channel: desk.rows(channel) for channel in CHANNELS} == before


def test_every_feed_of_clues_tells_conclusions() -> None:
    """None was forgotten."""
    clues = {name: feed.spec.conclusion for name, feed in REGISTRY.feeds.items() if "clue" in feed.spec.records}
    assert len(clues) == 11
    assert all(clues.values())
