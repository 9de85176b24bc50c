"""One set of running simulators for the tests that only read or add; others start their own."""

from collections.abc import Iterator

import pytest

from simulators.running import Running, running


@pytest.fixture(scope="session")
def simulators(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A small city, day dropped, nobody misbehaving."""
    with running(tmp_path_factory.mktemp("state"), scale=0.1, latency=0.5, rate=1000) as up:
        up.control.drop_day()
        yield up
