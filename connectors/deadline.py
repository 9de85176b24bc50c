"""An end to one exchange, wherever it hangs: a partner that drips bytes, in headers too, beats every time-out of a single read.

When the time is over the socket is shut from another thread, and whoever reads from it sees the end.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from typing import Any, Self

_running = threading.local()


class Deadline:
    """Counts for the calls that this thread makes inside the `with` block."""

    def __init__(self, seconds: float) -> None:
        self.is_over = False
        self._doors: list[socket.socket] = []
        self._lock = threading.Lock()
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        _running.deadline = self
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        _running.deadline = None
        with self._lock:
            for door in self._doors:
                door.close()
            self._doors.clear()

    def watch(self, door: socket.socket) -> None:
        """Shut this one too when the time is over. Held by a handle of our own: the connection may be closed before its answer."""
        with self._lock:
            self._doors.append(door.dup())
            if self.is_over:
                _shut(door)

    def _end(self) -> None:
        with self._lock:
            self.is_over = True
            for door in self._doors:
                _shut(door)


def _shut(door: socket.socket) -> None:
    with suppress(OSError):  # closed in the same moment
        door.shutdown(socket.SHUT_RDWR)


class Watched:
    """A urllib3 connection whose socket the running deadline may shut, also while TLS is still being agreed."""

    _door: socket.socket | None = None

    def _new_conn(self) -> socket.socket:
        made: socket.socket = super()._new_conn()  # type: ignore[misc]
        self._door = made.dup()
        self._let_watch()
        return made

    def request(self, *args: Any, **options: Any) -> None:
        """A kept connection is watched anew for each call."""
        self._let_watch()
        super().request(*args, **options)  # type: ignore[misc]

    def close(self) -> None:
        """Ours goes with it."""
        super().close()  # type: ignore[misc]
        if self._door is not None:
            self._door.close()
            self._door = None

    def _let_watch(self) -> None:
        deadline: Deadline | None = getattr(_running, "deadline", None)
        if deadline is not None and self._door is not None:
            deadline.watch(self._door)
