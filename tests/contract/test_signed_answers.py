"""SM2 and Ed25519 on the wire, both ways: every try signed anew, and answers believed only when the partner signed them.

The partner verifies with its own table of nonces; its keys were made by itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from answering import Answer, Asked, answering
from round_trip import MAPPINGS

from connectors.rest import RestConnector
from hub.archive import Archive
from hub.digest import sm3_hex
from hub.errors import AnswerUnproven, PartnerRefused
from hub.feed import CallReport, RestSource
from hub.model import Connection, Fetched
from hub.pipeline import House, fetch_feed
from hub.registry import read_registry
from hub.store.database import rows_of, working
from simulators.mirror import pairs
from simulators.mirror.pairs import Keys

REPORT = CallReport.model_validate({"call": "/back", "rows": "items", "fields": {"status": "outcome"}})
ROWS = [{"no": n} for n in range(5)]
KEYS = {name: Keys(name, *pairs._pair(name), *pairs._pair(name)) for name in pairs.PAIRED}
STYLES = [
    (algorithm, shape, written)
    for algorithm in pairs.PAIRED
    for shape in ("raw", "der")
    for written in ("hex", "base64")
    if shape == "raw" or algorithm == "sm2"
]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pauses between tries."""
    monkeypatch.setattr("connectors.retrying._backing_off", lambda state: 0)


class Partner:
    """Answers rightly signed calls; the first tries of each call by 503. ``spoil`` may change an answer before it goes out."""

    def __init__(self, words: dict[str, Any], keys: Keys, away: int = 2) -> None:
        self.words, self.keys, self.away = words, keys, away
        self.nonces: list[str] = []
        self.spoil: Callable[[bytes, dict[str, str]], tuple[bytes, dict[str, str]]] = lambda body, headers: (
            body,
            headers,
        )

    def answer(self, asked: Asked) -> Answer:
        nonce = asked.headers["X-Nonce"]
        text = f"{asked.headers['X-App']}\n{asked.headers['X-Time']}\n{nonce}\n".encode() + asked.body
        if not pairs.is_signed(self.words, self.keys.hub_public, text, asked.headers["X-Sign"]) or nonce in self.nonces:
            return self._signed(nonce, {"code": "1003", "data": None})
        self.nonces.append(nonce)
        if len(self.nonces) % (self.away + 1):
            return Answer(b"{}", 503)
        if asked.path == "/back":
            return self._signed(nonce, {"code": "0"})
        start = (int(json.loads(asked.body)["pageIndex"])) * 2
        return self._signed(nonce, {"code": "0", "data": {"rows": ROWS[start : start + 2], "total": 5}})

    def _signed(self, nonce: str, tree: dict[str, Any]) -> Answer:
        body = json.dumps(tree).encode()
        sign = pairs.signature_of(
            self.words, self.keys.own_private, self.keys.own_public, nonce.encode() + b"\n" + body
        )
        body, headers = self.spoil(body, {"x-sign": sign})
        return Answer(body, headers=tuple(headers.items()))


def source(algorithm: str, shape: str, written: str) -> RestSource:
    words = {"algorithm": algorithm, "shape": shape, "written": written}
    return RestSource.model_validate({
        "connector": "rest", "connection": "x", "path": "/rows", "method": "post", "calls_per_second": 1000,
        "paging": {"page": "pageIndex", "size": "pageSize", "first": 0, "per_page": 2, "rows": "data.rows", "total": "data.total"},
        "envelope": {"code": "code", "success": "0", "message": "message"}, "format": {"type": "json"},
        "signing": {"fields": {"X-App": "@login", "X-Time": "@now epoch_ms", "X-Nonce": "@unique"},
                    "text": "{X-App}\n{X-Time}\n{X-Nonce}\n{body}", "name": "X-Sign", "place": "headers", **words},
        "signed_answers": {"name": "X-Sign", "text": "{X-Nonce}\n{body}", **words},
    })  # fmt: skip


def connection(url: str, keys: Keys) -> Connection:
    return Connection("x", url, login="370900App", password=keys.hub_private, extra={"answer_key": keys.own_public})


