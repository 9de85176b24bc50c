"""What an officer does by hand, interrupted at each of its commit points and typed again: it takes effect once, and adds up."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from itertools import count
from typing import Any

import pytest
from round_trip import PROVINCE, Hub

from hub import bootstrap, pipeline, points
from hub.conservation import gaps_of
from hub.errors import Busy, NotAllowed
from hub.model import Batch, BatchState
from hub.pipeline import Period, guarding
from hub.settings import today
from hub.store.replays import Wanted
from hub.store.resending import Chosen
from simulators.drops import extra_drop
from simulators.projects import BANKS
from simulators.world import City

CITY = City(7, 0.1)
FEED = "haidai_payrolls"
_extras = count(1)


class Killed(BaseException):
    """What no handler catches."""


@contextmanager
def killed_at(point: str) -> Iterator[None]:
    """The process ends when it comes to this point for the first time."""

    def end(reached: str) -> None:
        if reached == point:
            points.watch(None)
            raise Killed

    points.watch(end)
    try:
        with pytest.raises(Killed):
            yield
    finally:
        points.watch(None)


def content_of(number: int) -> tuple[str, bytes]:
    made = extra_drop(CITY, BANKS["haidai"], "PAYR", number, None)
    assert made.content is not None
    return made.name, made.content


@pytest.fixture
def batch(hub: Hub) -> Batch:
    """A reported batch of which the card number of line 1 is wrong."""
    name, content = content_of(1100 + next(_extras))
    spoiled = re.sub(rb"\|(6\d{15,18})\|", rb"|1\1|", content, count=1)
    hub.up.control.drop("haidai", f"in/{CITY.day:%Y%m%d}/{name}", spoiled)
    hub.run([FEED])
    assert hub.batch(name).state is BatchState.REPORTED
    return hub.batch(name)


def lines_at_province(hub: Hub) -> dict[str, int]:
    received = hub.up.control.ledger()["received"][PROVINCE]["payroll_line"]
    return {"first": received.get("created", 0) + received.get("refused", 0), "again": received.get("exists", 0)}


def tally(hub: Hub, batch: Batch) -> Any:
    sql = "select * from tally where batch_id = :id and schema_name = 'payroll_line'"
    return hub.ask(sql, id=batch.batch_id)[0]


def check(hub: Hub, batch: Batch, stored: int) -> None:
    """Everything went its way, and adds up."""
    hub.run([FEED])
    assert hub.batch(batch.source_name.rpartition("/")[2]).state is BatchState.REPORTED
    assert gaps_of(pipeline.balance_of(hub.house, [batch.batch_id])) == []
    assert (tally(hub, batch).stored_rows, tally(hub, batch).rejected_rows) == (stored, 40 - stored)


def repair(hub: Hub, batch: Batch) -> None:
    """Ask, unless it was asked, and approve, unless it was approved: what officers do who look first what stands."""
    standing = hub.ask("select repair_id, state from repair where batch_id = :id", id=batch.batch_id)
    if not standing:
        pipeline.ask_repair(hub.house, batch.batch_id, {"1": {"卡号": cards(hub, batch)}}, "王科长", "来函")
    for row in hub.ask("select repair_id from repair where batch_id = :id and state = 'waiting'", id=batch.batch_id):
        pipeline.approve_repair(hub.house, row.repair_id, "李科长")


@pytest.mark.parametrize("point", ["repair.asking", "repair.asked", "repair.writing", "repair.effective"])
def test_a_repair_takes_effect_once(hub: Hub, batch: Batch, point: str) -> None:
    """The corrected line goes to the province once, in one repair."""
    before = lines_at_province(hub)
    with killed_at(point):
        repair(hub, batch)
    repair(hub, batch)
    check(hub, batch, 40)
    assert lines_at_province(hub) == {**before, "first": before["first"] + 1}
    states = hub.ask("select state from repair where batch_id = :id", id=batch.batch_id)
    assert [row.state for row in states] == ["effective"]


@pytest.mark.parametrize("point", ["repair.declining", "repair.declined"])
def test_a_declined_repair_stays_declined(hub: Hub, batch: Batch, point: str) -> None:
    """Before the commit it waits on; after it, it cannot be approved."""
    asked = pipeline.ask_repair(hub.house, batch.batch_id, {"1": {"卡号": cards(hub, batch)}}, "王科长", "来函")
    with killed_at(point):
        pipeline.decline_repair(hub.house, asked.repair_id, "李科长")
    state = hub.ask("select state from repair where repair_id = :id", id=asked.repair_id)[0].state
    assert state == ("waiting" if point == "repair.declining" else "declined")
    if state == "waiting":
        pipeline.decline_repair(hub.house, asked.repair_id, "李科长")
    with pytest.raises(NotAllowed):
        pipeline.approve_repair(hub.house, asked.repair_id, "张科长")
    check(hub, batch, 39)


def cards(hub: Hub, batch: Batch) -> str:
    content = hub.house.archive.read(batch.parts[0]).decode("gb18030")
    return str(re.findall(r"\|1(6\d{15,18})\|", content)[0])


def replay(hub: Hub, batch: Batch) -> int:
    """Every batch of the feed; how many were left as they were."""
    wanted = Wanted(FEED, today() - timedelta(days=1), today() + timedelta(days=1))
    replay_id, _, _ = pipeline.open_replay(hub.house, wanted, "王科长")
    return pipeline.run_replay(hub.house, replay_id, lambda done: None)


@pytest.mark.parametrize(
    "point",
    ["replay.opening", "replay.opened", "replay.reading", "replay.read", "replay.closing", "replay.closed"],
)
def test_a_replay_goes_on(hub: Hub, batch: Batch, point: str) -> None:
    """Nothing changes by it, at the province or in the account."""
    before = lines_at_province(hub)
    with killed_at(point):
        replay(hub, batch)
    assert replay(hub, batch) == 0
    check(hub, batch, 39)
    assert lines_at_province(hub) == before
    assert hub.ask("select 1 from replay where finished_at is null") == []


@pytest.mark.parametrize("point", ["replay.leaving", "replay.left"])
def test_a_batch_that_is_left_is_noted_once(hub: Hub, batch: Batch, point: str) -> None:
    """Its bytes are gone: it stays what it was, with one word about it."""
    hub.ask("update batch set parts = array[repeat('0', 64)] where batch_id = :id returning 1", id=batch.batch_id)
    try:
        with killed_at(point):
            replay(hub, batch)
        assert replay(hub, batch) == (1 if point == "replay.leaving" else 0)
        noted = hub.ask("select state, code from replay_batch where batch_id = :id", id=batch.batch_id)
        assert [tuple(row) for row in noted] == [("left", "S005")]
    finally:
        sql = "update batch set parts = :parts where batch_id = :id returning 1"
        hub.ask(sql, parts=list(batch.parts), id=batch.batch_id)
    check(hub, batch, 39)


@pytest.mark.parametrize("point", ["resend.owing", "resend.owed"])
def test_a_resend_sends_once(hub: Hub, batch: Batch, point: str) -> None:
    """Whether the first or the second command owed it: one record goes out once more."""
    key = hub.ask(
        """update delivery set state = 'refused' where delivery_id = (
             select min(delivery_id) from delivery where batch_id = :id and schema_name = 'payroll_line' and state = 'accepted')
           returning record_key""",
        id=batch.batch_id,
    )[0].record_key
    hub.ask(
        """insert into receipt (delivery_id, submission_id, outcome, code, message)
           select delivery_id, submission_id, 'refused', '2003', '' from delivery where record_key = :key
           on conflict (delivery_id, submission_id) do update set outcome = 'refused' returning 1""",
        key=key,
    )
    before, chosen = lines_at_province(hub), Chosen(batch_id=batch.batch_id, receiver=PROVINCE)
    with killed_at(point):
        pipeline.resend(hub.house, chosen)
    pipeline.resend(hub.house, chosen)
    check(hub, batch, 39)
    assert lines_at_province(hub)["first"] == before["first"]
    assert hub.ask("select state from delivery where record_key = :key", key=key)[0].state == "accepted"


def owe_gone(hub: Hub, batch: Batch) -> int:
    """Owe what the province was owed of a batch to a receiver that stands in no mapping; how many records."""
    sql = """insert into delivery (receiver, schema_name, record_id, record_key, version, batch_id, row_no, fen, idempotency_key)
             select 'gone', schema_name, record_id, record_key, version, batch_id, row_no, fen, 'gone' || idempotency_key
             from delivery where batch_id = :id and receiver = 'province' on conflict do nothing returning 1"""
    return len(hub.ask(sql, id=batch.batch_id))


def drop_gone(hub: Hub, batch: Batch) -> int:
    owe_gone(hub, batch)
    return pipeline.drop_receiver(hub.house, "gone", None, "王科长", "停用")


@pytest.mark.parametrize("point", ["drop.withdrawing", "drop.withdrawn"])
def test_a_drop_withdraws_once(hub: Hub, batch: Batch, point: str) -> None:
    """And leaves no lease behind that would keep anybody waiting."""
    owed = owe_gone(hub, batch)
    with killed_at(point):
        pipeline.drop_receiver(hub.house, "gone", None, "王科长", "停用")
    pipeline.drop_receiver(hub.house, "gone", None, "王科长", "停用")
    states = hub.ask("select state, count(*) as n from delivery where receiver = 'gone' and batch_id = :id group by 1",
                     id=batch.batch_id)  # fmt: skip
    assert [tuple(row) for row in states] == [("withdrawn", owed)]
    check(hub, batch, 39)


@pytest.mark.parametrize("point", ["wake.waking", "wake.woken"])
def test_children_are_woken_once(hub: Hub, batch: Batch, point: str) -> None:
    """Thirty-nine lines were given up for want of a payroll that the province has: they go out once more, and not a third time."""
    sql = """with orphan as (update delivery set state = 'refused' where batch_id = :id and schema_name = 'payroll_line'
                                    and state = 'accepted' returning delivery_id)
             update receipt set outcome = 'refused', code = 'R002' from orphan
             where receipt.delivery_id = orphan.delivery_id returning 1"""
    orphans, before = len(hub.ask(sql, id=batch.batch_id)), lines_at_province(hub)
    with killed_at(point):
        pipeline.wake_children(hub.house)
    woken = pipeline.wake_children(hub.house)
    assert woken == (orphans if point == "wake.waking" else 0)
    check(hub, batch, 39)
    assert lines_at_province(hub)["first"] == before["first"]
    assert pipeline.wake_children(hub.house) == 0


@pytest.mark.parametrize("point", ["backfill.kept", "backfill.stored"])
def test_a_backfill_goes_on(hub: Hub, point: str) -> None:
    """Two files of an old day: each is one batch, whichever command kept it and whichever stored it."""
    feed, own = hub.feed(FEED), f"{CITY.day:%Y%m%d}"
    day = date(2026, 3, 2 if point == "backfill.kept" else 3)
    names = []
    for _ in range(2):
        name, content = content_of(1100 + next(_extras))
        content = content.replace(f"|PAYR|{own}|".encode(), f"|PAYR|{day:%Y%m%d}|".encode())
        names.append(hub.up.control.drop("haidai", f"in/{day:%Y%m%d}/{name.replace(own, f'{day:%Y%m%d}')}", content))

    def backfill() -> None:
        with bootstrap.open_connector(feed, (day, day)) as connector:
            list(pipeline.backfill(hub.house, feed, connector, Period(day, day)))

    with killed_at(point):
        backfill()
    backfill()
    hub.run([FEED])
    for name in names:
        assert [one.state for one in hub.batches(FEED) if one.source_name.endswith(name)] == [BatchState.REPORTED]
        assert gaps_of(pipeline.balance_of(hub.house, [hub.batch(name).batch_id])) == []


Act = Callable[[Hub, Batch], object]
ACTS: dict[str, tuple[str, Act]] = {
    "approve": (f"feed/{FEED}", repair),
    "replay": (f"feed/{FEED}", lambda hub, batch: pipeline.replay_batch(hub.house, batch.batch_id)),
    "drop": ("receiver/gone", drop_gone),
}


@pytest.mark.parametrize("act", ACTS)
def test_nobody_is_worked_against(hub: Hub, batch: Batch, act: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """While another worker is at the feed or the receiver a command waits, and changes nothing when that takes too long."""
    monkeypatch.setattr(guarding, "PATIENCE_SECONDS", 0.0)
    name, run = ACTS[act]
    before = tally(hub, batch)
    with pipeline.holding(hub.house, name, "airflow"), pytest.raises(Busy):
        run(Hub(hub.house, hub.up), batch)
    assert tally(hub, batch) == before
    run(hub, batch)
    check(hub, batch, 40 if act == "approve" else 39)
