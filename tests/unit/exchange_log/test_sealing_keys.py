"""Keys that seal: made once for their owner alone, checked before they are used, of a suite that is named."""

from __future__ import annotations

import stat
import subprocess
from pathlib import Path

import gmssl_pyx
import pytest

from hub.exchange_log import signing, verify_exchange
from hub.exchange_log.signing import ED25519, SM2, SUITES, KeyUnusable, Sm2Signer, open_signer
from hub.exchange_log.verify_exchange import fits
from hub.settings import seal_key
from hub.signatures import sm2


@pytest.mark.parametrize("suite", SUITES)
def test_a_key_is_made_at_its_first_use_for_its_owner_alone(suite: str, tmp_path: Path) -> None:
    """The second use finds the same one; nothing else is left in the folder."""
    place = tmp_path / "state" / "seal.key"
    first, second = open_signer(place, suite), open_signer(place, suite)
    assert first.public == second.public
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert [path.name for path in place.parent.iterdir()] == ["seal.key"]
    signature = second.sign(b"words")
    assert len(signature) == 64
    assert fits(suite, first.public, b"words", signature)
    assert not fits(suite, first.public, b"other words", signature)


@pytest.mark.parametrize("suite", SUITES)
def test_a_key_may_stand_in_the_environment(suite: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the setting itself, in a file, behind the name of a connection; and as settings used to say it."""
    public = open_signer(tmp_path / "key", suite).public
    text = (tmp_path / "key").read_text()
    monkeypatch.setenv("HUB_SEAL_SUITE", suite)
    monkeypatch.setenv("OUR_KEY", text)
    for name, value in (
        ("", text),
        ("", "env:OUR_KEY"),
        ("", str(tmp_path / "key")),
        ("_FILE", str(tmp_path / "key")),
        ("_CONNECTION", "vault"),
    ):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv(f"HUB_SEAL_KEY{name}", value)
            assert open_signer(*seal_key({"vault": text}.__getitem__)).public == public


def test_where_no_key_is_named_the_former_file_is_found_or_one_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the folder of the hub's own keys; a log that was begun with var/seal.key goes on with it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HUB_KEYS", str(tmp_path / "keys"))
    assert seal_key()[0] == tmp_path / "keys" / "seal_key"
    old = open_signer(Path("var/seal.key"), ED25519)
    monkeypatch.setenv("HUB_SEAL_SUITE", ED25519)
    assert open_signer(*seal_key()).public == old.public
    assert not (tmp_path / "keys").exists()


def test_a_key_in_the_wrong_form_never_becomes_the_name_of_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is a new key made for it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HUB_SEAL_KEY", "11" * 32)
    with pytest.raises(KeyUnusable, match="holds no key"):
        open_signer(*seal_key())
    assert list(tmp_path.iterdir()) == []


def test_the_standards_own_example_is_verified() -> None:
    """GB/T 32918.5, with the distinguishing id that everybody expects, and with no other."""
    assert fits(SM2, sm2.KNOWN_PUBLIC, sm2.KNOWN_MESSAGE, sm2.KNOWN_SIGNATURE)
    assert not fits(SM2, sm2.KNOWN_PUBLIC, b"message digest.", sm2.KNOWN_SIGNATURE)
    swapped = sm2.KNOWN_SIGNATURE[32:] + sm2.KNOWN_SIGNATURE[:32]
    assert not fits(SM2, sm2.KNOWN_PUBLIC, sm2.KNOWN_MESSAGE, swapped)
    assert not fits(SM2, sm2.KNOWN_PUBLIC, sm2.KNOWN_MESSAGE, bytes(64))


# SubjectPublicKeyInfo of an SM2 key up to its point: id-ecPublicKey, 1.2.156.10197.1.301, an uncompressed point.
SPKI = bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d03420004")


def test_openssl_and_we_accept_each_others_signatures(tmp_path: Path) -> None:
    """With the distinguishing id given to it, for its own default is an empty one."""

    def openssl(*words: str | Path) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(["openssl", *words], capture_output=True, cwd=tmp_path)

    made = openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:SM2",
                   "-pkeyopt", "ec_param_enc:named_curve", "-out", "theirs.pem")  # fmt: skip
    if made.returncode:
        pytest.skip("this machine's OpenSSL has no SM2")
    ours, message, distid = Sm2Signer(*Sm2Signer.make()), b"a header", "distid:1234567812345678"
    (tmp_path / "message").write_bytes(message)
    (tmp_path / "ours.der").write_bytes(SPKI + ours.public)
    (tmp_path / "ours.sig").write_bytes(verify_exchange._der(ours.sign(message)))
    openssl("pkey", "-pubin", "-inform", "DER", "-in", "ours.der", "-out", "ours.pem")
    said = openssl("dgst", "-sm3", "-verify", "ours.pem", "-sigopt", distid, "-signature", "ours.sig", "message")
    assert said.stdout == b"Verified OK\n"
    openssl("dgst", "-sm3", "-sign", "theirs.pem", "-sigopt", distid, "-out", "theirs.sig", "message")
    theirs = openssl("pkey", "-in", "theirs.pem", "-pubout", "-outform", "DER").stdout
    signature = sm2.from_der((tmp_path / "theirs.sig").read_bytes())
    assert fits(SM2, theirs[-64:], message, signature)
    assert not fits(SM2, theirs[-64:], message + b".", signature)


def test_a_library_that_computes_wrongly_signs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The self-test stands before every use."""
    monkeypatch.setattr(gmssl_pyx, "sm2_verify", lambda *_: False)
    with pytest.raises(KeyUnusable, match=r"GB/T 32918\.5"):
        open_signer(tmp_path / "key", SM2)


@pytest.mark.parametrize("suite", SUITES)
def test_wrong_digests_seal_nothing(suite: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SM3 stands under every block, whatever the suite: of the system's library and of the tree's."""
    open_signer(tmp_path / "key", suite)
    for place, wrong in (
        ("hub.exchange_log.signing.sm3_hex", lambda _: "0" * 64),
        ("hub.exchange_log.merkle.leaf_hash", lambda _: bytes(32)),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(place, wrong)
            with pytest.raises(KeyUnusable, match="GB/T 32905") as error:
                open_signer(tmp_path / "key", suite)
            assert error.value.code == "S061"


def test_an_ed25519_that_takes_anything_signs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the example of RFC 8032."""
    open_signer(tmp_path / "key", ED25519)
    monkeypatch.setitem(signing.KNOWN, ED25519, (signing.KNOWN[ED25519][0], b"x", signing.KNOWN[ED25519][2]))
    with pytest.raises(KeyUnusable, match="RFC 8032"):
        open_signer(tmp_path / "key", ED25519)


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    """It may be anybody's by now."""
    place = tmp_path / "key"
    open_signer(place, ED25519)
    place.chmod(0o640)
    with pytest.raises(KeyUnusable, match="read by others"):
        open_signer(place, ED25519)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds no key"),
        ("sm2-sm3 00 00", "holds no key|self-test"),
        ("sm2-sm3 zz zz", "holds no key"),
        (f"ed25519 {'11' * 32} {'22' * 32}", "suite ed25519"),
        (f"sm2-sm3 {'11' * 32} {'22' * 64}", "self-test|belong together"),
    ],
)
def test_what_is_no_key_is_said_so_and_never_shown(text: str, said: str) -> None:
    """No word of the private half stands in a message."""
    with pytest.raises(KeyUnusable, match=said) as error:
        open_signer(text, SM2)
    assert "1111" not in str(error.value)
    assert error.value.code == "S061"


def test_the_halves_of_two_keys_are_refused() -> None:
    """Nobody could verify what they sign."""
    for suite in SUITES:
        halves = [SUITES[suite].make() for _ in range(2)]
        with pytest.raises(KeyUnusable):
            open_signer(f"{suite} {halves[0][0].hex()} {halves[1][1].hex()}", suite)


def test_an_unknown_suite_is_refused(tmp_path: Path) -> None:
    """With the names of those there are."""
    with pytest.raises(KeyUnusable, match="sm2-sm3, ed25519"):
        open_signer(tmp_path / "key", "rsa")


def test_the_package_named_gmssl_stays_out() -> None:
    """Its random numbers give the private key away with one signature."""
    lock = (Path(__file__).parents[3] / "requirements.lock").read_text()
    assert "\ngmssl-pyx==" in lock
    assert "\ngmssl==" not in lock
