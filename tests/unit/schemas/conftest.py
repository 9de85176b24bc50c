"""The day on which every schema test runs."""

import pytest
from numbers_of_rows import TODAY

from schemas import checks


@pytest.fixture(autouse=True)
def _fixed_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checks ask for the day at every evaluation, so replacing the function is enough."""
    monkeypatch.setattr(checks, "today", lambda: TODAY)
