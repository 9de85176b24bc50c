"""Whether the agreed signer signed exactly this answer, lately. What is believed is found by its position, never by an id alone.

The shape is held against what was agreed before any key is used: a signature over something else, somewhere else in the
message, or by weaker algorithms is none.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.exceptions import SignXMLException
from signxml.verifier import SignatureConfiguration, XMLVerifier

from connectors.envelope import Envelope
from connectors.material import LEAST_BITS, read_certificates, unusable
from connectors.soap_security import DS, ID, WSSE, WSU
from hub.errors import FeedChanged
from hub.model import Connection
from hub.settings import now

logging.getLogger("signxml").setLevel(logging.WARNING)  # it would write what was signed into the log

METHODS = frozenset({SignatureMethod.RSA_SHA256, SignatureMethod.RSA_SHA512})
DIGESTS = frozenset({DigestAlgorithm.SHA256, DigestAlgorithm.SHA512})
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
# The second changes nothing here: the signature lies in neither of the parts. Some libraries write it all the same.
TRANSFORMS = ([EXCLUSIVE], [f"{DS}enveloped-signature", EXCLUSIVE])
SKEW = timedelta(seconds=60)


class Checker:
    """Holds answers against the connection's `signer`: one certificate, or the old and the new one for a while."""

    def __init__(self, connection: Connection, fresh_seconds: int) -> None:
        self._name, self._life = connection.name, timedelta(seconds=fresh_seconds)
        self._signers = read_certificates(connection, "signer")
        if not self._signers:
            raise unusable(
                connection, "the mapping demands signed answers; signer, the partner's certificate, is missing"
            )
        for signer in self._signers:
            key = signer.public_key()
            if not isinstance(key, rsa.RSAPublicKey) or key.key_size < LEAST_BITS:
                raise unusable(connection, f"signer holds no RSA key of {LEAST_BITS} bits or more")

    def check(self, envelope: Envelope) -> None:
        """Raises FeedChanged: F020 unless the signer signed body and timestamp of this envelope, F021 unless they are fresh."""
        security = self._security(envelope)
        signature = self._only(security, f"{{{DS}}}Signature")
        stamp = self._only(security, f"{{{WSU}}}Timestamp")
        everywhere = envelope.root.iter(f"{{{DS}}}Signature")
        if sum(1 for _ in everywhere) != 1:
            raise self._forged("it holds more than one signature")
        self._check_ids(envelope.root)
        self._check_references(signature, [envelope.body, stamp])
        self._check_value(envelope.root)
        self._check_moment(stamp)

    def _security(self, envelope: Envelope) -> etree._Element:
        found = [] if envelope.header is None else envelope.header.findall(f"{{{WSSE}}}Security")
        if len(found) != 1:
            raise self._forged("it is not signed" if not found else "it holds two security headers")
        return found[0]

    def _only(self, security: etree._Element, tag: str) -> etree._Element:
        found = security.findall(tag)
        if len(found) != 1:
            raise self._forged(f"it holds {len(found)} of {etree.QName(tag).localname} in its security header")
        return found[0]

    def _check_ids(self, root: etree._Element) -> None:
        """No id twice, under whatever name a library might look for it."""
        ids = Counter(
            str(value)
            for element in root.iter(etree.Element)
            for name, value in element.attrib.items()
            if etree.QName(str(name)).localname.lower() == "id"
        )
        if any(count > 1 for count in ids.values()):
            raise self._forged("an id stands in it twice")

    def _check_references(self, signature: etree._Element, parts: Sequence[etree._Element]) -> None:
        """Signed are exactly these parts, and each as it stands: no transform may choose something else."""
        info = self._only(signature, f"{{{DS}}}SignedInfo")
        method = info.find(f"{{{DS}}}CanonicalizationMethod")
        references = info.findall(f"{{{DS}}}Reference")
        named = [part.get(ID) or part.get("Id") for part in parts]
        wanted = sorted(f"#{name}" for name in named)
        if None in named or sorted(str(one.get("URI")) for one in references) != wanted:
            raise self._forged("signed is not exactly its body and its timestamp")
        if method is None or method.get("Algorithm") != EXCLUSIVE:
            raise self._forged("its canonical form is not the agreed one")
        for reference in references:
            steps = [step.get("Algorithm") for step in reference.iter(f"{{{DS}}}Transform")]
            if steps not in TRANSFORMS:
                raise self._forged("a part was transformed before it was signed")

    def _check_value(self, root: etree._Element) -> None:
        """By the pinned certificates alone; the one in the answer proves nothing."""
        agreed = SignatureConfiguration(
            location="./*/*/", expect_references=2, signature_methods=METHODS, digest_algorithms=DIGESTS
        )
        for signer in self._signers:
            if self._is_by(signer, root, agreed):
                return
        raise self._forged("no agreed signer signed it, by no agreed algorithm, or it was changed")

    def _is_by(self, signer: x509.Certificate, root: etree._Element, agreed: SignatureConfiguration) -> bool:
        try:
            XMLVerifier().verify(root, x509_cert=signer, expect_config=agreed, id_attribute="Id")
        except (SignXMLException, ValueError, KeyError, etree.LxmlError):
            return False
        return True

    def _check_moment(self, stamp: etree._Element) -> None:
        moments = [self._moment(stamp, name) for name in ("Created", "Expires")]
        created, expires = moments
        if not (created - SKEW <= now() < expires and now() < created + self._life):
            raise FeedChanged(
                f"{self._name}: the answer's timestamp is not of now; are both clocks right?", code="F021"
            )

    def _moment(self, stamp: etree._Element, name: str) -> datetime:
        text = self._only(stamp, f"{{{WSU}}}{name}").text or ""
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            moment = datetime.min
        if moment.tzinfo is None:
            raise FeedChanged(f"{self._name}: the answer's timestamp says no moment with its zone", code="F021")
        return moment.astimezone(UTC)

    def _forged(self, why: str) -> FeedChanged:
        return FeedChanged(f"{self._name}: the answer's signature is not as agreed: {why}", code="F020")
