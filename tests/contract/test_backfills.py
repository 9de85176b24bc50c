"""Backfill of a period: what the partner has is read once more or for the first time, and the feed's own place is not moved."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from itertools import count
from typing import Any

import pytest
from round_trip import Hub, effects

from hub import bootstrap, pipeline
from hub.errors import NotAllowed
from hub.feed import Feed, SftpSource
from hub.model import BatchState
from hub.pipeline import Period, backfilling, storing
from simulators.drops import extra_drop
from simulators.projects import BANKS
from simulators.world import City

CITY = City(7, 0.1)
FEED = "haidai_payrolls"
LONG_AGO = Period(date(2020, 1, 1), date(2026, 12, 31))
_extras = count(1)


def short_sighted(hub: Hub, days: int = 1) -> Feed:
    """The feed as an admin has it: old day folders are not looked into."""
    feed = hub.feed(FEED)
    source = feed.spec.source.model_copy(update={"look_back_days": days})
    return feed.model_copy(update={"spec": feed.spec.model_copy(update={"source": source})})


def drop_on(hub: Hub, day: str) -> str:
    """A payroll file of forty lines in the folder of another day."""
    made = extra_drop(CITY, BANKS["haidai"], "PAYR", 950 + next(_extras), None)
    assert made.content is not None
    own = f"{CITY.day:%Y%m%d}"
    content = made.content.replace(f"|PAYR|{own}|".encode(), f"|PAYR|{day}|".encode())
    return hub.up.control.drop("haidai", f"in/{day}/{made.name.replace(own, day)}", content)


@contextmanager
def opened(feed: Feed, period: Period) -> Iterator[Any]:
    days = (period.from_on, period.to_on) if isinstance(feed.spec.source, SftpSource) else None
    with bootstrap.open_connector(feed, days) as connector:
        yield connector


def preview(hub: Hub, feed: Feed, period: Period) -> list[pipeline.Preview]:
    with opened(feed, period) as connector:
        return list(pipeline.preview_backfill(hub.house, feed, connector, period))


def backfill(hub: Hub, feed: Feed, period: Period) -> list[tuple[int, BatchState]]:
    with opened(feed, period) as connector:
        return list(pipeline.backfill(hub.house, feed, connector, period))


def test_old_day_folders_are_looked_into_by_hand(hub: Hub) -> None:
    """The normal run does not see them. The preview counts and keeps nothing; afterwards each file is there once."""
    feed = short_sighted(hub)
    name, later = drop_on(hub, "20260105"), drop_on(hub, "20260301")
    with bootstrap.open_connector(feed) as connector:
        pipeline.fetch_feed(hub.house, feed, connector)
    assert not [one for one in hub.batches() if one.source_name.endswith((name, later))]
    january = Period(date(2026, 1, 1), date(2026, 1, 31))
    before = len(hub.batches())
    [seen] = preview(hub, feed, january)
    assert seen.source_name.endswith(name)
    assert {one.schema: one.new for one in seen.changes} == {"payroll_batch": 1, "payroll_line": 40}
    assert len(hub.batches()) == before
    [(batch_id, state)] = backfill(hub, feed, january)
    assert state is BatchState.STORED
    hub.run([FEED])
    assert hub.batch(name).batch_id == batch_id
    assert hub.batch(name).state is BatchState.REPORTED
    ledger = effects(hub.up)
    [known] = preview(hub, feed, january) or [None]
    assert known is None or (known.batch_id, known.changes) == (batch_id, ())
    backfill(hub, feed, january)
    hub.run([FEED])
    assert effects(hub.up)["received"]["province"] == ledger["received"]["province"]
    with opened(feed, january) as connector:
        assert pipeline.known_files(hub.house, feed, connector.stamps()) in (0, 1)  # 0: it was too young to be sure of


@pytest.mark.parametrize("feed_id", ["bureau_permits", "nat_clues", "daizong_guarantees"])
def test_a_partner_is_asked_from_an_earlier_moment_beside_the_normal_run(hub: Hub, feed_id: str) -> None:
    """JSON by time, SOAP by its cursor from the beginning: all of it is known, nothing is sent or told twice, and the place of
    the normal run stays."""
    hub.run([feed_id])
    feed, before = hub.feed(feed_id), effects(hub.up)["received"]
    cursor = hub.ask("select position from feed_cursor where feed_id = :feed", feed=feed_id)[0].position
    rows = hub.ask(
        """select schema_name, sum(stored_rows + rejected_rows)::int as n from tally join batch using (batch_id)
           where feed_id = :feed group by 1""",
        feed=feed_id,
    )
    [seen] = preview(hub, feed, LONG_AGO)
    assert {one.schema: one.unchanged for one in seen.changes} == {row.schema_name: row.n for row in rows}
    assert {(one.new, one.corrected, one.spoiled, dict(one.sent) == {}) for one in seen.changes} == {(0, 0, 0, True)}
    [(batch_id, state)] = backfill(hub, feed, LONG_AGO)
    assert state is BatchState.STORED
    name = next(one.source_name for one in hub.batches(feed_id) if one.batch_id == batch_id)
    assert name.endswith("from 2020-01-01")
    hub.run([feed_id])
    assert hub.ask("select position from feed_cursor where feed_id = :feed", feed=feed_id)[0].position == cursor
    assert effects(hub.up)["received"] == before


@pytest.mark.parametrize(
    ("feed_id", "period", "said"),
    [
        (FEED, Period(date(2026, 2, 1), date(2026, 1, 1)), "lies after"),
        ("bureau_permits", Period(date(2026, 2, 1), date(2026, 1, 1)), "lies after"),
    ],
)
def test_a_period_that_makes_no_sense_is_refused(hub: Hub, feed_id: str, period: Period, said: str) -> None:
    """Nobody is asked."""
    with pytest.raises(NotAllowed, match=said):
        pipeline.check_period(hub.feed(feed_id), period)


def test_a_feed_that_brings_everything_has_no_earlier_moment(hub: Hub) -> None:
    """Without `since`, or without day folders, each run sees all there is."""
    rest, drop = hub.feed("bureau_permits"), hub.feed(FEED)
    for feed, change in ((rest, {"since": None}), (drop, {"files": "in/*_PAYR_*.txt"})):
        source = feed.spec.source.model_copy(update=change)
        other = feed.model_copy(update={"spec": feed.spec.model_copy(update={"source": source})})
        with pytest.raises(NotAllowed, match="each run"):
            pipeline.check_period(other, LONG_AGO)


def test_one_that_cannot_be_read_keeps_no_other_back(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """It stays to be read, and the same command reads it later; its preview says so in a word that quotes nothing."""
    feed = short_sighted(hub)
    odd, good = drop_on(hub, "20260401"), drop_on(hub, "20260402")
    april, real = Period(date(2026, 4, 1), date(2026, 4, 30)), storing.read_rows

    def failing(feed: Feed, parts: Any, name: str, *others: Any) -> Any:
        if name.endswith(odd):
            raise KeyError("somebody's name")
        return real(feed, parts, name, *others)

    for module in (storing, backfilling):
        monkeypatch.setattr(module, "read_rows", failing)
    [said] = [one for one in preview(hub, feed, april) if one.source_name.endswith(odd)]
    assert (said.code, said.message) == ("S000", "reading it failed: KeyError")
    assert [state for _, state in backfill(hub, feed, april)] == [BatchState.FETCHED, BatchState.STORED]
    monkeypatch.undo()
    backfill(hub, feed, april)
    hub.run([FEED])
    assert hub.batch(odd).state is hub.batch(good).state is BatchState.REPORTED
