"""Two suites of algorithms behind one small interface: AES-256-GCM with HMAC-SHA-256, SM4-GCM with HMAC-SM3.

What is given out are functions that hold their key, so that a column costs one look-up and then only what each value costs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.ciphers.modes import GCM

from hub.errors import KeysUnusable

NONCE, TAG = 12, 16
BLOCK = 64
"""Bytes of a block of SHA-256 and of SM3."""

Crypt = Callable[[bytes, bytes, bytes], bytes]
"""Nonce, text (with its tag, when it is opened), what is bound to it. Opening raises InvalidTag."""
Mac = Callable[[bytes], bytes]


@dataclass(frozen=True)
class Suite:
    """One pair of algorithms: its name in settings, its number in envelopes, how long its keys are."""

    name: str
    number: int
    key_bytes: int
    sealing: Callable[[bytes], Crypt]
    opening: Callable[[bytes], Crypt]
    digest: str

    def mac(self, key: bytes) -> Mac:
        """HMAC (RFC 2104) under this key; the padded key is digested once, not for every value."""
        key = key if len(key) <= BLOCK else hashlib.new(self.digest, key).digest()
        key = key.ljust(BLOCK, b"\0")
        inner = hashlib.new(self.digest, bytes(byte ^ 0x36 for byte in key))
        outer = hashlib.new(self.digest, bytes(byte ^ 0x5C for byte in key))

        def mac(text: bytes) -> bytes:
            first, second = inner.copy(), outer.copy()
            first.update(text)
            second.update(first.digest())
            return second.digest()

        return mac


def _aes_sealing(key: bytes) -> Crypt:
    return AESGCM(key).encrypt


def _aes_opening(key: bytes) -> Crypt:
    return AESGCM(key).decrypt


def _sm4_sealing(key: bytes) -> Crypt:
    cipher = SM4(key)

    def seal(nonce: bytes, text: bytes, bound: bytes) -> bytes:
        sealing = Cipher(cipher, GCM(nonce)).encryptor()
        sealing.authenticate_additional_data(bound)
        return sealing.update(text) + sealing.finalize() + sealing.tag

    return seal


def _sm4_opening(key: bytes) -> Crypt:
    cipher = SM4(key)

    def open_(nonce: bytes, sealed: bytes, bound: bytes) -> bytes:
        if len(sealed) < TAG:
            raise InvalidTag
        opening = Cipher(cipher, GCM(nonce, sealed[-TAG:])).decryptor()
        opening.authenticate_additional_data(bound)
        return opening.update(sealed[:-TAG]) + opening.finalize()

    return open_


AES = Suite("aes", 1, 32, _aes_sealing, _aes_opening, "sha256")
SM = Suite("sm", 2, 16, _sm4_sealing, _sm4_opening, "sm3")
SUITES = {suite.name: suite for suite in (AES, SM)}


def suite_named(name: str) -> Suite:
    """The suite of this name; raises KeysUnusable for another."""
    if name not in SUITES:
        raise KeysUnusable(f"there is no suite {name!r}; HUB_SUITE is one of {', '.join(SUITES)}")
    return SUITES[name]
