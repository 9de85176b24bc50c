"""SM2 with SM3 (GB/T 32918) by gmssl-pyx; only the verifier of the exchange log, which shares nothing, calls it elsewhere.

A signature is 64 bytes, r and s; DER can be written in more than one way. The package named gmssl must never stand in for this one.
"""

from __future__ import annotations

from functools import cache

from hub.errors import HubError

DISTID = b"1234567812345678"
"""The signer's distinguishing id that all national peers expect; OpenSSL's own default, an empty one, fits none of them."""


def make_pair() -> tuple[bytes, bytes]:
    """A new private half (32 bytes) and public half (64 bytes, X and Y)."""
    import gmssl_pyx

    public, private = gmssl_pyx.sm2_key_generate()
    return private, public


def sign(private: bytes, public: bytes, message: bytes) -> bytes:
    """r and s, 32 bytes each. Raises HubError S053 where the library computes wrongly."""
    import gmssl_pyx

    check_library()
    return from_der(gmssl_pyx.sm2_sign(private, public, message, DISTID))


def verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether r and s are the signature of the message. Raises HubError S053 where the library computes wrongly."""
    check_library()
    return _verify(public, message, signature)


def _verify(public: bytes, message: bytes, signature: bytes) -> bool:
    import gmssl_pyx

    if len(signature) != 64 or not any(signature[:32]) or not any(signature[32:]):
        return False
    try:
        return bool(gmssl_pyx.sm2_verify(public, message, to_der(signature), DISTID))
    except gmssl_pyx.GmsslInnerError:
        return False


@cache
def check_library() -> None:
    """Once per process, before its first use: the library verifies the example of the standard."""
    if not _verify(KNOWN_PUBLIC, KNOWN_MESSAGE, KNOWN_SIGNATURE):
        raise HubError("the SM2 library does not verify the example of GB/T 32918.5; it must not sign", code="S053")


def to_der(signature: bytes) -> bytes:
    """r and s as DER."""
    parts = b""
    for half in (signature[:32], signature[32:]):
        digits = half.lstrip(b"\0") or b"\0"
        digits = b"\0" + digits if digits[0] & 0x80 else digits
        parts += bytes([2, len(digits)]) + digits
    return bytes([0x30, len(parts)]) + parts


def from_der(signature: bytes) -> bytes:
    """r and s, 32 bytes each, of DER. Raises ValueError for what is not written in the one right way."""
    found, place = [], 2
    try:
        for _ in range(2):
            size = signature[place + 1]
            found.append(int.from_bytes(signature[place + 2 : place + 2 + size], "big"))
            place += 2 + size
        raw = b"".join(number.to_bytes(32, "big") for number in found)
    except (IndexError, OverflowError):
        raise ValueError("no signature in DER") from None
    if to_der(raw) != signature:
        raise ValueError("no signature in DER")
    return raw


# The example of GB/T 32918.5 on the recommended curve.
KNOWN_MESSAGE = b"message digest"
KNOWN_PUBLIC = bytes.fromhex(
    "09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
    "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
)
KNOWN_SIGNATURE = bytes.fromhex(
    "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"
    "b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa"
)
