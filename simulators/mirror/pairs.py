"""Signatures with a private and a public key, as a simulated partner checks and makes them: its own reading of the same words.

Keys are hexadecimal digits: an SM2 key has 32 bytes and a point of 64 (GB/T 32918, distinguishing id 1234567812345678).
"""

import base64
import binascii
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gmssl_pyx
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

PAIRED = ("sm2", "ed25519")


@dataclass(frozen=True)
class Keys:
    """Both pairs of one partner: the hub's private key goes into the connection, its public one the partner keeps."""

    algorithm: str
    hub_private: str
    hub_public: str
    own_private: str
    own_public: str


def is_signed(words: Mapping[str, Any], public: str, text: bytes, signature: str) -> bool:
    """Whether a signature, written as the words say, is that of the text."""
    try:
        is_base64 = words.get("written", "hex") == "base64"
        data = base64.b64decode(signature, validate=True) if is_base64 else bytes.fromhex(signature)
        if words["algorithm"] == "ed25519":
            Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(data, text)
            return True
        return bool(gmssl_pyx.sm2_verify(bytes.fromhex(public), text, _as_der(data, words.get("shape", "raw"))))
    except (ValueError, binascii.Error, InvalidSignature, gmssl_pyx.GmsslInnerError):
        return False


def signature_of(words: Mapping[str, Any], private: str, public: str, text: bytes) -> str:
    """The signature of a text, written as the words say."""
    if words["algorithm"] == "ed25519":
        data = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(private)).sign(text)
    else:
        data = gmssl_pyx.sm2_sign(bytes.fromhex(private), bytes.fromhex(public), text)
        if words.get("shape", "raw") == "raw":
            data = b"".join(number.to_bytes(32, "big") for number in decode_dss_signature(data))
    return base64.b64encode(data).decode() if words.get("written", "hex") == "base64" else data.hex()


def _as_der(data: bytes, shape: str) -> bytes:
    if shape == "der":
        return data
    if len(data) != 64:
        raise ValueError("r and s have 32 bytes each")
    return encode_dss_signature(int.from_bytes(data[:32], "big"), int.from_bytes(data[32:], "big"))


def algorithm_of(source: Mapping[str, Any]) -> str | None:
    """The algorithm with two keys that a source is signed by, where it is one."""
    words = source.get("signing") or {}
    return words["algorithm"] if words.get("algorithm") in PAIRED else None


def read_keys(path: Path, algorithms: Iterable[tuple[str, str]]) -> dict[str, Keys]:
    """The keys of each partner and its algorithm, kept from one start to the next."""
    known: dict[str, Keys] = {}
    if path.exists():
        known = {name: Keys(**facts) for name, facts in json.loads(path.read_text()).items()}
    missing = {name: algorithm for name, algorithm in algorithms if name not in known}
    if missing:
        known |= {name: Keys(algorithm, *_pair(algorithm), *_pair(algorithm)) for name, algorithm in missing.items()}
        part = path.with_name(path.name + ".part")
        part.touch(mode=0o600)
        part.write_text(json.dumps({name: vars(keys) for name, keys in known.items()}))
        os.replace(part, path)
    return known


def _pair(algorithm: str) -> tuple[str, str]:
    if algorithm == "ed25519":
        key = Ed25519PrivateKey.generate()
        return key.private_bytes_raw().hex(), key.public_key().public_bytes_raw().hex()
    public, private = gmssl_pyx.sm2_key_generate()
    return private.hex(), public.hex()
