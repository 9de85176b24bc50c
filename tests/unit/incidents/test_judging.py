"""What else can be the matter: out of reach, unacknowledged, held, stuck, expiring. One incident for each subject."""

from __future__ import annotations

from datetime import timedelta

import pytest
from incident_facts import LONG_AGO, at, facts, feed

from hub.incidents import Expiry, Facts, Incident, Kind, Occasion, Waiting, Wanted, Watched, advise, describe, judge
from hub.incidents.wording import COUNTED, KINDS, OCCASIONS

NOW = "2026-11-24 12:00"


def known(**more: object) -> Facts:
    """Three feeds of two partners, none of which is late at noon."""
    feeds = [
        feed(name, days="workdays", by="23:59", every=23)
        for name in ("haidai_accounts", "haidai_payrolls", "bureau_permits")
    ]
    watched = {one.feed_id: Watched(at("2026-11-23 12:00"), at(NOW)) for one in feeds}
    return facts(NOW, *feeds, **{"watched": watched, "receivers": frozenset({"province"}), **more})


def kinds(found: list[Wanted]) -> list[tuple[Kind, str]]:
    return [(one.kind, one.subject) for one in found]


def ago(minutes: float) -> Waiting:
    """One thing of province or of the accounts waits so long."""
    return Waiting("haidai_accounts", 1, at(NOW) - timedelta(minutes=minutes), (7,))


def test_nothing_is_the_matter_when_nothing_is() -> None:
    """The facts of a quiet noon."""
    assert judge(known()) == []


def test_one_connection_out_of_reach_is_one_incident_of_all_its_feeds() -> None:
    """Named by the feeds that could not be looked at; another partner's are not touched."""
    gone = Watched(LONG_AGO, at("2026-11-24 10:59"))
    here = Watched(LONG_AGO, at("2026-11-24 11:00"))
    found = judge(known(watched={"haidai_accounts": gone, "haidai_payrolls": gone, "bureau_permits": here}))
    assert [(one.kind, one.subject, one.detail) for one in found if one.kind is Kind.UNREACHABLE] == [
        (Kind.UNREACHABLE, "haidai_sftp", {"feeds": ["haidai_accounts", "haidai_payrolls"]})
    ]


def test_one_feed_that_fails_is_not_hidden_by_its_neighbour() -> None:
    """They share a connection, and one of them is not looked at any more."""
    gone, here = Watched(LONG_AGO, at("2026-11-24 10:59")), Watched(LONG_AGO, at(NOW))
    found = judge(known(watched={"haidai_accounts": gone, "haidai_payrolls": here}))
    assert [one.detail for one in found if one.kind is Kind.UNREACHABLE] == [{"feeds": ["haidai_accounts"]}]


def test_a_hub_that_was_down_blames_no_partner() -> None:
    """Looks are expected from the moment the watching went on."""
    gone = {"haidai_accounts": Watched(at("2026-11-23 00:00"), at("2026-11-23 20:00"))}
    assert judge(known(watched=gone, resumed_at=at("2026-11-24 11:30"))) == []
    assert kinds(judge(known(watched=gone, resumed_at=at("2026-11-24 10:30")))) == [(Kind.UNREACHABLE, "haidai_sftp")]


@pytest.mark.parametrize("fact", ["unacknowledged", "unread"])
def test_what_came_is_acknowledged_within_an_hour_or_is_an_incident(fact: str) -> None:
    """Batches nobody told of, and files that could not be taken."""
    assert judge(known(**{fact: [ago(60)]})) == []
    [found] = judge(known(**{fact: [ago(61)]}))
    assert (found.kind, found.subject) == (Kind.UNACKNOWLEDGED, "haidai_accounts")
    assert found.due_at == at(NOW) - timedelta(minutes=1)


def test_batches_and_files_of_one_feed_are_one_incident() -> None:
    """With both counts and the earlier hour."""
    [found] = judge(known(unacknowledged=[ago(61)], unread=[ago(90)]))
    assert found.detail == {"batches": 1, "batch_ids": [7], "files": 1}
    assert found.due_at == at(NOW) - timedelta(minutes=30)


