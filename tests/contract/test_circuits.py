"""Connections that fail again and again, or that a person paused, are left alone; nobody else waits for them."""

from __future__ import annotations

from datetime import time

import pytest
import sqlalchemy as sa
from round_trip import RECEIVES

from hub.errors import (
    ArchiveUnavailable,
    Busy,
    CircuitOpen,
    FeedChanged,
    HubUnavailable,
    PartnerRefused,
    PartnerUnavailable,
)
from hub.feed.receivers import Closed
from hub.pipeline import House, closed_connections, guarded
from hub.store import circuits
from hub.store.database import working


@pytest.fixture(autouse=True)
def all_is_well(house: House) -> None:
    with working(house.engine) as work:
        work.execute(sa.text("delete from circuit"))


def fail(house: House, error: Exception, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(type(error)), guarded(house, "x_api"):
            raise error


def wait(house: House) -> None:
    """The pause is over."""
    with working(house.engine) as work:
        work.execute(sa.text("update circuit set open_until = clock_timestamp() where open_until is not null"))


def test_two_failures_are_forgiven_and_the_third_opens_the_circuit(house: House) -> None:
    """Then nothing is called until the pause is over; one success closes it."""
    fail(house, PartnerUnavailable("away"), 3)
    with pytest.raises(CircuitOpen) as caught, guarded(house, "x_api"):
        raise AssertionError("never called")
    assert caught.value.code == "S008"
    assert closed_connections(house) == {"x_api"}
    with guarded(house, "another_api"):
        pass
    wait(house)
    with guarded(house, "x_api"):
        pass
    with working(house.engine) as work:
        assert circuits.read_circuit(work, "x_api").failures == 0  # type: ignore[union-attr]
    fail(house, PartnerUnavailable("away"), 2)
    assert closed_connections(house) == set()


def test_pauses_grow_and_are_never_longer_than_a_quarter_of_an_hour(house: House) -> None:
    """Twice as long each time, never in step with other hubs, ten minutes half as long again at most."""
    pauses = []
    for _ in range(14):
        wait(house)
        fail(house, PartnerUnavailable("away"))
        with working(house.engine) as work:
            sql = "select extract(epoch from open_until - clock_timestamp()) from circuit"
            pauses.append(float(work.execute(sa.text(sql)).scalar_one()))
    assert max(pauses[:2]) <= 0
    assert all(0 < pause <= 900 for pause in pauses[2:])
    assert pauses[-1] > 250
    assert len(set(pauses[9:])) > 1


def test_a_partners_own_wish_is_granted(house: House) -> None:
    """Retry-After is waited for even after the first failure."""
    fail(house, PartnerUnavailable("busy", retry_after=120.0))
    assert closed_connections(house) == {"x_api"}


def test_who_refuses_us_is_not_asked_every_minute(house: House) -> None:
    """Wrong credentials lock accounts: the second refusal opens the circuit."""
    fail(house, PartnerRefused("wrong password"), 2)
    assert closed_connections(house) == {"x_api"}


def test_what_is_wrong_with_a_batch_is_no_failure_of_the_connection(house: House) -> None:
    """Nor is another worker at the same feed, nor a full disk or a lost database of ours."""
    fail(house, FeedChanged("columns"), 5)
    fail(house, Busy("another worker"), 5)
    fail(house, ArchiveUnavailable("the disk is full"), 5)
    fail(house, HubUnavailable("the database did not answer"), 5)
    assert closed_connections(house) == set()


def test_a_paused_connection_stays_paused_until_it_is_resumed(house: House) -> None:
    """Whatever succeeds meanwhile; resuming forgets the failures as well."""
    with working(house.engine) as work:
        circuits.pause(work, "x_api", "officer", "maintenance at theirs")
        circuits.note_success(work, "x_api")
    with pytest.raises(CircuitOpen, match="officer"), guarded(house, "x_api"):
        raise AssertionError("never called")
    with working(house.engine) as work:
        assert circuits.resume(work, "x_api")
        assert not circuits.resume(work, "x_api")
    with guarded(house, "x_api"):
        pass


@pytest.mark.parametrize(
    ("begins", "ends", "moment", "closed"),
    [
        ("01:00", "02:00", "01:00", True),
        ("01:00", "02:00", "02:00", False),
        ("23:30", "00:30", "23:59", True),
        ("23:30", "00:30", "00:29", True),
        ("23:30", "00:30", "12:00", False),
    ],
)
def test_a_maintenance_window_may_go_over_midnight(begins: str, ends: str, moment: str, closed: bool) -> None:
    """Its beginning belongs to it, its end does not."""
    window = Closed.model_validate({"from": begins, "to": ends})
    receives = RECEIVES.model_copy(update={"closed": (window,)})
    assert receives.is_closed(time.fromisoformat(moment)) is closed
