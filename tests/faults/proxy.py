"""A line to PostgreSQL that breaks at the n-th COMMIT: before it arrives, or after it took effect and before the answer comes back.

After the second kind nobody who asked can know whether the commit happened; asking again is the only way.
"""

from __future__ import annotations

import select
import socket
import threading
from types import TracebackType
from typing import Self

from launcher.ports import LOCAL

COMMIT = b"COMMIT"
_SIZE = 1 << 16


class BreakingLine:
    """Passes everything on; cuts one session at the n-th COMMIT of all."""

    def __init__(self, port: int, nth: int, *, after: bool) -> None:
        self._target, self._nth, self._after = port, nth, after
        self._seen, self.is_cut = 0, False
        self._lock = threading.Lock()
        self._door = socket.create_server((LOCAL, 0))
        self.port: int = self._door.getsockname()[1]
        threading.Thread(target=self._listen, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._door.close()

    def _listen(self) -> None:
        while True:
            try:
                ours, _ = self._door.accept()
            except OSError:
                return
            theirs = socket.create_connection((LOCAL, self._target))
            threading.Thread(target=self._pass_on, args=(ours, theirs), daemon=True).start()

    def _pass_on(self, ours: socket.socket, theirs: socket.socket) -> None:
        with ours, theirs:
            while True:
                ready, _, _ = select.select([ours, theirs], [], [])
                for end in ready:
                    try:
                        data = end.recv(_SIZE)
                    except OSError:
                        return
                    if not data:
                        return
                    if end is ours and self._is_the_one(data):
                        if self._after:
                            theirs.sendall(data)
                            theirs.recv(_SIZE)  # it is committed now; nobody will hear of it
                        return
                    (theirs if end is ours else ours).sendall(data)

    def _is_the_one(self, data: bytes) -> bool:
        if COMMIT not in data:
            return False
        with self._lock:
            self._seen += 1
            self.is_cut = self.is_cut or self._seen == self._nth
            return self._seen == self._nth
