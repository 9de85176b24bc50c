"""Every raw byte received, sealed and kept under its own digest, and beside it the journal of what was fetched and told.

The only package that reads or writes the archive; where it lies is a folder or the address of an object store.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from cryptography.hazmat.primitives.hashes import SM3, Hash

from hub.archive import journal
from hub.archive.folder import FolderShelf
from hub.archive.keyring import Keyring
from hub.archive.sealed import Reader, changed, digest_in, gone, open_object, seal_object
from hub.archive.shelf import Shelf
from hub.digest import sm3_hex, sm3_of
from hub.errors import HubError, KeysUnusable
from hub.model import Journalled, Stage, Stream, Told
from hub.settings import TIME_ZONE, now

__all__ = ["Archive", "Copied", "Keyring", "digest_in", "object_name"]

OURS = re.compile(r"([0-9a-f]{2}|(fetched|told)/[0-9]{8})/([0-9.]+_)?[0-9a-f]{64}")


@dataclass(frozen=True)
class Copied:
    """What became of a copy: whether it was new there, the SM3 of its bytes as they are stored, and the check value of the
    key-encryption key that it lies under; None for a plain object."""

    is_new: bool
    stored: str
    kek: str | None


@dataclass(frozen=True)
class Archive:
    """Objects named by the SM3 of their content. ``place`` is a folder, or an address such as ``s3://bucket/archive``.

    What reads an object raises KeysUnusable (S051) when no key of the ``keyring`` opens it.
    """

    place: Path | str
    keyring: Keyring = field(default_factory=Keyring, repr=False, compare=False)

    @cached_property
    def shelf(self) -> Shelf:
        address = str(self.place)
        if "://" not in address:
            return FolderShelf(Path(address))
        if address.startswith(("file://", "local://")):
            return FolderShelf(Path(url2pathname(urlsplit(address).path)))
        from hub.archive.objects import ObjectShelf  # fsspec costs a task what most tasks do not need

        return ObjectShelf(address)

    @property
    def folder(self) -> Path:
        """The local folder. Raises HubError when the archive lies in an object store."""
        if not isinstance(self.shelf, FolderShelf):
            raise HubError("the archive lies in an object store, it has no folder")
        return self.shelf.folder

    def keep(self, part: bytes | Stream) -> str:
        """Write bytes, sealed and durably, and return their digest. Keeping the same bytes twice is one object.

        Raises ArchiveUnavailable when they cannot be written now (a full disk), and HubError S005 when other bytes than these
        stand under their name: nobody may take the one for the other.
        """
        digest = sm3_hex(part) if isinstance(part, bytes) else part.digest
        name, pieces = object_name(digest), [part] if isinstance(part, bytes) else _proven(part)
        if not self.shelf.put(name, seal_object(self.keyring, name, pieces)):
            self.check(digest)
        return digest

    def read(self, digest: str) -> bytes:
        """The bytes as they were received. Raises HubError when they are gone or are not the same any more."""
        return b"".join(self.chunks(object_name(digest)))

    def check(self, digest: str) -> None:
        """Read the bytes piece by piece; raises HubError when they are gone or are not the same any more."""
        _exhaust(self.chunks(object_name(digest)))

    def chunks(self, name: str) -> Iterator[bytes]:
        """The plain bytes of an object, piece by piece; whole only when this ends. Raises HubError S005 at the latest then."""
        try:
            yield from open_object(self.keyring, name, self.shelf.chunks(name))
        except FileNotFoundError as error:
            raise gone(name) from error

    def remove(self, digest: str) -> None:
        """Let bytes go. Only hub.retention may, which has written down why."""
        self.shelf.remove(object_name(digest))

    def names(self) -> Iterator[str]:
        """Every object's name, the journal's included; each ends with the digest of what it holds. Other files are not ours."""
        return (name for name in self.shelf.names() if OURS.fullmatch(name))

    def journal_names(self) -> list[str]:
        """The names of the journal's entries."""
        return [name for kind in journal.KINDS for name in self.shelf.names(kind)]

    def is_whole(self, name: str) -> bool:
        """Whether an object is there and holds what its name says."""
        try:
            _exhaust(self.chunks(name))
        except KeysUnusable:
            raise
        except HubError:
            return False
        return True

    def stored_digest(self, name: str) -> str | None:
        """The SM3 of an object's bytes as they are stored, which takes no key; None when it is not there."""
        try:
            return sm3_of(self.shelf.chunks(name))
        except FileNotFoundError:
            return None

    def copy(self, name: str, target: Archive) -> Copied:
        """Copy one object as it is stored, opened on the way. Raises HubError when it is damaged, or what stands there is."""
        reader, stored = Reader(self.keyring, name), Hash(SM3())
        is_new = target.shelf.put(name, self._read_through(name, reader, stored))
        if is_new:
            digest = stored.finalize().hex()
            is_right = target.stored_digest(name) == digest
        else:
            is_right, digest, reader = target._look_at(name)
        if not is_right:
            raise HubError(f"archived object {digest_in(name)} stands in {target.place} with other bytes", code="S005")
        return Copied(is_new, digest, reader.check)

    def _look_at(self, name: str) -> tuple[bool, str, Reader]:
        """Whether an object is what its name says, the SM3 of its stored bytes, and what read it."""
        reader, stored = Reader(self.keyring, name), Hash(SM3())
        try:
            _exhaust(self._read_through(name, reader, stored))
        except KeysUnusable:
            raise
        except HubError:
            return False, "", reader
        return True, stored.finalize().hex(), reader

    def _read_through(self, name: str, reader: Reader, stored: Hash) -> Iterator[bytes]:
        """The stored bytes, while they are opened beside; raises at the end when they do not open."""
        try:
            for piece in self.shelf.chunks(name):
                stored.update(piece)
                _exhaust(reader.feed(piece))
                yield piece
        except FileNotFoundError as error:
            raise gone(name) from error
        _exhaust(reader.end())

    def note_told(self, feed_id: str, stage: Stage, digests: Sequence[str]) -> None:
        """Write down, durably, of which rows a partner was told in a call; ``digests`` are the SM3 of each row as told."""
        self._note(journal.TOLD, Told(feed_id, stage, tuple(digests)))

    def told_since(self, moment: datetime) -> Iterator[Told]:
        """What was told at this moment (a datetime with zone) or later."""
        return (journal.decode_told(name, data) for name, data in self._noted(journal.TOLD, moment))

    def note_fetched(self, entry: Journalled) -> None:
        """Write down, durably, a batch that is being written into the database."""
        self._note(journal.FETCHED, entry)

    def fetched_since(self, moment: datetime) -> list[Journalled]:
        """The batches fetched at this moment or later, in the order of their numbers."""
        found = (journal.decode_fetched(name, data) for name, data in self._noted(journal.FETCHED, moment))
        return sorted(found, key=lambda entry: entry.batch_id)

    def forget_journal(self, before: datetime) -> int:
        """Let journal days go that are over before this moment: no backup so old will be restored. How many entries."""
        last = f"{before.astimezone(TIME_ZONE):%Y%m%d}"
        old = [name for name in self.journal_names() if journal.day_of(name) < last]
        for name in old:
            self.shelf.remove(name)
        return len(old)

    def _note(self, kind: str, entry: Told | Journalled) -> None:
        data = journal.encode(entry)
        name = journal.name_of(kind, now(), data)
        self.shelf.put(name, seal_object(self.keyring, name, [data]))

    def _noted(self, kind: str, moment: datetime) -> Iterator[tuple[str, bytes]]:
        moment = moment.astimezone(TIME_ZONE)
        for day in journal.days_since(moment, now()):
            for name in self.shelf.names(f"{kind}/{day}"):
                if journal.is_since(name, moment):
                    yield name, b"".join(self.chunks(name))


def object_name(digest: str) -> str:
    """Where an object lies: in a folder of the first two letters, so that no folder grows too large."""
    return f"{digest[:2]}/{digest}"


def _proven(part: Stream) -> Iterator[bytes]:
    """The bytes of a stream, held against the digest it gave itself before the last of them is sealed."""
    found = Hash(SM3())
    for piece in part.chunks():
        found.update(piece)
        yield piece
    if found.finalize().hex() != part.digest:
        raise changed(object_name(part.digest))


def _exhaust(pieces: Iterable[bytes]) -> None:
    for _ in pieces:
        pass
