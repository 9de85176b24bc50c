"""Submissions that fail as a whole, receipts that contradict each other, and batches that wait for what others sent."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from round_trip import PROVINCE, Hub, return_lines

from connectors.open_api import OpenApiReceiver
from hub import bootstrap, pipeline
from hub.errors import PartnerRefused, SubmissionRefused
from hub.model import BatchState, Outcome, ReceiptAnswer, Stage
from hub.store import batches, deliveries
from hub.store.database import rows_of
from hub.store.statuses import read_statuses
from simulators.drops import extra_drop
from simulators.projects import BANKS
from simulators.world import City

CITY = City(7, 0.1)
FEED = "haidai_payrolls"
DAY = f"in/{CITY.day:%Y%m%d}"
_extras = count(1)


def payroll() -> tuple[str, bytes]:
    """A payroll file of forty lines that nobody has dropped."""
    made = extra_drop(CITY, BANKS["haidai"], "PAYR", 300 + next(_extras), None)
    assert made.content is not None
    return made.name, made.content


@pytest.fixture
def name(hub: Hub) -> str:
    """A file of forty lines, stored and not sent."""
    hub.deliver()
    name, content = payroll()
    hub.up.control.drop("haidai", f"{DAY}/{name}", content)
    hub.fetch(FEED)
    hub.store(FEED)
    return name


def at_once(hub: Hub) -> None:
    """What waits for its time need not."""
    hub.ask("update delivery set not_before = null where state = 'waiting' returning 1")


def lines(hub: Hub, name: str, what: str = "state") -> Counter[Any]:
    """The lines of a file, counted by one column of their deliveries."""
    sql = f"""select delivery.{what} as word from delivery join batch using (batch_id)
              where source_name like :name and schema_name = 'payroll_line'"""
    return Counter(row.word for row in hub.ask(sql, name=f"%/{name}"))


def receipts(hub: Hub, name: str) -> Counter[Any]:
    """The receipts of a file's lines by outcome and code."""
    sql = """select outcome, code from receipt join delivery using (delivery_id) join batch using (batch_id)
             where source_name like :name and schema_name = 'payroll_line'"""
    return Counter((row.outcome, row.code) for row in hub.ask(sql, name=f"%/{name}"))


def test_a_submission_that_fails_as_a_whole_is_sent_again(hub: Hub, name: str) -> None:
    """Every record goes back, is sent under another key, and has one effect."""
    hub.up.control.fault(PROVINCE, "fail_batch", 2)
    hub.submit()
    hub.collect()
    assert lines(hub, name) == {"waiting": 40}
    assert receipts(hub, name) == {("delayed", "S002"): 40}
    at_once(hub)
    hub.deliver()
    assert lines(hub, name)["accepted"] >= 38
    assert set(lines(hub, name)) <= {"accepted", "refused"}
    keys = {row.record_key for row in hub.ask("select record_key from record.payroll_line join batch using (batch_id) "
                                              "where source_name like :name", name=f"%/{name}")}  # fmt: skip
    for effect in hub.up.control.effects("payroll_line"):
        if effect["record_key"] in keys:
            assert (effect["created"] + effect["refused"], effect["existing"]) == (1, 0)


class Choosy(OpenApiReceiver):
    """A receiver that cannot read one record and then turns the whole submission down."""

    sizes: list[int]
    poison = ""

    def submit(self, schema: str, batch_key: str, records: Sequence[Mapping[str, Any]]) -> str | list[ReceiptAnswer]:
        if schema == "payroll_line":
            self.sizes.append(len(records))
            if any(record["recordKey"] == self.poison for record in records):
                raise SubmissionRefused("Record.Submit answered code 2001: records")
        return super().submit(schema, batch_key, records)


