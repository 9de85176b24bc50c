"""The algorithms against published answers, and the self test against libraries that are wrong."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace

import pytest

from hub.errors import KeysUnusable
from hub.sealing import SUITES, prove, proving
from hub.sealing.proving import KNOWN, Known


@pytest.fixture(autouse=True)
def proved_anew() -> Iterator[None]:
    """The self test runs once in a process; here it runs for each test."""
    prove.cache_clear()
    yield
    prove.cache_clear()


@pytest.mark.parametrize("case", KNOWN, ids=[case.suite.name for case in KNOWN])
def test_the_published_cases_come_out(case: Known) -> None:
    """RFC 8998 A.1 and the GCM specification's test case 16."""
    key, nonce, text, bound = (bytes.fromhex(part) for part in (case.key, case.nonce, case.text, case.bound))
    sealed = bytes.fromhex(case.sealed + case.tag)
    assert case.suite.sealing(key)(nonce, text, bound) == sealed
    assert case.suite.opening(key)(nonce, sealed, bound) == text


@pytest.mark.parametrize(
    ("text", "digest"),
    [(b"abc", "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"),
     (b"abcd" * 16, "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732")],
)  # fmt: skip
def test_sm3_of_the_standard(text: bytes, digest: str) -> None:
    """GB/T 32905-2016 A.1 and A.2."""
    assert hashlib.new("sm3", text).hexdigest() == digest


@pytest.mark.parametrize(
    ("key", "text", "mac"),
    [("0b" * 20, b"Hi There".hex(), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
     (b"Jefe".hex(), b"what do ya want for nothing?".hex(), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
     ("aa" * 20, "dd" * 50, "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
     ("aa" * 131, b"Test Using Larger Than Block-Size Key - Hash Key First".hex(),
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54")],
)  # fmt: skip
def test_hmac_of_the_standard(key: str, text: str, mac: str) -> None:
    """RFC 4231, cases 1, 2, 3 and 6."""
    assert SUITES["aes"].mac(bytes.fromhex(key))(bytes.fromhex(text)).hex() == mac


@pytest.mark.parametrize("size", [0, 1, 63, 64, 65, 200])
def test_our_hmac_is_the_library_s(size: int) -> None:
    """In SM3 as well, whose HMAC nobody has published answers of; the key is padded or digested as it must be."""
    import hmac

    for suite in SUITES.values():
        key, text = bytes(range(size % 256)), b"x" * size
        assert suite.mac(key)(text) == hmac.digest(key, text, suite.digest)


def test_a_library_that_is_wrong_seals_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """One wrong answer is enough, and it is said by code."""
    prove()
    prove.cache_clear()
    monkeypatch.setattr(proving, "KNOWN", [KNOWN[0], KNOWN[1]._replace(tag="00" * 16)])
    with pytest.raises(KeysUnusable) as wrong:
        prove()
    assert wrong.value.code == "S053"


def test_a_library_that_takes_any_tag_seals_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening what was changed is as wrong as not opening what was not."""
    text = bytes.fromhex(KNOWN[1].text)
    lax = replace(KNOWN[1].suite, opening=lambda key: lambda nonce, sealed, bound: text)
    monkeypatch.setattr(proving, "KNOWN", [KNOWN[1]._replace(suite=lax)])
    with pytest.raises(KeysUnusable):
        prove()
