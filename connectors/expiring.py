"""When something of a connection ends: what its `expires` declares, certificates among its extras, what an https server shows."""

from __future__ import annotations

import ssl
from datetime import date, datetime, time
from urllib.parse import urlsplit

from cryptography import x509

from hub.errors import MappingInvalid
from hub.incidents import Expiry
from hub.model import Connection
from hub.settings import TIME_ZONE

CERTIFICATE = "-----BEGIN CERTIFICATE-----"
SECONDS = 5


def read_expiries(connection: Connection) -> tuple[list[Expiry], bool]:
    """All that ends, and whether everything could be asked. Raises MappingInvalid for what cannot be read.

    The server's certificate is looked at, not believed: an expired one must be seen too.
    """
    found = [
        Expiry(connection.name, name, _ends_at(connection, name, text))
        for name, text in connection.extra.items()
        if name == "expires" or CERTIFICATE in text
    ]
    address = urlsplit(connection.host)
    if address.scheme != "https" or not address.hostname:
        return found, True
    try:
        shown = ssl.get_server_certificate((address.hostname, address.port or 443), timeout=SECONDS)
        return [*found, Expiry(connection.name, "tls", _first_end(shown))], True
    except (OSError, ValueError):
        return found, False


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
