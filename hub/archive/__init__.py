"""Every raw byte received, kept under its own digest and never changed, and beside it the journal of what was fetched and told.

The only package that reads or writes the archive; where it lies is a folder or the address of an object store.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from hub.archive import journal
from hub.archive.folder import FolderShelf
from hub.archive.shelf import Shelf
from hub.digest import sm3_hex, sm3_of
from hub.errors import HubError
from hub.model import Journalled, Stage, Told
from hub.settings import TIME_ZONE, now

OURS = re.compile(r"([0-9a-f]{2}|(fetched|told)/[0-9]{8})/([0-9.]+_)?[0-9a-f]{64}")


@dataclass(frozen=True)
class Archive:
    """Objects named by the SM3 of their content. ``place`` is a folder, or an address such as ``s3://bucket/archive``."""

    place: Path | str

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

    def keep(self, data: bytes) -> str:
        """Write the bytes, durably, and return their digest. Keeping the same bytes twice is one object.

        Raises ArchiveUnavailable when they cannot be written now (a full disk), and HubError S005 when other bytes than these
        stand under their name: nobody may take the one for the other.
        """
        digest = sm3_hex(data)
        if not self.shelf.put(object_name(digest), [data]):
            self.check(digest)
        return digest

    def read(self, digest: str) -> bytes:
        """The bytes as they were received. Raises HubError when they are gone or are not the same any more."""
        try:
            data = b"".join(self.shelf.chunks(object_name(digest)))
        except FileNotFoundError as error:
            raise _gone(digest) from error
        if sm3_hex(data) != digest:
            raise _changed(digest)
        return data

    def check(self, digest: str) -> None:
        """Read the bytes piece by piece; raises HubError when they are gone or are not the same any more."""
        try:
            found = sm3_of(self.shelf.chunks(object_name(digest)))
        except FileNotFoundError as error:
            raise _gone(digest) from error
        if found != digest:
            raise _changed(digest)

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
            return sm3_of(self.shelf.chunks(name)) == digest_in(name)
        except FileNotFoundError:
            return False

    def copy(self, name: str, target: Archive) -> bool:
        """Copy one object, checked; whether it was new there. Raises HubError when it is damaged, or what stands there is."""
        digest = digest_in(name)
        try:
            if sm3_of(self.shelf.chunks(name)) != digest:
                raise _changed(digest)
            is_new = target.shelf.put(name, self.shelf.chunks(name))
        except FileNotFoundError as error:
            raise _gone(digest) from error
        if sm3_of(target.shelf.chunks(name)) != digest:
            raise HubError(f"archived object {digest} stands in {target.place} with other bytes", code="S005")
        return is_new

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
        self.shelf.put(journal.name_of(kind, now(), data), [data])

    def _noted(self, kind: str, moment: datetime) -> Iterator[tuple[str, bytes]]:
        moment = moment.astimezone(TIME_ZONE)
        for day in journal.days_since(moment, now()):
            for name in self.shelf.names(f"{kind}/{day}"):
                if journal.is_since(name, moment):
                    yield name, b"".join(self.shelf.chunks(name))


def object_name(digest: str) -> str:
    """Where an object lies: in a folder of the first two letters, so that no folder grows too large."""
    return f"{digest[:2]}/{digest}"


def digest_in(name: str) -> str:
    """The digest of what an object holds, by its name; a journal entry has its moment before it."""
    return name.rpartition("/")[2].rpartition("_")[2]


def _gone(digest: str) -> HubError:
    return HubError(f"archived object {digest} cannot be read: it is not there", code="S005")


def _changed(digest: str) -> HubError:
    return HubError(f"archived object {digest} was changed after it was received", code="S005")
