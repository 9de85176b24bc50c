"""Two workers at one thing: the newer one works, and whatever the older one was about to commit is undone."""

from __future__ import annotations

from contextlib import ExitStack
from contextvars import Context

import pytest
import sqlalchemy as sa

from hub.errors import Busy, FencedOff
from hub.pipeline import House, holding
from hub.store import batches, leases
from hub.store.database import rows_of, working


@pytest.fixture(autouse=True)
def nobody_works(house: House) -> None:
    with working(house.engine) as work:
        work.execute(sa.text("delete from lease"))
        work.execute(sa.text("delete from alarm"))


def alarms(house: House) -> list[str]:
    with working(house.engine) as work:
        return [row.message for row in rows_of(work, "select message from alarm order by alarm_id")]


def write(house: House, message: str) -> None:
    with working(house.engine) as work:
        batches.raise_alarm(work, "feed", None, message)


def test_a_second_holder_is_told_that_somebody_is_at_work(house: House) -> None:
    """Nothing is done, and it may be tried later: after the first has given the lease back it works."""
    with holding(house, "feed/a", "airflow"):
        with pytest.raises(Busy), holding(house, "feed/a", "by hand 1"):
            raise AssertionError("never reached")
        with holding(house, "feed/b", "by hand 1"):
            write(house, "another feed is nobody's business")
    with holding(house, "feed/a", "by hand 1"):
        write(house, "now")
    assert alarms(house) == ["another feed is nobody's business", "now"]


def test_the_same_holder_come_back_takes_over_and_fences_the_older_off(house: House) -> None:
    """Airflow runs a task twice: the older run's commit is undone, whole, and says so by its code."""
    with ExitStack() as older:
        older.enter_context(holding(house, "feed/a", "airflow"))
        write(house, "older, in time")
        newer = take_elsewhere(house, "feed/a")
        with pytest.raises(FencedOff) as caught:
            write(house, "older, too late")
        assert caught.value.code == "S007"
    assert alarms(house) == ["older, in time"]
    with working(house.engine) as work:
        held = {row.name: row.token for row in leases.read_leases(work)}
    assert held["feed/a"] == newer, "the older one's end gives back nothing that is the newer one's"


def take_elsewhere(house: House, name: str) -> int:
    """What the newer run of the task does, in a process of its own."""

    def run() -> int:
        with working(house.engine) as work:
            lease = leases.take(work, name, "airflow")
        assert lease is not None
        return lease.token

    return Context().run(run)


def test_a_lease_lapses_when_its_holder_gives_no_sign_of_life(house: House) -> None:
    """Whoever comes after three minutes works; the late one is fenced off."""
    with ExitStack() as gone:
        gone.enter_context(holding(house, "feed/a", "by hand 1"))
        with house.engine.begin() as work:
            work.execute(sa.text("update hub.lease set until = clock_timestamp() - interval '1 second'"))
        take_elsewhere(house, "feed/a")
        with pytest.raises(FencedOff):
            write(house, "too late")
    assert alarms(house) == []


def test_every_commit_is_a_sign_of_life(house: House) -> None:
    """A worker that commits keeps its lease however long it takes."""
    with holding(house, "feed/a", "airflow"):
        with house.engine.begin() as work:
            work.execute(sa.text("update hub.lease set until = clock_timestamp() + interval '1 second'"))
        write(house, "alive")
        with house.engine.connect() as work:
            left = work.execute(sa.text("select until - clock_timestamp() > interval '100 seconds' from hub.lease"))
            assert left.scalar()


def test_tokens_only_grow(house: House) -> None:
    """A token given once is never given again, also after the lease was given back."""
    tokens = []
    for _ in range(3):
        with holding(house, "feed/a", "airflow"), working(house.engine) as work:
            tokens += [row.token for row in leases.read_leases(work)]
    assert tokens == [1, 2, 3]
