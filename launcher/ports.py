"""Finds a free local port, and says so when the usual one is taken.

Nothing is worse in a demonstration than an address on the screen that belongs to somebody else's program.
"""

import socket
from collections.abc import Callable

LOCAL = "127.0.0.1"


def find_port(preferred: int | None = None, *, what: str = "a server", notify: Callable[[str], None] = print) -> int:
    """`preferred` if it is free, otherwise another port after a message that names the busy one."""
    if preferred and _is_free(preferred):
        return preferred
    with socket.socket() as probe:
        probe.bind((LOCAL, 0))
        port = int(probe.getsockname()[1])
    if preferred:
        notify(f"Port {preferred} is in use by another program; {what} uses port {port} instead.")
    return port


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOCAL, port))
            probe.listen(1)
        except OSError:
            return False
    return True
