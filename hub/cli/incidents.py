"""Commands about incidents: what is open and what to do about it, and an evaluation at once."""

from __future__ import annotations

import argparse

from hub import watching
from hub.bootstrap import connection_names, find_connections, open_house, open_webhook
from hub.incidents import Incident, Kind, advise, describe
from hub.reasons import reason
from hub.settings import TIME_ZONE
from hub.store import incidents
from hub.store import watching as watching_store
from hub.store.database import working

MOST_FILES = 20


def list_incidents(words: argparse.Namespace) -> int:
    """What is the matter now, since when, and what to do about it; with --all the closed ones too."""
    with working(open_house().engine) as work:
        found = incidents.newest_incidents(work, words.last) if words.all else incidents.open_incidents(work)
    if not found:
        print("没有事件 / nothing is the matter")
    for incident in found:
        print(_line(incident))
        if incident.closed_at is None:
            print(f"        → {advise(incident.kind)}")
            if incident.kind is Kind.UNACKNOWLEDGED:
                _show_files(incident.subject)
    return 0


def _show_files(feed_id: str) -> None:
    """The files that cannot be taken, by name: on the screen of whoever asks, never in a notice."""
    with working(open_house().engine) as work:
        for file in watching_store.files_of(work, feed_id, MOST_FILES):
            print(
                f"          {file.seen_since.astimezone(TIME_ZONE):%F %T}  {file.code} {reason(file.code).zh}  {file.path!r}"
            )


def _line(incident: Incident) -> str:
    opened = f"{incident.opened_at.astimezone(TIME_ZONE):%F %T}"
    closed = f"{incident.closed_at.astimezone(TIME_ZONE):%F %T}" if incident.closed_at else "open".ljust(19)
    return f"{incident.incident_id:>6}  {incident.kind.value:14}  {opened}  {closed}  {describe(incident)}"


def watch_now(words: argparse.Namespace) -> int:
    """Look at expiries, hold what was expected against what came, and send the notices; as the DAG watch does."""
    house = open_house()
    names = connection_names(house.registry)
    watching.note_expiries(house, find_connections(names), names)
    found = watching.watch(house)
    sent = watching.send_notices(house, open_webhook())
    print(
        f"{found.opened} opened, {found.closed} closed, {found.still_open} open now, {sent} notices sent; `hub incidents`"
    )
    return 0
