"""One database server and one zygote for all tests of this folder; a stand for each file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .invariants import Checker
from .running import Ground, ground
from .stand import Stand, standing


@pytest.fixture(scope="session")
def on(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """What all stands stand on."""
    with ground(tmp_path_factory.mktemp("faults")) as found:
        yield found


@pytest.fixture(scope="module")
def stand(on: Ground, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """Partners, a database, an archive."""
    with standing(tmp_path_factory.mktemp("stand"), on.server, on.door) as found:
        yield found


@pytest.fixture(scope="module")
def checker(stand: Stand) -> Checker:
    return Checker(stand)
