"""Replays by filter, and what is sent once more: each batch is read once, and no receiver gets what it has already."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from round_trip import PROVINCE, Hub, effects, other_serials

from hub import pipeline
from hub.errors import FeedChanged
from hub.model import Batch, BatchState
from hub.pipeline import replaying
from hub.registry import read_registry
from hub.settings import today
from hub.store.replays import Wanted
from simulators.drops import extra_drop
from simulators.projects import BANKS
from simulators.world import City

CITY = City(7, 0.1)
FEED = "haidai_payrolls"
_extras = count(1)


def name_for() -> str:
    return f"313_370900_PAYR_{CITY.day:%Y%m%d}_{900 + next(_extras):04d}_v1.txt"


def content_of(change: Callable[[bytes], bytes] = lambda content: content) -> bytes:
    made = extra_drop(CITY, BANKS["haidai"], "PAYR", 700 + next(_extras), None)
    assert made.content is not None
    return change(made.content)


def upload(hub: Hub, name: str, content: bytes) -> str:
    return hub.up.control.drop("haidai", f"in/{CITY.day:%Y%m%d}/{name}", content)


def file(hub: Hub, change: Callable[[bytes], bytes] = lambda content: content) -> Batch:
    """A payroll file of forty lines, all the way."""
    name = upload(hub, name_for(), content_of(change))
    hub.run([FEED])
    return hub.batch(name)


def spoil_cards(lines: int) -> Callable[[bytes], bytes]:
    return lambda content: re.sub(rb"\|(6\d{15,18})\|", rb"|1\1|", content, count=lines)


def wanted(code: str | None = None, state: str | None = None, feed: str = FEED) -> Wanted:
    return Wanted(feed, today() - timedelta(days=1), today() + timedelta(days=1), state, code)


@pytest.fixture
def mended(hub: Hub) -> Iterator[Hub]:
    """A hub whose mapping takes the line number for the bank's serial: every line says something else than before."""
    with other_serials(hub) as other:
        yield other


def province(hub: Hub) -> dict[str, int]:
    return dict(hub.up.control.ledger()["received"][PROVINCE]["payroll_line"])


def run(hub: Hub, replay_id: int) -> list[pipeline.Replayed]:
    done: list[pipeline.Replayed] = []
    pipeline.run_replay(hub.house, replay_id, done.append)
    return done


def settle(hub: Hub) -> None:
    """Everything as today's mapping reads it, whatever another test's mapping said."""
    run(hub, pipeline.open_replay(hub.house, wanted(), "admin")[0])
    hub.run([FEED])


def test_a_preview_says_what_would_change_and_writes_nothing(hub: Hub, mended: Hub) -> None:
    """With the mapping of before: nothing. With the mended one: corrected versions, and who would get them."""
    batch = file(hub, spoil_cards(2))
    tables = ("batch", "tally", "rejection", "delivery", "receipt", "alarm", "record.payroll_line", "replay")
    counted = "select " + ", ".join(f"(select count(*) from {name})" for name in tables)
    before, ledgers = hub.ask(counted), effects(hub.up)
    same = pipeline.preview_batch(hub.house, batch)
    change = {one.schema: one for one in same.changes}["payroll_line"]
    assert (change.new, change.corrected, change.unchanged, change.healed, change.spoiled) == (0, 0, 38, 0, 0)
    assert (change.rejected, dict(change.sent)) == (2, {})
    other = {one.schema: one for one in pipeline.preview_batch(mended.house, batch).changes}["payroll_line"]
    assert (other.new, other.corrected, other.rejected, dict(other.sent)) == (0, 38, 2, {PROVINCE: 38})
    assert hub.ask(counted) == before
    assert effects(hub.up) == ledgers


def test_a_preview_is_what_a_replay_then_does(hub: Hub, mended: Hub) -> None:
    """Healed, corrected and sent as announced."""
    batch = file(hub)
    announced = {one.schema: one for one in pipeline.preview_batch(mended.house, batch).changes}["payroll_line"]
    owed = "select count(*) as n from delivery where batch_id = :id and schema_name = 'payroll_line'"
    before = hub.ask(owed, id=batch.batch_id)[0].n
    pipeline.replay_batch(mended.house, batch.batch_id)
    assert hub.ask(owed, id=batch.batch_id)[0].n - before == announced.sent[PROVINCE] == announced.corrected
    hub.run([FEED])


def test_a_filter_chooses_by_feed_day_state_and_code(hub: Hub) -> None:
    """Only batches with a row turned down for that code, or held for it."""
    clean, spoiled = file(hub), file(hub, spoil_cards(1))
    code = hub.ask("select reasons -> 0 ->> 'code' as code from rejection where batch_id = :id", id=spoiled.batch_id)[
        0
    ].code
    chosen = [batch.batch_id for batch in pipeline.batches_wanted(hub.house, wanted(code))]
    assert spoiled.batch_id in chosen
    assert clean.batch_id not in chosen
    assert clean.batch_id in [one.batch_id for one in pipeline.batches_wanted(hub.house, wanted(state="reported"))]
    past = Wanted(FEED, date(2020, 1, 1), date(2020, 1, 2))
    assert pipeline.batches_wanted(hub.house, past) == []
    assert pipeline.batches_wanted(hub.house, wanted(feed="haidai_txns")) == []


