"""Certificates and keys of a connection: each extra holds PEM text, so that a secrets backend can keep it, or the path of a file.

A key may lie under a pass phrase. Whatever cannot be used is S065, and no message quotes any of it.
"""

from __future__ import annotations

from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from hub.errors import PartnerRefused
from hub.model import Connection

BEGIN = "-----BEGIN "
LEAST_BITS = 2048


def unusable(connection: Connection, what: str) -> PartnerRefused:
    """The error for settings of ours that no call can be made with."""
    return PartnerRefused(f"connection {connection.name}: {what}", code="S065")


def read_pem(connection: Connection, word: str) -> str:
    """The PEM text of an extra, or of the file it names; empty when the connection does not have it."""
    text = connection.extra.get(word, "").strip()
    if not text or BEGIN in text:
        return text
    try:
        content = Path(text).read_text("ascii")
    except (OSError, ValueError):
        raise unusable(connection, f"the file of {word} cannot be read") from None
    if BEGIN not in content:
        raise unusable(connection, f"the file of {word} holds no PEM")
    return content


def read_certificates(connection: Connection, word: str) -> list[x509.Certificate]:
    """The certificates of an extra; none when the connection does not have it."""
    text = read_pem(connection, word)
    if not text:
        return []
    try:
        return x509.load_pem_x509_certificates(text.encode())
    except ValueError:
        raise unusable(connection, f"{word} is no certificate in PEM") from None


def read_signing_key(connection: Connection) -> tuple[rsa.RSAPrivateKey, x509.Certificate]:
    """What our messages are signed with: ``signing_key`` (pass phrase ``signing_key_password``) and ``signing_certificate``."""
    found, text = read_certificates(connection, "signing_certificate"), read_pem(connection, "signing_key")
    if not found or not text:
        raise unusable(connection, "the mapping signs calls; signing_key and signing_certificate are missing")
    phrase = connection.extra.get("signing_key_password", "")
    try:
        key = load_pem_private_key(text.encode(), phrase.encode() or None)
    except (ValueError, TypeError):
        raise unusable(connection, "signing_key cannot be read; is signing_key_password right?") from None
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size < LEAST_BITS:
        raise unusable(connection, f"signing_key is no RSA key of {LEAST_BITS} bits or more")
    if found[0].public_key() != key.public_key():
        raise unusable(connection, "signing_certificate belongs to another key than signing_key")
    return key, found[0]
