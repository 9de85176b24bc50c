"""Conclusions as channels read them: calls and files in their own words, and what a mapping may say of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from hub.conclusions import (
    conclusion_path,
    facts_of,
    field_fault,
    key_of,
    render_call,
    render_conclusion,
    report_fault,
    say,
)
from hub.errors import MappingInvalid
from hub.feed import ConclusionCall, ConclusionFile, FieldSpec
from hub.model import Conclusion
from hub.registry import read_registry
from schemas.codes import CODE_LISTS

MAPPINGS = Path(__file__).parents[3] / "mappings"
REGISTRY = read_registry(MAPPINGS)
ZONE = ZoneInfo("Asia/Shanghai")
FIRST = Conclusion(
    conclusion_id=1, channel="12345", serial="RX1", key={"workOrderNo": "RX1"}, number=1, result="1",
    concluded_at=datetime(2026, 11, 20, 9, tzinfo=ZONE), due_on=date(2026, 12, 1), owed_at=datetime(2026, 11, 21, 9, tzinfo=ZONE),
    step_key="nat/GQG1/3", org_name="劳动保障监察大队", doc_no="泰人社监〔2026〕1号", solved_people=3, solved_fen=1500005,
)  # fmt: skip
LATER = replace(FIRST, number=2, result="2")
CODES = {
    "ends": {word: f"E{word}" for word in CODE_LISTS["clue_result"]},
    "some": {"1": "x"},
    "kinds": {"first": "F", "correction": "C"},
}


def call(**fields: Any) -> ConclusionCall:
    return ConclusionCall.model_validate({"call": "/end", "rows": "items", "fields": fields})


def file(**fields: Any) -> ConclusionFile:
    spec = {"file": "out/{date}/CON_{serial}_{number}.txt", "newline": "crlf", "fields": fields}
    return ConclusionFile.model_validate(spec)


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({"from": "result", "codes": "ends"}, "E1"),
        ({"from": "kind", "codes": "kinds"}, "F"),
        ("number", "1"),
        ("serial", "RX1"),
        ({"const": "是"}, "是"),
        ({"from": "solved_fen", "as": "yuan"}, "15000.05"),
        ({"from": "solved_fen", "as": "wan"}, "1.500005"),
        ("solved_people", "3"),
        ({"from": "concluded_at", "as": "time %Y%m%d%H%M%S"}, "20261120090000"),
        ({"from": "concluded_at", "as": "epoch_ms"}, "1795136400000"),
        ({"from": "due_on", "as": "date %Y/%m/%d"}, "2026/12/01"),
    ],
)
def test_a_fact_is_written_as_the_channel_wants_it(spec: Any, told: str) -> None:
    """Codes, units and forms are the partner's."""
    assert render_call(call(X=spec), FIRST, CODES) == [{"workOrderNo": "RX1", "X": told}]


def test_what_is_not_known_is_an_empty_text() -> None:
    """A conclusion without payment or document."""
    bare = replace(FIRST, doc_no=None, solved_people=None, solved_fen=None)
    told = render_call(call(A="doc_no", B="solved_people", C={"from": "solved_fen", "as": "yuan"}), bare, CODES)[0]
    assert (told["A"], told["B"], told["C"]) == ("", "", "")


def test_a_file_names_itself_and_has_one_line_of_cells() -> None:
    """Whatever stands in a cell, it stays in its column."""
    odd = replace(FIRST, org_name="甲|乙\r\n丙")
    report = file(标志={"const": "BJ"}, 编号="serial", 单位="org_name")
    assert conclusion_path(report, odd) == "out/20261121/CON_RX1_1.txt"
    lines = render_conclusion(report, odd, CODES).decode("gb18030").split("\r\n")
    assert lines == ["C|CON_RX1_1.txt|1", "BJ|RX1|甲／乙  丙", ""]


def test_the_sentence_says_what_came_of_it_and_names_nobody() -> None:
    """Result, people, yuan and document; a correction says that it is one."""
    assert say(FIRST) == "核处结论：已解决，涉及 3 人，已支付 15000.05 元，文书 泰人社监〔2026〕1号"
    assert say(replace(LATER, doc_no=None, solved_people=None, solved_fen=None)) == "更正：核处结论：部分解决"
    assert "opinion" not in facts_of(FIRST)
    assert not {"opinion", "operator_name", "reporter_name"} & set(Conclusion.__dataclass_fields__)


