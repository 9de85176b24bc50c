"""SOAP by page number against the simulated 沂山 insurer, and against answers that break its WSDL."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from answering import Answer, answering
from lxml import etree
from pydantic import ValidationError

from connectors.soap import SoapConnector
from hub.errors import HubError, MappingInvalid, PartnerRefused, PartnerUnavailable
from hub.feed import CallReport, SoapSource
from hub.feed.files import XmlFormat
from hub.model import Connection, Fetched
from hub.parsing.trees import parse_xml_answers
from simulators.faults import FaultLayer
from simulators.ledger import Ledger
from simulators.soap_pages import Policy, SoapPages

WSDL = Path(__file__).parents[2] / "mappings" / "wsdl" / "yishan.wsdl"
WORDS: dict[str, Any] = {
    "connector": "soap", "connection": "yishan_soap", "wsdl": "yishan.wsdl", "operation": "QueryPolicyList",
    "header_name": "RequestHeader",
    "header": {"UserCode": "@login", "RequestNo": "@unique", "RequestTime": "@now %Y%m%d%H%M%S", "Version": "2.0"},
    "paging": {"page": "RequestBody/PageNo", "size": ["RequestBody/PageSize", 3], "total": "ResponseBody/TotalCount",
               "rows": "ResponseBody/PolicyList/Policy"},
    "since": {"parameter": "RequestBody/UpdatedFrom", "member": "ModifyTime", "form": "compact"},
    "envelope": {"code": "ResponseHeader/ResultCode", "success": "00", "message": "ResponseHeader/ResultText",
                 "busy": ["80"]},
    "format": {"type": "xml", "body": "QueryPolicyListResponse"},
}  # fmt: skip
SOURCE = SoapSource.model_validate(WORDS)
ACK = CallReport.model_validate(
    {"call": "ReturnPolicyStatus", "rows": "RequestBody/PolicyStatus", "fields": {"AcceptState": "outcome"}}
)
TOLD = {"PolicyNumber": "YS000001", "AcceptState": "1", "ReasonCode": "", "ReasonText": "成功", "PlatformNumber": "SD9"}
CLAIM = {"NoticeNumber": "LP1", "OrderNumber": "责令〔2026〕1号", "NoticeDate": "20261102", "PayBefore": "20261109",
         "ClaimSumYuan": "120000.00", "PersonCount": "12", "ClaimState": "1", "ModifyTime": "20261103090000"}  # fmt: skip


def policy(number: int, changed_at: str | None = None, **more: str | None) -> Policy:
    """An invented policy; every second one has a claim."""
    row = {
        "ModifyTime": changed_at or f"2026110109{number:02d}00", "PolicyNumber": f"YS{number:06d}", "PolicyKind": "02",
        "InsurerCode": "913709990000000001", "HolderCode": "91370999000000001X", "HolderName": "虚构建设有限公司",
        "ProjectTitle": "虚构项目", "ContractSumWan": "3500.5", "SumInsuredWan": "105", "PremiumRatePermille": "8.5",
        "SignDate": "20261101", "RevocableFlag": "0", "DemandFlag": "1", "PolicyState": "1", "RegionCode": "370999000",
        **more,
    }  # fmt: skip
    return row, [{**CLAIM, "ModifyTime": row["ModifyTime"]}] if number % 2 == 0 else []


class Insurer:
    """The simulator on a port of its own, in a thread of its own; its ledger is read through a second door."""

    def __init__(self, folder: Path, policies: list[Policy]) -> None:
        self._path, self._policies = folder / "yishan.sqlite", policies
        self.server: uvicorn.Server | None = None
        self.answered: Callable[[SoapPages], None] = lambda pages: None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        self.pages = SoapPages("yishan_guarantees", self._policies, Ledger(self._path), "HUB01")
        self.server = uvicorn.Server(
            uvicorn.Config(self._app, interface="asgi3", port=0, lifespan="off", log_level="error")
        )
        self.server.run()

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        await FaultLayer(self.pages.app, self.pages.knobs)(scope, receive, send)  # type: ignore[arg-type]
        self.answered(self.pages)

    def url(self) -> str:
        while not (self.server and self.server.started):
            assert self._thread.is_alive()
            time.sleep(0.01)
        return f"http://127.0.0.1:{self.server.servers[0].sockets[0].getsockname()[1]}/soap"

    def received(self) -> Mapping[str, int]:
        return SoapPages("yishan_guarantees", [], Ledger(self._path), "HUB01").received()

    def close(self) -> None:
        assert self.server
        self.server.should_exit = True
        self._thread.join(10)


@contextmanager
def insuring(folder: Path, policies: list[Policy]) -> Iterator[Insurer]:
    insurer = Insurer(folder, policies)
    try:
        yield insurer
    finally:
        insurer.close()


@pytest.fixture
def insurer(tmp_path: Path) -> Iterator[Insurer]:
    """Eight policies: three pages."""
    with insuring(tmp_path, [policy(n) for n in range(1, 9)]) as running:
        yield running


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pauses between tries."""
    monkeypatch.setattr("connectors.retrying._backing_off", lambda state: 0)


