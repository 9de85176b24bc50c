"""Every receiver of mappings/receivers through the real connector over real HTTP: its own ledger shows each record once."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from receivers_served import LOGIN, MAPPINGS, NAMES, SECRET, Served, record, serving

from connectors.open_api import OpenApiReceiver
from hub.errors import HubError, PartnerRefused, PartnerUnavailable, SubmissionRefused
from hub.model import Outcome, ReceiptAnswer
from hub.registry import Registry, read_registry
from schemas.catalogue import SCHEMAS
from simulators.platform_ledger import is_refused

REGISTRY: Registry = read_registry(MAPPINGS)
MOST_WORDS = 100
"""More than the longest code list, so that every word of ours is written once."""
_keys = count(1)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """All receivers, for the module."""
    with serving(tmp_path_factory.mktemp("receivers")) as found:
        yield found


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, served: Served) -> Iterator[None]:
    """No pauses between tries, and no fault left behind."""
    monkeypatch.setattr("connectors.retrying._backing_off", lambda state: 0)
    yield
    for platform in served.platforms.values():
        platform.knobs.clear()


def opened(served: Served, name: str, secret: str = SECRET) -> OpenApiReceiver:
    """The real connector, without the pauses a real receiver may ask for."""
    receives = REGISTRY.receives(name).model_copy(update={"calls_per_second": 10_000})
    return OpenApiReceiver(served.connection(name, secret), receives, REGISTRY.codes)


def new_key(name: str, *, refused: bool = False) -> str:
    """A record key that this receiver takes, or refuses."""
    return next(key for key in (f"k/{number}" for number in _keys) if is_refused(name, key) == refused)


def send(receiver: OpenApiReceiver, schema: str, key: str, records: Sequence[dict[str, Any]]) -> list[ReceiptAnswer]:
    """Submit, as the hub does: ask before sending again when no answer came; then ask until it is answered."""
    found = submit(receiver, schema, key, records)
    if not isinstance(found, str):
        return found
    for _ in range(100):
        if (answers := receiver.poll(found)) is not None:
            return answers
        time.sleep(0.02)
    raise AssertionError("no answer came")


def submit(
    receiver: OpenApiReceiver, schema: str, key: str, records: Sequence[dict[str, Any]]
) -> str | list[ReceiptAnswer]:
    """Nothing that may have taken effect is sent again by the connector itself."""
    try:
        return receiver.submit(schema, key, records)
    except PartnerUnavailable as error:
        if not error.may_be_done:
            raise
    known = receiver.inquire(key)
    return receiver.submit(schema, key, records) if known is None else known


def schemas_of(name: str) -> list[str]:
    return [schema for schema in SCHEMAS if schema in REGISTRY.receives(name).records]


def test_every_receiver_is_served() -> None:
    """A file without a receiver, or a broken one, would be tested by nobody."""
    assert set(NAMES) == set(REGISTRY.receivers)


@pytest.mark.parametrize("name", NAMES)
def test_receiver(served: Served, name: str) -> None:
    """Each record of each kind is on file once, with its amount, also when all of it is sent again."""
    receiver, most = opened(served, name), REGISTRY.receives(name).max_batch
    for schema in schemas_of(name):
        money = SCHEMAS[schema].money
        keys = [new_key(name) for _ in range(MOST_WORDS)]
        sent = [record(schema, n, key, sparse=n % 3 == 2) for n, key in enumerate(keys)]
        for round_no in (1, 2):
            for start in range(0, len(sent), most):
                part = sent[start : start + most]
                told = send(receiver, schema, f"{schema}-{round_no}-{start}", part)
                assert [one.idempotency_key for one in told] == [one["idempotencyKey"] for one in part]
                assert {one.outcome for one in told} == {Outcome.ACCEPTED}
                assert all(one.remote_id for one in told)
        found = served.received(name)[schema]
        assert (found["created"], found["exists"], found["corrected"]) == (MOST_WORDS, MOST_WORDS, 0)
        assert found["created_fen"] == sum(one[money] or 0 for one in sent if money)


@pytest.mark.parametrize("name", NAMES)
def test_a_correction_is_taken_once(served: Served, name: str) -> None:
    """A higher version with other content; the same again is known."""
    schema, key = schemas_of(name)[0], new_key(name)
    receiver = opened(served, name)
    for version, times in ((1, 1), (2, 2)):
        for again in range(times):
            [told] = send(receiver, schema, f"c-{version}-{again}", [record(schema, version, key, version)])
            assert told.outcome is Outcome.ACCEPTED
    effect = served.effect(name, schema, key)
    assert effect is not None
    assert (effect["created"], effect["corrected"], effect["existing"], effect["version"]) == (1, 1, 1, 2)


@pytest.mark.parametrize("name", NAMES)
def test_a_refused_record_is_refused_with_its_code(served: Served, name: str) -> None:
    """It takes no other along, and the receiver's words come with it."""
    schema, good, bad = schemas_of(name)[-1], new_key(name), new_key(name, refused=True)
    told = send(opened(served, name), schema, "r", [record(schema, 1, bad), record(schema, 2, good)])
    assert [(one.outcome, one.message) for one in told] == [
        (Outcome.REFUSED, "参数值不正确"),
        (Outcome.ACCEPTED, "成功"),
    ]
    receives = REGISTRY.receives(name)
    assert told[0].code not in (*receives.accepted, *receives.delayed, *receives.exists.codes, "")
    effect = served.effect(name, schema, bad)
    assert effect is not None
    assert (effect["created"], effect["refused"], effect["status"]) == (0, 1, "refused")


