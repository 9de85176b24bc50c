"""Pages of JSON against the simulated bureau and clue platform, and against answers that no partner should give."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from answering import Answer, Asked, answering
from round_trip import connections

from connectors.rest import RestConnector
from hub.errors import FeedChanged, HubError, PartnerRefused, PartnerUnavailable
from hub.feed import CallReport, RestSource
from hub.model import Connection, Fetched
from simulators.running import Running

PERMITS = {
    "connector": "rest", "connection": "bureau_api", "path": "/api/v1/permits", "calls_per_second": 1000,
    "paging": {"page": "page", "size": "page_size", "first": 1, "per_page": 6, "rows": "data.rows", "total": "data.total"},
    "envelope": {"code": "code", "success": "0", "message": "message"},
    "since": {"parameter": "updated_since", "member": "updateTime", "form": "text", "overlap_seconds": 300},
    "format": {"type": "json"},
}  # fmt: skip
CLUES = {
    "connector": "rest", "connection": "nat_api", "path": "/clue/list", "calls_per_second": 1000,
    "paging": {"page": "pageIndex", "size": "pageSize", "first": 0, "per_page": 1, "rows": "data.rows",
               "total": "data.totalCount"},
    "envelope": {"code": "code", "success": "200", "message": "msg"},
    "since": {"parameter": "beginTime", "member": "UPDATE_TIME", "form": "epoch_ms", "overlap_seconds": 300},
    "format": {"type": "json"},
}  # fmt: skip
FILINGS = CallReport.model_validate(
    {"call": "/api/v1/filings", "rows": "filings", "fields": {"status": "outcome"}, "per_call": 200}
)
FILED = [{"permitNo": "370900202611230001", "status": "已建档", "reason": "", "platformId": "SD1"}]


@pytest.fixture
def bureau(up: Running) -> RestConnector:
    return RestConnector(connections(up.addresses)["bureau_api"], RestSource.model_validate(PERMITS))


@pytest.fixture
def nat(up: Running) -> RestConnector:
    return RestConnector(connections(up.addresses)["nat_api"], RestSource.model_validate(CLUES))


def fetch(connector: RestConnector, cursor: str | None = None) -> tuple[list[dict[str, Any]], Fetched | None]:
    """Every row of the batch, and the batch."""
    found = list(connector.fetch(cursor, frozenset()))
    assert len(found) <= 1
    if not found:
        return [], None
    assert isinstance(found[0], Fetched)
    return [row for part in found[0].parts for row in json.loads(part)["data"]["rows"]], found[0]


def numbers(rows: Sequence[dict[str, Any]]) -> list[str]:
    return [row.get("permitNo") or row["CLUE_CODE"] for row in rows]


def test_all_pages_come_once_each(bureau: RestConnector) -> None:
    """Twenty permits in pages of six: four pages, each row once, as the raw bytes."""
    rows, batch = fetch(bureau)
    assert batch is not None
    assert len(batch.parts) == 4
    assert len(rows) == len(set(numbers(rows))) == batch.printed_rows == 20


def test_pages_counted_from_zero_come_once_each(nat: RestConnector) -> None:
    """The clue platform counts its pages from zero."""
    rows, _ = fetch(nat)
    assert len(rows) == len(set(numbers(rows))) == 4


@pytest.mark.parametrize("partner", ["bureau", "nat"])
def test_the_cursor_looks_back_and_brings_little(partner: str, request: pytest.FixtureRequest) -> None:
    """From the cursor only what lies in the overlap comes again; the cursor does not move back."""
    connector: RestConnector = request.getfixturevalue(partner)
    rows, batch = fetch(connector)
    assert batch is not None
    again, second = fetch(connector, batch.cursor)
    assert second is not None
    assert numbers(again) == numbers(rows)[-len(again) :]
    assert 0 < len(again) < len(rows)
    assert second.cursor == batch.cursor


@pytest.mark.parametrize("knob", ["error_5xx", "html_200", "cut"])
def test_a_passing_trouble_is_tried_again(bureau: RestConnector, up: Running, knob: str) -> None:
    """5xx, an HTML page with 200 and half an answer: asked again, nothing lost, nothing twice."""
    expected, _ = fetch(bureau)
    up.control.fault("bureau", knob, 2)
    rows, _ = fetch(bureau)
    assert numbers(rows) == numbers(expected)


def test_retry_after_is_kept(bureau: RestConnector, up: Running) -> None:
    """A second is asked for, a second is waited."""
    up.control.fault("bureau", "429", 1)
    started = time.monotonic()
    rows, _ = fetch(bureau)
    assert len(rows) == 20
    assert time.monotonic() - started >= 1


def test_trouble_that_does_not_pass_is_unavailable(
    bureau: RestConnector, up: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After five tries the task gives up; nothing half-read is handed on."""
    monkeypatch.setattr("connectors.retrying._backing_off", lambda state: 0)
    up.control.fault("bureau", "error_5xx", 99)
    with pytest.raises(PartnerUnavailable):
        fetch(bureau)


