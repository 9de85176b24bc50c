"""The archive in a local folder: an object is whole and on the disk under its final name, or it is not there.

A power cut may take what was not flushed, so the bytes are, and every folder whose entries changed, before anyone is told.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO

from hub.archive.shelf import CHUNK, DAY_SECONDS, UNFINISHED
from hub.errors import ArchiveUnavailable, HubError
from hub.points import reach


@dataclass(frozen=True)
class FolderShelf:
    """Objects as files, each readable by its owner only."""

    folder: Path

    def put(self, name: str, chunks: Iterable[bytes]) -> bool:
        target = self.folder / name
        try:
            self._make(target.parent)
            is_new = not target.exists()
            if is_new:
                part = _write(target, chunks)
                part.rename(target)
                reach("archive.renamed")
            # also when another writer's file is there: its folder may not be on the disk yet
            sync_folder(target.parent)
            reach("archive.kept")
        except OSError as error:
            raise ArchiveUnavailable(f"the archive did not take an object: {error.strerror}") from error
        return is_new

    def replace(self, name: str, chunks: Iterable[bytes]) -> bool:
        target = self.folder / name
        try:
            part = _write(target, chunks)
            if is_there := target.exists():  # retention may have taken it meanwhile
                part.rename(target)
            else:
                part.unlink()
            sync_folder(target.parent)
            reach("archive.replaced")
        except OSError as error:
            raise ArchiveUnavailable(f"the archive did not take an object: {error.strerror}") from error
        return is_there

    def start(self, name: str, size: int) -> bytes:
        with self._opened(name) as file:
            return file.read(size)

    def chunks(self, name: str) -> Iterator[bytes]:
        with self._opened(name) as file:
            while piece := file.read(CHUNK):
                yield piece

    def names(self, under: str = "") -> Iterator[str]:
        for folder, folders, files in os.walk(self.folder / under):
            folders.sort()
            place = Path(folder).relative_to(self.folder)
            yield from (str(place / name) for name in sorted(files) if not name.endswith(UNFINISHED))

    def remove(self, name: str) -> None:
        try:
            (self.folder / name).unlink(missing_ok=True)
            if (self.folder / name).parent.is_dir():
                sync_folder((self.folder / name).parent)
        except OSError as error:
            raise ArchiveUnavailable(f"the archive did not let an object go: {error.strerror}") from error

    def sweep(self) -> int:
        left = [path for path in self.folder.rglob(f"*{UNFINISHED}") if _age(path) > DAY_SECONDS]
        for path in left:
            path.unlink(missing_ok=True)
        return len(left)

    @contextmanager
    def _opened(self, name: str) -> Iterator[BinaryIO]:
        try:
            with (self.folder / name).open("rb") as file:
                yield file
        except FileNotFoundError:
            raise
        except OSError as error:
            raise HubError(f"the archive cannot read an object: {error.strerror}", code="S005") from error

    def _make(self, folder: Path) -> None:
        """A folder below ours, and the entry that names it, on the disk; whoever made it. A name tells what is in an object,
        to who can guess it: names are for the owner."""
        if folder == self.folder:
            make_folder(folder)
        else:
            self._make(folder.parent)
            folder.mkdir(0o700, exist_ok=True)
            sync_folder(folder.parent)


def make_folder(folder: Path) -> None:
    """A folder with all that is missing above it, each entry on the disk."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Have the entries of a folder on the disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_file(path: Path, chunks: Iterable[bytes]) -> None:
    """A new file for its owner only, its bytes on the disk; its folder's entry is the caller's to flush."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        reach("archive.opened")
        for chunk in chunks:
            rest = memoryview(chunk)
            while rest:
                rest = rest[os.write(descriptor, rest) :]
        reach("archive.written")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write(target: Path, chunks: Iterable[bytes]) -> Path:
    """The bytes on the disk, under another name beside their own; which."""
    part = target.with_name(f"{target.name}.{token_hex(8)}{UNFINISHED}")
    try:
        write_file(part, chunks)
    except FileExistsError:
        raise  # somebody else's, not ours to remove
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    reach("archive.synced")
    return part


def _age(path: Path) -> float:
    try:
        return time.time() - path.lstat().st_mtime
    except FileNotFoundError:
        return 0.0
