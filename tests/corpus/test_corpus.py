"""Every hostile or broken input gets exactly the verdict that the table gives it, and nothing is lost on the way."""

from __future__ import annotations

import datetime as dt
import logging

import pytest

from hub.errors import FeedChanged
from hub.reasons import reason
from schemas import checks
from tests.corpus.cases import Case, all_cases
from tests.corpus.edits import BYTES, PACKED, PIECES
from tests.corpus.outcomes import Outcome, outcome, read_data, read_good, registry, unbalanced

CASES = all_cases()


@pytest.fixture(autouse=True)
def _fixed_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """The samples are of this day."""
    monkeypatch.setattr(checks, "today", lambda: dt.date(2026, 11, 23))


def test_the_table_is_whole() -> None:
    """At least two hundred cases, each under a number of its own and with its reason; every edit is used."""
    assert len(CASES) >= 200
    assert len({case.id for case in CASES}) == len(CASES)
    assert all(case.why for case in CASES)
    used = {step[0].removeprefix("packed:") for case in CASES for step in case.make}
    assert used == {*PIECES, *BYTES, *PACKED} & used
    assert {*PIECES, *BYTES, *PACKED} - used == set()


@pytest.mark.parametrize("case", CASES, ids=[f"{case.id}-{case.feed}" for case in CASES])
def test_case(case: Case, caplog: pytest.LogCaptureFixture) -> None:
    """The exact verdict; a file that is refused as a whole says why by a code of the catalogue and shows nobody's data."""
    with caplog.at_level(logging.DEBUG):
        if case.codes:
            with pytest.raises(FeedChanged) as error:
                read_data(case.feed, case.data())
            assert error.value.code in case.codes, str(error.value)
            assert reason(error.value.code).level == "file"
            assert_shows_nobody(str(error.value), case)
        else:
            reading = read_data(case.feed, case.data())
            assert list(unbalanced(reading, registry().feed(case.feed).spec.records)) == []
            assert_verdict(case, outcome(reading), read_good(case.feed))
            if case.alarm is not None:
                assert any("came and the mapping neither" in alarm for alarm in reading.alarms) is case.alarm
    assert_shows_nobody(caplog.text, case)


def assert_verdict(case: Case, found: Outcome, good: Outcome) -> None:
    """What the table says differs from the good file, and nothing else does."""
    lines = {
        case.place(row): frozenset([codes] if isinstance(codes, str) else codes) for row, codes in case.lines.items()
    }
    gone = {case.place(row) for row in case.gone}
    moved = {case.place(row): (case.place(row)[0], name) for row, name in case.renamed.items()}
    assert found.rows == {**good.rows, **case.rows}
    rejected = {moved.get(place, place): codes for place, codes in good.rejected.items() if place not in gone}
    assert dict(found.rejected) == {**rejected, **lines}
    values: dict[tuple[str, str], dict[str, object]] = {}
    for word, value in case.taken.items():
        row, _, column = str(word).rpartition(".")
        values.setdefault(case.place(row), {})[column] = value
    for place, record in good.taken.items():
        if place not in lines and place not in gone:
            changed = found.taken[moved.get(place, place)]
            wanted = {**record, **values.get(place, {})}
            differs = {name for name in record if changed[name] != wanted[name]} - FOLLOWING
            assert not differs, f"{place}: {sorted(differs)}"
    assert set(values) <= set(found.taken)


FOLLOWING = {"total_count", "total_fen"}
"""What the header says of all rows follows from an edit of one."""


def assert_shows_nobody(text: str, case: Case) -> None:
    """No message and no log line quotes a name, a document or a card of the sample."""
    good = read_good(case.feed)
    for record in good.taken.values():
        for name in ("worker_name", "id_no", "card_no", "reporter_name", "reporter_phone"):
            assert not record.get(name) or str(record[name]) not in text