@pytest.mark.parametrize("partner", ["bureau", "nat"])
def test_a_page_given_twice_is_neither_counted_nor_skipped(
    partner: str, up: Running, request: pytest.FixtureRequest
) -> None:
    """The page before comes again in place of the page asked for."""
    connector: RestConnector = request.getfixturevalue(partner)
    expected, _ = fetch(connector)
    up.control.fault(partner, "duplicate_page", 1)
    rows, _ = fetch(connector)
    assert numbers(rows) == numbers(expected)


@pytest.mark.parametrize("name", ["bureau_api", "nat_api"])
def test_wrong_credentials_are_refused_at_once(up: Running, name: str) -> None:
    """401: one call, no second try."""
    connection = replace(connections(up.addresses)[name], password="wrong")
    source = PERMITS if name == "bureau_api" else CLUES
    with pytest.raises(PartnerRefused):
        fetch(RestConnector(connection, RestSource.model_validate(source)))


def test_nobody_listening_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connection refused."""
    monkeypatch.setattr("connectors.retrying._backing_off", lambda state: 0)
    connector = RestConnector(Connection("x", "http://127.0.0.1:1"), RestSource.model_validate(PERMITS))
    with pytest.raises(PartnerUnavailable):
        fetch(connector)


def test_the_same_report_twice_has_one_effect(bureau: RestConnector, up: Running) -> None:
    """The partner knows a repeated call by its key."""
    before = up.control.ledger()["received"]["bureau"]
    bureau.send(FILINGS, FILED, "key-1")
    bureau.send(FILINGS, FILED, "key-1")
    after = up.control.ledger()["received"]["bureau"]
    assert after["effective"] == before["effective"] + 1
    assert after["repeated"] == before["repeated"]


def test_a_report_whose_answer_never_came_is_sent_again_without_a_second_effect(
    bureau: RestConnector, up: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Time-out after the partner has committed."""
    monkeypatch.setattr("connectors.http.READ_SECONDS", 0.5)
    row = [{**FILED[0], "permitNo": "370900202611230002"}]
    before = up.control.ledger()["received"]["bureau"]
    up.control.fault("bureau", "timeout_after_commit", 1)
    bureau.send(FILINGS, row, "key-2")
    after = up.control.ledger()["received"]["bureau"]
    assert (after["effective"], after["calls"]) == (before["effective"] + 1, before["calls"] + 2)
    assert after["repeated"] == before["repeated"]


def page(rows: Any, total: Any = 1, **more: Any) -> bytes:
    return json.dumps({"code": "0", "message": "ok", "data": {"rows": rows, "total": total}, **more}).encode()


