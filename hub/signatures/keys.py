"""Keys as people hand them over: PEM (PKCS#8, or the public key of OpenSSL), or bare hexadecimal digits.

Nothing said here ever quotes a key. The curve of SM2 is read by hand, because cryptography knows it not.
"""

from __future__ import annotations

from base64 import b64decode
from functools import lru_cache

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from hub.errors import MappingInvalid

P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
A = P - 3
B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
G = (
    0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7,
    0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0,
)
"""The recommended curve of GB/T 32918.5."""
SM2_CURVE = bytes.fromhex("06072a8648ce3d0201" + "06082a811ccf5501822d")
"""What says in DER: a key on an elliptic curve, and on that one (1.2.156.10197.1.301)."""
SEQUENCE, BITS = 0x30, 0x03
Point = tuple[int, int] | None


class KeyUnreadable(MappingInvalid):
    """What a connection gives as a key is none of the agreed kind: the administrator enters it again."""


@lru_cache(maxsize=64)
def sm2_private(text: str) -> tuple[bytes, bytes]:
    """Private half (32 bytes) and public half (64) from PKCS#8 in PEM, or from 64 hexadecimal digits."""
    try:
        private = _pkcs8(_pem(text, "PRIVATE KEY")) if "-----" in text else bytes.fromhex(text.strip())
        number = int.from_bytes(private, "big")
        if len(private) != 32 or not 0 < number < N - 1:
            raise ValueError
    except (ValueError, IndexError):
        raise KeyUnreadable("no private key of SM2: PKCS#8 in PEM, or 64 hexadecimal digits") from None
    point = _times(number, G)
    assert point is not None
    return private, b"".join(part.to_bytes(32, "big") for part in point)


@lru_cache(maxsize=64)
def sm2_public(text: str) -> bytes:
    """X and Y, 64 bytes, from PEM, or from 128 hexadecimal digits with or without 04 before them. It lies on the curve."""
    try:
        raw = _spki(_pem(text, "PUBLIC KEY")) if "-----" in text else bytes.fromhex(text.strip())
        point = raw[1:] if len(raw) == 65 and raw[0] == 4 else raw
        x, y = int.from_bytes(point[:32], "big"), int.from_bytes(point[32:], "big")
        if len(point) != 64 or x >= P or y >= P or (y * y - x * x * x - A * x - B) % P:
            raise ValueError
    except (ValueError, IndexError):
        raise KeyUnreadable("no public key of SM2: PEM, or 04 and 128 hexadecimal digits") from None
    return point


def ed25519_private(text: str) -> Ed25519PrivateKey:
    """From PKCS#8 in PEM, or 64 hexadecimal digits."""
    try:
        if "-----" not in text:
            return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(text.strip()))
        key = load_pem_private_key(text.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyUnreadable("no private key of Ed25519: PKCS#8 in PEM, or 64 hexadecimal digits")
    return key


def ed25519_public(text: str) -> Ed25519PublicKey:
    """From PEM, or 64 hexadecimal digits."""
    try:
        if "-----" not in text:
            return Ed25519PublicKey.from_public_bytes(bytes.fromhex(text.strip()))
        key = load_pem_public_key(text.encode())
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise KeyUnreadable("no public key of Ed25519: PEM, or 64 hexadecimal digits")
    return key


def _pem(text: str, label: str) -> bytes:
    lines = [line.strip() for line in text.strip().splitlines()]
    if (lines[0], lines[-1]) != (f"-----BEGIN {label}-----", f"-----END {label}-----"):
        raise ValueError
    return b64decode("".join(lines[1:-1]), validate=True)


def _pkcs8(data: bytes) -> bytes:
    """The private number: a version, the curve, and in octets a version and the number (RFC 5208, RFC 5915)."""
    parts = _parts(_parts(data)[0][1])
    if parts[1] != (SEQUENCE, SM2_CURVE):
        raise ValueError
    return _parts(_parts(parts[2][1])[0][1])[1][1]


def _spki(data: bytes) -> bytes:
    """The point: the curve, and as bits, of which none is left over, the point (RFC 5280)."""
    curve, bits = _parts(_parts(data)[0][1])
    if curve != (SEQUENCE, SM2_CURVE) or bits[0] != BITS or bits[1][0] != 0:
        raise ValueError
    return bits[1][1:]


def _parts(data: bytes) -> list[tuple[int, bytes]]:
    """Tag and content of each element of DER, one after the other; lengths up to 255 bytes, which is more than a key has."""
    found = []
    while data:
        tag, size, start = data[0], data[1], 2
        if size == 0x81:
            size, start = data[2], 3
        elif size & 0x80:
            raise ValueError
        if len(data) < start + size:
            raise ValueError
        found.append((tag, data[start : start + size]))
        data = data[start + size :]
    return found


def _times(number: int, point: Point) -> Point:
    """A point so many times, by doubling and adding. Once per key and process: signing itself is the library's."""
    found: Point = None
    while number:
        found = _plus(found, point) if number & 1 else found
        point, number = _plus(point, point), number >> 1
    return found


def _plus(one: Point, other: Point) -> Point:
    if one is None or other is None:
        return other if one is None else one
    if one[0] == other[0] and (one[1] + other[1]) % P == 0:
        return None
    if one == other:
        slope = (3 * one[0] * one[0] + A) * pow(2 * one[1], -1, P) % P
    else:
        slope = (other[1] - one[1]) * pow(other[0] - one[0], -1, P) % P
    x = (slope * slope - one[0] - other[0]) % P
    return x, (slope * (one[0] - x) - one[1]) % P
