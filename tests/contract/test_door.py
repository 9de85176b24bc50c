"""The door under a real web server and a real PostgreSQL, with partners that sign by their own reading of the specification.

Airflow is not here: runs are noted instead of started (tests/contract/test_door_in_airflow.py has the real one).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from secrets import token_hex
from typing import Any

import pytest
import requests
import sqlalchemy as sa
import uvicorn
from fastapi import FastAPI
from round_trip import MAPPINGS

from hub import bootstrap, cli
from hub.door import deciding, looking
from hub.door.app import build_app
from hub.errors import ConnectionMissing
from hub.limits import LARGEST_KNOCK
from hub.model import Connection
from hub.store import knocks
from hub.store.database import rows_of, working
from simulators.mirror import pairs
from simulators.mirror.knocking import WORDS, signed
from simulators.sm3 import sm3_hex

FEED, OTHERS_FEED = "weihe_payrolls", "jiaolai_payrolls"
SECRET = "a secret of twenty-six letters"
KEYS = pairs.Keys("sm2", *pairs._pair("sm2"), *pairs._pair("sm2"))
SM2 = Connection("weihe_door", password=KEYS.own_public, extra=WORDS)
HMACS = {
    "hmac_sm3": lambda text: hmac.new(SECRET.encode(), text, "sm3").hexdigest(),
    "hmac_sha256": lambda text: hmac.new(SECRET.encode(), text, hashlib.sha256).hexdigest(),
}
BODY = b'{"ready": "weihe_payrolls"}'
Headers = dict[str, str]


@dataclass
class Door:
    """The door's address, what its connections are, and which runs Airflow would have been asked for."""

    url: str
    engine: sa.Engine
    connections: dict[str, Connection]
    before: int
    runs: list[str] = field(default_factory=list)
    is_queued: bool = False

    def post(
        self, body: bytes | Iterator[bytes] = BODY, headers: Headers | None = None, **query: str
    ) -> requests.Response:
        with requests.Session() as session:
            session.trust_env = False
            url = f"{self.url}/exchange/v1/ready"
            return session.post(url, data=body, headers=headers, params=query, timeout=30)

    def knock(self, body: bytes = BODY, **changes: str) -> requests.Response:
        """A knock signed as it should be, then changed."""
        return self.post(body, {**signed("/exchange/v1/ready", "weihe", KEYS, body), **changes})

    def ask(self, sql: str) -> list[Any]:
        with working(self.engine) as work:
            return list(rows_of(work, sql))

    def logged(self) -> list[Any]:
        """What came into the exchange log since the test began."""
        return self.ask(f"select * from exchange_entry where entry_id > {self.before}")


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    """The application under the path at which Airflow mounts it."""
    outside = FastAPI(openapi_url=None)
    outside.mount("/exchange/v1", build_app())
    server = uvicorn.Server(uvicorn.Config(outside, port=0, log_level="info", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.fixture
def door(served: str, engine: sa.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    """A hub that nobody has knocked at yet; what stands in the exchange log stays there."""
    with working(engine) as work:
        work.execute(sa.text("truncate knock, knock_nonce, knock_count"))
        before = rows_of(work, "select coalesce(max(entry_id), 0) as entry_id from exchange_entry")[0].entry_id
    door = Door(served, engine, {"weihe_door": SM2}, before)

    def find(name: str) -> Connection:
        try:
            return door.connections[name]
        except KeyError:
            raise ConnectionMissing(name) from None

    def trigger(dag_id: str, knock: knocks.Knock) -> str:
        door.runs.append(dag_id)
        return f"knock__{knock.knock_id}"

    monkeypatch.setattr(deciding, "find_connection", find)
    monkeypatch.setattr(looking, "_is_queued", lambda _: door.is_queued)
    monkeypatch.setattr(looking, "_trigger", trigger)
    monkeypatch.setenv("HUB_DATABASE_URL", engine.url.render_as_string(hide_password=False))
    monkeypatch.setenv("HUB_ARCHIVE", str(tmp_path))
    monkeypatch.setenv("HUB_MAPPINGS", str(MAPPINGS))
    bootstrap.open_house.cache_clear()
    yield door
    bootstrap.open_house.cache_clear()


def told(answer: requests.Response) -> tuple[int, str]:
    """Status and code; every answer is JSON in both languages."""
    body = answer.json()
    assert {"code", "message", "message_en"} <= set(body)
    return answer.status_code, body["code"]


def test_a_knock_starts_the_look_and_can_be_asked_about(door: Door) -> None:
    """It stands in the tables with what proves it, in the exchange log as a digest, and is counted."""
    answer = door.knock()
    assert told(answer) == (202, "0")
    number = answer.json()["number"]
    assert (answer.json()["look"], door.runs) == ("started", [FEED])
    [kept] = door.ask("select * from knock")
    assert (kept.partner, kept.ready, kept.algorithm, kept.look, kept.dag_run) == (
        "weihe", FEED, "sm2", "started", f"knock__{number}",
    )  # fmt: skip
    assert pairs.is_signed(WORDS, KEYS.own_public, kept.signed_text.encode(), kept.signature)
    [entry] = door.logged()
    digest = sm3_hex(f"{kept.signed_text}\n{kept.signature}".encode())
    assert (entry.kind, entry.subject, entry.digest, kept.digest) == ("knocked", FEED, digest, digest)
    assert [(row.partner, row.code, row.knocks) for row in door.ask("select * from knock_count")] == [("weihe", "0", 1)]
    path = f"/exchange/v1/ready/{number}"
    asked = requests.get(door.url + path, headers=signed(path, "weihe", KEYS, b"", "GET"), timeout=30)
    assert told(asked) == (200, "0")
    assert {**asked.json(), "message": "", "message_en": ""} == {**answer.json(), "message": "", "message_en": ""}


@pytest.mark.parametrize("algorithm", HMACS)
def test_a_shared_secret_will_do_where_it_is_agreed(door: Door, algorithm: str) -> None:
    """HMAC with SM3 or SHA-256, over the same text; the query is sorted."""
    door.connections["weihe_door"] = Connection("weihe_door", password=SECRET, extra={"algorithm": algorithm})
    moment, nonce = str(time.time_ns() // 1_000_000), token_hex(8)
    text = "\n".join(("v1", "POST", "/exchange/v1/ready", "a=1&b=2", sm3_hex(BODY), "weihe", moment, nonce))
    headers = {"X-App-Id": "weihe", "X-Timestamp": moment, "X-Nonce": nonce, "X-Sign-Method": algorithm,
               "X-Sign": HMACS[algorithm](text.encode())}  # fmt: skip
    assert told(door.post(headers=headers, b="2", a="1")) == (202, "0")
    assert told(door.post(headers={**headers, "X-Nonce": token_hex(8)}, b="2", a="1")) == (401, "S072")


def test_of_twenty_copies_that_come_at_once_one_is_accepted(door: Door) -> None:
    """PostgreSQL decides which; the others are told that the nonce was used."""
    headers = signed("/exchange/v1/ready", "weihe", KEYS, BODY)
    with ThreadPoolExecutor(20) as many:
        found = list(many.map(lambda _: told(door.post(headers=headers)), range(20)))
    assert sorted(found) == [(202, "0")] + [(409, "S074")] * 19
    assert len(door.ask("select * from knock")) == len(door.runs) == 1
    assert {row.code: row.knocks for row in door.ask("select * from knock_count")} == {"0": 1, "S074": 19}


def test_many_knocks_are_one_look(door: Door) -> None:
    """While a run is queued nothing more is started."""
    door.is_queued = True
    assert {door.knock().json()["look"] for _ in range(5)} == {"waiting"}
    assert door.runs == []
    assert {row.look for row in door.ask("select * from knock")} == {"waiting"}


def test_a_knock_stands_although_airflow_starts_nothing(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock takes what it is about; the next knock tries again."""

    def fail(*_: object) -> str:
        raise RuntimeError("no such DAG")

    with monkeypatch.context() as patch:
        patch.setattr(looking, "_trigger", fail)
        answer = door.knock()
    assert (told(answer), answer.json()["look"]) == ((202, "0"), "owed")
    assert [row.look for row in door.ask("select look from knock")] == ["owed"]
    assert door.knock().json()["look"] == "started"


REFUSED: dict[str, tuple[Callable[[Door], requests.Response], int, str]] = {
    "no headers": (lambda door: door.post(headers={}), 400, "S071"),
    "a time that is none": (lambda door: door.knock(**{"X-Timestamp": "2026-11-23"}), 400, "S071"),
    "a nonce too short": (lambda door: door.knock(**{"X-Nonce": "1"}), 400, "S071"),
    "an app id with a pattern": (lambda door: door.knock(**{"X-App-Id": "w*"}), 400, "S071"),
    "a partner that is none": (lambda door: door.knock(**{"X-App-Id": "nobody"}), 401, "S072"),
    "a partner without a key": (lambda door: door.knock(**{"X-App-Id": "jiaolai"}), 401, "S072"),
    "an empty signature": (lambda door: door.knock(**{"X-Sign": ""}), 400, "S071"),
    "a signature that is none": (lambda door: door.knock(**{"X-Sign": "0" * 128}), 401, "S072"),
    "another algorithm": (lambda door: door.knock(**{"X-Sign-Method": "hmac_sm3"}), 401, "S072"),
    "another nonce": (lambda door: door.knock(**{"X-Nonce": token_hex(16)}), 401, "S072"),
    "another body": (
        lambda door: door.post(BODY + b" ", signed("/exchange/v1/ready", "weihe", KEYS, BODY)), 401, "S072",
    ),
    "another path": (lambda door: door.post(BODY, signed("/exchange/v1/else", "weihe", KEYS, BODY)), 401, "S072"),
    "another query": (
        lambda door: door.post(BODY, signed("/exchange/v1/ready", "weihe", KEYS, BODY), a="1"), 401, "S072",
    ),
    "another's feed": (lambda door: door.knock(b'{"ready": "jiaolai_payrolls"}'), 403, "S075"),
    "no feed": (lambda door: door.knock(b'{"ready": "weihe_nothing"}'), 403, "S075"),
    "receipts of who receives nothing": (lambda door: door.knock(b'{"ready": "receipts"}'), 403, "S075"),
    "no JSON": (lambda door: door.knock(b"ready"), 400, "S071"),
    "a key twice": (lambda door: door.knock(b'{"ready": "weihe_txns", "ready": "weihe_payrolls"}'), 400, "S071"),
    "not a number": (lambda door: door.knock(b'{"ready": NaN}'), 400, "S071"),
    "a word more": (lambda door: door.knock(b'{"ready": "weihe_payrolls", "url": "http://x"}'), 400, "S071"),
    "too deep": (lambda door: door.knock(b'{"ready": ' + b"[" * 20_000 + b"]" * 20_000 + b"}"), 400, "S071"),
    "too large": (lambda door: door.knock(b" " * (LARGEST_KNOCK + 1) + BODY), 400, "S071"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_as_agreed_is_refused_counted_and_starts_nothing(door: Door, case: str) -> None:
    """With a stable code; no knock, no entry in the exchange log."""
    act, status, code = REFUSED[case]
    assert told(act(door)) == (status, code)
    assert door.runs == []
    assert door.ask("select * from knock") == door.logged() == []
    assert [(row.code, row.knocks) for row in door.ask("select * from knock_count")] == [(code, 1)]


@pytest.mark.parametrize("seconds", [-310, 310])
def test_a_time_that_is_over_or_to_come_is_refused(door: Door, monkeypatch: pytest.MonkeyPatch, seconds: int) -> None:
    """300 seconds in either direction; the nonce is not used up, so the same call is refused for its time again."""
    later = deciding.now() + timedelta(seconds=seconds)
    monkeypatch.setattr(deciding, "now", lambda: later)
    headers = signed("/exchange/v1/ready", "weihe", KEYS, BODY)
    assert [told(door.post(headers=headers)) for _ in range(2)] == [(401, "S073")] * 2
    assert door.ask("select * from knock_nonce") == []


def test_a_body_without_length_is_cut_off(door: Door) -> None:
    """Sent in pieces, it is read no further than it may be."""

    def pieces() -> Iterator[bytes]:
        for _ in range(20):
            yield b" " * 8192

    assert told(door.post(pieces(), {"X-App-Id": "weihe"})) == (400, "S071")


def test_another_partners_knock_is_nobodys_business(door: Door) -> None:
    """Numbers of others are as unknown as numbers that do not exist."""
    number = door.knock().json()["number"]
    other = pairs.Keys("sm2", *pairs._pair("sm2"), *pairs._pair("sm2"))
    door.connections["jiaolai_door"] = Connection("jiaolai_door", password=other.own_public, extra=WORDS)
    path = f"/exchange/v1/ready/{number}"
    answers = [
        requests.get(door.url + path, headers=signed(path, "jiaolai", other, b"", "GET"), timeout=30),
        requests.get(door.url + (gone := "/exchange/v1/ready/999999"), headers=signed(gone, "weihe", KEYS, b"", "GET"), timeout=30),
    ]  # fmt: skip
    assert [told(answer) for answer in answers] == [(403, "S075")] * 2
    counted = {(row.partner, row.code): row.knocks for row in door.ask("select * from knock_count")}
    assert counted == {("weihe", "0"): 1, ("jiaolai", "S075"): 1, ("weihe", "S075"): 1}


def test_a_receiver_says_that_receipts_are_ready(door: Door) -> None:
    """Then the run that fetches receipts is started."""
    door.connections["taian_door"] = Connection("taian_door", password=KEYS.own_public, extra=WORDS)
    body = json.dumps({"ready": "receipts"}).encode()
    assert told(door.post(body, signed("/exchange/v1/ready", "taian", KEYS, body))) == (202, "0")
    assert door.runs == ["deliver"]


def test_a_connection_that_is_wrong_is_our_trouble(door: Door) -> None:
    """The partner is told to come again; what is the matter stands in our log alone."""
    for wrong in (Connection("weihe_door", password="ab"), Connection("weihe_door", password="ab", extra=WORDS)):
        door.connections["weihe_door"] = wrong
        answer = door.knock()
        assert told(answer) == (503, "S001")
        assert "weihe_door" not in answer.text
    door.connections["weihe_door"] = Connection("weihe_door", password="short", extra={"algorithm": "hmac_sm3"})
    assert told(door.knock(**{"X-Sign-Method": "hmac_sm3"})) == (503, "S001")


def test_nothing_secret_is_logged(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    """Neither secrets, signatures nor bodies, whatever happens."""
    door.connections["weihe_door"] = Connection("weihe_door", password=SECRET, extra={"algorithm": "hmac_sm3"})
    with caplog.at_level(logging.DEBUG):
        door.knock(b'{"ready": "a body that nobody should read"}', **{"X-Sign": "5ec2e7" * 12})
        door.connections["weihe_door"] = Connection("weihe_door", password=SECRET, extra={"algorithm": "rot13"})
        door.knock()
    assert "S003" in caplog.text
    assert not [word for word in (SECRET, "nobody should read", "5ec2e7") if word in caplog.text]


def test_an_admin_sees_who_knocked(door: Door, capsys: pytest.CaptureFixture[str]) -> None:
    """Accepted ones with what came of them, refused ones by number; callers that nobody knows as a question mark."""
    assert cli.main(["knocks"]) == 0
    assert "nobody has knocked" in capsys.readouterr().out
    door.knock()
    door.knock(**{"X-Sign": "0" * 128})
    door.post(headers={})
    assert cli.main(["knocks", "--days", "1"]) == 0
    said = capsys.readouterr().out
    assert re.search(r"weihe +weihe_payrolls +sm2 +started +knock__\d+", said)
    assert re.search(r"weihe +0 +1 ", said)
    assert re.search(r"weihe +S072 就绪通知签名不符 +1 ", said)
    assert re.search(r"\? +S071 就绪通知格式不符 +1 ", said)


def test_old_nonces_are_let_go(door: Door) -> None:
    """Those that nobody could use again."""
    door.knock()
    with working(door.engine) as work:
        work.execute(sa.text("insert into knock_nonce values ('weihe', 'old', now() - interval '2 days')"))
        assert knocks.forget_nonces(work) == 1
    assert len(door.ask("select * from knock_nonce")) == 1