def yishan(url: str, spec: SoapSource = SOURCE) -> SoapConnector:
    return SoapConnector(Connection("yishan_soap", url, login="HUB01"), spec, WSDL)


def fetch(connector: SoapConnector, cursor: str | None = None) -> Fetched | None:
    found = list(connector.fetch(cursor, frozenset()))
    assert len(found) <= 1
    assert all(isinstance(one, Fetched) for one in found)
    return found[0] if found else None  # type: ignore[return-value]


def numbers(batch: Fetched | None) -> list[str]:
    parts = batch.parts if batch else ()
    return [str(e.findtext("{*}PolicyNumber")) for part in parts for e in etree.fromstring(part).iter("{*}Policy")]


EXPECTED = [f"YS{n:06d}" for n in range(1, 9)]


def test_every_policy_comes_once_with_its_claims(insurer: Insurer) -> None:
    """Three answers as raw bytes; the cursor is the newest ModifyTime; the engine reads rows and claims from them."""
    batch = fetch(yishan(insurer.url()))
    assert batch is not None
    assert (numbers(batch), len(batch.parts), batch.cursor) == (EXPECTED, 3, "20261101090800")
    claims = "ResponseBody/PolicyList/Policy/ClaimList/Claim"
    parsed = parse_xml_answers(
        XmlFormat(type="xml", body="QueryPolicyListResponse"), batch.parts, {claims: frozenset({"PolicyNumber"})}
    )
    assert parsed.rows[claims].frame["PolicyNumber"].to_list() == EXPECTED[1::2]


def test_from_the_cursor_only_the_overlap_comes_again(insurer: Insurer) -> None:
    """Five minutes before the newest; a policy whose claim changed comes as well."""
    assert numbers(fetch(yishan(insurer.url()), "20261101090800")) == EXPECTED[2:]
    assert fetch(yishan(insurer.url()), "20261201000000") is None


def test_an_update_while_pages_are_read_loses_no_policy(insurer: Insurer) -> None:
    """The second policy moves to the end after the first answer; the fourth would fall between two pages."""
    moves = iter([policy(2, "20261120000000")])

    def move(pages: SoapPages) -> None:
        for moved in moves:
            pages.update(1, moved)

    url, insurer.answered = insurer.url(), move
    assert set(numbers(fetch(yishan(url)))) == set(EXPECTED)


@pytest.mark.parametrize("knob", ["error_5xx", "html_200", "cut", "429", "duplicate_page"])
def test_a_passing_trouble_is_tried_again(insurer: Insurer, knob: str) -> None:
    """Nothing lost, nothing twice."""
    url = insurer.url()
    insurer.pages.knobs.set(knob, 1)
    assert numbers(fetch(yishan(url))) == EXPECTED


def test_an_unknown_user_is_refused(insurer: Insurer) -> None:
    """The code stands in the header of an answer with HTTP 200."""
    connection = Connection("yishan_soap", insurer.url(), login="stranger")
    with pytest.raises(PartnerRefused, match="91"):
        fetch(SoapConnector(connection, SOURCE, WSDL))


def test_states_told_twice_have_one_effect(insurer: Insurer) -> None:
    """A repeated RequestNo; empty members are left out."""
    connector = yishan(insurer.url())
    claim = {"PolicyNumber": "YS000002", "NoticeNumber": "LP1", "AcceptState": "2", "ReasonText": "金额有误"}
    connector.send(ACK, [TOLD, claim], "k" * 32)
    connector.send(ACK, [TOLD, claim], "k" * 32)
    assert insurer.received() == {"acks": 2, "1": 1, "2": 1, "calls": 2, "effective": 2, "repeated": 0}


