"""The archive in an object store, whichever fsspec knows by its address: s3://…, abfs://…, sftp://…, memory:// for tests.

What such a store has answered for is durable by its own promise. Logins are its own affair: fsspec reads them from the environment.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import fsspec  # type: ignore[import-untyped]

from hub.archive.shelf import CHUNK
from hub.errors import ArchiveUnavailable, HubError


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
        place, data = f"{self._root}/{name}", b"".join(chunks)
        try:
            return self._put(place, data)
        except Exception as error:  # each store has errors of its own; none of them may leave half an object
            self._take_back(place, len(data))
            raise ArchiveUnavailable(f"the archive did not take an object: {type(error).__name__}") from error

    def _put(self, place: str, data: bytes) -> bool:
        if self._store.exists(place):
            return False
        try:
            self._store.pipe_file(place, data, mode="create")
        except FileExistsError:
            return False
        except FileNotFoundError:  # stores with real folders
            self._store.makedirs(place.rpartition("/")[0], exist_ok=True)
            self._store.pipe_file(place, data, mode="create")
        if self._size(place) != len(data):
            raise OSError("the object is not as long as what was sent")
        return True

    def _take_back(self, place: str, size: int) -> None:
        """Half an object must not stand under the name of the whole."""
        try:
            if self._store.exists(place) and self._size(place) != size:
                self._store.rm_file(place)
        except Exception:
            return  # found damaged when it is asked for, and never handed out

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
        yield from (str(path).removeprefix(self._root).lstrip("/") for path in found)

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
        return 0  # a store shows no unfinished object