def test_a_replay_that_changes_nothing_sends_nothing(hub: Hub) -> None:
    """Every batch of the feed, all the way again."""
    file(hub)
    settle(hub)
    before, tallies = effects(hub.up), hub.tallies()
    replay_id, is_new, waiting = pipeline.open_replay(hub.house, wanted(), "admin")
    assert is_new
    assert len(run(hub, replay_id)) == waiting > 0
    hub.run([FEED])
    assert effects(hub.up) == before
    assert hub.tallies() == tallies


@pytest.mark.parametrize("where", ["before the commit", "after the commit"])
def test_a_replay_goes_on_where_it_was_interrupted(
    hub: Hub, mended: Hub, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker dies at the second batch; the next one begins with what is not done, and every batch is read once."""
    made = [file(hub).batch_id for _ in range(3)]
    read: list[int] = []
    real, fell = replaying.write_reading, [False]

    class Killed(BaseException):
        """What no handler catches."""

    def dying(work: Any, registry: Any, feed: Any, batch: Batch, reading: Any) -> None:
        if where == "before the commit" and batch.batch_id == made[1] and not fell[0]:
            fell[0] = True
            raise Killed
        real(work, registry, feed, batch, reading)
        read.append(batch.batch_id)

    def say(done: pipeline.Replayed) -> None:
        if where == "after the commit" and done.batch_id == made[1] and not fell[0]:
            fell[0] = True
            raise Killed

    monkeypatch.setattr(replaying, "write_reading", dying)
    before = province(hub)
    replay_id, _, waiting = pipeline.open_replay(mended.house, wanted(), "admin")
    with pytest.raises(Killed):
        pipeline.run_replay(mended.house, replay_id, say)
    again, is_new, left = pipeline.open_replay(mended.house, wanted(), "somebody")
    assert (again, is_new) == (replay_id, False)
    assert left < waiting
    run(mended, replay_id)
    hub.deliver()
    after = province(hub)
    assert Counter(read).most_common(1)[0][1] == 1
    assert {*made} <= {*read}
    assert after["created"] == before["created"]
    assert after["exists"] == before["exists"]
    assert pipeline.open_replay(mended.house, wanted(), "admin")[1]
    hub.ask("update replay set finished_at = now() where finished_at is null returning 1")
    hub.run([FEED])


def test_a_batch_that_cannot_be_read_any_more_stops_no_other(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its bytes are gone, or the reader fails over it: it is listed and stays what it was; the others are read."""
    gone, odd, good = file(hub), file(hub), file(hub)
    settle(hub)
    place = next(Path(hub.house.archive.folder).rglob(gone.parts[0]))
    place.rename(place.with_suffix(".away"))
    real = replaying.read_again

    def failing(work: Any, house: Any, feed: Any, batch: Batch) -> Any:
        if batch.batch_id == odd.batch_id:
            raise KeyError("somebody's name")
        return real(work, house, feed, batch)

    monkeypatch.setattr(replaying, "read_again", failing)
    before, tallies = effects(hub.up), hub.tallies()
    done = {one.batch_id: one for one in run(hub, pipeline.open_replay(hub.house, wanted(), "admin")[0])}
    place.with_suffix(".away").rename(place)
    assert done[gone.batch_id].code == "S005"
    assert (done[odd.batch_id].code, done[odd.batch_id].message) == ("S000", "reading it failed: KeyError")
    assert done[good.batch_id].code is None
    states = {batch.batch_id: batch.state for batch in hub.batches(FEED)}
    assert states[gone.batch_id] is states[odd.batch_id] is BatchState.REPORTED
    hub.run([FEED])
    assert effects(hub.up) == before
    assert hub.tallies() == tallies


def test_an_exchanged_batch_that_today_would_be_held_keeps_its_account(hub: Hub) -> None:
    """The bank is not told that its file was refused whose lines the province has; an alarm says what happened."""
    batch = file(hub)
    path = hub.house.registry.folder / f"{FEED}.yaml"
    text, before, tallies = path.read_text("utf-8"), effects(hub.up), hub.tallies()
    path.write_text(text.replace("单位: {equals: yuan", "单位: {equals: fen"), "utf-8")
    try:
        broken = Hub(replace(hub.house, registry=read_registry(path.parent)), hub.up)
        with pytest.raises(FeedChanged):
            pipeline.replay_batch(broken.house, batch.batch_id)
        broken.run([FEED])
    finally:
        path.write_text(text, "utf-8")
    assert hub.batch(batch.source_name.rpartition("/")[2]).state is BatchState.REPORTED
    assert effects(hub.up) == before
    assert hub.tallies() == tallies
    assert any("could not be read again: F008" in alarm for alarm in hub.alarms())