def test_one_record_nobody_can_read_takes_no_other_along(hub: Hub, name: str) -> None:
    """Groups of sixteen, four, one; in the end it stands alone, given up as R003, and the bank reads so."""
    receives = hub.house.registry.receives(PROVINCE).model_copy(update={"max_batch": 16, "delayed_at_most": 3})
    receiver = Choosy(bootstrap.find_connection("province_api"), receives, {})
    receiver.sizes = []
    sql = """select record_key from record.payroll_line join batch using (batch_id)
             where source_name like :name order by row_no limit 1 offset 20"""
    receiver.poison = hub.ask(sql, name=f"%/{name}")[0].record_key
    for _ in range(4):
        at_once(hub)
        pipeline.deliver_waiting(hub.house, PROVINCE, receives, receiver)
        pipeline.collect_receipts(hub.house, PROVINCE, receives, receiver)
    hub.deliver()
    assert receiver.sizes[:3] == [16, 16, 8]
    assert receiver.sizes[3:7] == [4, 4, 4, 4]
    assert receiver.sizes[7:] == [1, 1, 1, 1, 1]
    assert lines(hub, name, "attempts") == {1: 24, 2: 12, 3: 3, 4: 1}
    state = hub.ask("select state from delivery where record_key = :key", key=receiver.poison)
    assert [row.state for row in state] == ["refused"]
    assert receipts(hub, name)["refused", "R003"] == 1
    hub.run([FEED])
    told = {line[0]: line for line in return_lines(hub.up, "haidai", f"FIN_{name}")[1:]}
    assert told["21"][1:4:2] == ["REFUSED", "R003"]


def test_code_2001_gives_the_submission_back(hub: Hub, name: str, caplog: pytest.LogCaptureFixture) -> None:
    """The province's own word for a submission it cannot read; other codes are for a person, and change nothing."""
    receives = hub.house.registry.receives(PROVINCE)
    other = receives.model_copy(update={"unreadable": ()})

    class Unreadable(OpenApiReceiver):
        def _post(self, call: str, parameters: Mapping[str, Any]) -> bytes:
            no = b'{"code": "2001", "message": "no", "data": null}'
            return no if call == "Record.Submit" else super()._post(call, parameters)

    connection = bootstrap.find_connection("province_api")
    with pytest.raises(PartnerRefused):
        pipeline.deliver_waiting(hub.house, PROVINCE, other, Unreadable(connection, other, {}))
    opened = hub.ask("select 1 from submission where answered_at is null and serial_code is null")
    assert len(opened) == 2  # the payroll and its lines: one that is turned down keeps no other from being tried
    with caplog.at_level(logging.ERROR, "hub"):
        assert pipeline.deliver_waiting(hub.house, PROVINCE, receives, Unreadable(connection, receives, {})) == 0
    assert "was refused" in caplog.text
    assert hub.ask("select 1 from submission where answered_at is null") == []
    assert set(lines(hub, name)) == {"waiting"}
    at_once(hub)
    hub.deliver()


@pytest.mark.parametrize("knob", ["doubled_result", "stray_result"])
def test_contradictory_and_strange_answers_count_once(hub: Hub, name: str, knob: str) -> None:
    """Of two answers to one record the first counts; an answer to nobody's record counts for nothing."""
    hub.up.control.fault(PROVINCE, knob, 2)
    hub.deliver()
    assert sum(receipts(hub, name).values()) == 40
    assert Counter({"accepted": 40}) - lines(hub, name) == Counter({"accepted": lines(hub, name)["refused"]})
    hub.run([FEED])
    assert hub.batch(name).state is BatchState.REPORTED


class Answering(OpenApiReceiver):
    """A receiver that answers what a test says."""

    answer: Callable[[str], list[ReceiptAnswer]]

    def poll(self, serial_code: str) -> list[ReceiptAnswer] | None:
        return self.answer(serial_code)


def answer_with(hub: Hub, answer: Callable[[str], list[ReceiptAnswer]]) -> Answering:
    receiver = Answering(bootstrap.find_connection("province_api"), hub.house.registry.receives(PROVINCE), {})
    receiver.answer = answer
    return receiver


def keys_of(hub: Hub, serial: str) -> list[str]:
    sql = "select idempotency_key from delivery join submission using (submission_id) where serial_code = :serial"
    return [row.idempotency_key for row in hub.ask(sql, serial=serial)]


