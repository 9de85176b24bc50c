"""A dropped file starts its feed: one session per bank lists the folders for all of its feeds and tells each of its own files.

The trigger only wakes; what was fetched already is known to the store, so an event too many costs an empty run and no more.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Hashable, Sequence
from typing import Any

from airflow.triggers.base import BaseEventTrigger, TriggerEvent

from connectors.sftp import SftpConnector
from hub.bootstrap import open_registry
from hub.connections import find_connection
from hub.errors import HubError
from hub.feed import Feed, SftpSource
from hub.model import Connection

log = logging.getLogger("hub")
Drop = tuple[str, str, int, int]
"""Feed id, path, size in bytes, time in epoch seconds."""


class DropTrigger(BaseEventTrigger):
    """Fires once for each complete file of a feed. All triggers of one connection share one listing."""

    def __init__(self, feed_id: str, connection: str, seconds: float = 1.0) -> None:
        super().__init__()
        self.feed_id = feed_id
        self.connection = connection
        self.seconds = seconds

    def serialize(self) -> tuple[str, dict[str, Any]]:
        kwargs = {"feed_id": self.feed_id, "connection": self.connection, "seconds": self.seconds}
        return "hub.triggers.DropTrigger", kwargs

    def shared_stream_key(self) -> Hashable | None:
        return ("drops", self.connection, self.seconds)

    @classmethod
    async def open_shared_stream(cls, kwargs: dict[str, Any]) -> AsyncIterator[Drop]:
        """List for ever; a partner that is away is asked again, ever more seldom, for a minute at most."""
        told: set[Drop] = set()
        pause = kwargs["seconds"]
        while True:
            try:
                drops = await asyncio.to_thread(list_drops, kwargs["connection"])
                pause = kwargs["seconds"]
            except HubError as error:
                log.warning("drops %s: %s", kwargs["connection"], error)
                drops, pause = [], min(pause * 2, 60.0)
            for drop in drops:
                if drop not in told:
                    yield drop
            told = told.intersection(drops).union(drops) if drops else told
            await asyncio.sleep(pause)

    async def filter_shared_stream(self, shared_stream: AsyncIterator[Drop]) -> AsyncIterator[TriggerEvent]:
        async for feed_id, path, size, moment in shared_stream:
            if feed_id == self.feed_id:
                yield TriggerEvent({"feed": feed_id, "file": path, "size": size, "at": moment})

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """The same without sharing, for an Airflow that runs each trigger alone."""
        stream = type(self).open_shared_stream({"connection": self.connection, "seconds": self.seconds})
        async for event in self.filter_shared_stream(stream):
            yield event


def list_drops(connection: str) -> list[Drop]:
    """The complete files of every feed on this connection, in one session."""
    feeds = [feed for feed in open_registry().feeds.values() if feed.spec.source.connection == connection]
    return _list(find_connection(connection), feeds) if feeds else []


def _list(connection: Connection, feeds: Sequence[Feed]) -> list[Drop]:
    found: list[Drop] = []
    first = feeds[0].spec.source
    assert isinstance(first, SftpSource)
    with SftpConnector(connection, first) as session:
        for feed in feeds:
            assert isinstance(feed.spec.source, SftpSource)
            for path, entry in session.looking_at(feed.spec.source).complete_files():
                found.append((feed.feed_id, path, entry.attributes.st_size or 0, int(entry.attributes.st_mtime or 0)))
    return found
