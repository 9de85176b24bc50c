"""Signed calls against a partner that computes every signature itself and takes no nonce twice."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from answering import Answer, Asked, answering

from connectors.rest import RestConnector
from hub.errors import PartnerRefused
from hub.feed import CallReport, RestSource
from hub.model import Connection, Fetched
from hub.settings import now

SECRET = "sEcret-{sorted}-+=&"
LOGIN = "370900App"
BASE: dict[str, Any] = {
    "connector": "rest", "connection": "x", "path": "/open.api", "calls_per_second": 1000,
    "parameters": {"method": "Project.Query", "note": "甲+乙 A"},
    "paging": {"page": "pageIndex", "size": "pageSize", "first": 0, "per_page": 2, "rows": "data.rows", "total": "data.total"},
    "envelope": {"code": "code", "success": "0", "message": "message", "busy": ["2005"]}, "format": {"type": "json"},
}  # fmt: skip
SORTED = {
    "fields": {"appid": "@login", "nonce": "@unique", "timestamp": "@now %Y%m%d%H%M%S", "version": "1.0"},
    "text": "{sorted}&appsecret={secret}", "letters": "lower", "algorithm": "sha256", "name": "sign",
}  # fmt: skip
HEADERS = {
    "fields": {"X-App": "@login", "X-Nonce": "@unique", "X-Time": "@now epoch_ms"},
    "text": "{X-App}&{secret}&{X-Time}&{body}", "algorithm": "md5", "written": "base64", "name": "X-Sign",
    "place": "headers",
}  # fmt: skip
QUERY = {**SORTED, "place": "query"}
REPORT = CallReport.model_validate({"call": "/back", "rows": "items", "fields": {"status": "outcome"}})
ROWS = [{"no": n} for n in range(5)]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pauses between tries."""
    monkeypatch.setattr("connectors.retrying._backing_off", lambda state: 0)


def sent_parameters(asked: Asked) -> dict[str, Any]:
    """Everything of the address and the body."""
    return {**asked.query, **(json.loads(asked.body) if asked.body else {})}


def is_sorted_right(asked: Asked) -> str | None:
    """The nonce when the signature of the sorted parameters is right."""
    given = sent_parameters(asked)
    plain = "&".join(
        f"{name}={value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(',', ':'))}"
        for name, value in sorted(given.items())
        if name != "sign"
    )
    text = f"{plain}&appsecret={SECRET}".lower()
    age = now() - datetime.strptime(given["timestamp"], "%Y%m%d%H%M%S").replace(tzinfo=now().tzinfo)
    right = given["appid"] == LOGIN and abs(age) < timedelta(minutes=1)
    return given["nonce"] if right and given["sign"] == hashlib.sha256(text.encode()).hexdigest() else None


def is_header_right(asked: Asked) -> str | None:
    """The nonce when the signature of header fields and body is right."""
    text = f"{LOGIN}&{SECRET}&{asked.headers['X-Time']}&".encode() + asked.body
    right = asked.headers["X-Sign"] == base64.b64encode(hashlib.md5(text).digest()).decode()
    return asked.headers["X-Nonce"] if right else None


class Verifier:
    """Five rows for whoever signs rightly; every other call is answered as busy first."""

    def __init__(self, check: Callable[[Asked], str | None]) -> None:
        self.check, self.nonces, self.calls = check, set[str](), 0

    def answer(self, asked: Asked) -> Answer:
        nonce = self.check(asked)
        if nonce is None or nonce in self.nonces:
            return _answer("1003", None)
        self.nonces.add(nonce)
        self.calls += 1
        if self.calls % 2:
            return _answer("2005", None)
        if asked.path == "/back":
            return _answer("0", {})
        start = int(sent_parameters(asked)["pageIndex"]) * 2
        return _answer("0", {"rows": ROWS[start : start + 2], "total": 5})


def _answer(code: str, data: Any) -> Answer:
    return Answer(json.dumps({"code": code, "message": "验签失败", "data": data}).encode())


STYLES = {
    "sorted parameters, get": (SORTED, "get", is_sorted_right),
    "sorted parameters, post": (SORTED, "post", is_sorted_right),
    "headers, get": (HEADERS, "get", is_header_right),
    "headers and body, post": (HEADERS, "post", is_header_right),
    "address, get": (QUERY, "get", is_sorted_right),
    "address, post": (QUERY, "post", is_sorted_right),
}


def connector(url: str, signing: dict[str, Any], method: str, secret: str = SECRET) -> RestConnector:
    spec = RestSource.model_validate({**BASE, "signing": signing, "method": method})
    return RestConnector(Connection("x", url, login=LOGIN, password=secret), spec)


@pytest.mark.parametrize("style", STYLES)
def test_each_try_is_signed_for_itself(style: str) -> None:
    """All rows come although every other call is turned away and no nonce is taken twice."""
    signing, method, check = STYLES[style]
    verifier = Verifier(check)
    with answering(verifier.answer) as (url, asked):
        [batch] = connector(url, signing, method).fetch(None, frozenset())
    assert isinstance(batch, Fetched)
    assert [row["no"] for part in batch.parts for row in json.loads(part)["data"]["rows"]] == list(range(5))
    assert len(asked) == len(verifier.nonces) == 10  # three pages and two looks back, each of them twice
    assert all(one.path == "/open.api" for one in asked)


@pytest.mark.parametrize("style", STYLES)
def test_the_secret_itself_is_never_sent(style: str) -> None:
    """Not in the address, not in a header, not in the body."""
    signing, method, check = STYLES[style]
    with answering(Verifier(check).answer) as (url, asked):
        list(connector(url, signing, method).fetch(None, frozenset()))
    assert asked
    assert not any(SECRET in str(one) or "Authorization" in one.headers for one in asked)


@pytest.mark.parametrize("style", STYLES)
def test_what_is_told_back_is_signed_too(style: str) -> None:
    """Rows, Chinese text and all, are part of what is signed."""
    signing, _, check = STYLES[style]
    verifier = Verifier(check)
    verifier.calls = 1
    with answering(verifier.answer) as (url, asked):
        connector(url, signing, "get").send(REPORT, [{"no": "1", "reason": "缺少字段"}], "key-1")
    [told] = asked
    assert (told.path, told.headers["Idempotency-Key"]) == ("/back", "key-1")
    assert json.loads(told.body)["items"] == [{"no": "1", "reason": "缺少字段"}]


@pytest.mark.parametrize("style", STYLES)
def test_another_secret_is_refused(style: str) -> None:
    """The partner's code for it is a person's matter; no second try."""
    signing, method, check = STYLES[style]
    with answering(Verifier(check).answer) as (url, asked), pytest.raises(PartnerRefused, match="1003"):
        list(connector(url, signing, method, secret="other").fetch(None, frozenset()))
    assert len(asked) == 1
