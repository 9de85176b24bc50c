"""How an object is sealed is changed here, never what it says: plain ones are sealed, heads brought under another key.

Each object is replaced in one step while the hub runs. Whoever runs it again goes on with what is left.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from hub.archive import Archive
from hub.archive.sealed import MOST_HEAD, decode_head, gone, rewrap_object, seal_object
from hub.errors import HubError, KeysUnusable


@dataclass(frozen=True)
class Changed:
    """How many objects were changed; ``left`` has a sentence for each that was left as it is."""

    count: int
    left: tuple[str, ...]


def encrypt_plain(archive: Archive) -> Changed:
    """Seal what an older hub kept as it came, held against its digest on the way."""

    def sealed(name: str) -> Iterator[bytes] | None:
        if kek_of(archive, name) is not None:
            return None
        return seal_object(archive.keyring, name, archive.chunks(name))

    return _change_all(archive, sealed)


def rewrap_all(archive: Archive) -> Changed:
    """Bring every object's data key under our key-encryption key; its chunks are copied as they are."""

    def rewrapped(name: str) -> Iterator[bytes] | None:
        if kek_of(archive, name) in (None, archive.keyring.check):
            return None
        return rewrap_object(archive.keyring, name, archive.shelf.chunks(name))

    return _change_all(archive, rewrapped)


def count_keks(archive: Archive) -> Counter[str]:
    """How many objects lie under which key-encryption key, by its check value; plain ones under ``plain``, damaged ones nowhere."""
    found = Counter[str]()
    for name in archive.names():
        try:
            found[kek_of(archive, name) or "plain"] += 1
        except HubError as error:
            if error.code != "S005":
                raise
    return found


def kek_of(archive: Archive, name: str) -> str | None:
    """The check value of the key that an object lies under; None for a plain one. Raises HubError S005 for a damaged head."""
    try:
        head = decode_head(archive.shelf.start(name, MOST_HEAD), name)
    except FileNotFoundError as error:
        raise gone(name) from error
    return None if head is None else head.check


def _change_all(archive: Archive, changed: Callable[[str], Iterator[bytes] | None]) -> Changed:
    """What cannot be had now (a full disk) ends it at once; what is damaged, or opens with no key at hand, is left and named."""
    count, left = 0, list[str]()
    for name in archive.names():
        try:
            chunks = changed(name)
            count += chunks is not None and archive.shelf.replace(name, chunks)
        except KeysUnusable as error:
            left.append(f"{name}: {error}")
        except FileNotFoundError:
            continue
        except HubError as error:
            if error.code != "S005":
                raise
            if archive.stored_digest(name) is not None:  # retention may have taken it meanwhile
                left.append(f"{name}: {error}")
    return Changed(count, tuple(left))
