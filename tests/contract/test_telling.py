"""Statuses by call: decided in one commit, sent as decided, and only what says something new."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest
import sqlalchemy as sa
from round_trip import PROVINCE, Hub

from hub import bootstrap, pipeline
from hub.errors import FencedOff, PartnerUnavailable
from hub.feed import CallReport
from hub.model import Batch, BatchState, Stage
from hub.store import leases
from hub.store.database import working

FEED = "bureau_permits"


@dataclass
class Partner:
    """A partner that notes each call; ``dies`` are the calls after which the worker is gone before it noted anything."""

    calls: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    dies: int = 0
    away: bool = False

    def send(self, report: CallReport, rows: Sequence[Mapping[str, str]], key: str) -> None:
        if self.away:
            raise PartnerUnavailable("away")
        self.calls.append((key, tuple(f"{row['permitNo']} {row['status']}" for row in rows)))
        if self.dies:
            self.dies -= 1
            raise KeyboardInterrupt

    @property
    def rows(self) -> list[str]:
        """Every row told, in order, a repeated call once: its key tells."""
        return [row for rows in dict(self.calls).values() for row in rows]


@pytest.fixture(scope="module")
def batch(hub: Hub) -> Batch:
    """The bureau's permits, answered by the province."""
    hub.take_in([FEED])
    hub.deliver()
    (found,) = hub.batches(FEED)
    assert found.state is BatchState.DELIVERED
    return found


@pytest.fixture
def untold(hub: Hub, batch: Batch) -> Batch:
    """The same batch, as if nobody had been told of it."""
    with working(hub.house.engine) as work:
        for table in ("told_row", "told_call", "report"):
            work.execute(sa.text(f"delete from {table}"))
        work.execute(sa.text("update batch set state = 'delivered'"))
    return batch


def tell(hub: Hub, batch: Batch, partner: Partner) -> None:
    feed = hub.feed(FEED)
    report = feed.spec.report["outcome"].model_copy(update={"per_call": 8})
    small = feed.model_copy(update={"spec": feed.spec.model_copy(update={"report": {"outcome": report}})})
    pipeline.report_batch(hub.house, small, batch, Stage.OUTCOME, partner)


def turn(hub: Hub, batch: Batch, before: str, after: str) -> str:
    """One record's answer changes; gives its permit number."""
    sql = """update delivery set state = :after where delivery_id = (
                select delivery_id from delivery where batch_id = :id and schema_name = 'project' and state = :before
                order by delivery_id limit 1) returning record_key"""
    return str(hub.ask(sql, id=batch.batch_id, before=before, after=after)[0].record_key).partition("/")[0]


