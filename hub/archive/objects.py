"""The archive in an object store, whichever fsspec knows by its address: s3://…, abfs://…, sftp://…, memory:// for tests.

What such a store has answered for is durable by its own promise. Logins are its own affair: fsspec reads them from the environment.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from secrets import token_hex
from tempfile import SpooledTemporaryFile
from typing import IO, Any

import fsspec  # type: ignore[import-untyped]

from hub.archive.shelf import CHUNK, DAY_SECONDS, IN_MEMORY, UNFINISHED
from hub.errors import ArchiveUnavailable, HubError
from hub.points import reach


class ObjectShelf:
    """Objects below one address. A listing is never remembered: another hub may write beside us."""

    def __init__(self, address: str) -> None:
        protocol = address.partition("://")[0]
        if not protocol:  # fsspec would take it for a folder of this machine
            raise HubError(f"HUB_ARCHIVE cannot be used: {address!r} names no kind of store before ://")
        try:
            self._store, root = fsspec.url_to_fs(address, use_listings_cache=False)
        except (ImportError, ValueError) as error:
            raise HubError(f"HUB_ARCHIVE cannot be used: {error} ({protocol}://)") from error
        self._root = str(root).rstrip("/")

    def put(self, name: str, chunks: Iterable[bytes]) -> bool:
        target = f"{self._root}/{name}"
        with _taking():
            if self._store.exists(target):
                return False
            part = self._write(target, chunks)
            self._store.mv(part, target)
        reach("archive.kept")
        return True

    def replace(self, name: str, chunks: Iterable[bytes]) -> bool:
        target = f"{self._root}/{name}"
        with _taking():
            part = self._write(target, chunks)
            if is_there := bool(self._store.exists(target)):  # retention may have taken it meanwhile
                self._store.mv(part, target)
            else:
                self._store.rm_file(part)
        reach("archive.replaced")
        return is_there

    def start(self, name: str, size: int) -> bytes:
        try:
            return bytes(self._store.cat_file(f"{self._root}/{name}", start=0, end=size))
        except FileNotFoundError:
            raise
        except Exception as error:
            raise ArchiveUnavailable(f"the archive did not give an object: {type(error).__name__}") from error

    def _write(self, target: str, chunks: Iterable[bytes]) -> str:
        """All the bytes under another name beside their own, which nobody reads; which. Some stores make an object of whatever
        came before a line broke: it must not have the name of the whole."""
        part = f"{target}.{token_hex(8)}{UNFINISHED}"
        try:
            size = self._upload(part, chunks)
            if self._size(part) != size:
                raise OSError("the object is not as long as what was sent")
        except BaseException:
            with suppress(Exception):  # what stays is no object, and is swept away
                self._store.rm_file(part)
            raise
        return part

    def _upload(self, place: str, chunks: Iterable[bytes]) -> int:
        """Bytes beyond some MB wait on this machine's disk, sealed as they are: a store is not to wait for a slow partner."""
        with SpooledTemporaryFile(IN_MEMORY) as waiting:
            for chunk in chunks:
                waiting.write(chunk)
            size = waiting.tell()
            try:
                self._send(place, waiting, size)
            except FileNotFoundError:  # stores with real folders
                self._store.makedirs(place.rpartition("/")[0], exist_ok=True)
                self._send(place, waiting, size)
        return size

    def _send(self, place: str, waiting: IO[bytes], size: int) -> None:
        waiting.seek(0)
        if size <= IN_MEMORY:
            self._store.pipe_file(place, waiting.read())
            return
        with self._store.open(place, "wb") as file:
            while piece := waiting.read(CHUNK):
                file.write(piece)

    def _size(self, place: str) -> int:
        facts: dict[str, Any] = self._store.info(place)
        return int(facts["size"])

    def chunks(self, name: str) -> Iterator[bytes]:
        try:
            with self._store.open(f"{self._root}/{name}", "rb") as file:
                while piece := file.read(CHUNK):
                    yield piece
        except FileNotFoundError:
            raise
        except Exception as error:
            raise ArchiveUnavailable(f"the archive did not give an object: {type(error).__name__}") from error

    def names(self, under: str = "") -> Iterator[str]:
        place = f"{self._root}/{under}".rstrip("/")
        try:
            found = sorted(self._store.find(place))
        except FileNotFoundError:
            return
        except Exception as error:
            raise ArchiveUnavailable(f"the archive did not list its objects: {type(error).__name__}") from error
        yield from (_below(self._root, path) for path in found if not str(path).endswith(UNFINISHED))

    def remove(self, name: str) -> None:
        place = f"{self._root}/{name}"
        try:
            if self._store.exists(place):
                self._store.rm_file(place)
        except FileNotFoundError:
            return
        except Exception as error:
            raise ArchiveUnavailable(f"the archive did not let an object go: {type(error).__name__}") from error

    def sweep(self) -> int:
        """Stores that do not tell how old an object is are left alone."""
        count = 0
        with suppress(Exception):
            for path in self._store.find(self._root):
                if str(path).endswith(UNFINISHED) and _age(self._store.modified(path)) > DAY_SECONDS:
                    self._store.rm_file(path)
                    count += 1
        return count


@contextmanager
def _taking() -> Iterator[None]:
    """Each store has errors of its own."""
    try:
        yield
    except HubError:
        raise
    except Exception as error:
        raise ArchiveUnavailable(f"the archive did not take an object: {type(error).__name__}") from error


def _below(root: str, path: object) -> str:
    return str(path).removeprefix(root).lstrip("/")


def _age(moment: datetime) -> float:
    """In seconds; a moment without zone is UTC, as fsspec means it."""
    return (datetime.now(UTC) - (moment if moment.tzinfo else moment.replace(tzinfo=UTC))).total_seconds()
