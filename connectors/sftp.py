"""Files over SSH: a partner's drops in; return files out, see returning.py. Names are bytes, nothing of theirs is renamed.

A file counts as complete when its flag says so (see flags.py) and its size is what the flag says.
"""

from __future__ import annotations

import posixpath
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from copy import copy
from dataclasses import replace
from datetime import date, timedelta
from itertools import chain

from paramiko.sftp_attr import SFTPAttributes

from connectors.flags import (
    complete_names,
    digest_of,
    flagless_names,
    flags_each_file,
    lone_flags,
    path_beside,
    strangers,
)
from connectors.names import is_safe, shown
from connectors.returning import ReturnFolder
from connectors.spool import IN_MEMORY, PIECE, Spool
from connectors.ssh import Entry, translated
from hub.errors import PartnerRefused
from hub.feed import SftpSource
from hub.limits import LARGEST_FILE
from hub.model import Connection, Fetched, FileStamp, Notice
from hub.points import reach
from hub.settings import today

# SFTP tells whole seconds: a file this young may be replaced without its stamp showing it, so it is looked at once more.
YOUNG_SECONDS = 3
SETTLE_SECONDS = 1.0
SMALL = 4096
COUNT = re.compile(r"[0-9]{1,12}")
"""Rows that a flag may promise; a number that fits no database would stop all files behind it."""

Listings = Mapping[str, Mapping[bytes, Entry]]