ROW = {"permitNo": "1", "updateTime": "2026-11-23 10:00:00"}
MISBEHAVIOUR: dict[str, tuple[Answer, type[HubError]]] = {
    "an error with HTTP 200": (Answer(b'{"code": "7", "message": "no", "data": null}'), PartnerRefused),
    "a 5xx code with HTTP 200": (Answer(b'{"code": "500", "message": "no", "data": null}'), PartnerUnavailable),
    "no envelope": (Answer(b"{}"), PartnerRefused),
    "a list": (Answer(b"[]"), PartnerUnavailable),
    "half a document": (Answer(b'{"code": "0", "data": {"rows": ['), PartnerUnavailable),
    "a key twice": (Answer(b'{"code": "0", "code": "1"}'), PartnerUnavailable),
    "NaN": (Answer(b'{"code": "0", "data": {"rows": [], "total": NaN}}'), PartnerUnavailable),
    "deep nesting": (Answer(b'{"a":' * 100_000), PartnerUnavailable),
    "not UTF-8": (Answer('{"code": "0", "message": "好"}'.encode("gb18030")), PartnerUnavailable),
    "a redirect": (Answer(b"", 302, headers=(("Location", "http://127.0.0.1:1/"),)), PartnerRefused),
    "not found": (Answer(b"{}", 404), PartnerRefused),
    "rows that are no list": (Answer(page({"a": 1})), FeedChanged),
    "rows under another name": (Answer(b'{"code": "0", "message": "", "data": {"list": [{}], "total": 1}}'), HubError),
    "no data": (Answer(b'{"code": "0", "message": "", "data": null}'), HubError),
    "a total that is no number": (Answer(page([ROW], "many")), FeedChanged),
    "no total": (Answer(page([ROW], None)), FeedChanged),
    "rows that are no objects": (Answer(page(["a"])), FeedChanged),
}


@pytest.mark.parametrize("case", MISBEHAVIOUR)
def test_an_answer_that_is_none_is_never_taken_for_an_empty_one(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is sorted into who must act; none ends the fetch as if there were nothing new."""
    monkeypatch.setattr("connectors.retrying._backing_off", lambda state: 0)
    answer, expected = MISBEHAVIOUR[case]
    with answering(lambda asked: answer) as (url, _), pytest.raises(expected):
        fetch(RestConnector(Connection("x", url), RestSource.model_validate(PERMITS)))


def test_an_empty_page_before_the_end_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skipping a bad page would end the run early and look fine."""
    monkeypatch.setattr("connectors.retrying._backing_off", lambda state: 0)
    rows = [{"permitNo": str(n), "updateTime": f"2026-11-23 10:00:{n:02d}"} for n in range(18)]
    failing = iter([True])

    def answer(asked: Asked) -> Answer:
        first = (int(asked.query["page"]) - 1) * 6
        if first == 6 and next(failing, False):
            return Answer(page([], 18))
        return Answer(page(rows[first : first + 6], 18))

    with answering(answer) as (url, _):
        found, _ = fetch(RestConnector(Connection("x", url), RestSource.model_validate(PERMITS)))
    assert numbers(found) == [str(n) for n in range(18)]


def test_a_row_of_tomorrow_does_not_move_the_cursor_past_today() -> None:
    """One impossible time must not hide what comes until then."""
    rows = [ROW, {"permitNo": "2", "updateTime": "2999-01-01 00:00:00"}, {"permitNo": "3", "updateTime": "soon"}]
    with answering(lambda asked: Answer(page(rows, 3))) as (url, _):
        _, batch = fetch(RestConnector(Connection("x", url), RestSource.model_validate(PERMITS)))
    assert batch is not None
    assert batch.cursor == ROW["updateTime"]


def test_an_answer_that_drips_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte now and then beats every read time-out; the deadline holds all the same."""
    monkeypatch.setattr("connectors.http.DEADLINE_SECONDS", 0.2)
    monkeypatch.setattr("connectors.http.LARGEST_ANSWER", 10**9)
    monkeypatch.setattr("connectors.retrying._backing_off", lambda state: 0)
    slow: Callable[[Asked], Answer] = lambda asked: time.sleep(0.3) or Answer(page([ROW]))  # type: ignore[func-returns-value]  # noqa: E731
    with answering(slow) as (url, _), pytest.raises(PartnerUnavailable):
        fetch(RestConnector(Connection("x", url), RestSource.model_validate(PERMITS)))


def test_an_answer_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A partner cannot fill our memory."""
    monkeypatch.setattr("connectors.http.LARGEST_ANSWER", 100_000)
    with answering(lambda asked: Answer(page(["x" * 200_000]))) as (url, _), pytest.raises(PartnerRefused):
        fetch(RestConnector(Connection("x", url), RestSource.model_validate(PERMITS)))


def test_no_message_shows_what_the_answer_said() -> None:
    """Bodies may hold personal data."""
    with (
        answering(lambda asked: Answer(b'{"id_no": "370901199001011234"}', 400)) as (url, _),
        pytest.raises(PartnerRefused) as caught,
    ):
        fetch(RestConnector(Connection("x", url), RestSource.model_validate(PERMITS)))
    assert "3709" not in str(caught.value)
