"""What is sent once more goes to those who lack it, by the ledgers of two receivers; what is owed to nobody is withdrawn; what
nobody can write is set aside."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import pytest
from receivers_served import Served, serving
from round_trip import MAPPINGS, PROVINCE, Hub, return_lines

from connectors import open_api
from connectors.open_api import OpenApiReceiver
from hub import pipeline, points
from hub.conservation import gaps_of
from hub.errors import MappingInvalid, NotAllowed
from hub.model import BatchState, Outcome, ReceiptAnswer, Stage
from hub.registry import read_registry
from hub.store import deliveries, watching
from hub.store.database import rows_of, working
from hub.store.resending import Chosen
from hub.store.withdrawals import find_moved
from simulators.drops import extra_drop
from simulators.projects import BANKS
from simulators.world import City

CITY = City(7, 0.1)
FEED, CITY_OFFICE = "haidai_payrolls", "taian"
REGISTRY = read_registry(MAPPINGS)
_extras = count(1)


class Refusing(OpenApiReceiver):
    """A receiver that turns every record down, and whose ledger knows none; ``delaying`` names what it has no parent for."""

    delaying: tuple[str, ...] = ()

    def submit(self, schema: str, batch_key: str, records: Sequence[Mapping[str, Any]]) -> str | list[ReceiptAnswer]:
        outcome, code = (Outcome.DELAYED, "1001") if schema in self.delaying else (Outcome.REFUSED, "2003")
        return [ReceiptAnswer(record["idempotencyKey"], outcome, code, "no") for record in records]


@dataclass
class Two:
    """A hub that owes the province and Tai'an, and both of them with their own ledgers."""

    hub: Hub
    served: Served

    def deliver(self, **others: type[OpenApiReceiver]) -> None:
        """Submit and ask until both have answered all; ``others``: what a receiver is for this once."""
        until = time.monotonic() + 60
        while self.hub.ask("select 1 from delivery where state in ('waiting', 'submitted') limit 1"):
            assert time.monotonic() < until
            for name, receives in self.hub.house.registry.receivers.items():
                kind = others.get(name, OpenApiReceiver)
                receiver = kind(self.served.connection(name), receives, REGISTRY.codes)
                pipeline.deliver_waiting(self.hub.house, name, receives, receiver)
                pipeline.collect_receipts(self.hub.house, name, receives, receiver)
            self.hub.ask("update delivery set not_before = null where state = 'waiting' returning 1")
        pipeline.mark_delivered(self.hub.house)

    def without(self, name: str) -> Two:
        """The same hub before this receiver had its file."""
        registry = self.hub.house.registry
        left = {one: spec for one, spec in registry.receivers.items() if one != name}
        return replace(self, hub=Hub(replace(self.hub.house, registry=replace(registry, receivers=left)), self.hub.up))

    def has(self, name: str, schema: str = "payroll_line") -> Counter[str]:
        """What a receiver's own ledger counts of one kind of record."""
        return Counter(self.served.received(name).get(schema, {}))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("receivers")) as found:
        yield found


@pytest.fixture(scope="module")
def module_hub(open_hub: Callable[[], Hub]) -> Hub:
    return open_hub()


@pytest.fixture
def two(module_hub: Hub, served: Served, monkeypatch: pytest.MonkeyPatch) -> Two:
    """Both receivers, quick and impatient."""
    quick = {"calls_per_second": 10_000, "delayed_at_most": 1, "delayed_seconds": 0}
    both = {name: REGISTRY.receives(name).model_copy(update=quick) for name in (PROVINCE, CITY_OFFICE)}
    registry = replace(module_hub.house.registry, receivers=both)
    return Two(Hub(replace(module_hub.house, registry=registry), module_hub.up), served)


def stored(two: Two, change: Callable[[bytes], bytes] = lambda content: content) -> str:
    """A payroll file of forty lines, stored; its name."""
    made = extra_drop(CITY, BANKS["haidai"], "PAYR", 800 + next(_extras), None)
    assert made.content is not None
    name = two.hub.up.control.drop("haidai", f"in/{CITY.day:%Y%m%d}/{made.name}", change(made.content))
    two.hub.take_in([FEED])
    return name


