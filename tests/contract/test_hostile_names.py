"""Hostile names of files at a real SFTP server: left alone and told of, or held; none is ever used as a path of ours."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from round_trip import Hub

from hub.model import BatchState
from simulators.drops import extra_drop
from simulators.projects import BANKS
from simulators.world import City

CITY = City(7, 0.1)
DAY = f"{CITY.day:%Y%m%d}"
FEEDS = ("haidai_accounts", "haidai_payrolls", "haidai_txns")
"""All that look into the folder: the first of them speaks of files that belong to none."""
NAMES = yaml.safe_load((Path(__file__).parents[1] / "corpus" / "names.yaml").read_text("utf-8"))


def name_of(case: Mapping[str, Any]) -> str:
    return str(case["name"]).replace("DATE", DAY)


@pytest.fixture(scope="module")
def looked(hub: Hub) -> Hub:
    """All names at once, beside a good file, taken in twice."""
    content = extra_drop(CITY, BANKS["haidai"], "PAYR", 70, None).content
    assert content is not None
    for number, case in enumerate(NAMES):
        hub.up.control.drop(
            "haidai",
            f"in/{DAY}/{name_of(case)}",
            content + b"\r\n" * number,
            name_encoding=case.get("encoding", "utf-8"),
        )
    for _ in range(2):
        hub.take_in(FEEDS)
    return hub


@pytest.mark.parametrize("case", NAMES, ids=lambda case: case["id"])
def test_name(case: Mapping[str, Any], looked: Hub) -> None:
    """By the table."""
    shown = name_of(case).encode(case.get("encoding", "utf-8")).decode("gb18030", "backslashreplace")
    batches = [batch for batch in looked.batches() if batch.source_name.endswith(f"/{shown}")]
    unread = {row.path.rpartition("/")[2]: row.code for row in looked.ask("select path, code from unread_file")}
    if case["verdict"] == "held":
        assert [batch.state for batch in batches] == [BatchState.HELD]
        assert batches[0].hold_code == case.get("code", "F008")
        assert shown not in unread
    elif case["verdict"] == "left":
        assert batches == []
        assert unread[shown] == "F008"
    else:
        assert batches == []
        assert shown not in unread


def test_each_name_is_told_of_once(looked: Hub) -> None:
    """Two looks are one alarm each; control characters stand in it as escapes."""
    alarms = looked.alarms()
    assert len(alarms) == len(set(alarms))
    assert not any(letter in alarm for alarm in alarms for letter in "\n\t\u202e")


def test_a_good_file_beside_them_goes_through(looked: Hub) -> None:
    """None of them hides it."""
    name = looked.up.control.drop_extra("haidai", "PAYR", None)
    looked.take_in(FEEDS)
    assert looked.batch(name).state is BatchState.STORED
