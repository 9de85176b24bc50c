"""The asynchronous receiver against the simulated province: one effect per record, whatever happens on the line."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from answering import Answer, answering
from round_trip import RECEIVES, connections

from connectors.open_api import OpenApiReceiver
from hub.errors import HubError, PartnerRefused, PartnerUnavailable, SubmissionRefused
from hub.model import Connection, Outcome, ReceiptAnswer
from simulators.province_ledger import is_refused
from simulators.running import Running

_numbers = count(1)


@pytest.fixture
def province(up: Running) -> OpenApiReceiver:
    return OpenApiReceiver(connections(up.addresses)["province_api"], RECEIVES, {})


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pauses between tries."""
    monkeypatch.setattr("connectors.retrying._backing_off", lambda state: 0)


def record(**changes: Any) -> dict[str, Any]:
    """A payroll batch that the province accepts."""
    number = next(n for n in _numbers if not is_refused(f"313/{n}"))
    fields = {"bank3_code": "313", "batch_no": str(number), "total_fen": 100}
    return {"idempotencyKey": f"i{number}", "recordKey": f"313/{number}", "version": 1, **fields, **changes}


def submit(receiver: OpenApiReceiver, schema: str, batch_key: str, records: list[dict[str, Any]]) -> str:
    """The serial code under which the receiver can be asked; when no answer came, it is asked by our key before sending again."""
    try:
        serial = receiver.submit(schema, batch_key, records)
    except PartnerUnavailable as error:
        if not error.may_be_done:
            raise
        serial = receiver.inquire(batch_key) or receiver.submit(schema, batch_key, records)
    assert isinstance(serial, str)
    return serial


def answer(receiver: OpenApiReceiver, serial: str) -> list[ReceiptAnswer]:
    """Ask until the receiver has made up its mind."""
    for _ in range(100):
        if (found := receiver.poll(serial)) is not None:
            return found
        time.sleep(0.02)
    raise AssertionError("no answer came")


def effect(up: Running, key: str) -> dict[str, Any] | None:
    found = [one for one in up.control.effects("payroll_batch") if one["record_key"] == key]
    return found[0] if found else None


def test_a_record_is_created_once_and_answered(province: OpenApiReceiver, up: Running) -> None:
    """Accepted, with the province's number."""
    sent = record()
    [told] = answer(province, submit(province, "payroll_batch", "b1", [sent]))
    assert (told.idempotency_key, told.outcome, told.code) == (sent["idempotencyKey"], Outcome.ACCEPTED, "0")
    on_file = effect(up, sent["recordKey"])
    assert on_file is not None
    assert (on_file["created"], on_file["fen"], on_file["platform_id"]) == (1, 100, told.remote_id)


def test_the_same_batch_key_twice_is_one_submission(province: OpenApiReceiver, up: Running) -> None:
    """The same serial code, no second effect."""
    sent = record()
    assert submit(province, "payroll_batch", "b2", [sent]) == submit(province, "payroll_batch", "b2", [sent])
    on_file = effect(up, sent["recordKey"])
    assert on_file is not None
    assert (on_file["created"], on_file["existing"]) == (1, 0)


