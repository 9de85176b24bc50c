"""Detached SM2 signatures: the DER of r and s in base64, in a file of its own."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from hub.signatures import sm2

LONGEST = 200
"""Bytes of a signature file; DER of an SM2 signature in base64 has about 96."""


def sign(private: bytes, public: bytes, data: bytes) -> bytes:
    """What is written into the signature file: one line."""
    return base64.b64encode(sm2.to_der(sm2.sign(private, public, data))) + b"\n"


def read_signature(text: bytes) -> bytes | None:
    """r and s of a signature file, 32 bytes each; None when it holds none."""
    try:
        return sm2.from_der(base64.b64decode(b"".join(text.split()), validate=True)) if len(text) <= LONGEST else None
    except ValueError:
        return None


def is_signed(publics: Sequence[bytes], data: bytes, signature: bytes) -> bool:
    """Whether one of these keys (X and Y, 64 bytes) made it."""
    return any(sm2.verify(public, data, signature) for public in publics)
