"""The OpenSSL command line computes what we compute, both ways. SM2 signatures: tests/unit/exchange_log/test_sealing_keys.py.

Its `enc` knows no GCM; GCM is counter mode from block 2 on and a tag, so the cipher texts are compared by `-sm4-ctr`.
"""

from __future__ import annotations

import hmac
import os
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap_with_padding, aes_key_wrap_with_padding

from hub.digest import sm3_hex
from hub.exchange_log.verify_exchange import sm3_slowly
from hub.sealing import SUITES, DataKey, Root, make_secret, open_many, seal_many, wrap

TEXT = "370102199001011234 欧阳".encode()
HEAD, TAG = 18, 16


def openssl(*words: str, given: bytes = b"") -> bytes:
    """What it prints; skipped where this OpenSSL does not know the algorithm."""
    done = subprocess.run(["openssl", *words], input=given, capture_output=True)
    if done.returncode and b"nknown" in done.stderr + done.stdout:
        pytest.skip("this machine's OpenSSL does not know it")
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("size", [0, 3, 55, 56, 64, 1000])
def test_sm3(size: int) -> None:
    """Of any length, with padding in one block or two."""
    data = os.urandom(size)
    said = openssl("dgst", "-sm3", "-r", given=data).decode().split()[0]
    assert said == sm3_hex(data) == sm3_slowly(data).hex()


def test_hmac_sm3() -> None:
    """As the blind index and signed calls use it."""
    key = os.urandom(32)
    said = (
        openssl("dgst", "-sm3", "-mac", "HMAC", "-macopt", f"hexkey:{key.hex()}", "-r", given=TEXT).decode().split()[0]
    )
    assert said == hmac.digest(key, TEXT, "sm3").hex() == SUITES["sm"].mac(key)(TEXT).hex()


@pytest.mark.parametrize(("name", "cipher"), [("sm", "-sm4-ctr"), ("aes", "-aes-256-ctr")])
def test_what_we_seal_it_opens_and_what_it_encrypts_we_open(name: str, cipher: str) -> None:
    """The text in an envelope, by the counter that GCM begins at; and its cipher text under a tag of ours."""
    suite = SUITES[name]
    key = DataKey(7, suite, make_secret(suite))
    [sealed] = seal_many(key, "record.worker", "id_no", ["1/a"], [TEXT.decode()])
    assert sealed is not None
    nonce, inner = sealed[HEAD - 12 : HEAD], sealed[HEAD:-TAG]
    words = ("-K", key.secret.hex(), "-iv", (nonce + b"\0\0\0\2").hex(), "-nopad")
    assert openssl("enc", "-d", cipher, *words, given=inner) == TEXT
    theirs = openssl("enc", "-e", cipher, *words, given=TEXT)
    assert theirs == inner
    assert open_many({7: key}, "record.worker", "id_no", ["1/a"], [sealed[:HEAD] + theirs + sealed[-TAG:]]) == [
        TEXT.decode()
    ]


def test_a_wrapped_key() -> None:
    """AES-KWP (RFC 5649): it unwraps ours, and we unwrap its."""
    kek, suite = Root(os.urandom(32)), SUITES["aes"]
    key = DataKey(7, suite, make_secret(suite))
    words = ("-id-aes256-wrap-pad", "-K", kek.secret.hex(), "-iv", "a65959a6")
    wrapped = wrap(kek, key)
    assert aes_key_wrap_with_padding(kek.secret, key.secret) == wrapped
    assert openssl("enc", "-d", *words, given=wrapped) == key.secret
    assert aes_key_unwrap_with_padding(kek.secret, openssl("enc", "-e", *words, given=key.secret)) == key.secret


def test_sm4_in_blocks(tmp_path: Path) -> None:
    """CBC with padding, as files of banks may come in."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    from cryptography.hazmat.primitives.padding import PKCS7

    key, start = os.urandom(16), os.urandom(16)
    padder, encryptor = PKCS7(128).padder(), Cipher(algorithms.SM4(key), modes.CBC(start)).encryptor()
    ours = encryptor.update(padder.update(TEXT) + padder.finalize()) + encryptor.finalize()
    words = ("-sm4-cbc", "-K", key.hex(), "-iv", start.hex())
    assert openssl("enc", "-e", *words, given=TEXT) == ours
    assert openssl("enc", "-d", *words, given=ours) == TEXT
