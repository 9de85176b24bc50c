"""When something of a connection ends: what its `expires` declares, certificates among its extras, what an https server shows."""

from __future__ import annotations

import socket
import ssl
from datetime import date, datetime, time
from urllib.parse import urlsplit

from cryptography import x509

from connectors.material import BEGIN, read_pem
from connectors.tls import make_context
from hub.errors import MappingInvalid, PartnerRefused
from hub.incidents import Expiry
from hub.model import Connection
from hub.settings import TIME_ZONE

CERTIFICATE = "-----BEGIN CERTIFICATE-----"
FILES = ("ca", "certificate", "signing_certificate", "signer")
"""Extras that may name a file instead."""
SECONDS = 5


def read_expiries(connection: Connection) -> tuple[list[Expiry], bool]:
    """All that ends, and whether everything could be asked. Raises MappingInvalid for what cannot be read.

    The server's certificate is looked at, not believed: an expired one must be seen too.
    """
    found = [
        Expiry(connection.name, name, _ends_at(connection, name, text))
        for name, text in _texts(connection).items()
        if name == "expires" or CERTIFICATE in text
    ]
    address = urlsplit(connection.host)
    if address.scheme != "https" or not address.hostname:
        return found, True
    try:
        shown = _look_at(connection, address.hostname, address.port or 443)
        return [*found, Expiry(connection.name, "tls", _first_end(shown))], True
    except (OSError, ValueError, PartnerRefused):
        return found, False


def _texts(connection: Connection) -> dict[str, str]:
    """The extras, files read. Raises MappingInvalid for a file that cannot be."""
    found = dict(connection.extra)
    try:
        found |= {name: read_pem(connection, name) for name in FILES if found.get(name) and BEGIN not in found[name]}
    except PartnerRefused as error:
        raise MappingInvalid(str(error), code=error.code) from error
    return found


def _look_at(connection: Connection, host: str, port: int) -> str:
    """The certificate that a server shows; some show none to whoever shows none."""
    context = make_context(connection, believing=False)
    with (
        socket.create_connection((host, port), SECONDS) as line,
        context.wrap_socket(line, server_hostname=host) as secure,
    ):
        return ssl.DER_cert_to_PEM_cert(secure.getpeercert(binary_form=True) or b"")


def _ends_at(connection: Connection, name: str, text: str) -> datetime:
    try:
        if name != "expires":
            return _first_end(text)
        return datetime.combine(date.fromisoformat(text), time.max, TIME_ZONE).replace(microsecond=0)
    except ValueError as error:
        wanted = "a day such as 2027-03-31" if name == "expires" else "a certificate in PEM"
        raise MappingInvalid(f"connection {connection.name}: {name} is not {wanted}") from error


def _first_end(text: str) -> datetime:
    """Of a chain the certificate that ends first."""
    chain = x509.load_pem_x509_certificates(text[text.index(CERTIFICATE) :].encode())
    return min(one.not_valid_after_utc for one in chain).astimezone(TIME_ZONE)