def test_yes_and_no_to_the_same_record_is_neither(hub: Hub, name: str) -> None:
    """Asked again under its key (R004), as is a record nobody mentioned; the receiver has it once, and says so then."""
    hub.submit()

    def answer(serial: str) -> list[ReceiptAnswer]:
        keys = keys_of(hub, serial)[:-1]
        yes = [ReceiptAnswer(key, Outcome.ACCEPTED, "0", "") for key in keys]
        return yes + [ReceiptAnswer(key, Outcome.REFUSED, "2003", "no") for key in keys]

    receives = hub.house.registry.receives(PROVINCE)
    assert pipeline.collect_receipts(hub.house, PROVINCE, receives, answer_with(hub, answer)) == 0
    assert lines(hub, name) == {"waiting": 40}
    assert receipts(hub, name) == {("delayed", "R004"): 39, ("delayed", "R001"): 1}
    assert any("39 records with receipts that contradict each other" in alarm for alarm in hub.alarms())
    at_once(hub)
    hub.deliver()
    assert lines(hub, name)["accepted"] >= 38
    assert {effect["created"] for effect in hub.up.control.effects("payroll_line")} <= {0, 1}


def test_a_receipt_with_a_nul_is_written(hub: Hub, name: str) -> None:
    """PostgreSQL keeps none; its picture stands there instead."""
    hub.submit()
    receiver = answer_with(
        hub,
        lambda serial: [ReceiptAnswer(key, Outcome.ACCEPTED, "0", "a\x00b", "\x00") for key in keys_of(hub, serial)],
    )
    pipeline.collect_receipts(hub.house, PROVINCE, hub.house.registry.receives(PROVINCE), receiver)
    assert lines(hub, name) == {"accepted": 40}
    assert hub.ask("select 1 from receipt where message = 'a␀b'")


def test_one_answer_nobody_agreed_on_does_not_hide_the_others(hub: Hub, name: str) -> None:
    """It is for a person to look at, and it is said; what else was answered is written down."""
    hub.submit()
    first = hub.ask("select min(submission_id) as id from submission where answered_at is null")[0].id
    odd = hub.ask("select serial_code from submission where submission_id = :id", id=first)[0].serial_code

    def answer(serial: str) -> list[ReceiptAnswer]:
        if serial == odd:
            raise PartnerRefused("submission was answered with a status nobody agreed on")
        return [ReceiptAnswer(key, Outcome.ACCEPTED, "0", "") for key in keys_of(hub, serial)]

    with pytest.raises(PartnerRefused, match="nobody agreed"):
        pipeline.collect_receipts(hub.house, PROVINCE, hub.house.registry.receives(PROVINCE), answer_with(hub, answer))
    assert lines(hub, name) == {"accepted": 40}
    hub.deliver()


def test_a_batch_that_repeats_waits_for_the_first_answer(hub: Hub, name: str) -> None:
    """Its own rows are sent under the batch they first came in; told too early, all of them would read as delayed."""
    [content] = [hub.house.archive.read(hub.batch(name).parts[0])]
    second = name.replace("_v1", "_v2")
    hub.up.control.drop("haidai", f"{DAY}/{second}", content + b"\r\n")
    hub.fetch(FEED)
    hub.store(FEED)
    assert lines(hub, second) == {}
    ours = hub.batch(second).batch_id
    assert ours not in pipeline.mark_delivered(hub.house)
    hub.submit()
    assert ours not in pipeline.mark_delivered(hub.house)
    hub.deliver()
    assert hub.batch(second).state is BatchState.DELIVERED
    hub.run([FEED])
    told = return_lines(hub.up, "haidai", f"FIN_{second}")[1:]
    assert len(told) == 40
    assert {line[1] for line in told} <= {"ACCEPTED", "REFUSED"}


def test_a_record_goes_to_those_whose_area_it_lies_in(hub: Hub, name: str) -> None:
    """Once to each, also when two of a receiver's areas hold it; a receiver elsewhere gets nothing."""
    batch_id = hub.batch(name).batch_id
    sql = "select area6_code as area from record.payroll_line where batch_id = :id group by 1"
    areas = {row.area[:4] for row in hub.ask(sql, id=batch_id)}
    assert areas == {"3709"}
    routes = [("here", "3709"), ("here", "37"), ("there", "3702"), ("everywhere", "")]
    counted = (
        "select receiver, count(*) as n from delivery where batch_id = :id and schema_name = 'payroll_line' group by 1"
    )
    with hub.house.engine.connect() as work:
        deliveries.add_deliveries(work, batch_id, "payroll_line", routes, FEED)
        deliveries.add_deliveries(work, batch_id, "payroll_line", [], FEED)
        found = {row.receiver: row.n for row in rows_of(work, counted, id=batch_id)}
        work.rollback()
    assert found == {"province": 40, "here": 40, "everywhere": 40}
    hub.deliver()


