"""Late, silent and small feeds, by the published calendar of working days: holidays expect nothing, swapped weekends do."""

from __future__ import annotations

import pytest
from incident_facts import at, came, facts, feed

from hub.incidents import Kind, Watched, judge

# now, when something came last, is it late
WORKDAYS = [
    ("a plain Tuesday before the hour", "2026-11-24 17:59", "2026-11-23 10:00", False),
    ("a plain Tuesday at the hour", "2026-11-24 18:00", "2026-11-23 10:00", True),
    ("a file of today", "2026-11-24 18:00", "2026-11-24 00:00", False),
    ("a file that came late and came", "2026-11-24 21:00", "2026-11-24 20:59", False),
    ("the morning after a day without", "2026-11-25 09:00", "2026-11-23 10:00", True),
    ("yesterday's file this morning", "2026-11-25 09:00", "2026-11-25 08:00", False),
    ("an ordinary Saturday", "2026-11-28 20:00", "2026-11-27 10:00", False),
    ("Sunday, and Friday brought nothing", "2026-11-29 20:00", "2026-11-26 10:00", True),
    ("a Saturday worked before the spring festival", "2026-02-14 18:00", "2026-02-13 10:00", True),
    ("a file on that Saturday", "2026-02-14 18:00", "2026-02-14 10:00", False),
    ("Monday of the spring festival", "2026-02-16 20:00", "2026-02-14 10:00", False),
    ("the last weekday of the spring festival", "2026-02-23 20:00", "2026-02-14 10:00", False),
    ("the first working day after it, before the hour", "2026-02-24 17:00", "2026-02-14 10:00", False),
    ("the first working day after it", "2026-02-24 18:00", "2026-02-14 10:00", True),
    ("the Saturday worked after it", "2026-02-28 18:00", "2026-02-27 10:00", True),
    ("a weekday of the national holidays", "2026-10-01 20:00", "2026-09-30 10:00", False),
    ("the first day after them", "2026-10-08 18:00", "2026-09-30 10:00", True),
    ("the Saturday worked in October", "2026-10-10 18:00", "2026-10-09 10:00", True),
    ("the Sunday after it", "2026-10-11 20:00", "2026-10-10 10:00", False),
    ("a Monday of a year that is not published", "2027-02-08 18:00", "2027-02-05 10:00", True),
]


@pytest.mark.parametrize(
    ("now", "last", "is_late"), [case[1:] for case in WORKDAYS], ids=[case[0] for case in WORKDAYS]
)
def test_a_file_is_due_on_working_days_alone(now: str, last: str, is_late: bool) -> None:
    """A holiday weekday expects nothing, a Saturday that is worked does; what came on the day counts, late or not."""
    found = judge(facts(now, feed(), days=came(last)))
    assert [one.kind for one in found] == ([Kind.LATE] if is_late else [])


@pytest.mark.parametrize(
    ("words", "now", "last", "is_late"),
    [
        ({"days": "daily"}, "2026-02-16 18:00", "2026-02-15 10:00", True),
        ({"days": "daily"}, "2026-11-28 18:00", "2026-11-28 10:00", False),
        ({"every": 5}, "2026-11-24 18:00", "2026-11-18 00:00", False),  # Wednesday is the fifth working day back
        ({"every": 5}, "2026-11-24 18:00", "2026-11-17 23:59", True),
        ({"every": 5}, "2026-02-25 18:00", "2026-02-12 00:00", False),  # 12, 13, 14 and after the festival 24, 25
        ({"every": 5}, "2026-02-25 18:00", "2026-02-11 23:59", True),
        ({"by": "00:00"}, "2026-11-24 00:00", "2026-11-23 23:59", True),
    ],
)
def test_the_words_of_a_mapping_move_the_deadline(words: dict[str, str], now: str, last: str, is_late: bool) -> None:
    """Every day, once in five working days, and an hour of the night."""
    found = judge(facts(now, feed(**words), days=came(last)))
    assert [one.kind for one in found] == ([Kind.LATE] if is_late else [])


def test_an_asked_feed_without_anything_new_is_silent() -> None:
    """Nobody drops a file there; the officer asks another question."""
    [found] = judge(facts("2026-11-24 18:00", feed("bureau_permits")))
    assert (found.kind, found.subject, found.due_at) == (Kind.SILENT, "bureau_permits", at("2026-11-24 18:00"))


def test_where_nobody_could_look_nobody_says_that_nothing_came() -> None:
    """The look at half past five does not know what came at six: the connection is unreachable, and the file is not late too."""
    found = judge(facts("2026-11-24 20:00", feed(), days=came("2026-11-23 10:00"), looked="2026-11-24 17:30"))
    assert [(one.kind, one.subject) for one in found] == [(Kind.UNREACHABLE, "haidai_sftp")]


