"""The only place that builds concrete things: the database, the archive, the registry, and a connector for each feed.

A connector's module is imported when it is built: an Airflow task is a process of its own, and zeep, paramiko and requests
together cost it half a CPU second that most tasks do not need.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from functools import cache
from typing import TYPE_CHECKING

from hub.archive import Archive
from hub.connections import find_connection
from hub.feed import Feed, RestSource, SftpSource
from hub.pipeline import House
from hub.registry import Registry, read_registry
from hub.settings import mappings_folder, read_settings
from hub.store.database import open_database

if TYPE_CHECKING:
    from connectors.open_api import OpenApiReceiver
    from connectors.rest import RestConnector
    from connectors.sftp import SftpConnector
    from connectors.soap import SoapConnector


@cache
def open_house(feeds: str = "*", receivers: str = "*") -> House:
    """Database, archive and what these patterns name of the mappings; opened once per process."""
    settings = read_settings()
    registry = read_registry(settings.mappings, feeds, receivers)
    return House(open_database(settings.database_url), Archive(settings.archive), registry)


def open_registry(feeds: str = "*", receivers: str = "*") -> Registry:
    """The feeds alone: no database, no connection; what DAG files may do when they are parsed."""
    return read_registry(mappings_folder(), feeds, receivers)


@contextmanager
def open_connector(
    feed: Feed, days: tuple[date, date] | None = None
) -> Iterator[SftpConnector | RestConnector | SoapConnector]:
    """The connector of a feed, closed at the end; ``days`` are the day folders of a drop that are asked for by hand."""
    source = feed.spec.source
    connection = find_connection(source.connection)
    if isinstance(source, SftpSource):
        from connectors.sftp import SftpConnector

        with SftpConnector(connection, source, days) as connector:
            yield connector
    elif isinstance(source, RestSource):
        from connectors.rest import RestConnector

        yield RestConnector(connection, source)
    else:
        from connectors.soap import SoapConnector

        yield SoapConnector(connection, source, mappings_folder() / "wsdl" / source.wsdl)


def open_receiver(registry: Registry, partner: str) -> OpenApiReceiver:
    """The receiving side of a partner."""
    from connectors.open_api import OpenApiReceiver

    receives = registry.receives(partner)
    return OpenApiReceiver(find_connection(receives.connection), receives, registry.codes)