def test_what_was_corrected_since_is_never_owed_anew(hub: Hub, name: str) -> None:
    """A batch that is read again must not send its old versions after the new ones to a receiver that joined in between."""
    batch_id = hub.batch(name).batch_id
    owed = "select count(*) as n from delivery where receiver = 'late' and schema_name = 'payroll_line'"
    with hub.house.engine.connect() as work:
        rows_of(
            work,
            "update record.payroll_line set is_current = row_no % 2 = 0 where batch_id = :id returning 1",
            id=batch_id,
        )
        deliveries.add_deliveries(work, batch_id, "payroll_line", [("late", "")], FEED)
        assert rows_of(work, owed)[0].n == 20
        work.rollback()
    hub.deliver()


class AtOnce(OpenApiReceiver):
    """A receiver that answers in the same call."""

    def submit(self, schema: str, batch_key: str, records: Sequence[Mapping[str, Any]]) -> str | list[ReceiptAnswer]:
        return [ReceiptAnswer(record["idempotencyKey"], Outcome.ACCEPTED, "0", "", "N1") for record in records]


def test_what_is_answered_at_once_is_written_at_once(hub: Hub, name: str) -> None:
    """No submission stays open, and nobody is asked."""
    receives = hub.house.registry.receives(PROVINCE)
    receiver = AtOnce(bootstrap.find_connection("province_api"), receives, {})
    assert pipeline.deliver_waiting(hub.house, PROVINCE, receives, receiver) == 41
    assert lines(hub, name) == {"accepted": 40}
    assert receipts(hub, name) == {("accepted", "0"): 40}
    assert hub.ask("select 1 from submission where answered_at is null") == []
    assert pipeline.collect_receipts(hub.house, PROVINCE, receives, receiver) == 0


@pytest.mark.parametrize(("takes_parent", "state"), [(True, "refused"), (False, "waiting")])
def test_only_a_parent_the_receiver_takes_is_an_obstacle(hub: Hub, name: str, takes_parent: bool, state: str) -> None:
    """Its refusal gives delayed lines up at once; a parent the receiver takes no more does not."""
    hub.submit()
    schemas = {row.serial_code: row.schema_name for row in hub.ask("select serial_code, schema_name from submission")}

    def answer(serial: str) -> list[ReceiptAnswer]:
        is_line = schemas[serial] == "payroll_line"
        outcome, code = (Outcome.DELAYED, "3001") if is_line else (Outcome.REFUSED, "2003")
        return [ReceiptAnswer(key, outcome, code, "") for key in keys_of(hub, serial)]

    receives = hub.house.registry.receives(PROVINCE)
    taken = {schema: spec for schema, spec in receives.records.items() if takes_parent or schema != "payroll_batch"}
    patient = receives.model_copy(update={"records": taken, "delayed_at_most": 9})
    assert pipeline.collect_receipts(hub.house, PROVINCE, patient, answer_with(hub, answer)) == 0
    assert lines(hub, name) == {state: 40}
    at_once(hub)
    hub.deliver()


