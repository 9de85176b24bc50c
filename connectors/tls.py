"""TLS of one connection: the server is always verified, by the partner's own CA where there is one; it may ask for ours.

Nothing comes from the environment. What makes a handshake fail for good is told apart from a lost connection.
"""

from __future__ import annotations

import ipaddress
import os
import ssl
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import certifi
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from connectors.deadline import Watched
from connectors.material import read_pem, unusable
from hub.model import Connection

# A record that was damaged on its way, or an end without goodbye: the next try may fare better.
PASSING = ("BAD_RECORD_MAC", "DECRYPTION_FAILED", "UNEXPECTED_EOF", "APPLICATION_DATA_AFTER_CLOSE_NOTIFY")


def check_address(connection: Connection) -> None:
    """Refuse an address that is not https://, unless it is this machine's or the connection says `plain_http`."""
    parts = urlsplit(connection.host)
    if not parts.hostname or parts.scheme not in ("https", "http"):
        raise unusable(connection, "its host begins with neither https:// nor http://")
    if parts.username is not None:
        raise unusable(connection, "its host holds a login; enter it under login and password")
    allowed = connection.extra.get("plain_http", "").lower() == "true"
    if parts.scheme == "http" and not allowed and not _is_this_machine(parts.hostname):
        raise unusable(connection, "http:// is readable by anybody on the way; use https://, or say plain_http: true")


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def make_context(connection: Connection, *, believing: bool = True) -> ssl.SSLContext:
    """TLS 1.2 or newer with the connection's `ca`, `certificate`, `private_key`, `key_password`. Raises PartnerRefused S065.

    Without `ca` the usual public ones count; with it no other does. Not ``believing`` is for looking at a certificate alone.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if not believing:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    elif own := read_pem(connection, "ca"):
        try:
            context.load_verify_locations(cadata=own)
        except (ssl.SSLError, ValueError):
            raise unusable(connection, "ca is no certificate in PEM") from None
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # the CA that was agreed may itself be signed by another
    else:
        context.load_verify_locations(certifi.where())
    _show_certificate(context, connection)
    return context


def _show_certificate(context: ssl.SSLContext, connection: Connection) -> None:
    """The certificate we show, where the partner wants one. The library reads files only: this one lives in memory."""
    certificate, key = read_pem(connection, "certificate"), read_pem(connection, "private_key")
    if not certificate and not key:
        return
    if not certificate or not key:
        raise unusable(connection, "certificate and private_key go together")
    paper = os.memfd_create("certificate", os.MFD_CLOEXEC)
    try:
        with os.fdopen(paper, "w", closefd=False) as file:
            file.write(f"{key}\n{certificate}\n")
        path = f"/proc/self/fd/{paper}"
        context.load_cert_chain(path, path, password=connection.extra.get("key_password", ""))
    except (ssl.SSLError, ValueError):
        raise unusable(connection, "certificate and private_key do not fit; is key_password right?") from None
    finally:
        os.close(paper)


class _PlainConnection(Watched, HTTPConnection):
    pass


class _TlsConnection(Watched, HTTPSConnection):
    pass


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class Adapter(HTTPAdapter):
    """Sends by one context of ours; requests would add its own bundle of public CAs to it."""

    def __init__(self, context: ssl.SSLContext | None) -> None:
        self._context = context
        super().__init__()

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._context, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _TlsPool}

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """The context alone decides."""
        conn.cert_reqs, conn.ca_certs, conn.ca_cert_dir = "CERT_REQUIRED", None, None


def refusal_of(error: BaseException) -> str | None:
    """Why TLS failed for good, in the library's words; None for anything that may pass."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return cause.verify_message
        passing = isinstance(
            cause, ssl.SSLEOFError | ssl.SSLZeroReturnError | ssl.SSLSyscallError | ssl.SSLWantReadError
        )
        reason = "" if passing or not isinstance(cause, ssl.SSLError) else cause.reason or ""
        if reason and not any(word in reason for word in PASSING):
            return reason.lower().replace("_", " ")
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and all it was made from: requests and urllib3 put one into the other as argument, reason or cause."""
    waiting, seen = [error], set[int]()
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        inside = (*one.args, getattr(one, "reason", None), one.__cause__, one.__context__)
        waiting += [cause for cause in inside if isinstance(cause, BaseException)]
