"""The certificates of the simulated world: a private CA, one for the servers, what the hub shows and signs with, an insurer's own.

Made at the first start of a state directory and kept there, so that configured connections still fit at the next one.
"""

import os
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

DAYS = 800
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, both PEM; the key may be under a pass phrase."""

    certificate: str
    key: str
    phrase: str = ""

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate, as ledgers name it."""
        return x509.load_pem_x509_certificate(self.certificate.encode()).fingerprint(hashes.SHA256()).hex()


class Authority:
    """A private CA. Its certificates fit this machine's loopback address."""

    def __init__(self, name: str = "模拟根证书 Simulated CA") -> None:
        self._key, self._name = ec.generate_private_key(ec.SECP256R1()), _named(name)
        made = self._about(self._name, self._key).add_extension(x509.BasicConstraints(ca=True, path_length=0), True)
        self._certificate = made.sign(self._key, hashes.SHA256())
        self.certificate = _pem(self._certificate)

    def issue(
        self,
        name: str,
        *,
        signs: bool = False,
        phrase: str = "",
        host: str = "127.0.0.1",
        ends_in: timedelta = timedelta(days=DAYS),
    ) -> Pair:
        """A certificate for a server or a caller, or with ``signs`` for messages (RSA); ``ends_in`` may lie in the past."""
        key: Key = rsa.generate_private_key(65537, 2048) if signs else ec.generate_private_key(ec.SECP256R1())
        try:
            names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(host)), x509.DNSName("localhost")])
        except ValueError:
            names = x509.SubjectAlternativeName([x509.DNSName(host)])
        made = self._about(_named(name), key, ends_in).add_extension(names, False)
        made = made.add_extension(x509.BasicConstraints(ca=False, path_length=None), True)
        lock = BestAvailableEncryption(phrase.encode()) if phrase else NoEncryption()
        text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock).decode()
        return Pair(_pem(made.sign(self._key, hashes.SHA256())), text, phrase)

    def _about(self, name: x509.Name, key: Key, ends_in: timedelta = timedelta(days=DAYS)) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        made = x509.CertificateBuilder().subject_name(name).issuer_name(self._name).public_key(key.public_key())
        made = made.serial_number(x509.random_serial_number())
        made = made.not_valid_before(now - timedelta(days=2)).not_valid_after(now + ends_in)
        made = made.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        return made.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), False)


@dataclass(frozen=True)
class Certificates:
    """All of one state directory."""

    folder: Path
    ca: str
    server: Pair
    hub: Pair
    """What the hub shows where a partner wants to know it; its key is under a pass phrase."""
    hub_signing: Pair
    insurer: Pair
    """Who signs an insurer's answers."""

    @property
    def ca_file(self) -> Path:
        return self.folder / "ca.pem"


_NAMES = {"server": False, "hub": False, "hub_signing": True, "insurer": True}


def open_certificates(folder: Path) -> Certificates:
    """Those of this folder, made when it has none or when they end within two months."""
    if not (folder / "ca.pem").exists() or _ends_soon(folder / "ca.pem"):
        _make(folder)
    pairs = {name: _read_pair(folder, name) for name in _NAMES}
    return Certificates(folder, (folder / "ca.pem").read_text(), **pairs)


def _make(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    authority = Authority()
    for name, signs in _NAMES.items():
        phrase = secrets.token_hex(12) if name == "hub" else ""
        pair = authority.issue(name, signs=signs, phrase=phrase)
        for kind, text in (("pem", pair.certificate), ("key", pair.key), ("phrase", pair.phrase)):
            _write_private(folder / f"{name}.{kind}", text)
    _write_private(folder / "ca.pem", authority.certificate)


def _read_pair(folder: Path, name: str) -> Pair:
    certificate, key, phrase = ((folder / f"{name}.{kind}").read_text() for kind in ("pem", "key", "phrase"))
    return Pair(certificate, key, phrase)


def _ends_soon(path: Path) -> bool:
    ends_at = x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
    return ends_at < datetime.now(UTC) + timedelta(days=60)


def _write_private(path: Path, text: str) -> None:
    part = path.with_name(path.name + ".part")
    part.touch(mode=0o600)
    part.write_text(text)
    os.replace(part, path)


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()


def read_rsa(pair: Pair) -> rsa.RSAPrivateKey:
    """The key of a pair that signs."""
    key = load_pem_private_key(pair.key.encode(), pair.phrase.encode() or None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key