def test_only_schemas_with_something_due_are_claimed(hub: Hub, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty-nine schemas are not tried one by one every second for every receiver."""
    claimed: list[str] = []
    claim = deliveries.claim_waiting

    def counting(work: Any, receiver: str, schema: str, batch_key: str, limit: int) -> Any:
        claimed.append(schema)
        return claim(work, receiver, schema, batch_key, limit)

    monkeypatch.setattr(deliveries, "claim_waiting", counting)
    hub.submit()
    assert claimed == ["payroll_batch", "payroll_batch", "payroll_line", "payroll_line"]
    claimed.clear()
    hub.submit()
    assert claimed == []
    hub.deliver()


@pytest.mark.parametrize(
    ("province", "city", "told", "remote_id"),
    [
        ("accepted", "accepted", Outcome.ACCEPTED, "N-province"),
        ("accepted", "refused", Outcome.REFUSED, "N-city"),
        ("refused", "accepted", Outcome.REFUSED, "N-province"),
        ("accepted", "waiting", Outcome.DELAYED, "N-city"),
    ],
)
def test_a_row_with_two_receivers_is_told_of_once(
    hub: Hub, name: str, province: str, city: str, told: Outcome, remote_id: str
) -> None:
    """The worst of what was answered; where all took it, under the number of the receiver that came first."""
    batch_id = hub.batch(name).batch_id
    answered = """with d as (update delivery set state = cast(:state as text) where batch_id = :id and receiver = :receiver
                             returning delivery_id),
                       s as (insert into submission (receiver, schema_name, batch_key)
                             values (:receiver, 'payroll_line', gen_random_uuid()::text) returning submission_id)
                  insert into receipt (delivery_id, submission_id, outcome, code, message, remote_id)
                  select delivery_id, submission_id, 'accepted', :receiver, '', 'N-' || :receiver from d, s returning 1"""
    with hub.house.engine.connect() as work:
        deliveries.add_deliveries(work, batch_id, "payroll_line", [("city", "3709")], FEED)
        for receiver, state in (("province", province), ("city", city)):
            rows_of(work, answered, id=batch_id, receiver=receiver, state=state)
        statuses = read_statuses(work, batch_id, Stage.OUTCOME, ["payroll_line"], every_row=True)
        work.rollback()
    assert [status.row_no for status in statuses] == sorted({status.row_no for status in statuses})
    assert {(status.outcome, status.remote_id) for status in statuses} == {(told, remote_id)}
    assert len(statuses) == 40
    hub.deliver()


def test_a_row_that_nobody_takes_still_has_its_line(hub: Hub, name: str) -> None:
    """No receiver, or none in its area: the batch goes on, a return file says stored, and a call has nothing to say."""
    batch_id = hub.batch(name).batch_id
    with hub.house.engine.connect() as work:
        rows_of(work, "delete from delivery where batch_id = :id and row_no > 10 returning 1", id=batch_id)
        rows_of(work, "update delivery set state = 'accepted' where batch_id = :id returning 1", id=batch_id)
        told = read_statuses(work, batch_id, Stage.OUTCOME, ["payroll_line"], every_row=True)
        called = read_statuses(work, batch_id, Stage.OUTCOME, ["payroll_line"], every_row=False)
        assert batch_id in batches.answered_batches(work)
        work.rollback()
    assert Counter(status.outcome for status in told if status.row_no > 10) == {Outcome.STORED: len(told) - len(called)}
    assert len(told) == 40
    assert {status.outcome for status in called} == {Outcome.ACCEPTED}
    hub.deliver()


def test_a_receiver_that_joins_late_catches_up(hub: Hub, name: str) -> None:
    """Every record on file in its areas, once, in the newest version; doing it twice adds nothing.

    Whoever waits for a last word waits for this receiver too, and is not told of a delay.
    """
    receives = hub.house.registry.receives(PROVINCE)
    taken = {schema: receives.records[schema] for schema in ("payroll_line", "clue")}
    late = {
        "late": receives.model_copy(update={"partner": "late", "areas": ("3702", "3709"), "records": taken}),
        "elsewhere": receives.model_copy(update={"partner": "elsewhere", "areas": ("3702",), "records": taken}),
    }
    registry = replace(hub.house.registry, receivers={**hub.house.registry.receivers, **late})
    house = replace(hub.house, registry=registry)
    on_file = hub.ask("select count(*) as n from record.payroll_line where is_current")[0].n
    answered = [batch.batch_id for batch in hub.batches(FEED) if batch.state is BatchState.DELIVERED]
    assert [one.batch_id for one in pipeline.batches_to_report(house, Stage.OUTCOME, [FEED])] == answered != []
    assert pipeline.catch_up(house, "late")["payroll_line"] == on_file
    assert pipeline.batches_to_report(house, Stage.OUTCOME, [FEED]) == []
    assert set(pipeline.catch_up(house, "late").values()) == {0}
    assert set(pipeline.catch_up(house, "elsewhere").values()) == {0}
    same = hub.ask("""select count(*) as n from delivery as d join delivery as e using (schema_name, record_id, idempotency_key)
                      where d.receiver = 'late' and e.receiver = 'province' and d.schema_name = 'payroll_line'""")
    assert same[0].n == on_file
    hub.ask("delete from delivery where receiver = 'late' returning 1")
    hub.deliver()
