"""When something of a connection ends: what its `expires` declares, certificates and OpenPGP keys among its extras, what an https
server shows."""

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
PGP_KEY = "-----BEGIN PGP"
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
    is_complete = True
    for name, text in connection.extra.items():
        if PGP_KEY in text:
            ends = _end_of_keys(connection, name)
            is_complete = is_complete and ends is not None
            found += [Expiry(connection.name, name, ends_at) for ends_at in ends or []]
    address = urlsplit(connection.host)
    if address.scheme != "https" or not address.hostname:
        return found, is_complete
    try:
        shown = _look_at(connection, address.hostname, address.port or 443)
        return [*found, Expiry(connection.name, "tls", _first_end(shown))], is_complete
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


def _end_of_keys(connection: Connection, name: str) -> list[datetime] | None:
    """When the last of an extra's OpenPGP keys ends, if every one does: a newer one stands in for it. None where nobody can say.

    Of the partner's keys only those with a pin count.
    """
    from hub.containers.openpgp import read_ends

    try:
        ends = read_ends(connection, name)
    except MappingInvalid:
        return None
    known = [end for end in ends if end is not None]
    return [max(known).astimezone(TIME_ZONE)] if known and len(known) == len(ends) else []


def _first_end(text: str) -> datetime:
    """Of a chain the certificate that ends first."""
    chain = x509.load_pem_x509_certificates(text[text.index(CERTIFICATE) :].encode())
    return min(one.not_valid_after_utc for one in chain).astimezone(TIME_ZONE)
