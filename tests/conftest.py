"""The order of the tests: long ones begin first, and the day on real Airflow comes last, when it has the machine to itself."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ORDER = ("contract", "faults", "unit", "corpus", "fuzz", "e2e")


@pytest.fixture(scope="session", autouse=True)
def own_keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Where the hub makes its two roots by itself: a folder of this run, not of the machine's hub."""
    with pytest.MonkeyPatch.context() as patch:
        if "HUB_KEYS" not in os.environ:
            patch.setenv("HUB_KEYS", str(tmp_path_factory.mktemp("keys")))
        yield


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A folder of one's own whose path is short: those of gpg's sockets may have 107 characters, and ``tmp_path`` is long."""
    folder = Path(tempfile.mkdtemp(prefix="hub-", dir="/tmp"))
    yield folder
    shutil.rmtree(folder)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole folders only: within one the order stays."""
    items.sort(key=lambda item: ORDER.index(item.path.relative_to(HERE).parts[0]))
