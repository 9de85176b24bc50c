"""Web partners made from their mappings: the hub's own connector asks them, in every dialect, and what it reads was true."""

import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
import uvicorn
from mirrored import Pair, guarantees, mapping, stock
from test_mirror_files import guarantee_records

from connectors.rest import RestConnector
from hub.errors import AnswerUnproven, HubError, PartnerRefused
from hub.feed import CallReport
from hub.model import Connection
from hub.pipeline.reading import read_rows
from simulators.faults import FaultLayer
from simulators.ledger import Ledger
from simulators.mirror.pairs import Keys, _pair
from simulators.mirror.rest import WebPartner

ENVELOPE = {"code": "head.code", "success": "0000", "message": "head.text"}
PAGINGS: dict[str, dict[str, Any]] = {
    "page": {"by": "page", "page": "p", "size": "n", "per_page": 7, "rows": "list.item", "total": "head.total"},
    "page from nought": {
        "by": "page",
        "page": "p",
        "size": "n",
        "first": 0,
        "per_page": 20,
        "rows": "list.item",
        "total": "t",
    },
    "offset": {
        "by": "offset",
        "offset": "from",
        "size": "n",
        "per_page": 6,
        "rows": "list.item",
        "total": "head.total",
    },
    "token": {"by": "token", "token": "tk", "next": "head.next", "size": "n", "per_page": 9, "rows": "list.item"},
    "none": {"by": "none", "rows": "list.item"},
}
SINCE = {
    "text": "time %Y-%m-%d %H:%M:%S",
    "compact": "time %Y%m%d%H%M%S",
    "iso": "iso_time",
    "epoch_ms": "epoch_ms",
}
SIGNINGS: dict[str, dict[str, Any]] = {
    "sorted": {
        "fields": {"appid": "@login", "nonce": "@unique", "timestamp": "@now %Y%m%d%H%M%S", "format": "json"},
        "text": "{sorted}&appsecret={secret}", "letters": "lower", "algorithm": "sha256", "name": "sign",
    },
    "pairs": {
        "fields": {"app": "@login", "t": "@now epoch_ms"}, "text": "{secret}{pairs}{secret}", "algorithm": "md5",
        "written": "HEX", "name": "sign",
    },
    "headers": {
        "fields": {"X-App": "@login", "X-Time": "@now epoch_s", "X-Nonce": "@unique"},
        "text": "{X-App}{X-Time}{X-Nonce}{body}", "algorithm": "hmac_sm3", "written": "base64", "name": "X-Sign",
        "place": "headers",
    },
    "query": {
        "fields": {"ak": "@login", "ts": "@now seconds_since_2000"}, "text": "{ak}{ts}{secret}", "algorithm": "sm3",
        "written": "BASE64", "name": "sig", "place": "query",
    },
    "hmac": {
        "fields": {"u": "@unique"}, "text": "{sorted}", "unsigned": ["n"], "algorithm": "hmac_sha256", "name": "s",
        "letters": "upper",
    },
}  # fmt: skip


