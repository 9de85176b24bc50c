"""Signatures and keys: the standard's example, OpenSSL as the other side, and what is no key or no signature."""

from __future__ import annotations

import subprocess
from pathlib import Path

import gmssl_pyx
import pytest

from hub import signatures
from hub.errors import HubError
from hub.signatures import keys, sm2
from hub.signatures.keys import KeyUnreadable, sm2_private, sm2_public

STANDARD_KEY = "3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8"  # published with GB/T 32918.5
OTHER_KEY = "3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B9"
TEXT = "甲\n乙".encode()


def openssl(*words: str, given: str = "") -> str:
    done = subprocess.run(["openssl", *words], capture_output=True, text=True, input=given)
    if done.returncode:
        pytest.skip("this machine's OpenSSL has no SM2")
    return done.stdout


def test_a_private_number_gives_its_public_half() -> None:
    """The standard's own; and those of keys that the library made."""
    assert sm2_private(STANDARD_KEY)[1] == sm2.KNOWN_PUBLIC
    for _ in range(3):
        private, public = sm2.make_pair()
        assert sm2_private(private.hex()) == (private, public)


def test_keys_of_openssl_are_read() -> None:
    """PKCS#8 and the public key in PEM, named curve."""
    private = openssl(
        "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:SM2", "-pkeyopt", "ec_param_enc:named_curve"
    )
    public = openssl("pkey", "-pubout", given=private)
    signature = signatures.make("sm2", private, TEXT)
    assert sm2_private(private)[1] == sm2_public(public)
    assert signatures.fits("sm2", public, TEXT, signature)
    assert signatures.fits("sm2", "04" + sm2_public(public).hex(), TEXT, signature)


@pytest.mark.parametrize("algorithm", ["hmac_sha256", "hmac_sm3", "sm2", "ed25519"])
def test_only_the_right_key_and_text_fit(algorithm: str) -> None:
    """Every bit of text, key and signature counts."""
    private, public = halves(algorithm, STANDARD_KEY)
    _, other = halves(algorithm, OTHER_KEY)
    signature = signatures.make(algorithm, private, TEXT)
    assert signatures.fits(algorithm, public, TEXT, signature)
    turned = bytes([signature[0] ^ 1]) + signature[1:]
    for key, text, given in ((other, TEXT, signature), (public, TEXT + b".", signature), (public, TEXT, turned),
                             (public, TEXT, b""), (public, TEXT, signature[:-1]), (public, TEXT, bytes(64))):  # fmt: skip
        assert not signatures.fits(algorithm, key, text, given)


def halves(algorithm: str, key: str) -> tuple[str, str]:
    if algorithm == "sm2":
        return key, sm2_private(key)[1].hex()
    if algorithm == "ed25519":
        return key, keys.ed25519_private(key).public_key().public_bytes_raw().hex()
    return key, key


@pytest.mark.parametrize("written", ["hex", "HEX", "base64"])
@pytest.mark.parametrize("shape", ["raw", "der"])
def test_what_is_written_is_read(written: str, shape: str) -> None:
    """In every writing and shape, small numbers included, which DER shortens; and in no other."""
    for signature in (sm2.KNOWN_SIGNATURE, bytes(31) + b"\x05" + bytes(30) + b"\x80\x00"):
        text = signatures.write(signature, written, shape)
        assert signatures.read(text, written, shape) == signature
    assert signatures.read("§", written, shape) is None
    assert signatures.read("", written, "der") is None


@pytest.mark.parametrize("wrong", ["3006020101020101" + "00", "30060201010201", "3008020200010202000" + "1", "3181"])
def test_der_is_written_in_one_way_only(wrong: str) -> None:
    """Nothing behind it, nothing missing, no zeros in front."""
    assert signatures.read(wrong, "hex", "der") is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "00",
        "zz" * 32,
        "00" * 32,
        "ff" * 32,
        STANDARD_KEY[:-2],
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
    ],
)
def test_what_is_no_private_key_is_said_so_and_not_shown(text: str) -> None:
    """By the connection's own fault, S003."""
    for algorithm in ("sm2", "ed25519"):
        if algorithm == "ed25519" and text in ("00" * 32, "ff" * 32):
            continue  # any 32 bytes are a key
        with pytest.raises(KeyUnreadable) as error:
            signatures.make(algorithm, text, TEXT)
        assert error.value.code == "S003"
        assert not text or text not in str(error.value)


@pytest.mark.parametrize(
    "text", ["", "04" + "00" * 64, "05" + sm2.KNOWN_PUBLIC.hex(), sm2.KNOWN_PUBLIC.hex()[:-1] + "2", "ff" * 64]
)
def test_a_point_beside_the_curve_is_no_public_key(text: str) -> None:
    """Nor one at infinity."""
    with pytest.raises(KeyUnreadable):
        sm2_public(text)


def test_another_curve_is_refused() -> None:
    """P-256 has keys of the same length."""
    private = openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
    with pytest.raises(KeyUnreadable):
        sm2_private(private)
    with pytest.raises(KeyUnreadable):
        sm2_public(openssl("pkey", "-pubout", given=private))


def test_a_library_that_computes_wrongly_signs_and_verifies_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The standard's example stands before its first use."""
    sm2.check_library.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(gmssl_pyx, "sm2_verify", lambda *_: False)
        for act in (
            lambda: sm2.sign(*sm2_private(STANDARD_KEY), TEXT),
            lambda: sm2.verify(sm2.KNOWN_PUBLIC, TEXT, bytes(64)),
        ):
            with pytest.raises(HubError, match=r"GB/T 32918\.5") as error:
                act()
            assert error.value.code == "S053"
    sm2.check_library()


def test_the_package_named_gmssl_is_called_nowhere() -> None:
    """Its random numbers give the private key away."""
    project = Path(__file__).parents[3]
    sources = [
        path for folder in ("hub", "connectors", "simulators", "launcher") for path in (project / folder).rglob("*.py")
    ]
    assert not [
        path
        for path in sources
        if "import gmssl\n" in path.read_text("utf-8") or "from gmssl " in path.read_text("utf-8")
    ]
