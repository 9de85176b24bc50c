"""Open the database the way every step needs it: psycopg, Shanghai time, one transaction per durable hand-over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import psycopg
import sqlalchemy as sa
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from sqlalchemy.exc import ArgumentError, DBAPIError

from hub.errors import HubError, HubUnavailable
from hub.mapping import NUL, SHOWN_NUL, shown
from hub.store.fences import verify
from hub.store.vault import FindSecret, Vault

Work = sa.Connection


def open_database(url: str, find_secret: FindSecret | None = None, keys: Path | None = None) -> sa.Engine:
    """An engine for any PostgreSQL address; ``postgresql://`` is read as psycopg 3. Its vault holds the keys of sealed fields.

    ``find_secret`` asks Airflow for the password of a connection, where a setting names one; ``keys`` is another folder than
    ``HUB_KEYS`` for the private files.
    """
    if url.startswith("postgresql://"):
        url = url.replace("postgresql://", "postgresql+psycopg://", 1)
    options = "-c timezone=Asia/Shanghai -c search_path=hub"
    try:
        engine = sa.create_engine(
            url,
            connect_args={"options": options, "connect_timeout": 10},
            pool_size=2,
            pool_pre_ping=True,
            hide_parameters=True,
            execution_options={"vault": Vault(find_secret, keys)},
        )
        sa.event.listen(engine, "connect", _read_whole_numbers)
        return engine
    except (ArgumentError, ValueError):  # its words quote the address, which holds the password
        raise HubError(
            "HUB_DATABASE_URL is no address of a PostgreSQL, such as postgresql://user:word@host/name"
        ) from None


class _Whole(Loader):
    """A numeric of PostgreSQL without decimals as an int: sums of fen may be larger than 64 bits and are never rounded."""

    def load(self, data: Buffer) -> int | Decimal:
        text = bytes(data).decode()
        return int(text) if text.lstrip("-").isdigit() else Decimal(text)


def _read_whole_numbers(connection: psycopg.Connection[Any], _: object) -> None:
    connection.adapters.register_loader("numeric", _Whole)


@contextmanager
def working(engine: sa.Engine) -> Iterator[Work]:
    """One transaction: all of it is durable at the end, or none. A lost database is HubUnavailable, so it is tried again.

    Under a lease (see fences.py) all of it is undone when a newer worker has taken over.
    Whatever else PostgreSQL says is said by its kind alone: its own words quote the row, a worker's name and number with it.
    """
    try:
        with engine.begin() as work:
            yield work
            verify(work)
    except (DBAPIError, psycopg.Error) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        kind = type(cause).__name__
        if isinstance(cause, psycopg.OperationalError):
            raise HubUnavailable(f"the database did not answer: {kind}") from error
        advice = "; run `hub migrate` first" if isinstance(cause, psycopg.errors.UndefinedTable) else ""
        raise HubError(f"the database did not take it: {kind}{advice}") from None


def copy_rows(work: Work, table: str, frame: pl.DataFrame) -> None:
    """COPY a frame into a table; the frame's columns name the table's."""
    columns = ", ".join(f'"{name}"' for name in frame.columns)
    frame = frame.with_columns(shown(pl.col(pl.String)))
    raw = work.connection.driver_connection
    assert raw is not None
    with (
        raw.cursor() as cursor,
        cursor.copy(f"COPY {table} ({columns}) FROM STDIN (FORMAT csv, ENCODING 'UTF8')") as copy,
    ):
        for chunk in frame.iter_slices(50_000):
            copy.write(chunk.write_csv(include_header=False, datetime_format="%Y-%m-%d %H:%M:%S%.6f%:z").encode())


def rows_of(work: Work, sql: str, **values: Any) -> Sequence[sa.Row[Any]]:
    """Run one question and return all its rows."""
    return work.execute(sa.text(sql), values).all()


def plain(message: str) -> str:
    """A message that may quote what a partner wrote, as it can be kept."""
    return message.replace(NUL, SHOWN_NUL)
