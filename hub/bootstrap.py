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
from hub.feed import Feed, FileStatement, RestSource, SftpSource
from hub.pipeline import House, note_open, reconcile_files, reconcile_receiver
from hub.reconciliation import Reconciled, Side
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
def open_connector(feed: Feed) -> Iterator[SftpConnector | RestConnector | SoapConnector]:
    """The connector of a feed, closed at the end."""
    source = feed.spec.source
    connection = find_connection(source.connection)
    if isinstance(source, SftpSource):
        from connectors.sftp import SftpConnector

        with SftpConnector(connection, source) as connector:
            yield connector
    elif isinstance(source, RestSource):
        from connectors.rest import RestConnector

        yield RestConnector(connection, source)
    else:
        from connectors.soap import SoapConnector

        yield SoapConnector(connection, source, mappings_folder() / "wsdl" / source.wsdl)


@contextmanager
def open_statement(statement: FileStatement) -> Iterator[SftpConnector]:
    """The folder into which a partner drops its statements."""
    from connectors.sftp import SftpConnector

    with SftpConnector(find_connection(statement.source.connection), statement.source) as connector:
        yield connector


def reconcile_side(house: House, partner: str, side: Side, day: date) -> Reconciled:
    """Reconcile one day with one partner as receiver or as origin, with whatever must be opened for it."""
    if side == "receiver":
        from connectors.statements import read_statement

        receiver, receives = open_receiver(house.registry, partner), house.registry.receives(partner)
        return reconcile_receiver(house, partner, day, lambda asked: read_statement(receiver, receives, asked))
    if partner not in house.registry.statements:
        return note_open(house, partner, day)
    statement = house.registry.statements[partner]
    with open_statement(statement) as connector:
        return reconcile_files(house, statement, day, connector)


def open_receiver(registry: Registry, partner: str) -> OpenApiReceiver:
    """The receiving side of a partner."""
    from connectors.open_api import OpenApiReceiver

    receives = registry.receives(partner)
    return OpenApiReceiver(find_connection(receives.connection), receives, registry.codes)
