"""Detached SM2 signatures (GB/T 32918 with SM3): DER in base64, under the distinguishing id that all national peers expect."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence

DISTID = b"1234567812345678"
LONGEST = 200
"""Bytes of a signature file; DER of an SM2 signature in base64 has about 96."""


def sign(private: bytes, public: bytes, data: bytes) -> bytes:
    """What is written into the signature file: one line."""
    import gmssl_pyx

    return base64.b64encode(gmssl_pyx.sm2_sign(private, public, data, DISTID)) + b"\n"


def read_signature(text: bytes) -> bytes | None:
    """The DER of a signature file; None when it is none."""
    try:
        found = base64.b64decode(b"".join(text.split()), validate=True) if len(text) <= LONGEST else b""
    except binascii.Error:
        return None
    return found if found.startswith(b"\x30") and len(found) == found[1] + 2 else None


def is_signed(publics: Sequence[bytes], data: bytes, signature: bytes) -> bool:
    """Whether one of these keys (X and Y, 64 bytes) made it. Whatever the library cannot read is no signature."""
    import gmssl_pyx

    for public in publics:
        try:
            if gmssl_pyx.sm2_verify(public, data, signature, DISTID):
                return True
        except gmssl_pyx.InvalidValueError:
            continue
    return False