def test_a_submission_whose_answer_never_came_has_one_effect(
    province: OpenApiReceiver, up: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Time-out after the province has committed: asked by our key, it names the serial code; nothing is sent twice."""
    monkeypatch.setattr("connectors.http.READ_SECONDS", 0.5)
    sent = record()
    up.control.fault("province", "timeout_after_commit", 1)
    [told] = answer(province, submit(province, "payroll_batch", "b3", [sent]))
    on_file = effect(up, sent["recordKey"])
    assert on_file is not None
    assert (told.outcome, on_file["created"], on_file["existing"]) == (Outcome.ACCEPTED, 1, 0)


@pytest.mark.parametrize("knob", ["error_5xx", "html_200", "cut", "too_many", "maintenance", "429"])
def test_a_passing_trouble_is_tried_again(province: OpenApiReceiver, up: Running, knob: str) -> None:
    """One effect, one answer."""
    sent = record()
    up.control.fault("province", knob, 1)
    serial = submit(province, "payroll_batch", f"b-{knob}", [sent])
    up.control.fault("province", knob, 1)
    [told] = answer(province, serial)
    on_file = effect(up, sent["recordKey"])
    assert on_file is not None
    assert (told.outcome, on_file["created"], on_file["existing"]) == (Outcome.ACCEPTED, 1, 0)


def test_outcomes_follow_the_table(province: OpenApiReceiver) -> None:
    """Known already is accepted, no parent is delayed, everything unlisted is refused."""
    known = record()
    answer(province, submit(province, "payroll_batch", "b4", [known]))
    refused = next(f"313/{n}" for n in range(10_000) if is_refused(f"313/{n}"))
    sent = [known, record(recordKey=refused)]
    told = answer(province, submit(province, "payroll_batch", "b5", sent))
    assert [(one.outcome, one.code) for one in told] == [(Outcome.ACCEPTED, "1086"), (Outcome.REFUSED, "2003")]
    line = record(batch_no="none", line_no=1, net_fen=1)
    [orphan] = answer(province, submit(province, "payroll_line", "b6", [line]))
    assert (orphan.outcome, orphan.code) == (Outcome.DELAYED, "3001")


def test_an_answer_still_to_come_is_none(province: OpenApiReceiver, up: Running) -> None:
    """Waiting is not failing."""
    serial = submit(province, "payroll_batch", "b7", [record()])
    up.control.fault("province", "late_answer", 2)
    assert province.poll(serial) is None
    assert province.poll(serial) is None
    assert province.poll(serial) is not None


def test_a_submission_that_failed_as_a_whole_is_told_from_lapsed_credentials(
    province: OpenApiReceiver, up: Running
) -> None:
    """Its records are to be sent again; nobody's password is at fault."""
    up.control.fault("province", "fail_batch", 1)
    serial = submit(province, "payroll_batch", "b8", [record()])
    with pytest.raises(SubmissionRefused):
        answer(province, serial)


def test_a_serial_code_the_receiver_lost_is_a_submission_to_repeat(province: OpenApiReceiver) -> None:
    """Code 2006: whatever it did with the records, asking on will never tell, and would block all others."""
    with pytest.raises(SubmissionRefused):
        province.poll("0" * 32)


@pytest.mark.parametrize("change", [{"password": "wrong"}, {"login": "stranger"}])
def test_wrong_credentials_are_refused(up: Running, change: dict[str, str]) -> None:
    """Submitting and asking alike: a person must act."""
    receiver = OpenApiReceiver(replace(connections(up.addresses)["province_api"], **change), RECEIVES, {})
    for call in (lambda: submit(receiver, "payroll_batch", "b9", [record()]), lambda: receiver.poll("0" * 32)):
        with pytest.raises(PartnerRefused, match="1003") as caught:
            call()
        assert not isinstance(caught.value, SubmissionRefused)


def test_a_record_not_as_agreed_is_refused(province: OpenApiReceiver) -> None:
    """Code 2001 for the whole call."""
    with pytest.raises(SubmissionRefused, match="2001"):
        submit(province, "payroll_batch", "b10", [record(version="one")])


def test_rare_characters_and_signs_survive_signing(province: OpenApiReceiver, up: Running) -> None:
    """The signature is over what is sent, whatever it holds."""
    sent = record(employer="㛃𠮷 A&B=c+%20 \"'\\")
    [told] = answer(province, submit(province, "payroll_batch", "b11", [sent]))
    assert told.outcome is Outcome.ACCEPTED


ODD: dict[str, Any] = {
    "nothing": {},
    "no serial code": {"serial": "x"},
    "a status nobody agreed on": {"status": "15", "result": []},
    "no result": {"status": "20"},
    "a result that is no list": {"status": "20", "result": "all"},
    "a result without its key": {"status": "20", "result": [{"code": "0"}]},
    "a result without its code": {"status": "20", "result": [{"idempotencyKey": "i"}]},
}


@pytest.mark.parametrize("case", ODD)
@pytest.mark.parametrize("call", ["submit", "poll"])
def test_an_answer_not_as_agreed_is_sorted(case: str, call: str) -> None:
    """No foreign error leaves the connector, and nothing odd is taken for an answer."""
    body = json.dumps({"code": "0", "message": "ok", "data": ODD[case]}).encode()
    with answering(lambda asked: Answer(body)) as (url, _):
        receiver = OpenApiReceiver(Connection("province_api", url, login="a", password="b"), RECEIVES, {})
        calls: dict[str, Callable[[], object]] = {
            "submit": lambda: submit(receiver, "payroll_batch", "b", [record()]),
            "poll": lambda: receiver.poll("1"),
        }
        with pytest.raises(HubError):
            calls[call]()


def test_nobody_listening_is_unavailable() -> None:
    """Connection refused."""
    with pytest.raises(PartnerUnavailable):
        OpenApiReceiver(Connection("province_api", "http://127.0.0.1:1"), RECEIVES, {}).poll("1")