def rest(paging: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """A source of pages."""
    return {
        "connector": "rest", "connection": "probe_api", "path": "/things/list", "paging": dict(paging),
        "envelope": ENVELOPE, "calls_per_second": 1000, "format": {"type": "json"}, **more,
    }  # fmt: skip


@contextmanager
def served(partner: WebPartner) -> Iterator[str]:
    """The partner on a port of this machine."""
    config = uvicorn.Config(FaultLayer(partner.app, partner.knobs), port=0, log_level="critical", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


def partner_of(pair: Pair, tmp_path: Path, share: float = 0.0, keys: Keys | None = None) -> WebPartner:
    """The mirror's side; its ledger is read by the test and written by the server's thread."""
    made = stock(pair, guarantees(20), share)
    ledger = Ledger(tmp_path / "probe.sqlite")
    ledger.db = sqlite3.connect(tmp_path / "probe.sqlite", isolation_level=None, check_same_thread=False)
    ledger.db.row_factory = sqlite3.Row
    return WebPartner([pair.mirrored], made, ledger, "hub", "geheim", ("X-Key", "K "), keys)


def connector(url: str, pair: Pair, password: str = "geheim", answer_key: str = "") -> RestConnector:
    """The hub's side."""
    extra = {"header": "X-Key", "prefix": "K ", "answer_key": answer_key}
    return RestConnector(
        Connection("probe_api", url, login="hub", password=password, extra=extra), pair.feed.spec.source
    )


def fetched(url: str, pair: Pair, cursor: str | None = None, keys: Keys | None = None) -> tuple[int, int, str | None]:
    """Records and rejections of one fetch, and how far it came."""
    own = connector(url, pair, keys.hub_private, keys.own_public) if keys else connector(url, pair)
    found = list(own.fetch(cursor, frozenset()))
    if not found:
        return 0, 0, cursor
    reading = read_rows(pair.feed, found[0].parts, "pages", pair.plan.codes)
    assert not reading.alarms
    kept = sum(one.records.height for one in reading.found)
    return kept, sum(one.rejections.height for one in reading.found), found[0].cursor


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("paging", PAGINGS.values(), ids=PAGINGS)
def test_every_page_comes_once(tmp_path: Path, paging: Mapping[str, Any], method: str) -> None:
    """By number, offset, token or all at once; asked by address or by body; the ledger counts what went out."""
    pair = mapping(
        tmp_path / "m", rest(paging, method=method, parameters={"kind": "A", "full": True}), guarantee_records()
    )
    partner = partner_of(pair, tmp_path, 0.2)
    with served(partner) as url:
        assert fetched(url, pair)[:2] == (48, 12)
    sent = partner.ledger.sent_summary()["probe_things"]
    assert (sent["by_kind"]["guarantee"]["rows"], sent["by_kind"]["guarantee_event"]["rows"]) == (20, 40)
    assert sent["bad_rows"] == 12
    assert len(partner.ledger.spoiled("probe_things")) == 12


@pytest.mark.parametrize("form", SINCE)
def test_only_what_is_new_is_asked_for(tmp_path: Path, form: str) -> None:
    """The second fetch brings what lies within the overlap only."""
    since = {"parameter": "after", "member": "updated", "form": form, "overlap_seconds": 3600}
    records = guarantee_records(source_updated_at={"from": "updated", "as": SINCE[form]})
    pair = mapping(tmp_path / "m", rest(PAGINGS["page"], since=since), records)
    with served(partner_of(pair, tmp_path)) as url:
        kept, _, cursor = fetched(url, pair)
        again, _, _ = fetched(url, pair, cursor)
    assert kept == 60
    assert 0 < again < 20


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("signing", SIGNINGS.values(), ids=SIGNINGS)
def test_signatures_are_verified(tmp_path: Path, signing: Mapping[str, Any], method: str) -> None:
    """The hub's signer against the mirror's own reading of the same words; another secret is turned away."""
    source = rest(PAGINGS["offset"], method=method, signing=signing, parameters={"kind": "甲 乙"})
    pair = mapping(tmp_path / "m", source, guarantee_records())
    with served(partner_of(pair, tmp_path)) as url:
        assert fetched(url, pair)[0] == 60
        with pytest.raises(PartnerRefused):
            list(connector(url, pair, "falsch").fetch(None, frozenset()))


def test_strangers_are_turned_away(tmp_path: Path) -> None:
    """Where nothing is signed the secret stands in a header."""
    pair = mapping(tmp_path / "m", rest(PAGINGS["none"]), guarantee_records())
    with served(partner_of(pair, tmp_path)) as url:
        with pytest.raises(HubError):
            list(connector(url, pair, "falsch").fetch(None, frozenset()))
        assert requests.get(f"{url}/things/list", timeout=5).status_code == 401


def told(of: str = "guarantee") -> dict[str, Any]:
    """A report by call."""
    fields = {"state": {"from": "outcome", "codes": "told"}, "why": "message"}
    return {"outcome": {"call": "/things/told", "rows": "items", "of": [of], "fields": fields}}


@pytest.mark.parametrize(
    "signing", [None, SIGNINGS["sorted"], SIGNINGS["headers"]], ids=["header", "sorted", "headers"]
)
def test_what_a_partner_is_told_takes_effect_once(tmp_path: Path, signing: Mapping[str, Any] | None) -> None:
    """A repeated key gets its first answer; a word outside of the table is refused."""
    more = {"signing": signing} if signing else {}
    pair = mapping(tmp_path / "m", rest(PAGINGS["none"], **more), guarantee_records(), report=told())
    report = pair.feed.spec.report["outcome"]
    assert isinstance(report, CallReport)
    rows = [{"no": f"BH{number}", "state": "已收", "why": ""} for number in range(3)]
    partner = partner_of(pair, tmp_path)
    with served(partner) as url:
        hub = connector(url, pair)
        hub.send(report, rows, "k1")
        hub.send(report, rows, "k1")
        with pytest.raises(PartnerRefused):
            hub.send(report, [{**rows[0], "state": "不明"}], "k2")
        with pytest.raises(PartnerRefused):
            hub.send(report, [{"state": "已收", "why": ""}], "k3")
    assert partner.received() == {"told": 3, "已收": 3, "calls": 4, "effective": 3, "repeated": 0}
    assert [row["item"] for row in partner.ledger.statuses()] == ["BH0", "BH1", "BH2"]


def test_a_repeated_page_is_noticed_by_the_hub(tmp_path: Path) -> None:
    """The knob gives the page before once more, and the hub still counts every row once."""
    pair = mapping(tmp_path / "m", rest(PAGINGS["page"]), guarantee_records())
    partner = partner_of(pair, tmp_path)
    partner.knobs.set("duplicate_page", 1)
    with served(partner) as url:
        assert fetched(url, pair)[0] == 60
    assert partner.knobs.get("duplicate_page") == 0


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize(("algorithm", "shape"), [("sm2", "raw"), ("sm2", "der"), ("ed25519", "raw")])
def test_signatures_by_private_keys_are_verified_both_ways(
    tmp_path: Path, algorithm: str, shape: str, method: str
) -> None:
    """The hub's key is checked by the mirror, the mirror's by the hub; one false signature is noticed."""
    words = {"algorithm": algorithm, "shape": shape, "written": "base64"}
    signing = {"fields": {"X-N": "@unique"}, "text": "{X-N}{sorted}{body}", "name": "X-S", "place": "headers", **words}
    answers = {"name": "X-S", "text": "{X-N}.{body}", **words}
    source = rest(
        PAGINGS["offset"], method=method, signing=signing, signed_answers=answers, parameters={"kind": "甲 乙"}
    )
    pair, keys = (
        mapping(tmp_path / "m", source, guarantee_records()),
        Keys(algorithm, *_pair(algorithm), *_pair(algorithm)),
    )
    partner = partner_of(pair, tmp_path, keys=keys)
    with served(partner) as url:
        assert fetched(url, pair, keys=keys)[0] == 60
        other = replace(keys, hub_private=_pair(algorithm)[0])
        with pytest.raises(PartnerRefused, match="E400"):
            fetched(url, pair, keys=other)
        partner.knobs.set("false_signature", 1)
        with pytest.raises(AnswerUnproven):
            fetched(url, pair, keys=keys)