def test_a_held_batch_is_an_incident_at_once_and_one_for_its_feed() -> None:
    """However many are held; their numbers stand in it."""
    held = Waiting("haidai_payrolls", 2, at(NOW), (3, 9))
    assert [(one.kind, one.subject, one.detail) for one in judge(known(held=[held]))] == [
        (Kind.HELD, "haidai_payrolls", {"batches": 2, "batch_ids": [3, 9]})
    ]


def test_a_receiver_that_is_down_is_one_incident() -> None:
    """Not one for each of the records or batches that wait for it."""
    waits = Waiting("province", 40_000, at(NOW) - timedelta(minutes=61))
    found = judge(known(owed=[waits]))
    assert [(one.kind, one.subject, one.detail) for one in found] == [
        (Kind.STUCK, "receiver/province", {"records": 40_000})
    ]
    assert judge(known(owed=[Waiting("province", 1, at(NOW) - timedelta(minutes=60))])) == []
    assert judge(known(owed=[Waiting("switched_off", 1, LONG_AGO)])) == []


def test_a_partner_that_is_not_told_is_one_incident_of_all_its_feeds() -> None:
    """Two feeds of a bank wait with three batches."""
    other = Waiting("haidai_payrolls", 2, at(NOW) - timedelta(minutes=99), (8, 9))
    [found] = judge(known(untold=[ago(70), other]))
    assert (found.kind, found.subject) == (Kind.STUCK, "partner/haidai")
    assert found.detail == {"batches": 3, "batch_ids": [7, 8, 9]}
    assert found.due_at == at(NOW) - timedelta(minutes=39)


@pytest.mark.parametrize(
    ("left", "expected"),
    [
        (timedelta(days=30, seconds=1), []),
        (timedelta(days=30), [(Kind.EXPIRING, 1)]),
        (timedelta(days=7, seconds=1), [(Kind.EXPIRING, 1)]),
        (timedelta(days=7), [(Kind.EXPIRING, 2)]),
        (timedelta(seconds=1), [(Kind.EXPIRING, 2)]),
        (timedelta(0), [(Kind.EXPIRING, 2), (Kind.EXPIRED, 1)]),
        (timedelta(days=-400), [(Kind.EXPIRING, 2), (Kind.EXPIRED, 1)]),
    ],
)
def test_what_ends_is_told_of_thirty_and_seven_days_before_and_after(
    left: timedelta, expected: list[tuple[Kind, int]]
) -> None:
    """The second warning is the same incident, only worse."""
    found = judge(known(expiries=[Expiry("bureau_api", "expires", at(NOW) + left)]))
    assert [(one.kind, one.level) for one in found] == expected
    assert {one.subject for one in found} <= {"bureau_api expires"}


def test_no_kind_and_subject_is_wanted_twice() -> None:
    """The database would refuse the second."""
    gone = {name: Watched(LONG_AGO, LONG_AGO) for name in ("haidai_accounts", "haidai_payrolls", "bureau_permits")}
    long_ago = [Waiting(name, 1, LONG_AGO) for name in (*gone, "province")]
    ends = [Expiry("bureau_api", what, LONG_AGO) for what in ("expires", "tls")]
    found = judge(known(watched=gone, unacknowledged=long_ago, unread=long_ago, held=long_ago, owed=long_ago,
                        untold=long_ago, unsealed=long_ago[:1], expiries=ends))  # fmt: skip
    assert len(found) == len(set(kinds(found)))
    assert {one.kind for one in found} == set(Kind) - {Kind.SMALL, Kind.LATE, Kind.SILENT}


def test_every_kind_is_worded_in_both_languages_and_says_what_to_do() -> None:
    """Chinese first."""
    assert set(KINDS) == set(Kind)
    assert set(OCCASIONS) == set(Occasion)
    for kind in Kind:
        assert not advise(kind).isascii()
        assert KINDS[kind].en.isascii()
        assert KINDS[kind].do_en.isascii()


def test_an_incident_reads_as_one_line() -> None:
    """What, whose, due when, how many; every word of a detail is known."""
    detail = {"batches": 2, "batch_ids": [3, 9]}
    found = Incident(1, Kind.HELD, "haidai_payrolls", 1, detail, at(NOW), at(NOW))
    assert describe(found, Occasion.OPENED) == (
        "【新事件】批次被扣留 haidai_payrolls（时限 2026-11-24 12:00 due） / incident: batch is held："
        "批次/batches 2；编号/ids 3、9"
    )
    assert set(detail) < set(COUNTED)
