"""The order of the tests: long ones begin first, and the day on real Airflow comes last, when it has the machine to itself."""

from __future__ import annotations

from pathlib import Path

import pytest

HERE = Path(__file__).parent
ORDER = ("contract", "faults", "unit", "e2e")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole folders only: within one the order stays."""
    items.sort(key=lambda item: ORDER.index(item.path.relative_to(HERE).parts[0]))