def test_the_key_is_made_of_what_is_told() -> None:
    """The same fact has the same key, whatever its number in our tables; another clue, result or answer has another."""
    assert key_of(FIRST) == key_of(replace(FIRST, conclusion_id=9, owed_at=FIRST.concluded_at, due_on=date(2027, 1, 1)))
    others = [
        LATER,
        replace(FIRST, serial="RX2"),
        replace(FIRST, channel="nat"),
        replace(FIRST, solved_fen=1),
        replace(FIRST, number=2),
    ]
    assert len({key_of(one) for one in (FIRST, *others)}) == 6


def test_a_result_without_a_code_is_not_guessed() -> None:
    """A table that was cut short since it was checked."""
    with pytest.raises(MappingInvalid, match="some"):
        render_call(call(X={"from": "result", "codes": "some"}), LATER, CODES)


@pytest.mark.parametrize(
    ("spec", "fault"),
    [
        ("result", None),
        ({"const": "x"}, None),
        ({"from": "result", "codes": "ends"}, None),
        ({"from": "result", "codes": "some"}, "lacks our 2, 3"),
        ({"from": "result", "codes": "none"}, "no table"),
        ({"from": "kind", "codes": "ends"}, "lacks our first, correction"),
        ({"from": "serial", "codes": "ends"}, "no word of ours"),
        ("opinion", "a conclusion knows"),
        ({"first_of": ["serial"]}, "a conclusion knows"),
        ("due_on", "needs a form"),
        ({"from": "due_on", "as": "date"}, "needs argument"),
        ({"from": "due_on", "as": "yuan"}, "does not write due_on"),
        ({"from": "due_on", "as": "day %Y"}, "no recipe day"),
        ({"from": "solved_fen", "as": "wan"}, None),
    ],
)
def test_a_field_that_cannot_be_told_is_found_at_once(spec: Any, fault: str | None) -> None:
    """By `hub check`, not at night."""
    found = field_fault(FieldSpec.model_validate(spec), CODES)
    assert (found is None) == (fault is None)
    assert fault is None or fault in (found or "")


def test_a_channel_is_told_which_clue_and_how_it_ended() -> None:
    """A call has the key; a file must say the number, and have a name of its own."""
    assert report_fault(call(A="result")) is None
    assert report_fault(file(A="sentence", B="serial")) is None
    assert "sentence" in (report_fault(call(A="number")) or "")
    assert "serial" in (report_fault(file(A="result")) or "")
    with pytest.raises(ValidationError, match="would replace another"):
        ConclusionFile.model_validate({"file": "out/CON_{serial}.txt", "newline": "lf", "fields": {}})


BAD = [
    ("visits_clues", "conclusion: {file: 'CON_{serial}_{number}', newline: lf, fields: {A: serial}}", "tells the result"),
    ("visits_clues", "conclusion: {call: /x, rows: r, fields: {A: result}}", "files are answered by files"),
    ("miniapp_clues", "conclusion: {call: /x, rows: r, fields: {A: opinion, B: result}}", "a conclusion knows"),
    ("inspection_steps", "conclusion: {call: /x, rows: r, fields: {A: result}}", "only a feed of clues"),
]  # fmt: skip


@pytest.mark.parametrize(("feed_id", "block", "cause"), BAD)
def test_hub_check_names_what_is_wrong_with_a_conclusion(tmp_path: Path, feed_id: str, block: str, cause: str) -> None:
    """The feed is refused and says why; the others are not touched."""
    for name in ("codes", "samples"):
        (tmp_path / name).symlink_to(MAPPINGS / name)
    (tmp_path / "partners.yaml").write_text((MAPPINGS / "partners.yaml").read_text("utf-8"), "utf-8")
    text = (MAPPINGS / f"{feed_id}.yaml").read_text("utf-8").partition("conclusion:")[0]
    (tmp_path / f"{feed_id}.yaml").write_text(f"{text}{block}\n", "utf-8")
    registry = read_registry(tmp_path)
    assert feed_id not in registry.feeds
    assert any(cause in str(problem) for problem in registry.problems), registry.problems


@pytest.mark.parametrize("feed_id", [name for name, feed in REGISTRY.feeds.items() if feed.spec.conclusion])
def test_every_channel_can_say_every_result(feed_id: str) -> None:
    """First and corrected, in the words of the real tables."""
    report = REGISTRY.feeds[feed_id].spec.conclusion
    for result in CODE_LISTS["clue_result"]:
        for number in (1, 2):
            told = replace(FIRST, result=result, number=number)
            if isinstance(report, ConclusionFile):
                assert render_conclusion(report, told, REGISTRY.codes)
            else:
                assert report is not None
                assert render_call(report, told, REGISTRY.codes)
