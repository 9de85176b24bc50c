"""Who takes part in the demonstration, and the tables at its end."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from hub.feed import Feed, RestSource, SftpSource
from hub.registry import read_registry
from launcher.partners import EACH_KIND, link_mappings
from launcher.state import PROJECT
from launcher.summary import Line
from launcher.tables import add_up, yuan

MAPPINGS = PROJECT / "mappings"
ALL = read_registry(MAPPINGS).feeds


def traits(feeds: Iterable[Feed]) -> set[str]:
    """What tells one way of exchanging from another."""
    found: set[str] = set()
    for feed in feeds:
        source = feed.spec.source
        found |= {source.connector, source.format.type, *feed.spec.records}
        if isinstance(source, SftpSource):
            found.add("packed" if source.packed else "plain")
        if isinstance(source, RestSource):
            found |= {source.paging.by, source.method, "signed" if source.signing else "by header"}
    return found


def test_the_demonstration_shows_every_kind_of_exchange(tmp_path: Path) -> None:
    """Half of the partners, and nothing that the other half could add: connectors, formats, paging, signing, records."""
    folder = link_mappings(MAPPINGS, tmp_path / "mappings", EACH_KIND)
    registry = read_registry(folder)
    assert registry.problems == ()
    assert set(registry.receivers) == set(read_registry(MAPPINGS, feeds="").receivers)
    assert traits(registry.feeds.values()) == traits(ALL.values())
    assert {feed.spec.partner for feed in registry.feeds.values()} == set(EACH_KIND)
    assert len(registry.feeds) < 0.6 * len(ALL)


def test_a_link_shows_what_is_edited_and_a_second_time_forgets_the_first(tmp_path: Path) -> None:
    """The files are the project's own; who no longer takes part is gone."""
    folder = link_mappings(MAPPINGS, tmp_path / "mappings", ["haidai", "wenhe"])
    assert (folder / "wenhe_txns.yaml").resolve() == MAPPINGS / "wenhe_txns.yaml"
    link_mappings(MAPPINGS, folder, ["haidai"])
    assert {path.name for path in folder.glob("*.yaml")} == {
        "haidai_accounts.yaml",
        "haidai_payrolls.yaml",
        "haidai_txns.yaml",
        "partners.yaml",
    }


def test_lines_are_added_up_and_one_wrong_line_makes_the_sum_wrong() -> None:
    """The second word tells how many lines a sum stands for."""
    lines = [
        Line("a", "x", (1, 2), (3,), True),
        Line("b", "x", (4, 5), (6,), True),
        Line("a", "y", (7, 8), (9,), False),
    ]
    assert add_up(lines, lambda line: line.first) == [
        Line("a", "2", (8, 10), (12,), False),
        Line("b", "1", (4, 5), (6,), True),
    ]


@pytest.mark.parametrize(("fen", "text"), [(0, "0.00"), (5, "0.05"), (123456, "1,234.56"), (-101, "-1.01")])
def test_fen_are_shown_as_yuan(fen: int, text: str) -> None:
    """To the fen, negative ones too."""
    assert yuan(fen) == text
