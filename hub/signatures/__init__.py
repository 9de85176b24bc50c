"""Signatures over a text, made and checked with a key that is kept as text: HMAC with a shared secret, SM2 with SM3, Ed25519.

One place for both ways: what the hub signs when it calls (connectors/signing.py), what it checks of answers and of who knocks.
"""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from binascii import Error as NoBase64
from typing import Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.hashes import SM3
from cryptography.hazmat.primitives.hmac import HMAC

from hub.signatures import sm2
from hub.signatures.keys import ed25519_private, ed25519_public, sm2_private, sm2_public

__all__ = ["KEYED", "PAIRED", "Algorithm", "Shape", "Written", "fits", "make", "read", "write"]

Algorithm = Literal["hmac_sha256", "hmac_sm3", "sm2", "ed25519"]
Shape = Literal["der", "raw"]
Written = Literal["hex", "HEX", "base64"]
KEYED, PAIRED = ("hmac_sha256", "hmac_sm3"), ("sm2", "ed25519")
"""Algorithms with one secret that both sides hold, and those with a private and a public key."""


def make(algorithm: str, key: str, text: bytes) -> bytes:
    """The signature: 32 bytes of an HMAC, 64 of SM2 (r and s) or Ed25519. ``key`` is the secret or the private key.

    Raises KeyUnreadable (S003) for a key that is none, HubError S053 where the SM2 library computes wrongly.
    """
    match algorithm:
        case "sm2":
            return sm2.sign(*sm2_private(key), text)
        case "ed25519":
            return ed25519_private(key).sign(text)
    return _hmac(algorithm, key, text)


def fits(algorithm: str, key: str, text: bytes, signature: bytes) -> bool:
    """Whether the signature is that of the text; ``key`` is the secret or the public key. Secrets are compared in constant time.

    Raises KeyUnreadable (S003) for a key that is none.
    """
    match algorithm:
        case "sm2":
            return sm2.verify(sm2_public(key), text, signature)
        case "ed25519":
            try:
                ed25519_public(key).verify(signature, text)
            except InvalidSignature:
                return False
            return True
    return hmac.compare_digest(_hmac(algorithm, key, text), signature)


def write(signature: bytes, written: str, shape: str = "raw") -> str:
    """A signature as text; ``shape`` der packs r and s of SM2 as OpenSSL does."""
    data = sm2.to_der(signature) if shape == "der" else signature
    if written == "base64":
        return b64encode(data).decode()
    return data.hex().upper() if written == "HEX" else data.hex()


def read(text: str, written: str, shape: str = "raw") -> bytes | None:
    """The signature behind a text; None when it is not written as agreed."""
    try:
        data = b64decode(text, validate=True) if written == "base64" else bytes.fromhex(text)
        return sm2.from_der(data) if shape == "der" else data
    except (ValueError, NoBase64):
        return None


def _hmac(algorithm: str, key: str, text: bytes) -> bytes:
    if algorithm == "hmac_sha256":
        return hmac.digest(key.encode(), text, "sha256")
    made = HMAC(key.encode(), SM3())
    made.update(text)
    return made.finalize()
