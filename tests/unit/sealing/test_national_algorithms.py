"""The national algorithms by the examples of their own standards; SM2 once more, step by step, without any library."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap_with_padding, aes_key_wrap_with_padding

from hub.exchange_log import signing
from hub.exchange_log.merkle import leaf_hash
from hub.exchange_log.verify_exchange import fits, sm3_slowly
from hub.signatures import sm2

# GB/T 32918.5-2017: the recommended curve, and its example A.2 (key, message, one-time number, and what comes out on the way).
P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
A = P - 3
B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
G = (0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7,
     0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0)  # fmt: skip
PRIVATE = 0x3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8
ONCE = 0x59276E27D506861A16680F3AD9C02DCCEF3CC1FA3CDBE4CE6D54B80DEAC1BC21
Z = "b2e14c5c79c6df5b85f4fe7ed8db7a262b9da7e07ccb0ea9f4747b8ccda8a4f3"
E = "f0b43e94ba45accaace692ed534382eb17e6ab5a19ce7b31f4486fdfc0d28640"

Point = tuple[int, int] | None


def add(one: Point, other: Point) -> Point:
    if one is None or other is None:
        return one or other
    if one[0] == other[0] and (one[1] + other[1]) % P == 0:
        return None
    rise, run = (3 * one[0] ** 2 + A, 2 * one[1]) if one == other else (other[1] - one[1], other[0] - one[0])
    slope = rise * pow(run, -1, P)
    x = (slope**2 - one[0] - other[0]) % P
    return x, (slope * (one[0] - x) - one[1]) % P


def times(number: int, point: Point) -> Point:
    found: Point = None
    while number:
        if number & 1:
            found = add(found, point)
        point, number = add(point, point), number >> 1
    return found


def sm3(data: bytes) -> bytes:
    return hashlib.new("sm3", data).digest()


def test_sm2_signature_of_the_standard_step_by_step() -> None:
    """GB/T 32918.5 A.2: public key, Z, e, r and s, then verified by the library that we use."""
    public = times(PRIVATE, G)
    assert public is not None
    written = b"".join(one.to_bytes(32, "big") for one in public)
    assert written == sm2.KNOWN_PUBLIC
    curve = b"".join(one.to_bytes(32, "big") for one in (A, B, *G))
    z = sm3((8 * len(sm2.DISTID)).to_bytes(2, "big") + sm2.DISTID + curve + written)
    e = sm3(z + sm2.KNOWN_MESSAGE)
    assert (z.hex(), e.hex()) == (Z, E)
    point = times(ONCE, G)
    assert point is not None
    r = (int.from_bytes(e, "big") + point[0]) % N
    s = pow(1 + PRIVATE, -1, N) * (ONCE - r * PRIVATE) % N
    signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    assert signature == sm2.KNOWN_SIGNATURE
    assert fits(signing.SM2, written, sm2.KNOWN_MESSAGE, signature)


def test_what_our_sm2_library_signs_holds_by_the_formulas() -> None:
    """GB/T 32918.2 section 7, without the library; and a signature of nothing but noughts does not."""
    private = PRIVATE.to_bytes(32, "big")
    signature = signing.Sm2Signer(private, sm2.KNOWN_PUBLIC).sign(b"a header")
    curve = b"".join(one.to_bytes(32, "big") for one in (A, B, *G))
    z = sm3((8 * len(sm2.DISTID)).to_bytes(2, "big") + sm2.DISTID + curve + sm2.KNOWN_PUBLIC)
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    point = add(times(s, G), times((r + s) % N, times(PRIVATE, G)))
    assert 0 < r < N
    assert 0 < s < N
    assert point is not None
    assert (int.from_bytes(sm3(z + b"a header"), "big") + point[0]) % N == r
    for wrong in (bytes(64), bytes(32) + signature[32:], signature[:32] + bytes(32), signature[32:] + signature[:32]):
        assert not fits(signing.SM2, sm2.KNOWN_PUBLIC, b"a header", wrong)


@pytest.mark.parametrize(
    ("text", "digest"),
    [(b"abc", "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"),
     (b"abcd" * 16, "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732")],
)  # fmt: skip
def test_sm3_of_the_standard_in_all_our_ways(text: bytes, digest: str) -> None:
    """GB/T 32905-2016 A.1 and A.2: the system's library, the tree's library, and the verifier without any."""
    assert sm3(text).hex() == sm3_slowly(text).hex() == digest
    assert leaf_hash(text) == sm3(b"\0" + text) == sm3_slowly(b"\0" + text)


def test_sm4_of_the_standard() -> None:
    """GB/T 32907-2016 A.1: one block; A.2: encrypted a million times over."""
    key = block = bytes.fromhex("0123456789abcdeffedcba9876543210")
    encrypt = Cipher(algorithms.SM4(key), modes.ECB()).encryptor().update
    assert encrypt(block).hex() == "681edf34d206965e86b3e94f536e4246"
    for _ in range(1_000_000):
        block = encrypt(block)
    assert block.hex() == "595298c7c6fd271f0402f804c33d3f66"


def test_aes_key_wrap_of_the_standard() -> None:
    """RFC 5649 section 6: 20 octets, and 7."""
    kek = bytes.fromhex("5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8")
    for key, wrapped in (
        (
            "c37b7e6492584340bed12207808941155068f738",
            "138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a",
        ),
        ("466f7250617369", "afbeb0f07dfbf5419200f2ccb50bb24f"),
    ):
        assert aes_key_wrap_with_padding(kek, bytes.fromhex(key)).hex() == wrapped
        assert aes_key_unwrap_with_padding(kek, bytes.fromhex(wrapped)).hex() == key
