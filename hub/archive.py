"""Every raw byte received, kept under its own digest and never changed. The only module that reads or writes the archive."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex

from hub.digest import sm3_hex
from hub.errors import HubError
from hub.points import reach


@dataclass(frozen=True)
class Archive:
    """A folder of files named by the SM3 of their content."""

    folder: Path

    def keep(self, data: bytes) -> str:
        """Write the bytes, durably, and return their digest. Keeping the same bytes twice is one file."""
        digest = sm3_hex(data)
        target = self._place(digest)
        if target.exists():
            return digest
        target.parent.mkdir(parents=True, exist_ok=True)
        _sync_folder(self.folder)
        part = target.with_name(f"{digest}.{token_hex(8)}.part")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                reach("archive.opened")
                file.write(data)
                file.flush()
                reach("archive.written")
                os.fsync(file.fileno())
            reach("archive.synced")
            part.rename(target)
            reach("archive.renamed")
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        _sync_folder(target.parent)
        reach("archive.kept")
        return digest

    def read(self, digest: str) -> bytes:
        """The bytes as they were received. Raises HubError when they are gone or are not the same any more."""
        try:
            data = self._place(digest).read_bytes()
        except OSError as error:
            raise HubError(f"archived object {digest} cannot be read: {error.strerror}", code="S005") from error
        if sm3_hex(data) != digest:
            raise HubError(f"archived object {digest} was changed after it was received", code="S005")
        return data

    def _place(self, digest: str) -> Path:
        return self.folder / digest[:2] / digest


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
