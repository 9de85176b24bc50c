"""Hostile files through SFTP, store and return file: the sender reads the right code, every line is counted, nobody is shown."""

from __future__ import annotations

import logging

import pytest
from round_trip import Hub, return_lines

from hub.conservation import gaps_of
from hub.model import BatchState
from hub.pipeline import balance_of
from hub.reasons import reason
from simulators.world import City
from tests.corpus.cases import Case, all_cases
from tests.corpus.outcomes import read_good

BANKS = ("haidai", "wenhe")
DAY = f"{City(7, 0.1).day:%Y%m%d}"
pytestmark = pytest.mark.timeout(1200)
OF_BANKS = [case for case in all_cases() if case.feed in {f"{bank}_payrolls" for bank in BANKS}]
REFUSED = [case for case in OF_BANKS if case.codes and len(case.data()) < 1_000_000]
BY_ROWS = [case for case in OF_BANKS if not case.codes][::5]
"""Of rows every fifth: the reading is tested with all of them."""
CASES = [*REFUSED, *BY_ROWS]


@pytest.fixture(scope="module")
def taken_in(hub: Hub) -> dict[str, str]:
    """All of them dropped at once, beside a good file of each bank, and taken in; the names by the case's id."""
    names = {
        case.id: f"{case.name.rpartition('_0001')[0]}_{number:04}_v1.txt" for number, case in enumerate(CASES, 101)
    }
    for case in CASES:
        bank = case.feed.partition("_")[0]
        hub.up.control.drop(bank, f"in/{DAY}/{_of_day(names[case.id])}", _today(case.data(), bank))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(logging.getLogger("hub"), "propagate", True)
        hub.take_in([f"{bank}_payrolls" for bank in BANKS])
    return {case_id: _of_day(name) for case_id, name in names.items()}


def _of_day(name: str) -> str:
    return name.replace("20261123", DAY)


def _today(data: bytes, bank: str) -> bytes:
    """The sample's day in the header by the day of the simulated city."""
    return data.replace(b"20261123", DAY.encode(), 2 if bank == "haidai" else 1) if DAY != "20261123" else data


def answer(hub: Hub, case: Case, name: str) -> list[list[str]]:
    lines = return_lines(hub.up, case.feed.partition("_")[0], f"RET_{name}")
    assert lines, f"{case.id} was never answered"
    return lines


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: case.id)
def test_a_file_refused_as_a_whole_is_told_so(case: Case, hub: Hub, taken_in: dict[str, str]) -> None:
    """Held, REJECTED with its code and the way out in Chinese; or a copy of what came before, which nobody need see."""
    batch, first = hub.batch(taken_in[case.id]), answer(hub, case, taken_in[case.id])[0]
    assert batch.state is BatchState.HELD
    assert (first[0], first[2]) == ("R", "REJECTED")
    assert first[6] in {*case.codes, "F004"}
    assert reason(first[6]).fix_zh[:8] in first[7]
    assert hub.ask("select 1 from tally where batch_id = :id", id=batch.batch_id) == []


@pytest.mark.parametrize("case", BY_ROWS, ids=lambda case: case.id)
def test_rows_turned_down_are_told_one_by_one(case: Case, hub: Hub, taken_in: dict[str, str]) -> None:
    """The codes of the table for its rows, and every line and fen accounted for."""
    batch = hub.batch(taken_in[case.id])
    if batch.hold_code == "F004":
        return  # says the same as a case before it, byte for byte
    lines = answer(hub, case, taken_in[case.id])
    told: dict[str, set[str]] = {}
    for number, _, code, *_ in lines[1:]:
        told.setdefault(number, set()).add(code)
    wanted = {
        case.place(row)[1]: {codes} if isinstance(codes, str) else set(codes) for row, codes in case.lines.items()
    }
    if batch.state is BatchState.HELD:
        assert batch.hold_code == "F013", f"{batch.hold_code} {batch.hold_message}"  # one row of five, or all of them
        assert lines[0][2] == "HELD"
        assert wanted
        return
    for number, codes in wanted.items():
        assert codes <= told[number], f"row {number} is told {told.get(number)}"
    assert gaps_of(balance_of(hub.house, [batch.batch_id])) == []


def test_no_log_alarm_or_hold_shows_a_person(hub: Hub, taken_in: dict[str, str]) -> None:
    """Names, documents and cards of the good samples stand nowhere in what an admin or a log reader sees."""
    seen = [*hub.alarms(), *(batch.hold_message or "" for batch in hub.batches())]
    for bank in BANKS:
        for record in read_good(f"{bank}_payrolls").taken.values():
            for name in ("worker_name", "id_no", "card_no"):
                assert not any(record.get(name) and str(record[name]) in text for text in seen)
