"""What is added to our SOAP messages where the mapping says so: UsernameToken, Timestamp, X.509 signature (OASIS WS-Security 1.1).

Each try gets its own nonce and moment: a service that remembers nonces takes every one of them once.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureConstructionMethod, SignatureMethod
from signxml.signer import XMLSigner

from connectors.envelope import SOAP
from connectors.material import read_signing_key, unusable
from hub.feed.security import SoapSecurity
from hub.model import Connection
from hub.settings import now

_OASIS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
WSSE, WSU = f"{_OASIS}wssecurity-secext-1.0.xsd", f"{_OASIS}wssecurity-utility-1.0.xsd"
BASE64 = f"{_OASIS}soap-message-security-1.0#Base64Binary"
TOKEN_TYPES = {"text": f"{_OASIS}username-token-profile-1.0#PasswordText",
               "digest": f"{_OASIS}username-token-profile-1.0#PasswordDigest"}  # fmt: skip
X509_V3 = f"{_OASIS}x509-token-profile-1.0#X509v3"
DS = "http://www.w3.org/2000/09/xmldsig#"
ID = f"{{{WSU}}}Id"


class Sender:
    """Adds to a message what one service wants. Raises PartnerRefused S065 where the connection lacks it."""

    def __init__(self, security: SoapSecurity, connection: Connection) -> None:
        self._security, self._connection = security, connection
        self._signing = read_signing_key(connection) if security.signature else None
        if security.token and not (connection.login and connection.password):
            raise unusable(connection, "the mapping sends a UsernameToken; login or password is missing")

    def secure(self, envelope: etree._Element) -> None:
        """Put the security header in front of all others."""
        if not (self._security.token or self._signing):
            return
        header = envelope.find(f"{{{SOAP}}}Header")
        if header is None:
            header = etree.Element(f"{{{SOAP}}}Header")
            envelope.insert(0, header)
        place = etree.Element(f"{{{WSSE}}}Security", nsmap={"wsse": WSSE, "wsu": WSU})
        place.set(f"{{{SOAP}}}mustUnderstand", "1")
        header.insert(0, place)
        moment = now().astimezone(UTC).replace(microsecond=0)
        stamp = _add_timestamp(place, moment, timedelta(seconds=self._security.fresh_seconds))
        if self._security.token:
            _add_token(place, self._security.token, self._connection, moment)
        if self._signing:
            self._sign(envelope, place, stamp)

    def _sign(self, envelope: etree._Element, place: etree._Element, stamp: etree._Element) -> None:
        assert self._signing is not None
        key, certificate = self._signing
        token = etree.SubElement(place, f"{{{WSSE}}}BinarySecurityToken", EncodingType=BASE64, ValueType=X509_V3)
        token.text = base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()
        body = envelope.find(f"{{{SOAP}}}Body")
        assert body is not None
        for element in (token, body):
            element.set(ID, f"id-{secrets.token_hex(12)}")
        signer = XMLSigner(
            method=SignatureConstructionMethod.detached,
            signature_algorithm=SignatureMethod.RSA_SHA256,
            digest_algorithm=DigestAlgorithm.SHA256,
            c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
        )
        signed = [f"#{element.get(ID)}" for element in (body, stamp)]
        place.append(signer.sign(envelope, key=key, reference_uri=signed, key_info=_key_info(token), id_attribute="Id"))


def _add_timestamp(place: etree._Element, moment: datetime, life: timedelta) -> etree._Element:
    stamp = etree.SubElement(place, f"{{{WSU}}}Timestamp", {ID: f"id-{secrets.token_hex(12)}"})
    etree.SubElement(stamp, f"{{{WSU}}}Created").text = f"{moment:%Y-%m-%dT%H:%M:%SZ}"
    etree.SubElement(stamp, f"{{{WSU}}}Expires").text = f"{moment + life:%Y-%m-%dT%H:%M:%SZ}"
    return stamp


def _add_token(place: etree._Element, kind: str, connection: Connection, moment: datetime) -> None:
    nonce, created = secrets.token_bytes(16), f"{moment:%Y-%m-%dT%H:%M:%SZ}"
    token = etree.SubElement(place, f"{{{WSSE}}}UsernameToken", {ID: f"id-{secrets.token_hex(12)}"})
    etree.SubElement(token, f"{{{WSSE}}}Username").text = connection.login
    secret = connection.password
    if kind == "digest":  # SHA-1 is the standard's; what it protects is a nonce that is used once
        told = hashlib.sha1(nonce + created.encode() + secret.encode(), usedforsecurity=False).digest()
        secret = base64.b64encode(told).decode()
    etree.SubElement(token, f"{{{WSSE}}}Password", Type=TOKEN_TYPES[kind]).text = secret
    etree.SubElement(token, f"{{{WSSE}}}Nonce", EncodingType=BASE64).text = base64.b64encode(nonce).decode()
    etree.SubElement(token, f"{{{WSU}}}Created").text = created


def _key_info(token: etree._Element) -> etree._Element:
    info = etree.Element(f"{{{DS}}}KeyInfo", nsmap={"ds": DS})
    reference = etree.SubElement(info, f"{{{WSSE}}}SecurityTokenReference", nsmap={"wsse": WSSE})
    etree.SubElement(reference, f"{{{WSSE}}}Reference", URI=f"#{token.get(ID)}", ValueType=X509_V3)
    return info