def test_states_whose_answer_never_came_have_one_effect(insurer: Insurer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Time-out after the partner has committed."""
    url = insurer.url()
    monkeypatch.setattr("connectors.http.READ_SECONDS", 0.5)
    insurer.pages.knobs.set("timeout_after_commit", 1)
    yishan(url).send(ACK, [TOLD], "m" * 32)
    assert insurer.received() == {"acks": 1, "1": 1, "calls": 2, "effective": 1, "repeated": 0}


@pytest.fixture(scope="module")
def good_answer(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A whole answer, to be spoiled."""
    with insuring(tmp_path_factory.mktemp("yishan"), [policy(1), policy(2)]) as insurer:
        batch = fetch(yishan(insurer.url()))
    assert batch is not None
    return batch.parts[0]


def spoil(answer: bytes, pattern: str, replacement: str) -> bytes:
    text, count = re.subn(pattern, replacement, answer.decode(), count=1, flags=re.DOTALL)
    assert count == 1
    return text.encode()


BREACHES = {
    "a total that is no number": ("<TotalCount>.*?<", "<TotalCount>many<"),
    "no header": ("<ResponseHeader>.*</ResponseHeader>", ""),
    "an amount with a comma": ("<SumInsuredWan>.*?<", "<SumInsuredWan>1,05<"),
    "full-width digits": ("<SumInsuredWan>.*?<", "<SumInsuredWan>１０５<"),
    "a date with dashes": ("<SignDate>.*?<", "<SignDate>2026-11-01<"),
    "a policy without its number": ("<PolicyNumber>.*?</PolicyNumber>", ""),
    "an element nobody agreed on": ("<PolicyState>", "<Surprise>1</Surprise><PolicyState>"),
    "another namespace": ("urn:yishan:policy:2", "urn:yishan:policy:3"),
    "a DTD": ("<soap:Envelope", '<!DOCTYPE x [<!ENTITY y "z">]><soap:Envelope'),
}


@pytest.mark.parametrize("case", BREACHES)
def test_an_answer_that_breaks_the_wsdl_is_kept_with_its_fault(case: str, good_answer: bytes) -> None:
    """Held, not taken; the message shows nothing of the content."""
    body = spoil(good_answer, *BREACHES[case])
    with answering(lambda asked: Answer(body, media="text/xml")) as (url, _):
        batch = fetch(yishan(url))
    assert batch is not None
    assert batch.fault is not None
    code = "F022" if case == "a DTD" else "F008"
    assert (batch.fault[0], batch.cursor, batch.parts) == (code, None, [body])
    assert "有限公司" not in batch.fault[1]


WRONG: dict[str, tuple[str, str, type[HubError]]] = {
    "busy": ("<ResultCode>00<", "<ResultCode>80<", PartnerUnavailable),
    "another code": ("<ResultCode>00<", "<ResultCode>12<", PartnerRefused),
    "an empty page": ("<PolicyList>.*</PolicyList>", "<PolicyList/>", PartnerUnavailable),
    "the same page for ever": ("<TotalCount>2<", "<TotalCount>9<", PartnerUnavailable),
    "more rows than announced": ("<TotalCount>2<", "<TotalCount>1<", PartnerUnavailable),
}


@pytest.mark.parametrize("case", WRONG)
def test_an_answer_that_cannot_be_whole_is_not_taken_for_one(case: str, good_answer: bytes) -> None:
    """Asked for again, or a person's matter."""
    pattern, replacement, error = WRONG[case]
    body = spoil(good_answer, pattern, replacement)
    with answering(lambda asked: Answer(body, media="text/xml")) as (url, _), pytest.raises(error):
        fetch(yishan(url))


def test_the_unspoiled_answer_is_taken(good_answer: bytes) -> None:
    """So that the cases above fail for their own reason."""
    with answering(lambda asked: Answer(good_answer, media="text/xml")) as (url, _):
        batch = fetch(yishan(url))
    assert batch is not None
    assert batch.fault is None


def test_members_that_the_wsdl_does_not_have_are_a_fault_of_the_mapping() -> None:
    """Said as such, before anything is sent."""
    spec = SOURCE.model_copy(update={"header_name": "Header"})
    with answering(lambda asked: Answer(b"")) as (url, asked), pytest.raises(MappingInvalid):
        fetch(yishan(url, spec))
    assert asked == []


def test_a_larger_answer_than_agreed_is_refused(insurer: Insurer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A partner cannot fill our memory."""
    url = insurer.url()
    monkeypatch.setattr("connectors.http.LARGEST_ANSWER", 1_000)
    with pytest.raises(PartnerRefused, match="more than"):
        fetch(yishan(url))


def test_a_row_that_the_wsdl_cannot_say_is_a_mistake_of_the_simulator(tmp_path: Path) -> None:
    """Found when it is made."""
    for wrong in ({"Surprise": "1"}, {"SignDate": "2026-11-01"}):
        with pytest.raises((ValueError, etree.DocumentInvalid)):
            SoapPages("yishan_guarantees", [policy(1, **wrong)], Ledger(tmp_path / "x.sqlite"), "HUB01")


@pytest.mark.parametrize(
    "words",
    [{"cursor": "Cursor"}, {"paging": None}, {"paging": None, "cursor": "C", "next_cursor": "N", "has_more": "H"}],
    ids=["both", "neither", "half a cursor"],
)
def test_a_query_goes_on_by_cursor_or_by_page(words: dict[str, Any]) -> None:
    """Never by both, never by half."""
    with pytest.raises(ValidationError):
        SoapSource.model_validate({**WORDS, **words})