def tell(two: Two) -> None:
    two.hub.tell(FEED, Stage.OUTCOME)


def states(two: Two, name: str, receiver: str, schema: str = "payroll_line") -> Counter[str]:
    sql = """select delivery.state from delivery join batch using (batch_id)
             where source_name like :name and receiver = :receiver and schema_name = :schema"""
    found = two.hub.ask(sql, name=f"%/{name}", receiver=receiver, schema=schema)
    return Counter(row.state for row in found)


def submit_alone(two: Two, receiver: str) -> None:
    """Hand over what one receiver is owed, and do not ask what became of it."""
    receives = two.hub.house.registry.receives(receiver)
    pipeline.deliver_waiting(two.hub.house, receiver, receives, OpenApiReceiver(two.served.connection(receiver), receives,
                                                                                REGISTRY.codes))  # fmt: skip


def outcomes(two: Two, name: str) -> Counter[str]:
    """The words of FIN_, line by line, without that of the head."""
    return Counter(line[1] for line in return_lines(two.hub.up, "haidai", f"FIN_{name}")[1:] if line[0] != "0")


@pytest.mark.parametrize("chosen", ["batch", "receiver", "code"])
def test_what_one_receiver_refused_goes_to_it_alone(two: Two, chosen: str) -> None:
    """The province has every line and hears nothing; Tai'an gets each once, and the bank reads the new outcome."""
    name = stored(two)
    two.deliver(taian=Refusing)
    tell(two)
    assert outcomes(two, name) == {"REFUSED": 40}
    before = {one: two.has(one) for one in (PROVINCE, CITY_OFFICE)}
    batch_id = two.hub.batch(name).batch_id
    if chosen == "batch":
        assert pipeline.resend_batch(two.hub.house, batch_id) >= 40
    else:
        words = {"receiver": CITY_OFFICE} if chosen == "receiver" else {"batch_id": batch_id, "code": "2003"}
        assert pipeline.resend(two.hub.house, Chosen(**words)) >= 40
    two.deliver()
    tell(two)
    accepted = states(two, name, CITY_OFFICE)["accepted"]
    assert accepted >= 38
    assert two.has(CITY_OFFICE)["created"] - before[CITY_OFFICE]["created"] == accepted
    assert two.has(CITY_OFFICE)["exists"] == before[CITY_OFFICE]["exists"]
    province = two.has(PROVINCE)
    assert {word: province[word] for word in ("created", "exists", "corrected")} == {
        word: before[PROVINCE][word] for word in ("created", "exists", "corrected")
    }
    assert outcomes(two, name)["ACCEPTED"] >= 37


@pytest.mark.parametrize("by", ["replay", "resend"])
def test_what_one_receiver_never_got_goes_to_it_alone(two: Two, by: str) -> None:
    """Tai'an joined later: a replay, or a resend of the batch, owes it what the province has had since long."""
    alone = two.without(CITY_OFFICE)
    name = stored(alone)
    alone.deliver()
    batch, before = two.hub.batch(name), {one: two.has(one) for one in (PROVINCE, CITY_OFFICE)}
    lacking = {one.schema: one for one in pipeline.preview_batch(two.hub.house, batch).changes}["payroll_line"].sent
    assert dict(lacking) == {CITY_OFFICE: 40}
    if by == "replay":
        pipeline.replay_batch(two.hub.house, batch.batch_id)
    else:
        pipeline.resend(two.hub.house, Chosen(batch_id=batch.batch_id, receiver=CITY_OFFICE))
    two.deliver()
    assert two.has(PROVINCE) == before[PROVINCE]
    assert (
        two.has(CITY_OFFICE)["created"] - before[CITY_OFFICE]["created"] == states(two, name, CITY_OFFICE)["accepted"]
    )
    assert states(two, name, CITY_OFFICE)["accepted"] >= 38
    assert sum(pipeline.preview_batch(two.hub.house, batch).changes[1].sent.values()) == 0


