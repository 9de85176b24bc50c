"""The day on which every engine test runs, and the registry of the real mappings."""

from pathlib import Path

import pytest
from engine_rows import TODAY

from hub.registry import Registry, read_registry
from schemas import checks

MAPPINGS = Path(__file__).parents[3] / "mappings"


@pytest.fixture(autouse=True)
def _fixed_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checks ask for the day at every evaluation, so replacing the function is enough."""
    monkeypatch.setattr(checks, "today", lambda: TODAY)


@pytest.fixture(scope="session")
def registry() -> Registry:
    """The mappings as they are delivered."""
    return read_registry(MAPPINGS)
