"""A large file on its way from a partner into the archive: in a file without a name, sealed under a key that only this process has.

Nothing of it can be read once the process is gone, and the disk gives its room back by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile

from cryptography.hazmat.primitives.hashes import SM3, Hash

from hub.errors import HubUnavailable
from hub.sealing import make_secret, prove, suite_named
from hub.sealing.stream import Binding, open_stream, seal_stream
from hub.settings import suite_name

IN_MEMORY = 8 << 20
"""Bytes up to which a file waits in memory instead."""
PIECE = 1 << 20
CHUNK = 1 << 18


class Spool:
    """The bytes of one file, to be read as often as somebody asks. ``size`` in bytes, ``digest`` their SM3.

    Lies where ``TMPDIR`` says. Raises HubUnavailable (S055) when there is no room; whatever ``pieces`` raises goes through.
    """

    def __init__(self, pieces: Iterable[bytes]) -> None:
        prove()
        suite = suite_named(suite_name())
        self._binding = Binding(suite, make_secret(suite), b"spool", b"", CHUNK)
        self._digest, self.size = Hash(SM3()), 0
        with _room():
            self._file = TemporaryFile(buffering=0)  # noqa: SIM115 it is gone with its last holder
        for sealed in seal_stream(self._binding, self._counted(pieces)):
            with _room():
                rest = memoryview(sealed)
                while rest:
                    rest = rest[self._file.write(rest) :]
        self.digest = self._digest.finalize().hex()

    def chunks(self) -> Iterator[bytes]:
        """The bytes, piece by piece; one reader at a time."""
        self._file.seek(0)
        yield from open_stream(self._binding, iter(lambda: self._file.read(PIECE), b""))

    def _counted(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        for piece in pieces:
            self._digest.update(piece)
            self.size += len(piece)
            yield piece


@contextmanager
def _room() -> Iterator[None]:
    """What our own disk refuses is no fault of the partner's."""
    try:
        yield
    except OSError as error:
        said = f"no room for a large file on its way into the archive: {error.strerror}"
        raise HubUnavailable(said, code="S055") from error
