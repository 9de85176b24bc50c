"""Seal and open whole columns on their way into and out of the tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from hub.mapping import shown
from hub.sealing import key_ids, keyed_digests, open_many, seal_many
from hub.store.database import Work
from hub.store.keys import blind_index, checked_root, opening_keys, sealing_key
from hub.store.places import Place


def seal_frame(work: Work, place: Place, frame: pl.DataFrame, rows: pl.Series) -> pl.DataFrame:
    """The frame with its personal columns sealed, as COPY reads them, and beside them their indexes and the key's number."""
    key, names = sealing_key(work), [row.encode() for row in rows]
    plain = frame.select(shown(pl.col(place.columns)))
    added = [_hex(column, pl.Series(seal_many(key, place.table, column, names, plain[column].to_list()), dtype=pl.Binary))
             for column in place.columns]  # fmt: skip
    if place.indexed:
        index = blind_index(work)
        added += [
            _hex(f"{column}_index", index.index_many(kind, plain[column])) for column, kind in place.indexed.items()
        ]
    return frame.with_columns(*added, pl.lit(key.key_id, dtype=pl.Int32).alias("sealed_key"))


def seal_rows(
    work: Work, place: Place, rows: Sequence[str], texts: Mapping[str, Sequence[str | None]]
) -> dict[str, list[Any]]:
    """What each sealed column of these rows holds, with their indexes and the number of the key."""
    found = seal_again(work, place, rows, texts)
    if place.indexed:
        index = blind_index(work)
        for column, kind in place.indexed.items():
            numbers = pl.Series(texts[column], dtype=pl.String)
            found[f"{column}_index"] = index.index_many(kind, numbers).to_list()
    return found


def seal_again(
    work: Work, place: Place, rows: Sequence[str], texts: Mapping[str, Sequence[str | None]]
) -> dict[str, list[Any]]:
    """The same without the indexes, which another key does not change."""
    key = sealing_key(work)
    found: dict[str, list[Any]] = {
        column: list(seal_many(key, place.table, column, rows, column_texts)) for column, column_texts in texts.items()
    }
    return {**found, "sealed_key": [key.key_id] * len(rows)}


def open_columns(
    work: Work, place: Place, rows: Sequence[str], sealed: Mapping[str, Sequence[bytes | None]]
) -> dict[str, list[str | None]]:
    """The texts of these columns; DESTROYED where a key is gone. Raises SealBroken for what was changed or moved."""
    needed = key_ids(envelope for column in sealed.values() for envelope in column)
    keys = opening_keys(work, needed) if needed else {}
    return {column: open_many(keys, place.table, column, rows, envelopes) for column, envelopes in sealed.items()}


def open_texts(work: Work, place: Place, rows: Sequence[str], sealed: Sequence[bytes | None]) -> list[str | None]:
    """The texts of a table's only sealed column."""
    return open_columns(work, place, rows, {place.columns[0]: sealed})[place.columns[0]]


def keyed(work: Work, frame: pl.DataFrame, column: str) -> pl.DataFrame:
    """The frame with digests that only a holder of our root can compute; equal ones stay equal."""
    digests = keyed_digests(checked_root(work), frame[column])
    return frame.with_columns(pl.Series(column, digests, dtype=pl.String))


def from_json(envelope: str | None) -> bytes | None:
    """An envelope as PostgreSQL writes it into JSON."""
    return None if envelope is None else bytes.fromhex(envelope[2:])


def _hex(name: str, column: pl.Series) -> pl.Series:
    """Bytes as PostgreSQL reads them in a text."""
    found = column.to_frame("bytes").select(pl.lit("\\x") + pl.col("bytes").bin.encode("hex"))
    return found.to_series().alias(name)
