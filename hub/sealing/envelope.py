"""Envelopes: ``ver|suite|key id|nonce|ciphertext|tag``, bound to the table, column, row and key that they were made for."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from cryptography.exceptions import InvalidTag

from hub.errors import SealBroken
from hub.sealing.keys import DataKey
from hub.sealing.suites import NONCE, TAG

VERSION = 1
HEADER = 6
BODY = HEADER + NONCE
LEAST = BODY + TAG
MOST_AT_ONCE = 50_000
"""Nonces drawn together."""


class Destroyed(str):
    """Stands for a value whose key was destroyed: it can be shown, and is told apart from any text."""

    __slots__ = ()


DESTROYED = Destroyed("〔已销毁 destroyed〕")


def seal_many(
    key: DataKey, table: str, column: str, rows: Sequence[str | bytes], texts: Sequence[str | None]
) -> list[bytes | None]:
    """An envelope for each text of a column, none for none. ``rows`` name the rows, in the order of the texts."""
    header, seal = header_of(key), key.suite.sealing(key.secret)
    places = [place for place, text in enumerate(texts) if text is not None]
    found: list[bytes | None] = [None] * len(texts)
    for start in range(0, len(places), MOST_AT_ONCE):
        some = places[start : start + MOST_AT_ONCE]
        drawn = os.urandom(NONCE * len(some))
        nonces = [drawn[at : at + NONCE] for at in range(0, len(drawn), NONCE)]
        bound = _bound_many(table, column, header, [rows[place] for place in some])
        sealed = map(seal, nonces, [str(texts[place]).encode() for place in some], bound)
        for place, nonce, body in zip(some, nonces, sealed, strict=True):
            found[place] = header + nonce + body
    return found


def open_many(
    keys: Mapping[int, DataKey | None],
    table: str,
    column: str,
    rows: Sequence[str | bytes],
    sealed: Iterable[bytes | None],
) -> list[str | None]:
    """The text of each envelope of a column; ``DESTROYED`` where its key is known and None.

    Raises SealBroken for an envelope that was changed, or moved here from elsewhere.
    """
    found: list[str | None] = []
    facts = zip(sealed, rows, strict=True)
    for header, group in groupby(facts, key=lambda fact: None if fact[0] is None else fact[0][:HEADER]):
        if header is None:
            found += [None for _ in group]
        else:
            envelopes, names = zip(*group, strict=True)
            bound = _bound_many(table, column, header, names)
            found += _open(keys, header, envelopes, bound, f"{table}.{column}")
    return found


def key_ids(sealed: Iterable[bytes | None]) -> set[int]:
    """The keys that these envelopes name."""
    return {int.from_bytes(one[2:HEADER]) for one in sealed if one is not None}


def header_of(key: DataKey) -> bytes:
    """What every envelope under this key begins with."""
    return bytes((VERSION, key.suite.number)) + key.key_id.to_bytes(4)


def _open(
    keys: Mapping[int, DataKey | None], header: bytes, envelopes: Sequence[bytes], bound: Sequence[bytes], where: str
) -> Sequence[str]:
    number = int.from_bytes(header[2:])
    if len(header) < HEADER or number not in keys:
        raise SealBroken(f"{where}: an envelope names key {number}, which there is not")
    key = keys[number]
    if key is None:
        return [DESTROYED] * len(envelopes)
    if header != header_of(key):
        raise SealBroken(f"{where}: the head of an envelope was changed")
    nonces, bodies = [one[HEADER:BODY] for one in envelopes], [one[BODY:] for one in envelopes]
    try:
        return list(map(bytes.decode, map(key.suite.opening(key.secret), nonces, bodies, bound)))
    except (InvalidTag, ValueError):
        raise SealBroken(f"{where}: an envelope under key {number} was changed or moved") from None


def _bound_many(table: str, column: str, header: bytes, rows: Sequence[str | bytes]) -> list[bytes]:
    """What is bound to each envelope, each part after its length: no two places have the same."""
    shared = b"".join(_sized(part) for part in (b"L4", table.encode(), column.encode(), header))
    names = [row.encode() if isinstance(row, str) else row for row in rows]
    return [shared + len(name).to_bytes(4) + name for name in names]


def _sized(part: bytes) -> bytes:
    return len(part).to_bytes(4) + part