def test_children_follow_their_parent_by_themselves_and_once(two: Two) -> None:
    """Tai'an refused the payroll, so its lines ended as R002; when it takes the payroll after all, they go out once more."""
    Refusing.delaying = ("payroll_line",)
    try:
        name = stored(two)
        two.deliver(taian=Refusing)
        tell(two)
    finally:
        Refusing.delaying = ()
    assert states(two, name, CITY_OFFICE) == {"refused": 40}
    assert pipeline.wake_children(two.hub.house) == 0
    before, batch_id = two.has(PROVINCE), two.hub.batch(name).batch_id
    sql = "update delivery set state = 'waiting', attempts = 0 where batch_id = :id and schema_name = 'payroll_batch' returning 1"
    two.hub.ask(f"{sql}".replace("returning", "and state = 'refused' returning"), id=batch_id)
    two.deliver()
    assert states(two, name, CITY_OFFICE, "payroll_batch") == {"accepted": 1}
    two.hub.ask("update delivery set splits = 3 where batch_id = :id and state = 'refused' returning 1", id=batch_id)
    assert pipeline.wake_children(two.hub.house) == 40
    woken = two.hub.ask("select distinct splits from delivery where batch_id = :id and state = 'waiting'", id=batch_id)
    assert [row.splits for row in woken] == [0]
    assert pipeline.wake_children(two.hub.house) == 0
    assert two.hub.batch(name).state is BatchState.STORED
    two.deliver()
    tell(two)
    assert states(two, name, CITY_OFFICE)["accepted"] >= 38
    assert two.has(PROVINCE) == before
    assert outcomes(two, name)["ACCEPTED"] >= 37
    versions = two.hub.up.control.ledger()["received"]["haidai"]["fin"][f"FIN_{name}"]["versions"]
    tell(two)
    assert two.hub.up.control.ledger()["received"]["haidai"]["fin"][f"FIN_{name}"]["versions"] == versions == 2
    assert pipeline.wake_children(two.hub.house) == 0


def test_a_child_given_up_again_is_not_tried_for_ever(two: Two) -> None:
    """One more try for each acceptance of its parent."""
    Refusing.delaying = ("payroll_line",)
    try:
        name = stored(two)
        two.deliver(taian=Refusing)
        sql = """update delivery set state = 'waiting', attempts = 0 from batch where batch.batch_id = delivery.batch_id
                 and source_name like :name and receiver = 'taian' and schema_name = 'payroll_batch' returning 1"""
        two.hub.ask(sql, name=f"%/{name}")
        two.deliver()
        assert pipeline.wake_children(two.hub.house) == 40
        two.deliver(taian=Refusing)
        assert states(two, name, CITY_OFFICE) == {"refused": 40}
        assert pipeline.wake_children(two.hub.house) == 0
    finally:
        Refusing.delaying = ()


