"""Every file dropped is acknowledged, or stands in an open incident within its window: also what cannot be taken."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from round_trip import Hub

from hub import watching
from hub.model import Stage
from hub.settings import now
from simulators.drops import extra_drop
from simulators.projects import BANKS
from simulators.world import City

CITY = City(7, 0.1)
FOLDER = f"in/{CITY.day:%Y%m%d}"
FEEDS = ("haidai_accounts", "haidai_payrolls", "haidai_txns")
HOUR = timedelta(minutes=61)


def unacknowledged(hub: Hub) -> list[tuple[str, int]]:
    """The open incidents of files, an hour after the last look."""
    watching.watch(hub.house, now() + HOUR)
    sql = """select subject, cast(detail ->> 'files' as int) as files from incident
             where kind = 'unacknowledged' and closed_at is null order by 1"""
    return [(row.subject, row.files) for row in hub.ask(sql)]


def told(hub: Hub) -> list[tuple[str, str]]:
    sql = """select subject, occasion from notice join incident using (incident_id)
             where kind = 'unacknowledged' order by notice_id"""
    return [(row.subject, row.occasion) for row in hub.ask(sql)]


def look_again(hub: Hub) -> None:
    """Take in whatever the bank has dropped."""
    for feed_id in FEEDS:
        hub.take_in([feed_id])


def test_a_file_that_cannot_be_taken_is_an_incident_until_it_is_or_is_gone(hub: Hub) -> None:
    """Without a flag, and under a name no feed agreed on: nothing is acknowledged, so somebody is told; once, and once after."""
    watching.watch(hub.house)
    made = extra_drop(CITY, BANKS["haidai"], "PAYR", 900, None)
    assert made.content is not None
    hub.up.control.drop("haidai", f"{FOLDER}/{made.name}", made.content, flag=False)
    hub.up.control.drop("haidai", f"{FOLDER}/WAGES.TXT", made.content, flag=False)
    look_again(hub)
    assert hub.up.control.return_file("haidai", f"RET_{made.name}") is None
    assert watching.watch(hub.house).still_open == 0  # the upload may be under way
    for _ in range(2):
        assert unacknowledged(hub) == [("haidai_accounts", 1), ("haidai_payrolls", 1)]
        look_again(hub)
    assert [alarm for alarm in hub.alarms() if "WAGES.TXT" in alarm and "F008" in alarm]
    assert not [alarm for alarm in hub.alarms() if made.name in alarm]
    hub.up.control.drop("haidai", f"{FOLDER}/{made.name}", made.content)
    (Path(hub.up.addresses["sftp"]["users"]["haidai"]["root"]) / FOLDER / "WAGES.TXT").unlink()
    look_again(hub)
    assert hub.up.control.return_file("haidai", f"RET_{made.name}") is not None
    for _ in range(2):
        assert unacknowledged(hub) == []
    assert told(hub) == [
        ("haidai_accounts", "opened"), ("haidai_payrolls", "opened"),
        ("haidai_accounts", "closed"), ("haidai_payrolls", "closed"),
    ]  # fmt: skip


def test_a_batch_that_is_fetched_and_not_acknowledged_is_an_incident(hub: Hub) -> None:
    """Between fetch and acknowledge the hub may stop; when it goes on, the bank is told and the incident is over."""
    hub.up.control.drop_extra("haidai", "TXN")
    hub.fetch("haidai_txns")
    assert unacknowledged(hub) == [("haidai_txns", None)]
    hub.store("haidai_txns")
    assert unacknowledged(hub) == [("haidai_txns", None)]
    hub.tell("haidai_txns", Stage.INTAKE)
    assert unacknowledged(hub) == []
