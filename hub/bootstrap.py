"""The only place that builds concrete things: the database, the archive, the registry, and a connector for each feed.

A connector's module is imported when it is built: an Airflow task is a process of its own, and zeep, paramiko and requests
together cost it half a CPU second that most tasks do not need.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import date
from functools import cache
from posixpath import dirname
from typing import TYPE_CHECKING

import sqlalchemy as sa

from hub.archive import Archive, Keyring
from hub.connections import find_connection
from hub.containers import Containers
from hub.errors import ConnectionMissing
from hub.feed import Feed, FileStatement, RestSource, SftpSource
from hub.masking import hide
from hub.model import Connection
from hub.pipeline import House, note_open, reconcile_files, reconcile_receiver
from hub.reconciliation import Reconciled, Side
from hub.registry import Registry, read_registry
from hub.settings import mappings_folder, read_settings, seal_key
from hub.store.database import open_database

if TYPE_CHECKING:
    from connectors.open_api import OpenApiReceiver
    from connectors.rest import RestConnector
    from connectors.sftp import SftpConnector
    from connectors.soap import SoapConnector
    from connectors.webhook import Webhook
    from hub.exchange_log import Signer

WEBHOOK = "notice_webhook"


@cache
def open_house(feeds: str = "*", receivers: str = "*") -> House:
    """Database, archive and what these patterns name of the mappings; opened once per process."""
    settings = read_settings()
    registry = read_registry(settings.mappings, feeds, receivers)
    return House(open_engine(settings.database_url), open_archive(settings.archive), registry, open_containers())


def open_engine(url: str) -> sa.Engine:
    """The database, with a vault that may ask Airflow for the two roots where a setting names a connection for them.

    Its password stands in no log from then on.
    """
    with suppress(ValueError, sa.exc.ArgumentError):  # whoever connects says what is wrong with it
        hide(sa.make_url(url).password or "")
    return open_database(url, _password_of)


def open_archive(place: str) -> Archive:
    """The archive, with keys from where the database's vault has them."""
    return Archive(place, Keyring(_password_of))


def _password_of(connection: str) -> str:
    return find_connection(connection).password


def open_containers() -> Containers:
    """What opens encrypted files, with the keys of whatever connection a mapping names."""
    return Containers(lambda name: find_connection(name))


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

        with SftpConnector(connection, source, lambda: household_of(feed), days) as connector:
            yield connector
    elif isinstance(source, RestSource):
        from connectors.rest import RestConnector

        yield RestConnector(connection, source)
    else:
        from connectors.soap import SoapConnector

        yield SoapConnector(connection, source, mappings_folder() / "wsdl" / source.wsdl)


def household_of(feed: Feed) -> list[SftpSource]:
    """All sources that look into this feed's folder, the statement's too, for the first of them by name; none for the others.

    Nor when a mapping of the partner is broken: its files would look as if they belonged to nobody.
    """
    registry = open_registry(f"{feed.spec.partner}_*", receivers="")
    sources = {name: one.spec.source for name, one in sorted(registry.feeds.items())}
    place = _folder_of(feed)
    found = [name for name, source in sources.items() if _folder_of(registry.feeds[name]) == place]
    if registry.problems or found[:1] != [feed.feed_id]:
        return []
    household = [source for name in found if isinstance(source := sources[name], SftpSource)]
    statement = registry.statements.get(feed.spec.partner)
    return household if statement is None else [*household, statement.source]


def _folder_of(feed: Feed) -> tuple[str, str] | None:
    source = feed.spec.source
    return (source.connection, dirname(source.files)) if isinstance(source, SftpSource) else None


def open_webhook() -> Webhook | None:
    """Where notices are posted; None where nobody entered such a connection, and notices stand in the log alone."""
    from connectors.webhook import Webhook

    try:
        return Webhook(find_connection(WEBHOOK))
    except ConnectionMissing:
        return None


def connection_names(registry: Registry) -> list[str]:
    """Every connection that is used: those of the mappings, and the one for notices."""
    feeds, receivers = registry.feeds.values(), registry.receivers.values()
    return sorted({WEBHOOK, *(feed.spec.source.connection for feed in feeds), *(one.connection for one in receivers)})


def find_connections(names: Iterable[str]) -> Iterator[Connection]:
    """The connections of these names that somebody entered."""
    for name in names:
        with suppress(ConnectionMissing):
            yield find_connection(name)


def open_signer() -> Signer:
    """The key that seals the exchange log, by the settings; made at its first use where they name a file that is not there."""
    from hub import exchange_log

    return exchange_log.open_signer(*seal_key(_password_of))


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
