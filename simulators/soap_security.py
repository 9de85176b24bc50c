"""WS-Security as an insurer's server sees it: a token or a signature that every call must bring, and its own signature on answers.

Written from the standard alone, on canonical XML and RSA, so that it shares no mistake with the hub.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from lxml import etree

from simulators.certificates import Pair, read_rsa
from simulators.ledger import Ledger
from simulators.soap import ENVELOPE, Fault

_OASIS = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
NAMES = {"s": ENVELOPE, "wsse": f"{_OASIS}wssecurity-secext-1.0.xsd", "wsu": f"{_OASIS}wssecurity-utility-1.0.xsd",
         "ds": "http://www.w3.org/2000/09/xmldsig#"}  # fmt: skip
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
_ID = f"{{{NAMES['wsu']}}}Id"
_AGE = timedelta(minutes=5)


@dataclass(frozen=True)
class Guard:
    """What one server demands of its callers, and how it signs; nothing by default."""

    login: str = ""
    password: str = ""
    token: str | None = None
    caller: Pair | None = None
    signer: Pair | None = None

    def admit(self, body: bytes, ledger: Ledger) -> None:
        """Raises Fault unless the call brings what is demanded; the ledger notes what it came with."""
        if self.token is None and self.caller is None:
            return
        root = etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True))
        found = root.findall("s:Header/wsse:Security", NAMES)
        if len(found) != 1:
            raise Fault("Client.Security", "one wsse:Security header is needed")
        if self.token is not None:
            self._check_token(found[0], ledger)
        if self.caller is not None:
            self._check_signature(root, found[0], self.caller, ledger)

    def _check_token(self, security: etree._Element, ledger: Ledger) -> None:
        token = security.find("wsse:UsernameToken", NAMES)
        password = token.find("wsse:Password", NAMES) if token is not None else None
        if token is None or password is None or token.findtext("wsse:Username", "", NAMES) != self.login:
            raise Fault("Client.Security", "no UsernameToken of a known user")
        nonce, created = token.findtext("wsse:Nonce", "", NAMES), token.findtext("wsu:Created", "", NAMES)
        wanted = self.password
        if self.token == "digest":
            told = hashlib.sha1(base64.b64decode(nonce) + created.encode() + self.password.encode()).digest()
            wanted = base64.b64encode(told).decode()
        kind = {"digest": "PasswordDigest", "text": "PasswordText"}[str(self.token)]
        if not password.get("Type", "").endswith(kind) or not hmac.compare_digest(password.text or "", wanted):
            raise Fault("Client.Security", "the password is wrong")
        _check_fresh(created)
        if ledger.first_answer(f"nonce {nonce}") is not None:
            raise Fault("Client.Security", "the nonce was used before")
        ledger.note_answer(f"nonce {nonce}", b"", True)
        ledger.note_caller("token", self.login)

    def _check_signature(self, root: etree._Element, security: etree._Element, caller: Pair, ledger: Ledger) -> None:
        """Body and Timestamp of this envelope, by the certificate that was agreed and that the call brings."""
        certificate = x509.load_pem_x509_certificate(caller.certificate.encode())
        body, stamp = root.find("s:Body", NAMES), security.find("wsu:Timestamp", NAMES)
        info = security.find("ds:Signature/ds:SignedInfo", NAMES)
        token = security.findtext("wsse:BinarySecurityToken", "", NAMES)
        if body is None or stamp is None or info is None:
            raise Fault("Client.Security", "body and timestamp must be signed")
        if x509.load_der_x509_certificate(base64.b64decode(token)) != certificate:
            raise Fault("Client.Security", "signed by an unknown certificate")
        told = {
            one.get("URI", ""): one.findtext("ds:DigestValue", "", NAMES)
            for one in info.iterfind("ds:Reference", NAMES)
        }
        if told != {f"#{part.get(_ID)}": _digest(part) for part in (body, stamp)}:
            raise Fault("Client.Security", "what is signed is not what was sent")
        value = base64.b64decode(security.findtext("ds:Signature/ds:SignatureValue", "", NAMES))
        key = certificate.public_key()
        assert isinstance(key, rsa.RSAPublicKey)
        try:
            key.verify(value, _canonical(info), padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            raise Fault("Client.Security", "the signature is wrong") from None
        _check_fresh(stamp.findtext("wsu:Created", "", NAMES))
        ledger.note_caller("signature", caller.fingerprint)

    def seal(self, answer: bytes, moment: datetime | None = None) -> bytes:
        """The answer with Timestamp and signature, where this server signs."""
        return answer if self.signer is None else sign_envelope(answer, self.signer, moment)


def guard_of(source: Mapping[str, object], login: str, password: str, hub: Pair, signer: Pair) -> Guard:
    """What a mapping's `security` says, seen from the other side."""
    words = source.get("security")
    if not isinstance(words, Mapping):
        return Guard()
    caller = hub if words.get("signature") else None
    return Guard(login, password, words.get("token"), caller, signer if words.get("signed_answers") else None)


