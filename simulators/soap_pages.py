"""沂山财产保险: policies with their claims by SOAP, page after page, and their states back.

The rows are given as element -> text; order and words are the WSDL's, which every message in either direction obeys.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lxml import etree
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simulators.faults import HTTP_KNOBS, Knobs
from simulators.ledger import Ledger, Sent
from simulators.served import answer_once
from simulators.soap import Fault, Wsdl, fault_element, texts, wrap
from simulators.soap_security import Guard

WSDL_FILE = Path(__file__).parents[1] / "mappings" / "wsdl" / "yishan.wsdl"
XSD = "{http://www.w3.org/2001/XMLSchema}"
MOST_ROWS = 200

Texts = Mapping[str, str | None]
Policy = tuple[Texts, list[Texts]]


class SoapPages:
    """The insurer's server. ``note`` says what the ledger writes down of the policy at a place once it has been sent."""

    def __init__(
        self,
        feed_id: str,
        policies: Sequence[Policy],
        ledger: Ledger,
        user_code: str,
        note: Callable[[int], Iterable[Sent]] | None = None,
    ) -> None:
        self.ledger, self.user_code, self.knobs, self.guard = ledger, user_code, Knobs(HTTP_KNOBS), Guard()
        self._feed_id, self._note = feed_id, note or self._plain_note
        self._wsdl, self._order = Wsdl(WSDL_FILE), _read_order(WSDL_FILE)
        self._policies = list(policies)
        self._listed = sorted(range(len(policies)), key=lambda place: (_changed_at(policies[place]), place))
        self.app = Starlette(routes=[Route("/soap", self._call, methods=["GET", "POST"])])
        self._wsdl.check_answer(self._page("00", "成功", self._listed, len(policies)))

    def received(self) -> dict[str, int]:
        """The states that came back, by state, distinct policies and claims only."""
        states = [row["status"] for row in self.ledger.statuses()]
        return {
            "acks": len(states),
            **{state: states.count(state) for state in sorted(set(states))},
            **self.ledger.returns(),
        }

    def update(self, place: int, policy: Policy) -> None:
        """Another state of one policy: from now on it stands where its ModifyTime puts it."""
        self._policies[place] = policy
        self._listed.sort(key=lambda number: (_changed_at(self._policies[number]), number))

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
        operation, header = etree.QName(asked).localname, texts(asked[0])
        known = header["UserCode"] == self.user_code
        if operation == "QueryPolicyList":
            return self._query(texts(asked[1])) if known else self._page("91", "用户代码未登记", [], 0)
        if operation != "ReturnPolicyStatus":
            raise Fault("Client.Schema", "no such operation")
        if not known:
            return self._response(operation, "91", "用户代码未登记", [self._element("ReceivedCount", "0")])
        rows = [texts(row) for row in asked[1]]
        count = answer_once(request, self.ledger, header["RequestNo"], body, lambda: self._keep(rows))
        return self._response(operation, "00", "成功", [self._element("ReceivedCount", str(count))])

    def _keep(self, rows: list[Mapping[str, str]]) -> int:
        for row in rows:
            item = "/".join([row["PolicyNumber"], row.get("NoticeNumber", "")]).rstrip("/")
            self.ledger.note_status(item, row["AcceptState"], dict(row))
        return len(rows)

    def _query(self, asked: Mapping[str, str]) -> etree._Element:
        number, size = int(asked["PageNo"]), min(int(asked["PageSize"]), MOST_ROWS)
        since = asked.get("UpdatedFrom", "")
        found = [place for place in self._listed if _changed_at(self._policies[place]) >= since]
        shown = number - 1 if number > 1 and self.knobs.take("duplicate_page") else number
        places = found[(shown - 1) * size : shown * size]
        self.ledger.note_sent(sent for place in places for sent in self._note(place))
        return self._page("00", "成功", places, len(found))

    def _plain_note(self, place: int) -> Iterable[Sent]:
        policy, claims = self._policies[place]
        key = policy["PolicyNumber"] or ""
        yield Sent(self._feed_id, "guarantee", key, place, None, None)
        for claim in claims:
            yield Sent(self._feed_id, "guarantee_claim", f"{key}/{claim['NoticeNumber']}", place, None, None)

    def _page(self, code: str, text: str, places: Sequence[int], total: int) -> etree._Element:
        policies = [self._policy(*self._policies[place]) for place in places]
        content = [self._element("TotalCount", str(total)), self._element("PolicyList", policies)]
        return self._response("QueryPolicyList", code, text, content)

    def _policy(self, policy: Texts, claims: Iterable[Texts]) -> etree._Element:
        element = self._row("Policy", policy)
        if rows := [self._row("Claim", {**_shared(policy), **claim}) for claim in claims]:
            element.append(self._element("ClaimList", rows))
        return element

    def _row(self, kind: str, fields: Texts) -> etree._Element:
        """The fields in the order of the WSDL; a field without text is left out, an unknown one is a mistake of ours."""
        order = self._order[kind]
        if unknown := fields.keys() - set(order):
            raise ValueError(f"the WSDL has no {kind}/{', '.join(sorted(unknown))}")
        return self._element(kind, [self._element(n, str(fields[n])) for n in order if fields.get(n) is not None])

    def _response(self, operation: str, code: str, text: str, content: list[etree._Element]) -> etree._Element:
        header = [self._element("ResultCode", code), self._element("ResultText", text)]
        parts = [self._element("ResponseHeader", header), self._element("ResponseBody", content)]
        return self._element(f"{operation}Response", parts)

    def _element(self, name: str, content: str | list[etree._Element]) -> etree._Element:
        element = etree.Element(f"{{{self._wsdl.namespace}}}{name}", nsmap={None: self._wsdl.namespace})
        if isinstance(content, str):
            element.text = content
        else:
            element.extend(content)
        return element


def _answer(content: bytes, status: int = 200) -> Response:
    return Response(content, status, media_type="text/xml")


def _changed_at(policy: Policy) -> str:
    """When the policy or one of its claims last changed."""
    return max(str(row.get("ModifyTime") or "") for row in (policy[0], *policy[1]))


def _shared(policy: Texts) -> dict[str, Any]:
    """What a claim repeats of its policy."""
    return {name: policy.get(name) for name in ("PolicyNumber", "RegionCode")}


def _read_order(wsdl: Path) -> dict[str, list[str]]:
    """The elements of each type in their order."""
    types = etree.parse(wsdl).iter(f"{XSD}complexType")
    return {str(kind.get("name")): [str(e.get("name")) for e in kind.iter(f"{XSD}element")] for kind in types}