@pytest.mark.parametrize("name", NAMES)
def test_a_submission_whose_answer_never_came_has_one_effect(
    served: Served, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked about, never sent blindly again; whoever knows no submission key says that it has the records already.

    The same goes for a worker that died and sends under the same key once more.
    """
    monkeypatch.setattr("connectors.http.READ_SECONDS", 0.5)
    schema, key = schemas_of(name)[0], new_key(name)
    served.platforms[name].knobs.set("timeout_after_commit", 1)
    [told] = send(opened(served, name), schema, "t", [record(schema, 1, key)])
    effect = served.effect(name, schema, key)
    assert effect is not None
    existing = 0 if REGISTRY.receives(name).style.submission else 1
    assert (told.outcome, effect["created"], effect["existing"]) == (Outcome.ACCEPTED, 1, existing)
    [again] = send(opened(served, name), schema, "t", [record(schema, 1, key)])
    effect = served.effect(name, schema, key)
    assert effect is not None
    assert (again.outcome, again.remote_id) == (Outcome.ACCEPTED, told.remote_id)
    assert (effect["created"], effect["existing"]) == (1, existing * 2)


FAULTS = (
    "error_5xx",
    "html_200",
    "cut",
    "429",
    "too_many",
    "maintenance",
    "late_answer",
    "doubled_result",
    "stray_result",
)


@pytest.mark.parametrize("name", NAMES)
def test_a_receiver_is_asked_by_our_key(served: Served, name: str) -> None:
    """It knows what it has and what it has not; whoever cannot be asked knows nothing."""
    schema, receiver = schemas_of(name)[0], opened(served, name)
    assert receiver.inquire("never-sent") is None
    answered = receiver.submit(schema, "inquired", [record(schema, 1, new_key(name))])
    known = receiver.inquire("inquired")
    assert known == (answered if REGISTRY.receives(name).style.inquiry else None)


@pytest.mark.parametrize("name", NAMES)
def test_passing_trouble_leaves_one_effect(served: Served, name: str) -> None:
    """Busy, cut off, late, twice or astray: the record is on file once and answered."""
    schema, receiver, knobs = schemas_of(name)[0], opened(served, name), served.platforms[name].knobs
    for fault in (fault for fault in FAULTS if fault in knobs.names):
        key = new_key(name)
        knobs.set(fault, 1)
        told = send(receiver, schema, f"p-{fault}", [sent := record(schema, 1, key)])
        ours = [one for one in told if one.idempotency_key == sent["idempotencyKey"]]
        effect = served.effect(name, schema, key)
        assert effect is not None, fault
        assert (ours[0].outcome, effect["created"]) == (Outcome.ACCEPTED, 1), fault


@pytest.mark.parametrize("name", NAMES)
def test_wrong_credentials_are_for_a_person(served: Served, name: str) -> None:
    """Another secret or another login: nothing is on file, and nobody sends it in smaller parts."""
    schema, key = schemas_of(name)[0], new_key(name)
    wrong = opened(served, name, SECRET[::-1])
    stranger = opened(served, name)
    stranger._connection = replace(stranger._connection, login=LOGIN + "x")
    for receiver in (wrong, stranger):
        with pytest.raises(PartnerRefused) as caught:
            send(receiver, schema, "w", [record(schema, 1, key)])
        assert not isinstance(caught.value, SubmissionRefused)
    assert served.effect(name, schema, key) is None


@pytest.mark.parametrize("name", NAMES)
def test_what_nobody_agreed_on_is_turned_down(served: Served, name: str) -> None:
    """A row without its record key: the submission goes back to be tried in smaller parts."""
    schema = schemas_of(name)[0]
    with pytest.raises(SubmissionRefused):
        send(opened(served, name), schema, "u", [record(schema, 1, "")])


@pytest.mark.parametrize("name", [name for name in NAMES if REGISTRY.receives(name).style.answers == "later"])
def test_failing_as_a_whole_and_losing_a_submission_give_it_back(served: Served, name: str) -> None:
    """Both are to be sent again under another key."""
    schema, receiver = schemas_of(name)[0], opened(served, name)
    served.platforms[name].knobs.set("fail_batch", 1)
    with pytest.raises(SubmissionRefused):
        send(receiver, schema, "f", [record(schema, 1, new_key(name))])
    with pytest.raises(SubmissionRefused):
        receiver.poll("never given")


@pytest.mark.parametrize("name", [name for name in NAMES if REGISTRY.receives(name).delayed])
def test_a_record_too_early_is_delayed(served: Served, name: str) -> None:
    """And taken when it comes again."""
    schema, receiver, key = schemas_of(name)[0], opened(served, name), new_key(name)
    served.platforms[name].knobs.set("defer_batch", 1)
    outcomes = [send(receiver, schema, f"d{n}", [record(schema, 1, key)])[0].outcome for n in (1, 2)]
    assert outcomes == [Outcome.DELAYED, Outcome.ACCEPTED]


def test_what_is_sealed_is_never_sent_open(served: Served) -> None:
    """A secret that is no key stops the call before anything leaves."""
    with pytest.raises(PartnerRefused, match="no AES key"):
        opened(served, "qingdao", "short").submit("worker", "s", [record("worker", 1, "k")])


def test_nobody_there_is_no_foreign_error(served: Served) -> None:
    """Every way to fail is one of ours."""
    receiver = opened(served, "jining")
    receiver._connection = replace(receiver._connection, host="http://127.0.0.1:1")
    with pytest.raises(HubError):
        receiver.submit("clue", "n", [record("clue", 1, "k")])