def sign_envelope(answer: bytes, signer: Pair, moment: datetime | None = None, *, only_body: bool = False) -> bytes:
    """Timestamp and signature over body and Timestamp, in front of the body; ``only_body`` is what a careless server signs."""
    root = etree.fromstring(answer)
    body = root.find("s:Body", NAMES)
    assert body is not None
    header = etree.Element(f"{{{ENVELOPE}}}Header")
    body.addprevious(header)
    security = etree.SubElement(header, f"{{{NAMES['wsse']}}}Security", nsmap={k: NAMES[k] for k in ("wsse", "wsu")})
    at = (moment or datetime.now(UTC)).astimezone(UTC)
    stamp = etree.SubElement(security, f"{{{NAMES['wsu']}}}Timestamp", {_ID: f"ts-{secrets.token_hex(8)}"})
    for name, when in (("Created", at), ("Expires", at + _AGE)):
        etree.SubElement(stamp, f"{{{NAMES['wsu']}}}{name}").text = f"{when:%Y-%m-%dT%H:%M:%SZ}"
    body.set(_ID, f"body-{secrets.token_hex(8)}")
    signature = etree.SubElement(security, f"{{{NAMES['ds']}}}Signature", nsmap={"ds": NAMES["ds"]})
    info = _add(signature, "SignedInfo")
    _add(info, "CanonicalizationMethod", Algorithm=EXCLUSIVE)
    _add(info, "SignatureMethod", Algorithm=RSA_SHA256)
    for part in (body,) if only_body else (body, stamp):
        reference = _add(info, "Reference", URI=f"#{part.get(_ID)}")
        _add(_add(reference, "Transforms"), "Transform", Algorithm=EXCLUSIVE)
        _add(reference, "DigestMethod", Algorithm=SHA256)
        _add(reference, "DigestValue").text = _digest(part)
    value = read_rsa(signer).sign(_canonical(info), padding.PKCS1v15(), hashes.SHA256())
    _add(signature, "SignatureValue").text = base64.b64encode(value).decode()
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _add(parent: etree._Element, name: str, **attributes: str) -> etree._Element:
    return etree.SubElement(parent, f"{{{NAMES['ds']}}}{name}", attributes)


def _canonical(element: etree._Element) -> bytes:
    return etree.tostring(element, method="c14n", exclusive=True)


def _digest(element: etree._Element) -> str:
    return base64.b64encode(hashlib.sha256(_canonical(element)).digest()).decode()


def _check_fresh(created: str) -> None:
    try:
        moment = datetime.fromisoformat(created)
    except ValueError:
        raise Fault("Client.Security", "no moment of creation") from None
    if abs(datetime.now(UTC) - moment) > _AGE:
        raise Fault("Client.Security", "made at another time")
