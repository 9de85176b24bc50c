"""A dropped file starts its feed: one session per bank lists the folders for all of its feeds and tells each of its own files.

The trigger only wakes; what was fetched already is known to the store, so an event too many costs an empty run and no more.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Hashable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseEventTrigger, TriggerEvent

from hub.bootstrap import open_registry
from hub.connections import find_connection
from hub.errors import HubError
from hub.feed import Feed, SftpSource

if TYPE_CHECKING:
    from connectors.sftp import SftpConnector

log = logging.getLogger("hub")
SESSION_SECONDS = 60.0
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
        """Watch for ever over one session; a partner that is away is asked again, ever more seldom, for a minute at most."""
        told: set[Drop] = set()
        pause = kwargs["seconds"]
        while True:
            watch = Watch(kwargs["connection"])
            try:
                async for drops in watch.listings(kwargs["seconds"]):
                    for drop in drops:
                        if drop not in told:
                            yield drop
                    told, pause = set(drops), kwargs["seconds"]
            except HubError as error:
                log.warning("drops %s: %s", kwargs["connection"], error)
                pause = min(pause * 2, 60.0)
            finally:
                await asyncio.to_thread(watch.close)
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


class Watch:
    """One open session to a bank and the feeds that look through it. Paramiko blocks, so every call runs in a thread."""

    def __init__(self, connection: str) -> None:
        self._connection = connection
        self._session: SftpConnector | None = None
        self._feeds: list[Feed] = []

    async def listings(self, seconds: float) -> AsyncIterator[list[Drop]]:
        """The complete files of all feeds, again and again. Raises HubError when the partner is away; mappings are read anew
        every minute."""
        while True:
            await asyncio.to_thread(self._open)
            for _ in range(max(1, int(SESSION_SECONDS / seconds))):
                yield await asyncio.to_thread(self._list)
                await asyncio.sleep(seconds)

    def _open(self) -> None:
        """Read the mappings; log in unless that was done. Paramiko is imported here: DAG files import this module."""
        from connectors.sftp import SftpConnector

        self._feeds = feeds_of(self._connection, int(time.monotonic() / SESSION_SECONDS))
        if self._session is None and self._feeds:
            source = self._feeds[0].spec.source
            assert isinstance(source, SftpSource)
            self._session = SftpConnector(find_connection(self._connection), source).__enter__()

    def _list(self) -> list[Drop]:
        found: list[Drop] = []
        if self._session is None:
            return found
        glance = self._session.glancing()
        for feed in self._feeds:
            assert isinstance(feed.spec.source, SftpSource)
            for path, entry in glance.looking_at(feed.spec.source).complete_files():
                found.append((feed.feed_id, path, entry.attributes.st_size or 0, int(entry.attributes.st_mtime or 0)))
        return found

    def close(self) -> None:
        """End the session, if there is one."""
        if self._session is not None:
            self._session.__exit__()
            self._session = None


def feeds_of(connection: str, minute: int) -> list[Feed]:
    """The feeds that look through a connection. All connections share one reading of the mappings, anew every minute."""
    return [feed for feed in _read_feeds(minute) if feed.spec.source.connection == connection]


@lru_cache(maxsize=1)
def _read_feeds(_: int) -> tuple[Feed, ...]:
    return tuple(open_registry(receivers="").feeds.values())
