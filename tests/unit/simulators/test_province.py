"""The province's rules: who is let in, what takes effect, and what is remembered."""

import json
import time
import uuid
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import requests

from simulators.province import sign
from simulators.province_ledger import ProvinceLedger, is_refused
from simulators.running import Running

Call = Callable[..., dict[str, Any]]
_NUMBERS = count()


@pytest.fixture
def ledger(tmp_path: Path) -> ProvinceLedger:
    return ProvinceLedger(tmp_path / "province.sqlite")


def record(key: str, version: int = 1, **fields: Any) -> dict[str, Any]:
    return {"idempotencyKey": f"{key}#{version}", "recordKey": key, "version": version, **fields}


def submit(ledger: ProvinceLedger, schema: str, *records: dict[str, Any]) -> list[tuple[str, str | None]]:
    serial = ledger.submit(f"batch {next(_NUMBERS)}", schema, records, 0, False)
    submission = ledger.submission(serial)
    assert submission is not None
    return [(row["code"], row["platformId"]) for row in json.loads(submission["result"])]


def test_a_record_is_created_once_and_then_exists(ledger: ProvinceLedger) -> None:
    """Same version, same content, lower version: 1086 with the first number; a higher version with news corrects."""
    ((created, number),) = submit(ledger, "clue", record("nat/1", arrears_fen=100))
    again = submit(ledger, "clue", record("nat/1", arrears_fen=100), record("nat/1", 2, arrears_fen=100))
    corrected = submit(ledger, "clue", record("nat/1", 3, arrears_fen=70), record("nat/1", 2, arrears_fen=60))
    assert (created, bool(number)) == ("0", True)
    assert again == [("1086", number), ("1086", number)]
    assert corrected == [("0", number), ("1086", number)]
    numbers = ledger.received()["clue"]
    assert (numbers["created"], numbers["corrected"], numbers["exists"]) == (1, 1, 3)
    assert (numbers["created_fen"], numbers["fen"]) == (100, 70)


@pytest.mark.parametrize(
    ("parent", "child", "family"),
    [
        ("payroll_batch", "payroll_line", {"bank3_code": "313", "batch_no": "B1"}),
        ("special_account", "account_txn", {"bank3_code": "313", "account_no": "622"}),
        ("guarantee", "guarantee_event", {"insurer_uscc": "91X", "guarantee_no": "G1"}),
    ],
)
def test_children_wait_for_their_parent(
    ledger: ProvinceLedger, parent: str, child: str, family: dict[str, Any]
) -> None:
    """3001 until the parent is accepted; a parent of another bank does not help."""
    key = "/".join(family.values())
    assert submit(ledger, child, record(f"{key}/1", **family)) == [("3001", None)]
    other: dict[str, Any] = dict.fromkeys(family, "other")
    submit(ledger, parent, record("other/1", **other))
    assert submit(ledger, child, record(f"{key}/1", **family)) == [("3001", None)]
    submit(ledger, parent, record(key, **family))
    assert [code for code, _ in submit(ledger, child, record(f"{key}/1", **family))] == ["0"]
    assert ledger.received()[child]["waiting"] == 0


def test_one_in_a_hundred_is_refused_for_good(ledger: ProvinceLedger) -> None:
    """By the key alone, so that a repetition is refused as well; its money is counted apart."""
    keys = [f"nat/{number}" for number in range(10_000)]
    refused = [key for key in keys if is_refused(key)]
    assert 60 <= len(refused) <= 140
    assert submit(ledger, "clue", record(refused[0], arrears_fen=5)) == [("2003", None)]
    assert submit(ledger, "clue", record(refused[0], 2, arrears_fen=6)) == [("2003", None)]
    numbers = ledger.received()["clue"]
    assert (numbers["created"], numbers["refused"], numbers["refused_fen"]) == (0, 1, 6)


def test_the_same_batch_key_has_one_effect(ledger: ProvinceLedger) -> None:
    """And the same serial code, also after a restart."""
    first = ledger.submit("key", "clue", [record("nat/1")], 0, False)
    assert ledger.submit("key", "clue", [record("nat/2")], 0, False) == first
    assert [effect["record_key"] for effect in ledger.effects("clue")] == ["nat/1"]


@pytest.fixture
def call(simulators: Running) -> Call:
    """A signed call; arguments replace parts of it."""
    province, web = simulators.addresses["province"], simulators.web("province")

    def send(method: str, data: Any, secret: str = province["appsecret"], **changes: str) -> dict[str, Any]:
        fields = {"appid": province["appid"], "data": json.dumps(data, ensure_ascii=False), "format": "json"}
        fields |= {"method": method, "nonce": uuid.uuid4().hex, "timestamp": "20261123180000", "version": "1.0"}
        fields |= changes
        fields["sign"] = sign(fields, secret)
        answer: dict[str, Any] = web.post(province["url"] + "/open.api", data=fields, timeout=5).json()
        return answer

    return send


