"""岱宗财产保险: guarantees with their events by SOAP, acknowledgements back.

Every message in either direction obeys the XSD inside daizong.wsdl, bad rows included.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lxml import etree
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simulators.bankfiles import yuan
from simulators.faults import HTTP_KNOBS, Knobs
from simulators.guarantees import INSURER_USCC, Guarantee, GuaranteeEvent
from simulators.ledger import Ledger, Sent
from simulators.names import county_name
from simulators.served import answer_once, unread
from simulators.soap import Fault, Wsdl, fault_element, texts, wrap
from simulators.soap_security import Guard
from simulators.spoil import (
    Defect,
    Row,
    break_check,
    constant,
    missing,
    negate,
    postpone,
    retire_area,
    spoil_rows,
)
from simulators.world import City

WSDL_FILE = Path(__file__).with_name("daizong.wsdl")
FEED = "daizong_guarantees"
_DEFECTS = (
    Defect("bad_uscc", "ApplicantUSCC", break_check),
    Defect("amount_negative", "InsuredAmount", negate),
    Defect("retired_area", "AreaCode", retire_area),
    Defect("future_date", "IssueDate", postpone),
    Defect("missing", "BeneficiaryOrg", missing),
    Defect("amount_too_fine", "InsuredAmount", constant("1234.567")),
)
READ_BY_EVENTS = ("AreaCode",)
"""What an event has from its guarantee: bad there, it is bad for both."""
_EVENT_DEFECTS = (
    Defect("future_date", "EventAt", postpone),
    Defect("amount_negative", "Amount", negate),
    Defect("amount_too_fine", "Amount", constant("1234.567")),
)


class Daizong:
    """The insurer's server."""

    def __init__(self, city: City, bad_share: float, ledger: Ledger, sender_code: str) -> None:
        rows = [_guarantee_row(g) for g in sorted(city.guarantees, key=lambda g: (g.updated_at, g.guarantee_no))]
        spoiled = unread(spoil_rows(rows, _DEFECTS, bad_share, city.rng("spoil guarantees")))
        self._open(FEED, spoiled, _spoil_events(city, bad_share, spoiled), ledger, sender_code)

    @classmethod
    def of_rows(
        cls, feed: str, rows: Sequence[Row], events: Sequence[Sequence[Row]], ledger: Ledger, sender_code: str
    ) -> "Daizong":
        """The same service with guarantees, and the events of each, that somebody else has made."""
        insurer = cls.__new__(cls)
        insurer._open(feed, rows, events, ledger, sender_code)
        return insurer

    def _open(
        self, feed: str, rows: Sequence[Row], events: Sequence[Sequence[Row]], ledger: Ledger, sender_code: str
    ) -> None:
        self.ledger, self.sender_code, self.knobs, self.guard = ledger, sender_code, Knobs(HTTP_KNOBS), Guard()
        self.shown: int | None = None
        self._feed, self._rows, self._events, self._wsdl = feed, rows, events, Wsdl(WSDL_FILE)
        self.app = Starlette(routes=[Route("/soap", self._call, methods=["GET", "POST"])])

    def received(self) -> dict[str, int]:
        """The acknowledgements, one per guarantee or event and status."""
        count = self.ledger.count_statuses
        by_status = {status.lower(): count(status) for status in ("ACCEPTED", "REFUSED", "RETURNED")}
        return {"acks": sum(by_status.values()), **by_status, **self.ledger.returns()}

    async def _call(self, request: Request) -> Response:
        if request.method == "GET":
            return _answer(self._wsdl.located_at(str(request.url.replace(query=""))))
        body = await request.body()
        try:
            asked = self._wsdl.read_request(body)
            self.guard.admit(body, self.ledger)
            answer = self._dispatch(request, asked, body)
        except Fault as fault:
            return _answer(self.guard.seal(wrap(fault_element(fault))), 500)
        self._wsdl.check_answer(answer)
        return _answer(self.guard.seal(wrap(answer)))

    def _dispatch(self, request: Request, asked: etree._Element, body: bytes) -> etree._Element:
        header = texts(asked[0])
        if header["SenderCode"] != self.sender_code:
            raise Fault("Client.Auth", f"未知的 SenderCode {header['SenderCode'][:32]}")
        if etree.QName(asked).localname == "QueryGuarantee":
            return self._query(texts(asked))
        if etree.QName(asked).localname == "AckStatus":
            acks = [texts(child) for child in asked[1:]]
            answer = answer_once(request, self.ledger, header["TransNo"], body, lambda: self._note(acks))
            return self._element("AckStatusResponse", answer)
        raise Fault("Client.Schema", "no such operation")

    def _note(self, acks: list[Mapping[str, str]]) -> dict[str, str]:
        for ack in acks:
            item = "/".join([ack["GuaranteeNo"], ack.get("EventSeq", "")]).rstrip("/")
            self.ledger.note_status(item, ack["Status"], dict(ack))
        return {"Code": "0000", "Message": "成功", "Received": str(len(acks))}

    def _query(self, asked: Mapping[str, str]) -> etree._Element:
        cursor, most = asked["Cursor"], min(int(asked["MaxRows"]), 500)
        if cursor and not (cursor.startswith("G") and cursor[1:].isdigit()):
            return self._page("2001", "Cursor 不正确", cursor, False, range(0))
        start = int(cursor[1:]) if cursor else 0
        there = len(self._rows[: self.shown])
        places = range(start, min(start + most, there))
        self.ledger.note_sent(sent for place in places for sent in self._sent(place))
        end = max(places.stop, start)
        # The knob hands the same cursor out again, so that the page is asked for twice.
        following = start if self.knobs.take("duplicate_page") else end
        return self._page("0000", "成功", f"G{following:06d}", following < there, places)

    def _page(self, code: str, message: str, cursor: str, has_more: bool, places: range) -> etree._Element:
        fields = {"Code": code, "Message": message, "NextCursor": cursor, "HasMore": str(has_more).lower()}
        page = self._element("QueryGuaranteeResponse", fields)
        for place in places:
            guarantee = self._element("Guarantee", self._rows[place].fields)
            guarantee.extend(self._element("Event", event.fields) for event in self._events[place])
            page.append(guarantee)
        return page

    def _sent(self, place: int) -> Iterator[Sent]:
        guarantee = self._rows[place]
        shared = guarantee.bad if guarantee.bad_field in READ_BY_EVENTS else None
        yield Sent(self._feed, guarantee.kind, guarantee.key, place, guarantee.fen, guarantee.bad)
        for event in self._events[place]:
            yield Sent(self._feed, event.kind, event.key, place, event.fen, event.bad or shared)

    def _element(self, name: str, fields: Mapping[str, Any]) -> etree._Element:
        element = etree.Element(f"{{{self._wsdl.namespace}}}{name}", nsmap={None: self._wsdl.namespace})
        for field, text in fields.items():
            if text is not None:
                etree.SubElement(element, f"{{{self._wsdl.namespace}}}{field}").text = text
        return element


