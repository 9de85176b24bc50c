"""Return files over SSH: each of its parts whole under its final name or not there, the flag last, whoever writes beside us."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Sequence
from contextlib import suppress
from secrets import token_hex

from connectors.flags import digest_of, flags_each_file, path_beside
from connectors.names import is_safe, on_line, shown
from connectors.ssh import SshSession, translated
from hub.errors import PartnerRefused
from hub.feed import SftpSource
from hub.model import Connection
from hub.points import reach

PART = ".part"


class ReturnFolder(SshSession):
    """FileReporter over one connection; the source says which names, flag, digest and signature. Use as a context manager."""

    def __init__(self, connection: Connection, source: SftpSource) -> None:
        super().__init__(connection)
        self._source = source

    def put(self, path: str, data: bytes, still_ours: Callable[[], None], signature: bytes | None = None) -> None:
        """Place a return file: data, then its signature, its digest and its flag, each under its final name in one step.

        An older version's flag is taken away first, so that nobody reads new data by an old flag.
        """
        name, digest, flag = posixpath.basename(path), self._source.digest, self._source.done
        with translated(self._connection.name):
            self._make_folder(posixpath.dirname(path))
            self._sweep([path, *(path_beside(path, end) for end in (digest, flag, self._source.signature) if end)])
            reach("put.begun")
            if not self._stands(path, data):
                if flag and flags_each_file(self._source):
                    still_ours()
                    self._take_away(path_beside(path, flag))
                    reach("put.flag_taken_away")
                self._write(path, data, still_ours)
            reach("put.data_placed")
            if signature is not None and self._source.signature:
                self._place(path_beside(path, self._source.signature), signature, still_ours)
            if digest:
                line = self._wire(f"{digest_of(digest, data)}  {name}\n")
                self._place(path_beside(path, digest), line, still_ours)
                reach("put.digest_placed")
            if flag and flags_each_file(self._source):
                lines = data.count(b"\n")
                self._place(path_beside(path, flag), f"{len(data)}|{lines}".encode(), still_ours)
                reach("put.flag_placed")

    def _make_folder(self, folder: str) -> None:
        try:
            self._sftp.stat(self._wire(folder))
        except FileNotFoundError:
            self._sftp.mkdir(self._wire(folder))

    def _stands(self, path: str, data: bytes) -> bool:
        try:
            with self._sftp.open(self._wire(path), "rb") as file:
                return bool(file.read() == data)
        except FileNotFoundError:
            return False

    def _take_away(self, path: str) -> None:
        with suppress(FileNotFoundError):
            self._sftp.remove(self._wire(path))

    def _place(self, path: str, data: bytes, still_ours: Callable[[], None]) -> None:
        if not self._stands(path, data):
            self._write(path, data, still_ours)

    def _sweep(self, paths: Sequence[str]) -> None:
        """Take away what others left unfinished of these files; one who is still at it has nothing to rename then, and tries again.

        Where a partner lets nobody list the folder, what is left stays.
        """
        folder, starts = (
            posixpath.dirname(paths[0]),
            tuple(self._wire(f"{posixpath.basename(path)}.") for path in paths),
        )
        with suppress(PartnerRefused, PermissionError):
            for entry in self._list(folder, self._source.names or "utf-8"):
                name = entry.name
                if name.startswith(starts) and name.endswith(PART.encode()) and is_safe(self._source, name):
                    self._take_away(f"{folder}/{shown(self._source, name)}")

    def _write(self, path: str, data: bytes, still_ours: Callable[[], None]) -> None:
        """Under a name that nobody else writes to, so that nobody gives its name to the half of another's file."""
        part = f"{path}.{token_hex(4)}{PART}"
        with self._sftp.open(self._wire(part), "wx") as file:
            file.set_pipelined(True)
            file.write(data)
        reach("put.part_written")
        still_ours()
        reach("put.checked")
        self._sftp.posix_rename(self._wire(part), self._wire(path))

    def _wire(self, path: str) -> bytes:
        """A path as it goes over the line, in the agreed code page."""
        return on_line(self._source, path)
