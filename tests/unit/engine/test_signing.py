"""Signatures in the styles that platforms publish. Every expected value was computed by OpenSSL's command line from the text
that the case's comment shows, not by the code under test."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from pydantic import ValidationError

from connectors.signing import Added, fill, sign
from hub import signatures
from hub.errors import MappingInvalid
from hub.feed.signing import SignedAnswers, Signing
from hub.model import Connection
from hub.settings import TIME_ZONE
from hub.signatures import sm2

PARTNER = Connection("x", login="Demo01", password="SecretKey")
AT = datetime(2026, 11, 23, 18, 15, tzinfo=TIME_ZONE)
NONCE = "0123456789ABCDEF"
DATA = '{"projectCode":"370900A1","list":[{"workerName":"张三","pay":"1+1"}]}'

NATIONAL = {
    "fields": {"appid": "@login", "nonce": "@unique", "timestamp": "@now %Y%m%d%H%M%S", "format": "json",
               "version": "1.0"},
    "text": "{sorted}&appsecret={secret}", "letters": "lower", "algorithm": "sha256", "name": "sign",
}  # fmt: skip
HENAN = {
    **NATIONAL,
    "fields": {"appid": "@login", "nonce": "@unique", "timestamp": "@now %Y%m%d%H", "format": "json",
               "iscompany": "1", "version": "1.1"},
}  # fmt: skip
NINGBO_WAGES = {
    "fields": {"appKey": "@login", "timestamp": "@now epoch_ms", "projectCode": "370900A1"},
    "text": "{appKey}&{secret}&{timestamp}", "algorithm": "md5", "name": "sign", "place": "headers",
}  # fmt: skip
NINGBO_HOUSING = {
    "fields": {"AppKey": "@login", "CurTime": "@now seconds_since_2000"},
    "text": "{secret}{CurTime}", "algorithm": "sha256", "name": "Checksum", "place": "headers",
}  # fmt: skip
XIONGAN = {
    "fields": {"clientCode": "@login", "timestamp": "@now epoch_ms"}, "unsigned": ["attachments"],
    "text": "{sorted}&secretKey={secret}", "algorithm": "sm3", "written": "BASE64", "name": "signature",
}  # fmt: skip
MEIZHOU = {
    "fields": {"api_key": "@login", "api_version": "1.0", "timestamp": "@now %Y-%m-%d %H:%M:%S"},
    "text": "{secret}{pairs}{body}{secret}", "algorithm": "md5", "written": "HEX", "name": "signature",
    "place": "query",
}  # fmt: skip


def signed(spec: dict[str, Any], parameters: dict[str, Any], body: bytes = b"") -> Added:
    return sign(Signing.model_validate(spec), PARTNER, parameters, body, at=AT, unique=NONCE)


def test_national_real_name_platform() -> None:
    """The whole text is lower-cased before it is digested, values of the JSON and the secret included."""
    # appid=demo01&data={"projectcode":"370900a1","list":[{"workername":"张三","pay":"1+1"}]}&format=json
    # &method=payroll.add&nonce=0123456789abcdef&timestamp=20261123181500&version=1.0&appsecret=secretkey
    added = signed(NATIONAL, {"method": "Payroll.Add", "data": DATA})
    assert added.parameters == {
        "appid": "Demo01", "nonce": NONCE, "timestamp": "20261123181500", "format": "json", "version": "1.0",
        "sign": "d622cf48f1a21c692c799200618ad302fd526bd0b44f5c63aaf5ea00f4902732",
    }  # fmt: skip
    assert (added.headers, added.query) == ({}, {})


def test_henan_signs_a_plus_and_sends_it_encoded() -> None:
    """One parameter more, the time by the hour; the plus is %2B in the form, not in the signed text."""
    # appid=demo01&data=[{"worker":"1+1"}]&format=json&iscompany=1&method=project.add&nonce=0123456789abcdef
    # &timestamp=2026112318&version=1.1&appsecret=secretkey
    own = {"method": "Project.Add", "data": '[{"WORKER":"1+1"}]'}
    added = signed(HENAN, own)
    assert added.parameters["sign"] == "80d0bad79289b78f1a5db32ad3c62590bdf8b43ec89c3c44935ccf644faeea53"
    assert "1%2B1" in urlencode({**own, **added.parameters})


def test_ningbo_wages_in_headers() -> None:
    """MD5 of key, secret and milliseconds."""
    # Demo01&SecretKey&1795428900000
    added = signed(NINGBO_WAGES, {"pageNo": 1})
    assert added.headers == {
        "appKey": "Demo01", "timestamp": "1795428900000", "projectCode": "370900A1",
        "sign": "6ff2b0f7482af8cb21898febd0935aa6",
    }  # fmt: skip
    assert (added.parameters, added.query) == ({}, {})


def test_ningbo_housing_counts_seconds_since_2000() -> None:
    """From midnight in Shanghai."""
    # SecretKey848772900
    assert signed(NINGBO_HOUSING, {}).headers == {
        "AppKey": "Demo01", "CurTime": "848772900",
        "Checksum": "f08f8e7a7eff78380862946b40db40008f39fadfbf0609a2e1e9aeb63ae301ae",
    }  # fmt: skip


def test_xiongan_keeps_nulls_and_leaves_attachments_out() -> None:
    """SM3 in Base64, all letters capital."""
    # billAmount=100.50&clientCode=Demo01&excerpt=null&projectCode=370900A1&timestamp=1795428900000&secretKey=SecretKey
    own = {"projectCode": "370900A1", "excerpt": None, "billAmount": "100.50", "attachments": [{"name": "a.pdf"}]}
    assert signed(XIONGAN, own).parameters["signature"] == "E8MWWOU54XXLOAENZCDHIE5UOO3DA7LFAPYUGJGLGCI="


def test_meizhou_signs_the_body_between_two_secrets() -> None:
    """Names and values without anything between them; everything travels in the address."""
    # SecretKeyapi_keyDemo01api_version1.0project370900A1timestamp2026-11-23 18:15:00{"a":"好"}SecretKey
    added = signed(MEIZHOU, {"project": "370900A1"}, '{"a":"好"}'.encode())
    assert added.query == {
        "api_key": "Demo01", "api_version": "1.0", "timestamp": "2026-11-23 18:15:00",
        "signature": "C9A0769865D4377F303943F0B923C09C",
    }  # fmt: skip


ALGORITHMS = {  # of a=1&secret=k; the two with a key, k, of a=1
    "md5": "deb0cdb7a962c8bd120fce5083ce67d6",
    "sha1": "465823ceeb69d0bb5b7990daf74245c722b58980",
    "sha256": "15aa3ad441603648bc2d651f57978bbf1d3a5cd78e0f8d6acf4bf54ff5a74cb7",
    "sm3": "20b5319642fece4ff6a8e0174aa601b578415dae634a2d11bd772f7d299b2f70",
    "hmac_sha256": "310f57de49873563b85599a4aaa688883c5c6ebc7d3925020d99379d1a4d0af8",
    "hmac_sm3": "510cd66dae00c3aa4ff681392e2a7dfc7a8c7d048f2378538423415aac36c95d",
}


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm(algorithm: str) -> None:
    """In hexadecimal digits."""
    text = "{sorted}" if algorithm.startswith("hmac") else "{sorted}&secret={secret}"
    signing = Signing.model_validate({"text": text, "algorithm": algorithm, "name": "s"})
    partner = replace(PARTNER, password="k")
    assert sign(signing, partner, {"a": 1}).parameters == {"s": ALGORITHMS[algorithm]}


@pytest.mark.parametrize(
    ("written", "letters", "expected"),
    [
        ("hex", "as_is", "15aa3ad441603648bc2d651f57978bbf1d3a5cd78e0f8d6acf4bf54ff5a74cb7"),
        ("HEX", "lower", "15AA3AD441603648BC2D651F57978BBF1D3A5CD78E0F8D6ACF4BF54FF5A74CB7"),
        ("base64", "as_is", "Fao61EFgNki8LWUfV5eLvx06XNeOD41qz0v1T/WnTLc="),
        ("hex", "upper", "f227af1475f93677241479cb8ead9395b913ae55c2e0e70eb3e83e22780c2ba8"),  # A=1&SECRET=K
    ],
)
def test_every_way_of_writing(written: str, letters: str, expected: str) -> None:
    """Digits and Base64, and the letters of the text before."""
    spec = {"text": "{sorted}&secret={secret}", "algorithm": "sha256", "name": "s"}
    signing = Signing.model_validate({**spec, "written": written, "letters": letters})
    assert sign(signing, replace(PARTNER, password="k"), {"a": "1"}).parameters["s"] == expected


def test_every_moment() -> None:
    """The forms of @now; with none it is ISO."""
    forms = ["", " epoch_s", " epoch_ms", " seconds_since_2000", " %Y-%m-%dT%H:%M:%S"]
    filled = fill({form: f"@now{form}" for form in forms}, PARTNER, at=AT)
    assert list(filled.values()) == [
        "2026-11-23T18:15:00+08:00", "1795428900", "1795428900000", "848772900", "2026-11-23T18:15:00",
    ]  # fmt: skip


def test_one_moment_and_one_number_for_all_fields_but_new_ones_for_each_try() -> None:
    """A nonce is used once."""
    first, second = (fill({"a": "@unique", "b": "@unique"}, PARTNER) for _ in range(2))
    assert first["a"] == first["b"] != second["a"]
    assert len(first["a"]) == 32


def test_braces_inside_a_value_are_only_braces() -> None:
    """A partner's or a person's text cannot bring the secret into the signed text."""
    # {secret}!SecretKey
    added = signed({"text": "{a}!{secret}", "algorithm": "md5", "name": "s"}, {"a": "{secret}"})
    assert added.parameters["s"] == "e75ad3e1bcf193b81e0fe8e3b8724411"


def test_no_signing_adds_nothing() -> None:
    """A partner that wants no signature."""
    assert sign(None, PARTNER, {"a": 1}) == Added()


def test_a_name_that_this_call_does_not_have_is_a_fault_of_the_mapping() -> None:
    """And says which; never what it holds."""
    with pytest.raises(MappingInvalid, match="method"):
        signed({"text": "{method}{secret}", "algorithm": "md5", "name": "s"}, {"data": "x"})


REFUSED = {
    "an open brace": {"text": "{sorted}{secret"},
    "a nameless brace": {"text": "{}{secret}"},
    "no secret": {"text": "{sorted}"},
    "a body that holds its signature": {"text": "{body}{secret}"},
    "a word nobody fills in": {"fields": {"a": "@secret"}},
    "a moment of no known form": {"fields": {"a": "@now millis"}},
    "a signature under a field's name": {"fields": {"s": "1"}},
    "an unknown algorithm": {"algorithm": "crc32"},
    "a private key in the text": {"algorithm": "sm2"},
    "a signature in capital letters of base64": {"algorithm": "sm2", "text": "{sorted}", "written": "BASE64"},
    "DER of a digest": {"shape": "der"},
    "DER of Ed25519": {"algorithm": "ed25519", "text": "{sorted}", "shape": "der"},
    "a number without quotes": {"fields": {"version": 1.0}},
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_description_that_cannot_work_is_refused_when_read(case: str) -> None:
    """By hub check, not at night."""
    good = {"text": "{sorted}{secret}", "algorithm": "md5", "name": "s"}
    Signing.model_validate(good)
    with pytest.raises(ValidationError):
        Signing.model_validate({**good, **REFUSED[case]})


@pytest.mark.parametrize("text", ["fixed", "{X-Nonce}", "{body", "{}{body}"])
def test_an_answer_is_signed_with_its_body(text: str) -> None:
    """Else anybody could change it; and braces are names."""
    SignedAnswers.model_validate({"name": "X-Sign", "algorithm": "sm2"})
    with pytest.raises(ValidationError):
        SignedAnswers.model_validate({"name": "X-Sign", "algorithm": "sm2", "text": text})


def test_a_private_key_signs_what_its_public_half_verifies() -> None:
    """The text of the call; another one each time for SM2, whose numbers are drawn anew."""
    spec = {"text": "{a}|{login}", "algorithm": "sm2", "shape": "der", "written": "base64", "name": "s"}
    known = replace(PARTNER, password="3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8")
    first, second = (sign(Signing.model_validate(spec), known, {"a": "甲"}).parameters["s"] for _ in range(2))
    assert first != second
    for one in (first, second):
        raw = signatures.read(one, "base64", "der")
        assert raw is not None
        assert signatures.fits("sm2", sm2.KNOWN_PUBLIC.hex(), "甲|Demo01".encode(), raw)