def test_an_incident_does_not_end_because_nobody_can_look() -> None:
    """Late since yesterday, and the partner out of reach today: yesterday's file is still missing."""
    found = judge(facts("2026-11-25 20:00", feed(), days=came("2026-11-23 10:00"), looked="2026-11-25 10:00"))
    assert {one.kind for one in found} == {Kind.LATE, Kind.UNREACHABLE}


@pytest.mark.parametrize(
    ("watched", "is_late"),
    [
        (None, False),
        (Watched(at("2026-11-24 00:01"), at("2026-11-24 18:00")), False),
        (Watched(at("2026-11-24 00:00"), at("2026-11-24 18:00")), True),
        (Watched(at("2026-11-20 00:00"), None), False),
    ],
)
def test_a_new_feed_is_judged_from_its_first_whole_day(watched: Watched | None, is_late: bool) -> None:
    """A hub that started at noon does not know what the morning brought."""
    known = {"haidai_accounts": watched} if watched else {}
    found = judge(facts("2026-11-24 18:00", feed(), watched=known, resumed_at=at("2026-11-24 17:50")))
    assert [one.kind for one in found] == ([Kind.LATE] if is_late else [])


def test_a_feed_that_says_nothing_of_arrivals_is_never_late() -> None:
    """And a file that nobody expects is not missed."""
    silent = feed()
    expect = silent.spec.expect.model_copy(update={"arrives": None})
    silent = silent.model_copy(update={"spec": silent.spec.model_copy(update={"expect": expect})})
    assert judge(facts("2026-11-24 18:00", silent)) == []


WEEK = ["2026-11-16", "2026-11-17", "2026-11-18", "2026-11-19", "2026-11-20"]


@pytest.mark.parametrize(
    ("rows", "before", "is_small"),
    [
        (29, [100, 100, 100, 100, 100], True),
        (30, [100, 100, 100, 100, 100], False),
        (0, [100, 100, 100, 100, 100], True),
        (29, [100, 100, 100, 100, 0], False),  # four days that brought something are too few
        (29, [100, 1, 100, 1, 100], True),  # the median, not the mean
        (29, [90, 1, 90, 1, 1], False),
        (1000, [100, 100, 100, 100, 100], False),
    ],
)
def test_a_day_is_measured_by_the_days_before_it(rows: int, before: list[int], is_small: bool) -> None:
    """Less than the share of their median is suspicious; five of them are needed."""
    days = came(*[(f"{day} 10:00", n) for day, n in zip(WEEK, before, strict=True)], ("2026-11-23 10:00", rows))
    found = judge(facts("2026-11-23 18:00", feed(least_share="30%"), days=days))
    assert [(one.kind, one.subject) for one in found] == ([(Kind.SMALL, "haidai_accounts")] if is_small else [])


def test_only_the_ten_days_before_are_the_measure() -> None:
    """What was normal two months ago is not normal now."""
    old = [(f"2026-10-{day:02} 10:00", 1000) for day in range(12, 24)]
    new = [(f"2026-11-{day:02} 10:00", 100) for day in (9, 10, 11, 12, 13, 16, 17, 18, 19, 20)]
    days = came(*old, *new, ("2026-11-23 10:00", 50))
    assert judge(facts("2026-11-23 18:00", feed(least_share="30%"), days=days)) == []


def test_a_day_is_not_measured_before_its_hour_nor_with_a_held_batch() -> None:
    """More may come; and the rows of a held batch are not all counted."""
    days = came(*[(f"{day} 10:00", 100) for day in WEEK], ("2026-11-23 10:00", 1))
    small = feed(least_share="30%")
    assert judge(facts("2026-11-23 17:59", small, days=days)) == []
    assert [one.kind for one in judge(facts("2026-11-23 18:00", small, days=days))] == [Kind.SMALL]
    days[-1] = type(days[-1])(days[-1].day, 1, days[-1].last_at, is_held=True)
    assert judge(facts("2026-11-23 18:00", small, days=days)) == []


def test_a_weekend_day_is_neither_measured_nor_a_measure() -> None:
    """A bank that also sends a little on Saturdays is normal on Monday."""
    days = came(*[(f"{day} 10:00", 100) for day in WEEK], ("2026-11-21 10:00", 1), ("2026-11-23 10:00", 90))
    small = feed(least_share="50%")
    assert judge(facts("2026-11-22 18:00", small, days=days[:-1])) == []
    assert judge(facts("2026-11-23 18:00", small, days=days)) == []
