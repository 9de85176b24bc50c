"""The conservation ledger: every way in which rows or fen can go missing between two steps shows at exactly that step."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import polars as pl
import pytest

from hub.conservation import Amount, Hop, Intake, Owing, Telling, day_of, explain_gap, gaps_of, weigh
from hub.recipes import add_up

CLEAN = Intake(
    7,
    "payroll_line",
    fetched=Amount(10, 1000),
    stored=Amount(7, 700),
    rejected=Amount(2, 200),
    unchanged=Amount(1, 100),
    declared_rows=10,
    declared_fen=1000,
    fresh=Amount(7, 700),
    rejections=Amount(2, 200),
    repetitions=Amount(1, 100),
)
OWED = Owing(
    7,
    "payroll_line",
    "taian",
    owed=Amount(5, 500),
    outside=Amount(1, 100),
    superseded=Amount(1, 100),
    states={"accepted": Amount(3, 300), "refused": Amount(1, 100), "waiting": Amount(1, 100)},
)


def steps(intake: Intake, *owings: Owing, telling: Telling | None = None) -> list[str]:
    """The steps at which something is missing."""
    return [hop.step for hop in gaps_of(weigh([intake], owings, [telling] if telling else []))]


def test_a_clean_batch_has_no_gap_and_every_hop() -> None:
    """From what was declared to what was told."""
    hops = weigh([CLEAN], [OWED], [Telling(7, 10, 10)])
    assert [hop.step for hop in hops] == [
        "declared", "read", "recorded", "rejected", "unchanged", "owed", "answered", "told",
    ]  # fmt: skip
    assert gaps_of(hops) == []


def test_what_was_withdrawn_is_a_part_of_its_own() -> None:
    """Owed once and owed to nobody now: neither lost nor on its way."""
    states = {"accepted": Amount(3, 300), "withdrawn": Amount(2, 200)}
    hops = weigh([CLEAN], [replace(OWED, states=states)])
    assert gaps_of(hops) == []
    assert hops[-1].went["withdrawn"] == Amount(2, 200)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"fetched": Amount(9, 900), "stored": Amount(6, 600), "fresh": Amount(6, 600)}, ["declared"]),
        ({"declared_fen": 1001}, ["declared"]),
        ({"stored": Amount(6, 600), "fresh": Amount(6, 600)}, ["read"]),
        ({"fresh": Amount(6, 600)}, ["recorded"]),
        ({"fresh": Amount(8, 800)}, ["recorded"]),
        ({"fresh": Amount(7, 699)}, ["recorded"]),
        ({"rejections": Amount(1, 100)}, ["rejected"]),
        ({"unreasoned": Amount(1, 100)}, ["rejected"]),
        ({"rejected": Amount(2, 250), "fetched": Amount(10, 1050), "unread_fen": 50, "declared_fen": 1050}, ["rejected"]),
        ({"repetitions": Amount(0, 0)}, ["unchanged"]),
    ],
)  # fmt: skip
def test_each_gap_of_the_intake_shows_at_its_step(change: dict[str, Any], found: list[str]) -> None:
    """Lost before it was counted, lost when it was sorted, a row lost, doubled, one fen off, no reason, fen nobody can have."""
    assert steps(replace(CLEAN, **change)) == found


@pytest.mark.parametrize(
    "change",
    [
        {"rejected": Amount(2, 250), "fetched": Amount(10, 1050), "unread_fen": 50, "declared_fen": 1050, "blank_rows": 1},
        {"repetitions": Amount(0, 0), "unkept": Amount(1, 100)},
        {"declared_rows": None, "declared_fen": None},
        {"fresh": Amount(2, 200), "earlier": Amount(5, 500)},
        {"fresh": Amount(2, 200), "earlier": Amount(9, 900)},
    ],
)  # fmt: skip
def test_what_has_its_reason_is_no_gap(change: dict[str, Any]) -> None:
    """An amount that a rejected line does not show, a row given twice, nothing declared, a batch that was read before."""
    assert steps(replace(CLEAN, **change)) == []


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (
            {"owed": Amount(4, 400)},
            ["owed"],
        ),  # one was owed to nobody; the delivery that is there is then one caught up since
        ({"outside": Amount(0, 0)}, ["owed"]),
        ({"superseded": Amount(2, 200)}, ["owed"]),
        ({"states": {"accepted": Amount(3, 300), "refused": Amount(1, 100)}}, ["answered"]),
        ({"states": {"accepted": Amount(4, 399), "waiting": Amount(1, 100)}}, ["answered"]),
    ],
)
def test_each_gap_towards_a_receiver_shows_at_its_step(change: dict[str, Any], found: list[str]) -> None:
    """Owed to nobody, neither owed nor out of area, one too many, a delivery gone or answered without receipt, one fen off."""
    assert steps(CLEAN, replace(OWED, **change)) == found


def test_rows_that_were_not_told_show_at_the_end() -> None:
    """Several reasons of one row are several lines, which is no gap."""
    assert steps(CLEAN, telling=Telling(7, 10, 9)) == ["told"]
    assert steps(CLEAN, telling=Telling(7, 10, 12)) == []


def test_a_day_adds_up_its_batches_and_hides_no_gap() -> None:
    """One row too few here and one too many there is two gaps, whatever the sum says."""
    other = replace(CLEAN, batch_id=8, fresh=Amount(8, 800))
    hops = weigh([replace(CLEAN, fresh=Amount(6, 600)), other])
    assert {hop.batch_id for hop in gaps_of(hops)} == {7, 8}
    summed = next(hop for hop in day_of(hops) if hop.step == "recorded")
    assert (summed.came, summed.gap) == (Amount(14, 1400), Amount())


def test_a_gap_is_explained_in_both_languages() -> None:
    """Where, and by how much."""
    said = explain_gap(Hop("recorded", 7, "clue", Amount(3, 30), {"held": Amount(2, 20)}))
    assert said == "clue 入库→记录表：差 1 行 10 分 / stored → held as records: 1 rows and 10 fen do not balance"


def test_sums_are_exact_beyond_sixty_four_bits() -> None:
    """Ten amounts of eighteen digits; 64 bits would make them negative."""
    assert add_up(pl.Series([10**18] * 10)) == 10**19
    assert add_up(pl.Series([-(10**18)] * 10)) == -(10**19)
    assert add_up(pl.Series([], dtype=pl.Int64)) == 0