def test_what_is_owed_to_a_receiver_without_a_file_is_withdrawn_by_hand(two: Two) -> None:
    """Not while its file stands. Then the batch can finish, the bank reads what the province answered, and nothing is lost:
    when the receiver comes back, a resend owes it the records again."""
    name = stored(two)
    with pytest.raises(NotAllowed, match="still stands"):
        pipeline.drop_receiver(two.hub.house, CITY_OFFICE, None, "王科长", "停用")
    with pytest.raises(NotAllowed, match="still stands"):
        pipeline.drop_receiver(two.hub.house, CITY_OFFICE, "payroll_line", "王科长", "停用")
    submit_alone(two, CITY_OFFICE)  # half of it is on its way, and never asked about again
    alone = two.without(CITY_OFFICE)
    with pytest.raises(NotAllowed, match="name and a reason"):
        pipeline.drop_receiver(alone.hub.house, CITY_OFFICE, None, "王科长", " ")
    assert pipeline.preview_drop(alone.hub.house, CITY_OFFICE, None)[CITY_OFFICE, "payroll_line"] == 40
    assert pipeline.drop_receiver(alone.hub.house, CITY_OFFICE, None, "王科长", "停用") == 41
    assert two.hub.ask("select distinct state from submission where receiver = 'taian'")[0].state == "answered"
    assert two.hub.ask("select 1 from submission where receiver = 'taian' and answered_at is null") == []
    with working(two.hub.house.engine) as work:
        assert CITY_OFFICE not in [one.subject for one in watching.owed(work)]
    hops = pipeline.balance_of(two.hub.house, [two.hub.batch(name).batch_id])
    assert gaps_of(hops) == []
    withdrawn = {
        hop.schema: hop.went["withdrawn"].rows for hop in hops if hop.receiver == CITY_OFFICE and hop.step == "answered"
    }
    assert withdrawn == {"payroll_batch": 1, "payroll_line": 40}
    alone.deliver()
    tell(alone)
    assert two.hub.batch(name).state is BatchState.REPORTED
    assert outcomes(two, name)["ACCEPTED"] >= 38
    assert outcomes(two, name)["DELAYED"] == 0
    owed = two.hub.ask("select deliveries, asked_by, reason from withdrawal order by withdrawal_id desc limit 1")
    assert [tuple(row) for row in owed] == [(41, "王科长", "停用")]
    chosen = Chosen(receiver=CITY_OFFICE, batch_id=two.hub.batch(name).batch_id)
    assert sum(pipeline.preview_resend(two.hub.house, chosen).values()) == 41
    assert states(two, name, CITY_OFFICE) == {"withdrawn": 40}
    assert pipeline.resend(two.hub.house, chosen) == 41
    two.deliver()
    assert states(two, name, CITY_OFFICE)["accepted"] >= 38
    assert gaps_of(pipeline.balance_of(two.hub.house, [two.hub.batch(name).batch_id])) == []


def test_what_moved_away_from_a_receiver_that_has_it_is_listed(two: Two) -> None:
    """A line whose newest version lies in Qingdao: Tai'an keeps the old one, the province takes all and is not listed."""
    name = stored(two)
    two.deliver()
    batch_id, areas = two.hub.batch(name).batch_id, {CITY_OFFICE: ("3709",), PROVINCE: ("",)}
    moving = """update record.payroll_line set version = 2, area6_code = '370202' where record_id in (
                    select record_id from delivery where batch_id = :id and receiver = 'taian' and state = 'accepted'
                       and schema_name = 'payroll_line' limit 1) returning record_key"""
    with two.hub.house.engine.connect() as work:
        before = {one: len(find_moved(work, one, "payroll_line", areas[one])) for one in areas}
        [moved] = rows_of(work, moving, id=batch_id)
        found = {one: find_moved(work, one, "payroll_line", areas[one]) for one in areas}
        work.rollback()
    assert before == {CITY_OFFICE: 0, PROVINCE: 0}
    assert [(row.record_key, row.its_version, row.newest_version) for row in found[CITY_OFFICE]] == [
        (moved.record_key, 1, 2)
    ]
    assert found[PROVINCE] == []


def spoil_moment(two: Two, name: str, moment: str) -> str:
    """Put a moment that Tai'an's form cannot hold into line 7 of a file, or a good one; the record's key."""
    sql = """update record.payroll_line as r set paid_at = cast(:moment as timestamptz) from batch
             where batch.batch_id = r.batch_id and source_name like :name and ltrim(printed_no, '0') = '7' returning record_key"""
    [row] = two.hub.ask(sql, name=f"%/{name}", moment=moment)
    return str(row.record_key)


def last_code(two: Two, key: str) -> str:
    sql = """select code from receipt join delivery using (delivery_id)
             where receiver = 'taian' and record_key = :key order by receipt_id desc limit 1"""
    return str(two.hub.ask(sql, key=key)[0].code)


