"""The catalogue of reasons is complete, stable and fit to be printed in a return file."""

import dataclasses
import re

import pytest

from hub.reasons import Reason, all_reasons, reason

LEVEL_OF_LETTER = {"F": "file", "L": "line", "R": "receipt", "S": "system"}
PROMISED = [
    *(f"F{n:03}" for n in range(1, 16)),
    *(f"L{n}" for n in range(101, 119)),
    *("R000", "R001", "R002", "R003", "R086"),
]


def test_every_promised_code_is_there() -> None:
    """Codes in the partners' contracts never disappear."""
    assert set(PROMISED) <= {reason.code for reason in all_reasons()}


def test_codes_are_unique_and_ordered() -> None:
    """A code stands for one thing."""
    codes = [reason.code for reason in all_reasons()]
    assert codes == sorted(set(codes))


@pytest.mark.parametrize("given", all_reasons(), ids=lambda given: given.code)
def test_a_reason_says_what_happened_and_what_to_do(given: Reason) -> None:
    """Both languages, no empty cell, and no character that would break a return file."""
    assert given.level == LEVEL_OF_LETTER[given.code[0]]
    for text in dataclasses.astuple(given):
        assert text.strip() == text != ""
        assert not re.search(r"[|\r\n]", text)
    for chinese in (given.zh, given.cause_zh, given.fix_zh):
        assert re.search(r"[\u4e00-\u9fff]", chinese)
        chinese.encode("gb18030")


def test_an_unknown_code_is_a_mistake_in_the_program() -> None:
    """It raises instead of answering something."""
    with pytest.raises(KeyError):
        reason("L999")
