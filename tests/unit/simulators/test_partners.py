"""The web partners over real connections: paging, credentials, repeated keys, SOAP by an independent client."""

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from typing import Any

import pytest
import requests
import zeep
from zeep.wsse.username import UsernameToken

from simulators.running import Running

Get = Callable[..., requests.Response]
_NUMBERS = count()


@pytest.fixture
def bureau(simulators: Running) -> Get:
    address, web = simulators.addresses["bureau"], simulators.web("bureau")

    def call(path: str, body: Any = None, key: str = address["api_key"], **query: Any) -> requests.Response:
        headers = {"X-Api-Key": key, "Idempotency-Key": query.pop("once", "")}
        method = "GET" if body is None else "POST"
        return web.request(method, address["url"] + path, params=query, json=body, headers=headers, timeout=5)

    return call


@pytest.fixture
def nat(simulators: Running) -> Get:
    address, web = simulators.addresses["nat"], simulators.web("nat")

    def call(path: str, body: Any = None, once: str = "", **query: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {address['token']}", "Idempotency-Key": once}
        method = "GET" if body is None else "POST"
        return web.request(method, address["url"] + path, params=query, json=body, headers=headers, timeout=5)

    return call


@pytest.fixture(scope="module")
def insurer(simulators: Running) -> zeep.Client:
    return zeep.Client(  # type: ignore[no-untyped-call]
        simulators.addresses["daizong"]["wsdl"],
        transport=zeep.Transport(session=simulators.web("daizong")),
        wsse=UsernameToken(
            simulators.addresses["daizong"]["sender_code"], simulators.addresses["daizong"]["password"], use_digest=True
        ),
    )


def header(simulators: Running, **changes: str) -> dict[str, Any]:
    sender = simulators.addresses["daizong"]["sender_code"]
    now = datetime.now(UTC)
    return {"SenderCode": sender, "TransNo": f"T{next(_NUMBERS)}", "TransTime": now, "Version": "1.0", **changes}


def test_permits_are_paged_in_the_order_of_their_updates(bureau: Get, simulators: Running) -> None:
    """Every permit once over the pages; the ledger counts each row once, whatever is asked again."""
    pages = [bureau("/api/v1/permits", page=page, page_size=8).json()["data"] for page in (1, 2, 3, 3, 4)]
    rows = [row for page in (0, 1, 2) for row in pages[page]["rows"]]
    assert [len(page["rows"]) for page in pages] == [8, 8, 4, 4, 0]
    assert {page["total"] for page in pages} == {20}
    assert rows == sorted(rows, key=lambda row: (row["updateTime"], row["permitNo"]))
    assert len({row["permitNo"] for row in rows}) == 20
    sent = simulators.control.ledger()["sent"]["bureau_permits"]
    assert (sent["by_kind"]["project"]["rows"], sent["by_kind"]["permit"]["rows"]) == (20, 20)


def test_only_changes_since_a_time_are_given(bureau: Get) -> None:
    """Inclusive; a total of its own."""
    rows = bureau("/api/v1/approvals", page_size=100).json()["data"]["rows"]
    since = rows[12]["updateTime"]
    answer = bureau("/api/v1/approvals", updated_since=since).json()["data"]
    assert (answer["total"], answer["rows"]) == (8, rows[12:])


def test_strangers_get_401(bureau: Get, simulators: Running) -> None:
    """At the bureau and at the national platform."""
    assert bureau("/api/v1/permits", key="guess").status_code == 401
    assert simulators.web("nat").get(simulators.addresses["nat"]["url"] + "/clue/list", timeout=5).status_code == 401


def test_a_page_may_be_given_twice(bureau: Get, simulators: Running) -> None:
    """The knob serves the page before once more; the next time all is well."""
    simulators.control.fault("bureau", "duplicate_page", 1)
    first, second, again = (bureau("/api/v1/permits", page=page, page_size=5).json()["data"] for page in (1, 2, 2))
    assert second["rows"] == first["rows"] != again["rows"]
    assert second["page"] == 2


def test_a_filing_key_takes_effect_once(bureau: Get, simulators: Running) -> None:
    """The first answer comes again; a permit told twice under new keys counts as repeated."""
    before = simulators.control.ledger()["received"]["bureau"]
    filing = {"permitNo": "P1", "status": "已建档", "reason": "", "platformId": "SD1"}
    bodies = [[filing], [filing, filing], [filing]]
    answers = [
        bureau("/api/v1/filings", {"filings": body}, once=key).json()
        for body, key in zip(bodies, ["k1", "k1", "k2"], strict=True)
    ]
    after = simulators.control.ledger()["received"]["bureau"]
    assert [answer["data"] for answer in answers] == [{"received": 1}] * 3
    grown = {name: after[name] - before[name] for name in after}
    assert grown == {"filed": 1, "not_filed": 0, "calls": 3, "effective": 1, "repeated": 1}


def test_a_filing_needs_a_key_and_a_known_status(bureau: Get) -> None:
    """An error code with HTTP 200, as the bureau does it."""
    filing = {"permitNo": "P2", "status": "也许", "reason": "", "platformId": ""}
    assert bureau("/api/v1/filings", {"filings": [filing]}, once="k3").json()["code"] == "400"
    assert bureau("/api/v1/filings", {"filings": []}).json()["code"] == "400"


def test_clues_come_in_yuan_with_their_time_in_milliseconds(nat: Get) -> None:
    """Paged from zero, filtered by time."""
    rows = nat("/clue/list", pageIndex=0, pageSize=50).json()["data"]["rows"]
    later = nat("/clue/list", beginTime=rows[2]["UPDATE_TIME"], pageSize=1, pageIndex=1).json()["data"]
    assert (later["totalCount"], later["rows"]) == (2, rows[3:4])
    assert all(isinstance(row["BACK_PAY_MONEY"], int | float) for row in rows[:1])
    assert [row["UPDATE_TIME"] for row in rows] == sorted(row["UPDATE_TIME"] for row in rows)


def test_acceptance_and_feedback_are_counted_by_clue(nat: Get, simulators: Running) -> None:
    """202 accepted, 203 returned, feedback either way."""
    accepted = [
        {"CLUE_CODE": "C1", "STATUS": "202", "REASON": ""},
        {"CLUE_CODE": "C2", "STATUS": "203", "REASON": "缺"},
    ]
    told = [{"CLUE_CODE": "C1", "PLATFORM_STATUS": "已入库", "PLATFORM_ID": "SD9", "REASON": ""}]
    for _ in range(2):
        assert nat("/clue/accept", {"items": accepted}, once="a1").json()["data"] == {"received": 2}
        assert nat("/clue/feedback", {"items": told}, once="a1").json()["data"] == {"received": 1}
    received = simulators.control.ledger()["received"]["nat"]
    assert (received["accepted"], received["returned"], received["feedback"], received["repeated"]) == (1, 1, 1, 0)


def test_guarantees_come_by_cursor_with_their_events(insurer: zeep.Client, simulators: Running) -> None:
    """Typed by the WSDL; the last cursor asks for nothing more."""
    found: list[Any] = []
    cursor, more = "", True
    while more:
        page = insurer.service.QueryGuarantee(Header=header(simulators), Cursor=cursor, MaxRows=4)
        found, cursor, more = found + page.Guarantee, page.NextCursor, page.HasMore
    assert len({guarantee.GuaranteeNo for guarantee in found}) == len(found) == 6
    assert all(guarantee.Event for guarantee in found)
    assert found[0].UpdatedAt.utcoffset() is not None
    rest = insurer.service.QueryGuarantee(Header=header(simulators), Cursor=cursor, MaxRows=4)
    assert (rest.Guarantee, rest.NextCursor, rest.HasMore) == ([], cursor, False)
    sent = simulators.control.ledger()["sent"]["daizong_guarantees"]["by_kind"]
    assert (sent["guarantee"]["rows"], sent["guarantee_event"]["rows"]) == (6, sum(len(g.Event) for g in found))


def test_a_cursor_may_be_given_twice(insurer: zeep.Client, simulators: Running) -> None:
    """The knob hands out the cursor that was asked with."""
    simulators.control.fault("daizong", "duplicate_page", 1)
    pages = [insurer.service.QueryGuarantee(Header=header(simulators), Cursor="", MaxRows=2) for _ in range(2)]
    assert [page.NextCursor for page in pages] == ["G000000", "G000002"]


def test_an_unknown_sender_gets_a_fault(insurer: zeep.Client, simulators: Running) -> None:
    """Client.Auth."""
    with pytest.raises(zeep.exceptions.Fault) as caught:
        insurer.service.QueryGuarantee(Header=header(simulators, SenderCode="guess"), Cursor="", MaxRows=4)
    assert str(caught.value.code).endswith("Client.Auth")


def test_a_transaction_number_takes_effect_once(insurer: zeep.Client, simulators: Running) -> None:
    """Acknowledgements of a guarantee and of its event are two effects."""
    acks = [
        {"GuaranteeNo": "G1", "Status": "ACCEPTED", "Code": "0", "Message": "", "PlatformId": "SD1"},
        {"GuaranteeNo": "G1", "EventSeq": 1, "Status": "REFUSED", "Code": "2003", "Message": "不正确"},
    ]
    for _ in range(2):
        answer = insurer.service.AckStatus(Header=header(simulators, TransNo="once"), Ack=acks)
        assert (answer.Code, answer.Received) == ("0000", 2)
    received = simulators.control.ledger()["received"]["daizong"]
    assert (received["acks"], received["accepted"], received["refused"], received["repeated"]) == (2, 1, 1, 0)
    assert {status["item"] for status in simulators.control.statuses("daizong")} == {"G1", "G1/1"}


@pytest.mark.parametrize(
    "body",
    [
        b"no xml",
        b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
        b"<a/>",
        b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><x/></s:Body></s:Envelope>',
    ],
)
def test_what_is_not_in_the_wsdl_gets_a_fault(simulators: Running, body: bytes) -> None:
    """HTTP 500, SOAP 1.1, faultcode Client."""
    answer = simulators.web("daizong").post(simulators.addresses["daizong"]["url"], data=body, timeout=5)
    assert answer.status_code == 500
    assert b"<faultcode>soap:Client.Schema" in answer.content


@pytest.mark.parametrize(
    ("knob", "status"), [("error_5xx", 503), ("429", 429), ("html_200", 200)], ids=["error", "too many", "html"]
)
def test_the_next_calls_go_wrong_then_all_is_well(bureau: Get, simulators: Running, knob: str, status: int) -> None:
    """As many as the knob says."""
    simulators.control.fault("bureau", knob, 2)
    answers = [bureau("/api/v1/permits", page_size=1) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [status, status, 200]
    assert ["json" in answer.headers.get("content-type", "") for answer in answers] == [False, False, True]
    assert (answers[0].headers.get("retry-after") == "1") is (knob == "429")


def test_an_answer_may_be_cut_in_the_middle(nat: Get, simulators: Running) -> None:
    """The length was promised, the connection ends before."""
    simulators.control.fault("nat", "cut", 1)
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        nat("/clue/list")
    assert nat("/clue/list").status_code == 200


def test_an_unknown_knob_is_a_mistake(simulators: Running) -> None:
    """Said plainly, with the knobs that there are."""
    with pytest.raises(ValueError, match="late_answer"):
        simulators.control.fault("province", "explode", 1)