def _answer(content: bytes, status: int = 200) -> Response:
    return Response(content, status, media_type="text/xml")


def _spoil_events(city: City, share: float, rows: list[Row]) -> list[list[Row]]:
    """The events beside their guarantees; those of a bad guarantee get no badness of their own, one is enough."""
    by_no = {g.guarantee_no: g for g in city.guarantees}
    events = [
        (place, _event_row(by_no[row.key], event)) for place, row in enumerate(rows) for event in by_no[row.key].events
    ]
    flat = [row for _, row in events]
    bad_parents = {row.key for row in rows if row.bad}
    spoiled = spoil_rows(
        flat,
        _EVENT_DEFECTS,
        share,
        city.rng("spoil events"),
        lambda r: r.fields["Amount"] is None or r.key.split("/")[0] in bad_parents,
    )
    result: list[list[Row]] = [[] for _ in rows]
    for (place, _), row in zip(events, unread(spoiled), strict=True):
        result[place].append(row)
    return result


def _event_row(guarantee: Guarantee, event: GuaranteeEvent) -> Row:
    fields = {
        "EventSeq": str(event.seq),
        "EventType": event.kind,
        "EventAt": f"{event.at.isoformat()}+08:00",
        "Amount": None if event.fen is None else yuan(event.fen),
        "NoticeNo": event.notice_no,
        "DueDate": event.due_on and event.due_on.isoformat(),
        "Result": event.result,
    }
    return Row("guarantee_event", f"{guarantee.guarantee_no}/{event.seq}", event.fen, fields)


def _guarantee_row(guarantee: Guarantee) -> Row:
    project = guarantee.project
    fields = {
        "GuaranteeNo": guarantee.guarantee_no,
        "GuaranteeType": guarantee.kind,
        "InsurerUSCC": INSURER_USCC,
        "ApplicantUSCC": project.contractor_uscc,
        "ApplicantName": project.contractor_name,
        "BeneficiaryOrg": f"{county_name(project.area)}人力资源和社会保障局",
        "ProjectName": project.name,
        "PermitNo": project.permit_no,
        "InvestCode": project.invest_code,
        "AreaCode": project.area,
        "ContractAmount": yuan(project.price_fen),
        "InsuredAmount": yuan(guarantee.insured_fen),
        "Rate": guarantee.rate,
        "Premium": yuan(guarantee.premium_fen),
        "IssueDate": guarantee.issued_on.isoformat(),
        "ValidFrom": guarantee.valid_from.isoformat(),
        "ValidTo": guarantee.valid_to.isoformat(),
        "Irrevocable": "Y",
        "OnDemand": "Y",
        "EPolicyFileHash": guarantee.file_hash,
        "Status": guarantee.status,
        "UpdatedAt": f"{guarantee.updated_at.isoformat()}+08:00",
    }
    return Row("guarantee", guarantee.guarantee_no, guarantee.insured_fen, fields)