def test_a_changed_answer_is_told_alone(hub: Hub, untold: Batch) -> None:
    """Its neighbours in the call were told already and are not told again."""
    partner = Partner()
    tell(hub, untold, partner)
    everybody = len(partner.rows)
    assert everybody > 8
    assert len(partner.calls) == -(-everybody // 8)
    number = turn(hub, untold, "accepted", "refused")
    tell(hub, untold, partner)
    tell(hub, untold, partner)
    assert partner.rows[everybody:] == [f"{number} 未建档"]
    turn(hub, untold, "refused", "accepted")


def test_an_answer_that_comes_back_is_told_again_under_another_key(hub: Hub, untold: Batch) -> None:
    """Accepted, refused, accepted: three words, three keys; a partner that knows the first key must not take the third for it."""
    partner = Partner()
    tell(hub, untold, partner)
    everybody = len(partner.rows)
    number = turn(hub, untold, "accepted", "refused")
    tell(hub, untold, partner)
    hub.ask(
        "update delivery set state = 'accepted' where record_key like :key and state = 'refused' returning 1",
        key=f"{number}/%",
    )
    tell(hub, untold, partner)
    assert partner.rows[everybody:] == [f"{number} 未建档", f"{number} 已建档"]
    assert len({key for key, _ in partner.calls}) == len(partner.calls)


def test_a_call_that_was_decided_is_sent_as_it_was_decided(hub: Hub, untold: Batch) -> None:
    """The worker dies after the call; what changed meanwhile goes out in a call of its own, afterwards."""
    partner = Partner(dies=1)
    with pytest.raises(KeyboardInterrupt):
        tell(hub, untold, partner)
    number = turn(hub, untold, "accepted", "refused")
    tell(hub, untold, partner)
    assert partner.calls[0] == partner.calls[1], "the same rows under the same key"
    assert partner.rows.count(f"{number} 已建档") == 1
    assert partner.rows[-1] == f"{number} 未建档"
    assert len(partner.rows) == len(set(partner.rows))
    turn(hub, untold, "refused", "accepted")


def test_a_partner_that_is_away_is_told_everything_later(hub: Hub, untold: Batch) -> None:
    """Once, and the words wait no longer than that in our tables."""
    partner = Partner(away=True)
    with pytest.raises(PartnerUnavailable):
        tell(hub, untold, partner)
    partner.away = False
    tell(hub, untold, partner)
    assert len(partner.rows) == len(set(partner.rows)) > 8
    assert hub.ask("select 1 from told_call where rows <> '[]'") == []


def test_an_answer_that_came_while_telling_is_still_owed(hub: Hub, untold: Batch) -> None:
    """The batch was sent and answered once more between reading and noting: it does not count as told."""

    class Meanwhile(Partner):
        def send(self, report: CallReport, rows: Sequence[Mapping[str, str]], key: str) -> None:
            super().send(report, rows, key)
            hub.ask("update batch set changed_at = now() where batch_id = :id returning 1", id=untold.batch_id)

    tell(hub, untold, Meanwhile())
    assert hub.batches(FEED)[0].state is BatchState.DELIVERED
    tell(hub, untold, Partner())
    assert hub.batches(FEED)[0].state is BatchState.REPORTED


def test_a_batch_that_is_sent_once_more_is_not_told_of_meanwhile(hub: Hub, untold: Batch) -> None:
    """Nobody is told "delayed" of what was told before as refused."""
    hub.ask("update batch set state = 'stored' where batch_id = :id returning 1", id=untold.batch_id)
    partner = Partner()
    tell(hub, untold, partner)
    assert partner.calls == []


def test_an_older_worker_tells_nothing_any_more(hub: Hub, untold: Batch) -> None:
    """It was taken for dead between two calls: the next one is not sent."""

    class TakenOver(Partner):
        def send(self, report: CallReport, rows: Sequence[Mapping[str, str]], key: str) -> None:
            super().send(report, rows, key)
            with hub.house.engine.begin() as work:
                work.execute(sa.text("update hub.lease set token = token + 1 where name = 'partner/bureau'"))

    partner = TakenOver()
    with pytest.raises(FencedOff), pipeline.holding(hub.house, "partner/bureau", "airflow"):
        tell(hub, untold, partner)
    assert len(partner.calls) == 1
    with working(hub.house.engine) as work:
        assert leases.take(work, "partner/bureau", "airflow") is not None
    newer = Partner()
    tell(hub, untold, newer)
    assert newer.calls[0] == partner.calls[0], "the newer one sends it again under its key, which the partner knows"


def test_an_answer_lost_on_its_way_is_asked_for_and_nothing_is_sent_twice(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The province has the submission and its answer never came: it is asked by our key, and names the serial code."""
    monkeypatch.setattr("connectors.http.READ_SECONDS", 0.5)
    hub.deliver()
    hub.fetch("nat_clues")
    hub.store("nat_clues")
    hub.up.control.fault(PROVINCE, "timeout_after_commit", 1)
    hub.submit()
    assert hub.ask("select 1 from submission where state = 'unknown'") == []
    hub.deliver()
    effects = hub.up.control.effects("clue")
    assert effects
    assert {effect["existing"] for effect in effects} == {0}
    assert {effect["created"] + effect["refused"] for effect in effects} == {1}


def test_an_unknown_outcome_outlives_the_worker(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody answers at all: it stays unknown for everybody to see, and the next run asks first."""
    asked: list[str] = []
    hub.ask("update delivery set state = 'waiting', submission_id = null where schema_name = 'clue' returning 1")
    receives, receiver = hub.house.registry.receives(PROVINCE), bootstrap.open_receiver(hub.house.registry, PROVINCE)

    def away(*_: object) -> None:
        raise PartnerUnavailable("away")

    with monkeypatch.context() as patch:
        patch.setattr(receiver, "submit", away)
        patch.setattr(receiver, "inquire", away)
        with pytest.raises(PartnerUnavailable):
            pipeline.deliver_waiting(hub.house, PROVINCE, receives, receiver)
    assert [row.state for row in hub.ask("select state from submission where answered_at is null")] == ["unknown"]
    inquire = receiver.inquire
    monkeypatch.setattr(receiver, "inquire", lambda key: (asked.append(key), inquire(key))[1])
    pipeline.deliver_waiting(hub.house, PROVINCE, receives, receiver)
    assert len(asked) == 1
    hub.deliver()