@pytest.mark.parametrize(("algorithm", "shape", "written"), STYLES)
def test_each_try_is_signed_anew_and_each_answer_checked(algorithm: str, shape: str, written: str) -> None:
    """A partner that answers 503 twice before each page takes no nonce twice; all rows come; what is told back is signed too."""
    spec, keys = source(algorithm, shape, written), KEYS[algorithm]
    partner = Partner({"algorithm": algorithm, "shape": shape, "written": written}, keys)
    with answering(partner.answer) as (url, asked):
        connector = RestConnector(connection(url, keys), spec)
        [batch] = connector.fetch(None, frozenset())
        connector.send(REPORT, [{"no": "1", "reason": "缺少字段"}], "key-1")
    assert isinstance(batch, Fetched)
    assert [row["no"] for part in batch.parts for row in json.loads(part)["data"]["rows"]] == list(range(5))
    assert (
        len(asked) == len(set(partner.nonces)) == 18
    )  # three pages, two looks back and a report, each of them three times
    assert not [one for one in asked if keys.hub_private in str(one)]


def test_another_key_is_refused_at_once() -> None:
    """The partner's code for it is a person's matter; its answer is signed, so it is believed."""
    partner = Partner({"algorithm": "sm2"}, KEYS["sm2"], away=0)
    other = Keys("sm2", *pairs._pair("sm2"), *pairs._pair("sm2"))
    keys = replace(KEYS["sm2"], hub_private=other.hub_private)
    with answering(partner.answer) as (url, asked), pytest.raises(PartnerRefused, match="1003"):
        list(RestConnector(connection(url, keys), source("sm2", "raw", "hex")).fetch(None, frozenset()))
    assert len(asked) == 1


Spoil = Callable[[bytes, dict[str, str]], tuple[bytes, dict[str, str]]]
SPOILED: dict[str, Spoil] = {
    "a figure changed on its way": lambda body, headers: (body.replace(b'"total": 5', b'"total": 6'), headers),
    "no signature": lambda body, headers: (body, {}),
    "a signature that is none": lambda body, headers: (body, {"x-sign": "00"}),
    "a signature cut off": lambda body, headers: (body, {"x-sign": headers["x-sign"][:-2]}),
    "the answer to another call": lambda body, headers: (OLD_BODY, {"x-sign": OLD_SIGN}),
}

OLD_BODY = b'{"code": "0", "data": {"rows": [], "total": 0}}'
OLD_SIGN = pairs.signature_of(
    {"algorithm": "sm2"}, KEYS["sm2"].own_private, KEYS["sm2"].own_public, b"an older nonce\n" + OLD_BODY
)


@pytest.mark.parametrize("case", SPOILED)
def test_an_answer_that_is_not_the_partners_is_not_read(case: str) -> None:
    """One try; the bytes come along for the archive, and no word of them stands in the message."""
    partner = Partner({"algorithm": "sm2"}, KEYS["sm2"], away=0)
    partner.spoil = SPOILED[case]
    with answering(partner.answer) as (url, asked), pytest.raises(AnswerUnproven) as error:
        list(RestConnector(connection(url, KEYS["sm2"]), source("sm2", "raw", "hex")).fetch(None, frozenset()))
    assert (len(asked), error.value.code) == (1, "S076")
    assert error.value.body.startswith(b'{"code"')
    assert "total" not in str(error.value)


def test_a_refused_answer_lies_in_the_archive_and_an_alarm_says_where(engine: sa.Engine, tmp_path: Path) -> None:
    """No batch comes of it and the feed's place stays; a good answer afterwards is fetched as ever."""
    registry = read_registry(MAPPINGS, "weihe_accounts", "")
    feed = registry.feed("weihe_accounts")
    house = House(engine, Archive(tmp_path), registry)
    spec, keys = source("sm2", "raw", "hex"), KEYS["sm2"]
    partner = Partner({"algorithm": "sm2"}, keys, away=0)
    partner.spoil = SPOILED["a figure changed on its way"]
    with answering(partner.answer) as (url, _):
        with pytest.raises(AnswerUnproven) as error:
            fetch_feed(house, feed, RestConnector(connection(url, keys), spec))
        digest = sm3_hex(error.value.body)
        assert house.archive.read(digest) == error.value.body
        with working(engine) as work:
            [alarm] = rows_of(work, "select message from alarm where feed_id = 'weihe_accounts'")
            assert rows_of(work, "select 1 from batch where feed_id = 'weihe_accounts'") == []
        assert "S076" in alarm.message
        assert digest in alarm.message
        partner.spoil = lambda body, headers: (body, headers)
        assert len(fetch_feed(house, feed, RestConnector(connection(url, keys), spec))) == 1
