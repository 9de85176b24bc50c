"""Known answers, computed before the first key is used: a library that is wrong, or lacks SM3 or SM4, must not seal a thing.

Sources: RFC 8998 A.1 (SM4-GCM), the GCM specification's test case 16 (AES-256-GCM), GB/T 32905-2016 A.1 (SM3), RFC 4231 case 2.
"""

from __future__ import annotations

import hashlib
from functools import cache
from typing import NamedTuple

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm

from hub.errors import KeysUnusable
from hub.sealing.suites import AES, SM, TAG, Suite


class Known(NamedTuple):
    """One published case of authenticated encryption, in hexadecimal."""

    suite: Suite
    key: str
    nonce: str
    text: str
    bound: str
    sealed: str
    tag: str


KNOWN = (
    Known(
        SM,
        "0123456789abcdeffedcba9876543210",
        "00001234567800000000abcd",
        "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccddddddddddddddddeeeeeeeeeeeeeeeeffffffffffffffffeeeeeeeeeeeeeeeeaaaaaaaaaaaaaaaa",
        "feedfacedeadbeeffeedfacedeadbeefabaddad2",
        "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d",
        "83de3541e4c2b58177e065a9bf7b62ec",
    ),
    Known(
        AES,
        "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
        "cafebabefacedbaddecaf888",
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
        "feedfacedeadbeeffeedfacedeadbeefabaddad2",
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
        "76fc6ece0f4e1768cddf8853bb2d551b",
    ),
)
SM3_OF_ABC = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
HMAC_SHA256 = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
"""Of `what do ya want for nothing?` under the key `Jefe`."""


@cache
def prove() -> None:
    """Compute every known answer, once in a process. Raises KeysUnusable when one comes out otherwise."""
    try:
        wrong = [case.suite.name for case in KNOWN if not _holds(case)]
        if hashlib.new("sm3", b"abc").hexdigest() != SM3_OF_ABC:
            wrong.append("sm3")
    except (UnsupportedAlgorithm, ValueError) as error:
        raise KeysUnusable("the cryptographic library of this machine lacks SM3 or SM4", code="S053") from error
    if AES.mac(b"Jefe")(b"what do ya want for nothing?").hex() != HMAC_SHA256:
        wrong.append("hmac")
    if wrong:
        raise KeysUnusable(f"known answers came out wrong: {', '.join(wrong)}; nothing is sealed", code="S053")


def _holds(case: Known) -> bool:
    key, nonce, text, bound = (bytes.fromhex(part) for part in (case.key, case.nonce, case.text, case.bound))
    sealed = bytes.fromhex(case.sealed + case.tag)
    if case.suite.sealing(key)(nonce, text, bound) != sealed or case.suite.opening(key)(nonce, sealed, bound) != text:
        return False
    try:
        case.suite.opening(key)(nonce, sealed[:-1] + bytes([sealed[-1] ^ 1]), bound)
    except InvalidTag:
        return len(sealed) == len(text) + TAG
    return False
