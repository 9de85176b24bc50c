"""A small web server that answers what a test says, for answers no simulated partner would ever give."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Asked:
    """One request."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    certificate: bytes | None = None
    """What the caller showed, in DER."""


@dataclass(frozen=True)
class Answer:
    """One answer; ``body`` is sent as it is."""

    body: bytes
    status: int = 200
    media: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """A caller that goes away, or one that TLS keeps out, is no mistake of the server."""


@contextmanager
def answering(
    answer: Callable[[Asked], Answer], context: ssl.SSLContext | None = None
) -> Iterator[tuple[str, list[Asked]]]:
    """Serve while the block lasts, over TLS with a context; gives the address and the list of what was asked."""
    asked: list[Asked] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def respond(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            shown = self.connection.getpeercert(True) if isinstance(self.connection, ssl.SSLSocket) else None
            asked.append(Asked(parts.path, dict(parse_qsl(parts.query)), dict(self.headers), body, shown))
            given = answer(asked[-1])
            self.send_response(given.status)
            for name, value in (("Content-Type", given.media), *given.headers):
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(given.body)))
            self.end_headers()
            self.wfile.write(given.body)

        do_GET = do_POST = respond  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            """Tests need no access log."""

    server = _Server(("127.0.0.1", 0), Handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"{'https' if context else 'http'}://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        server.server_close()
