"""Some hundred of the cases of `make fuzz`, always the same."""

from __future__ import annotations

import datetime as dt

import pytest

from schemas import checks
from tests.fuzz.judging import VERDICTS
from tests.fuzz.runner import SHARES, run


def test_some_hundred_cases(monkeypatch: pytest.MonkeyPatch) -> None:
    """No reader fails without a code, and none takes silently what a plain reading does not find."""
    monkeypatch.setattr(checks, "today", lambda: dt.date(2026, 11, 23))
    result = run(800, 2026)
    assert set(result.ran) == set(SHARES)
    assert sum(result.ran.values()) >= 500
    assert result.failed == []
    assert VERDICTS["taken"] >= 100
    assert {"F002", "F005", "F007", "F008", "F016", "F033"} <= set(VERDICTS)
