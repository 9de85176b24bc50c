"""How callers reach a simulated partner: TLS by the simulated CA, and whose certificate a call came with."""

import asyncio
import ssl
from hashlib import sha256
from typing import Any

import uvicorn
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from simulators.certificates import Certificates
from simulators.faults import App, Message, Receive, Send
from simulators.ledger import Ledger

CERTIFICATE = "certificate"


class _Protocol(AutoHTTPProtocol):  # type: ignore[misc, valid-type]
    """Tells the application which certificate the caller showed."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        tls = transport.get_extra_info("ssl_object")
        shown = tls.getpeercert(binary_form=True) if tls is not None else None
        if shown:
            self.app_state: dict[str, Any] = {**self.app_state, CERTIFICATE: sha256(shown).hexdigest()}


class Doorkeeper:
    """Writes into the partner's ledger with which certificate a call came."""

    def __init__(self, app: App, ledger: Ledger) -> None:
        self.app, self.ledger = app, ledger

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Let the call in."""
        if shown := scope.get("state", {}).get(CERTIFICATE):
            self.ledger.note_caller("certificate", shown)
        await self.app(scope, receive, send)


def configure(app: App, certificates: Certificates | None, *, mutual: bool = False) -> uvicorn.Config:
    """A server without logs; with certificates over TLS, and ``mutual`` for callers with a certificate of the CA only."""
    folder = certificates.folder if certificates else None
    return uvicorn.Config(
        app,
        http=_Protocol,
        log_level="critical",
        lifespan="off",
        access_log=False,
        timeout_graceful_shutdown=0,
        ssl_certfile=folder and folder / "server.pem",
        ssl_keyfile=folder and folder / "server.key",
        ssl_ca_certs=str(certificates.ca_file) if certificates and mutual else None,
        ssl_cert_reqs=ssl.CERT_REQUIRED if mutual else ssl.CERT_NONE,
    )
