"""The coverage page: it is fresh, names only what exists, and forgets no feed, record or receiver."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from hub.registry import read_registry
from launcher import coverage
from launcher.coverage import City, Known, Row

PROJECT = Path(__file__).parents[3]
CARRIED = Row(
    capability="线索 / Clues",
    records=("clue",),
    feeds=("nat_*",),
    receivers=("province",),
    back="已受理 / accepted",
    test="tests/contract/test_every_feed.py::test_feed[nat_clues]",
)
PERMITS = Row(
    capability="许可 / Permits",
    records=("permit",),
    feeds=("land_permits",),
    receivers=("housing",),
    back="已建档 / filed",
    test="tests/contract/test_receivers.py::test_receiver[housing]",
)
NOT_CARRIED = Row(capability="大屏 / Screens", records=(), feeds=(), receivers=(), not_carried="展示 / only shown")
CLUES = frozenset({"clue"})
EXISTS = Known(
    feeds={"nat_clues": CLUES, "land_permits": frozenset({"permit"})},
    schemas=CLUES | {"permit"},
    receivers={"province": CLUES, "housing": frozenset({"permit"})},
)


def found(*rows: Row, exists: Known = EXISTS) -> list[str]:
    return list(coverage.problems([City(title="甲市 / City A", rows=rows)], exists))


def test_the_page_is_fresh() -> None:
    """`python -m launcher.coverage` makes it anew."""
    assert coverage.PAGE.read_text("utf-8") == coverage.page(coverage.read_cities())


def test_the_page_names_what_exists_and_forgets_nothing() -> None:
    """Every feed, schema and receiver stands in a row; at most five capabilities are not carried."""
    registry = read_registry(PROJECT / "mappings")
    assert list(coverage.problems(coverage.read_cities(), coverage.known(registry))) == []


def test_a_row_that_is_right_has_no_problem() -> None:
    """Patterns stand for feeds; a row that is not carried says only why."""
    assert found(CARRIED, PERMITS, NOT_CARRIED) == []


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"feeds": ("nat_clues", "bank_*")}, "there is no feed bank_*"),
        ({"feeds": ("nat_clues", "land_permits")}, "feed land_permits brings none of these records"),
        ({"records": ("clue", "rumour")}, "there is no schema rumour"),
        ({"records": ("clue", "permit")}, "no feed named here brings permit"),
        ({"records": ("clue", "permit"), "feeds": ("nat_*", "land_*")}, "no receiver named here takes permit"),
        ({"receivers": ("province", "nobody")}, "nobody receives as nobody"),
        ({"receivers": ("province", "housing")}, "receiver housing takes none of these records"),
        ({"test": "tests/contract/test_every_feed.py::test_feed[land_permits]"}, "is no test of this row"),
        ({"test": "tests/contract/test_nothing.py::test_feed[nat_clues]"}, "is no test of this row"),
    ],
)
def test_what_is_not_so_is_found(changes: dict[str, object], problem: str) -> None:
    """A wrong name, and a right one that has nothing to do with the row."""
    told = found(CARRIED.model_copy(update=changes))
    assert [line for line in told if line.startswith("线索 / Clues: ") and line.endswith(problem)]


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ({"feeds": {**EXISTS.feeds, "sms_notices": CLUES}}, "feed sms_notices stands in no row"),
        ({"schemas": EXISTS.schemas | {"warning"}}, "schema warning stands in no row"),
        ({"receivers": {**EXISTS.receivers, "weihai": CLUES}}, "receiver weihai stands in no row"),
    ],
)
def test_what_is_named_nowhere_is_found(more: dict[str, Any], problem: str) -> None:
    """A new feed, schema or receiver asks for its place on the page."""
    assert problem in found(CARRIED, PERMITS, exists=replace(EXISTS, **more))


def test_six_rows_may_not_be_left_out() -> None:
    """Five are an honest remainder, six are a gap."""
    assert found(CARRIED, PERMITS, *[NOT_CARRIED] * 5) == []
    assert found(CARRIED, PERMITS, *[NOT_CARRIED] * 6) == ["6 capabilities are not carried, at most 5 may be"]


@pytest.mark.parametrize("changes", [{"back": None}, {"not_carried": "展示 / only shown"}, {"capability": "线索"}])
def test_a_row_says_all_or_why_not(changes: dict[str, object]) -> None:
    """Half a row, a row that is both, and a row in one language are refused."""
    with pytest.raises(ValidationError):
        Row.model_validate(CARRIED.model_dump() | changes)