def test_strangers_and_replays_are_refused(call: Call) -> None:
    """1003 for a wrong secret or appid, 1004 for a used nonce, 2006 for an unknown serial code."""
    query = ("AsyncHandleResult.Query", {"requestSerialCode": "unknown"})
    assert call(*query)["code"] == "2006"
    assert call(*query, secret="guess")["code"] == "1003"
    assert call(*query, appid="someone")["code"] == "1003"
    assert call(*query, nonce="0" * 32)["code"] == "2006"
    assert call(*query, nonce="0" * 32)["code"] == "1004"


@pytest.mark.parametrize(
    "data",
    [
        {"schema": "clue", "records": [record("nat/1")]},
        {"schema": "nonsense", "batchKey": "b", "records": [record("nat/1")]},
        {"schema": "clue", "batchKey": "b", "records": []},
        {"schema": "clue", "batchKey": "b", "records": [record("nat/1")] * 501},
        {"schema": "clue", "batchKey": "b", "records": [{"recordKey": "nat/1", "version": 1}]},
        {"schema": "clue", "batchKey": "b", "records": [record("nat/1", arrears_fen="12.50")]},
        [],
    ],
    ids=[
        "no batch key",
        "unknown schema",
        "no records",
        "too many",
        "no idempotency key",
        "money as text",
        "no object",
    ],
)
def test_incomplete_submissions_are_refused_as_a_whole(call: Call, data: Any) -> None:
    """2001, nothing takes effect."""
    assert call("Record.Submit", data)["code"] == "2001"


def test_results_come_later(call: Call, simulators: Running) -> None:
    """Status 0 while waiting, also as long as a knob wishes, then 20."""
    sent = call("Record.Submit", {"schema": "clue", "batchKey": "later", "records": [record("nat/later 0")]})
    query = ("AsyncHandleResult.Query", sent["data"])
    assert call(*query)["data"] == {"status": "0", "result": []}
    time.sleep(0.55)
    simulators.control.fault("province", "late_answer", 2)
    assert [call(*query)["data"]["status"] for _ in range(3)] == ["0", "0", "20"]
    ((result),) = call(*query)["data"]["result"]
    assert (result["idempotencyKey"], result["code"]) == ("nat/later 0#1", "0")


def test_receipts_may_come_twice_or_for_nothing(call: Call, simulators: Running) -> None:
    """One query each; then the plain result again."""
    sent = call("Record.Submit", {"schema": "clue", "batchKey": "odd", "records": [record("nat/odd 0")]})["data"]
    time.sleep(0.55)
    for knob in ("doubled_result", "stray_result"):
        simulators.control.fault("province", knob, 1)
    results = [call("AsyncHandleResult.Query", sent)["data"]["result"] for _ in range(2)]
    assert [row["idempotencyKey"] for row in results[0]] == ["stray", "nat/odd 0#1", "nat/odd 0#1"]
    assert len(results[1]) == 1


def test_a_commit_may_go_unanswered(call: Call, simulators: Running) -> None:
    """The caller times out; asking again with the same batch key shows that it had taken effect."""
    wish = {"schema": "clue", "batchKey": "lost", "records": [record("nat/lost 1")]}
    simulators.control.fault("province", "timeout_after_commit", 1)
    url = simulators.addresses["province"]["url"] + "/open.api"
    with pytest.raises(requests.Timeout):
        simulators.web("province").post(url, data=signed(simulators, wish), timeout=0.5)
    assert [e["created"] for e in simulators.control.effects("clue") if e["record_key"] == "nat/lost 1"] == [1]
    assert call("Record.Submit", wish)["code"] == "0"
    assert [e["existing"] for e in simulators.control.effects("clue") if e["record_key"] == "nat/lost 1"] == [0]


def signed(simulators: Running, wish: dict[str, Any]) -> dict[str, str]:
    province = simulators.addresses["province"]
    fields = {"appid": province["appid"], "data": json.dumps(wish), "format": "json", "method": "Record.Submit"}
    fields |= {"nonce": uuid.uuid4().hex, "timestamp": "20261123180000", "version": "1.0"}
    return {**fields, "sign": sign(fields, province["appsecret"])}


@pytest.mark.parametrize(("knob", "code"), [("too_many", "2005"), ("maintenance", "9999")])
def test_the_province_may_be_busy_or_closed(call: Call, simulators: Running, knob: str, code: str) -> None:
    """With HTTP 200 and a code of its own."""
    simulators.control.fault("province", knob, 1)
    query = ("AsyncHandleResult.Query", {"requestSerialCode": "unknown"})
    assert [call(*query)["code"] for _ in range(2)] == [code, "2006"]