def test_a_record_nobody_can_write_stops_no_other_and_goes_out_when_it_can(two: Two) -> None:
    """R005 for it alone, in its receipt, its bank's FIN_ and an alarm without its value; once mended it goes out by its code."""
    name = stored(two)
    key = spoil_moment(two, name, "20000-01-01 08:00:00+08")
    before = two.has(CITY_OFFICE)
    two.deliver()
    tell(two)
    assert last_code(two, key) == "R005"
    assert states(two, name, CITY_OFFICE)["accepted"] >= 37
    assert two.has(CITY_OFFICE)["created"] - before["created"] == states(two, name, CITY_OFFICE)["accepted"]
    assert {"REFUSED", "R005"} <= {
        *next(line for line in return_lines(two.hub.up, "haidai", f"FIN_{name}") if line[0] == "7")
    }
    [alarm] = [alarm for alarm in two.hub.alarms() if "R005" in alarm]
    assert "20000" not in alarm
    assert gaps_of(pipeline.balance_of(two.hub.house, [two.hub.batch(name).batch_id])) == []
    spoil_moment(two, name, "2026-11-24 08:00:00+08")
    assert pipeline.resend(two.hub.house, Chosen(receiver=CITY_OFFICE, code="R005")) == 1
    two.deliver()
    assert last_code(two, key) != "R005"


@pytest.mark.parametrize("point", ["", "deliver.set_aside"])
def test_a_record_that_cannot_be_read_stops_no_other(two: Two, monkeypatch: pytest.MonkeyPatch, point: str) -> None:
    """Nor does a worker that dies before its neighbours are sent: the next one sends them once, under the same submission."""
    name, real = stored(two), deliveries.payload_of
    sql = """select idempotency_key from delivery join batch using (batch_id) where source_name like :name
             and receiver = 'taian' and schema_name = 'payroll_line' order by delivery_id limit 1 offset 11"""
    poison = two.hub.ask(sql, name=f"%/{name}")[0].idempotency_key

    def failing(work: Any, submission: Any, keys: Sequence[str]) -> list[dict[str, Any]]:
        if poison in keys:
            raise KeyError("somebody's name")
        return real(work, submission, keys)

    class Killed(BaseException):
        """What no handler catches."""

    def kill(reached: str) -> None:
        if reached == point:
            points.watch(None)
            raise Killed

    monkeypatch.setattr(deliveries, "payload_of", failing)
    before = two.has(CITY_OFFICE)
    if point:
        points.watch(kill)
        with pytest.raises(Killed):
            two.deliver()
    two.deliver()
    after, found = two.has(CITY_OFFICE), states(two, name, CITY_OFFICE)
    assert after["created"] - before["created"] == found["accepted"] >= 37
    assert after["exists"] == before["exists"]
    sql = """select code, count(*) as n from receipt join delivery using (delivery_id)
             where receiver = 'taian' and idempotency_key = :key group by 1"""
    assert [tuple(row) for row in two.hub.ask(sql, key=poison)] == [("R005", 1)]


def test_what_no_record_can_be_written_by_is_no_records_fault(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mapping that fails over nothing at all: its records wait, other kinds go out, and the run says so at its end."""
    name, real = stored(two), open_api.write_rows

    def failing(fields: Any, frame: Any, codes: Any) -> list[dict[str, Any]]:
        if "backpay_month" not in frame.columns:  # payroll_batch
            raise TypeError("a library's own words")
        return real(fields, frame, codes)

    monkeypatch.setattr(open_api, "write_rows", failing)
    receives = two.hub.house.registry.receives(CITY_OFFICE)
    receiver = OpenApiReceiver(two.served.connection(CITY_OFFICE), receives, REGISTRY.codes)
    with pytest.raises(MappingInvalid, match="payroll_batch cannot be written for taian: TypeError"):
        pipeline.deliver_waiting(two.hub.house, CITY_OFFICE, receives, receiver)
    assert states(two, name, CITY_OFFICE, "payroll_batch") == {"submitted": 1}
    sql = (
        "select 1 from submission where receiver = 'taian' and schema_name = 'payroll_line' and serial_code is not null"
    )
    assert two.hub.ask(f"{sql} and answered_at is null")
    monkeypatch.undo()
    two.deliver()
    assert states(two, name, CITY_OFFICE, "payroll_batch")["submitted"] == 0