class SftpConnector(ReturnFolder):
    """Fetcher and FileReporter over one connection. Use as a context manager.

    ``household`` gives all sources that look into the same folder, and is asked when files are fetched; the one that is given
    it speaks of files that belong to none. ``days`` are the first and last day folder to look into, instead of those that are
    young enough.
    """

    def __init__(
        self,
        connection: Connection,
        source: SftpSource,
        household: Callable[[], Sequence[SftpSource]] = tuple,
        days: tuple[date, date] | None = None,
    ) -> None:
        super().__init__(connection, source)
        self._household = household
        self._days = days
        self._glance: dict[str, list[Entry]] | None = None

    def fetch(self, cursor: str | None, seen: frozenset[FileStamp]) -> Iterator[Fetched | Notice]:
        """Every complete file not seen before, oldest name first. One that cannot be read now does not hide the others."""
        with translated(self._connection.name):
            listings = self._listings()
            complete = self._settled(self._complete(listings), seen)
        reach("file.listed")
        known = {stamp.name for stamp in seen}
        for path in self._paths(listings, lambda entries: lone_flags(self._source, entries)):
            if path not in known:
                yield Notice("F015", f"{path!r} has its flag and is not there itself", path)
        for path in self._paths(listings, lambda entries: flagless_names(self._source, entries)):
            if path not in known:
                yield Notice("F018", f"{path!r} has no flag", path, is_waiting=True)
        if household := self._household():
            for path in self._paths(listings, lambda entries: strangers(household, entries)):
                yield Notice("F008", f"{path!r} is no file that was agreed; it was left alone", path)
        for path, entry in sorted(complete, key=lambda found: found[0]):
            if _stamp(path, entry.attributes) in seen:
                continue
            if not entry.is_file or not is_safe(self._source, entry.name):
                yield Notice("F008", f"{path!r} is not a plain file with an agreed name; it was left alone", path)
                continue
            with translated(self._connection.name):
                found = self._read_or_notice(path, entry)
            if found is not None:
                yield found

    def _read_or_notice(self, path: str, entry: Entry) -> Fetched | Notice | None:
        """What the server refuses about one file is said of that file; only a line that is dead ends the fetch."""
        try:
            return self._read(path, entry)
        except TimeoutError:
            raise
        except PartnerRefused as error:
            return Notice(error.code if error.code == "F030" else "F008", f"{error}; skipped", path)
        except OSError as error:
            transport = self._client.get_transport()
            if transport is None or not transport.is_active():
                raise
            return Notice(
                "F008", f"{path!r}, its flag or its digest cannot be read ({error.strerror or error}); skipped", path
            )

    def looking_at(self, source: SftpSource) -> SftpConnector:
        """The same session for another feed of the same connection."""
        other = copy(self)
        other._source = source
        return other

    def glancing(self) -> SftpConnector:
        """The same session, which lists each folder once however many feeds look into it: for one look around, no longer."""
        other = copy(self)
        other._glance = {}
        return other

    def _list(self, folder: str, coding: str = "") -> list[Entry]:
        coding = coding or self._source.names or "utf-8"
        if self._glance is None:
            return super()._list(folder, coding)
        if folder not in self._glance:
            self._glance[folder] = super()._list(folder, coding)
        return self._glance[folder]

    def complete_files(self) -> list[tuple[str, Entry]]:
        """Files of the agreed pattern that are complete, in the day folders that are looked at."""
        with translated(self._connection.name):
            return self._complete(self._listings())

    def stamps(self) -> list[FileStamp]:
        """How those files look; the same as when they were read, when nobody touched them since."""
        return [_stamp(path, entry.attributes) for path, entry in self.complete_files()]

    def _listings(self) -> Listings:
        return {folder: {entry.name: entry for entry in self._list(folder)} for folder in self._folders()}

    def _complete(self, listings: Listings) -> list[tuple[str, Entry]]:
        return [
            (f"{folder}/{shown(self._source, name)}", entries[name])
            for folder, entries in listings.items()
            for name in complete_names(self._source, entries)
        ]

    def _paths(self, listings: Listings, choose: Callable[[Mapping[bytes, Entry]], list[bytes]]) -> list[str]:
        """What is chosen of each folder, as whole paths."""
        return [
            f"{folder}/{shown(self._source, name)}" for folder, entries in listings.items() for name in choose(entries)
        ]

    def _settled(self, found: list[tuple[str, Entry]], seen: frozenset[FileStamp]) -> list[tuple[str, Entry]]:
        """Without flags, a file whose size or time changes between two listings is still being written."""
        if self._source.done is not None or all(_stamp(path, entry.attributes) in seen for path, entry in found):
            return found
        time.sleep(SETTLE_SECONDS)
        again = {_stamp(path, entry.attributes) for path, entry in self._complete(self._listings())}
        return [(path, entry) for path, entry in found if _stamp(path, entry.attributes) in again]

    def _folders(self) -> list[str]:
        """``in/{date}`` for each day folder that exists and is young enough, or one of the days asked for."""
        folder = posixpath.dirname(self._source.files)
        before, dated, after = folder.partition("{date}")
        if not dated:
            return [folder]
        first, last = self._days or (today() - timedelta(days=self._source.look_back_days), date.max)
        oldest, newest = (f"{day:%Y%m%d}".encode() for day in (first, last))
        days = [entry.name for entry in self._list(before.rstrip("/") or ".") if re.fullmatch(rb"[0-9]{8}", entry.name)]
        return [f"{before}{day.decode()}{after}" for day in sorted(days) if oldest <= day <= newest]

    def _read(self, path: str, entry: Entry) -> Fetched | None:
        """The whole file, or None while it is still being written. What is wrong with it as a whole goes along as a fault."""
        flag = self._flag(path)
        data = self._bytes(path, entry.attributes.st_size or 0)
        reach("file.read")
        stamp = _stamp(path, entry.attributes)
        if _stamp(path, self._sftp.lstat(self._wire(path))) != stamp:
            return None
        if abs(time.time() - stamp.modified_at) < YOUNG_SECONDS:
            stamp = replace(stamp, modified_at=-1)
        size, _, rows = flag.strip().partition("|")
        signature = self._signature(path)
        unsigned = ("F025", "the signature file is missing") if self._source.signature and signature is None else None
        fault = self._fault(path, data, size) or unsigned
        return Fetched(
            path,
            [data] if signature is None else [data, signature],
            stamp=stamp,
            fault=fault,
            printed_rows=int(rows) if COUNT.fullmatch(rows) else None,
        )

    def _flag(self, path: str) -> str:
        """What the file's own flag says: its size, and perhaps its rows."""
        if self._source.done is None or not flags_each_file(self._source):
            return ""
        return self._words(path_beside(path, self._source.done))

    def _fault(self, path: str, data: bytes | Spool, size: str) -> tuple[str, str] | None:
        found = len(data) if isinstance(data, bytes) else data.size
        if size.isdigit() and int(size) != found:
            return "F007", f"the flag says {size} bytes and the file has {found}"
        if self._source.digest is None:
            return None
        try:
            declared = self._words(path_beside(path, self._source.digest)).split()
        except FileNotFoundError:
            return "F001", "the digest file is missing"
        if not declared or declared[0].lower() != digest_of(self._source.digest, data):
            return "F001", "the digest file does not fit the data file"
        return None

    def _signature(self, path: str) -> bytes | None:
        """The detached signature, which goes into the archive beside the file; None where none is agreed or there."""
        if self._source.signature is None:
            return None
        with suppress(FileNotFoundError):
            return self._small(path_beside(path, self._source.signature))
        return None

    def _bytes(self, path: str, size: int) -> bytes | Spool:
        """A small file in memory; a large one goes through it in pieces. What counts is what comes, not what was said of it."""
        pieces, first, length = self._pieces(path, size), list[bytes](), 0
        for piece in pieces:
            first.append(piece)
            length += len(piece)
            if length > IN_MEMORY:
                return Spool(chain(first, pieces))
        return b"".join(first)

    def _pieces(self, path: str, size: int) -> Iterator[bytes]:
        came = size
        with self._sftp.open(self._wire(path), "rb") as file:
            if size <= LARGEST_FILE:
                file.prefetch(size)
                came = 0
            while came <= LARGEST_FILE and (piece := file.read(PIECE)):
                came += len(piece)
                yield piece
        if came > LARGEST_FILE:
            raise PartnerRefused(f"{path} has {came} bytes or more, {LARGEST_FILE} are the most", code="F030")

    def _small(self, path: str) -> bytes:
        """What lies beside a file: flag, digest or signature; nobody's has more."""
        with self._sftp.open(self._wire(path), "rb") as file:
            return bytes(file.read(SMALL))

    def _words(self, path: str) -> str:
        return self._small(path).decode("ascii", "replace")


def _stamp(path: str, attributes: SFTPAttributes) -> FileStamp:
    return FileStamp(path, attributes.st_size or 0, int(attributes.st_mtime or 0))
