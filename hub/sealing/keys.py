"""Data keys and what wraps them; secrets derived from the two roots; digests that only a holder of the root can compute."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.keywrap import (
    InvalidUnwrap,
    aes_key_unwrap_with_padding,
    aes_key_wrap_with_padding,
)

from hub.errors import KeysUnusable
from hub.sealing.suites import AES, NONCE, SM, Suite

SECRET_BYTES = 32


@dataclass(frozen=True)
class Root:
    """A secret of 32 bytes from outside the database; never shown."""

    secret: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.secret) != SECRET_BYTES:
            raise KeysUnusable("a key-encryption key and an index root have 32 bytes, written as 64 hexadecimal digits")

    def derive(self, suite: Suite, purpose: str) -> bytes:
        """A key of its own for each purpose."""
        return suite.mac(self.secret)(b"wage exchange hub\0" + purpose.encode())


@dataclass(frozen=True)
class DataKey:
    """A key under which values are sealed, by its number."""

    key_id: int
    suite: Suite
    secret: bytes = field(repr=False)


@dataclass(frozen=True)
class Wrapped:
    """A data key as it lies in the database."""

    key_id: int
    suite: Suite
    wrapped: bytes


def make_secret(suite: Suite) -> bytes:
    """A new secret for a data key."""
    return os.urandom(suite.key_bytes)


def check_value(root: Root, suite: Suite = AES) -> str:
    """By what a root is known again, without telling anything of it."""
    return root.derive(suite, "check value").hex()[:16]


def wrap(kek: Root, key: DataKey) -> bytes:
    """The key under the key-encryption key: AES-KWP (RFC 5649), or SM4-GCM bound to the key's number."""
    if key.suite is AES:
        return aes_key_wrap_with_padding(kek.secret, key.secret)
    nonce = os.urandom(NONCE)
    return nonce + SM.sealing(_sm4_kek(kek))(nonce, key.secret, _named(key.key_id))


def unwrap(kek: Root, key: Wrapped) -> DataKey:
    """The key itself. Raises KeysUnusable when it was wrapped under another key-encryption key, or changed."""
    try:
        if key.suite is AES:
            return DataKey(key.key_id, AES, aes_key_unwrap_with_padding(kek.secret, key.wrapped))
        nonce, sealed = key.wrapped[:NONCE], key.wrapped[NONCE:]
        return DataKey(key.key_id, SM, SM.opening(_sm4_kek(kek))(nonce, sealed, _named(key.key_id)))
    except (InvalidTag, InvalidUnwrap, ValueError):
        raise KeysUnusable(f"data key {key.key_id} does not open with this key-encryption key") from None


def keyed_digests(root: Root, digests: Iterable[str]) -> list[str]:
    """For each digest another that nobody can compute without the root, the same for the same one."""
    mac = AES.mac(root.derive(AES, "content digests"))
    return [mac(digest.encode()).hex() for digest in digests]


def _sm4_kek(kek: Root) -> bytes:
    return kek.derive(SM, "wrapping")[: SM.key_bytes]


def _named(key_id: int) -> bytes:
    return b"data key sm " + str(key_id).encode()
