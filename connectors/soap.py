"""SOAP by an agreed WSDL on our own disk: answers are archived as they came, held against the agreed schema, never trusted.

zeep builds and reads messages; the raw answer is taken from its transport before it is parsed, because the archive keeps bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

import requests
import zeep
from lxml import etree
from zeep.exceptions import (
    DTDForbidden,
    EntitiesForbidden,
    ExternalReferenceForbidden,
    Fault,
    TransportError,
    ValidationError,
    XMLParseError,
    XMLSyntaxError,
)

from connectors.envelope import SOAP, Envelope, fault_code, fault_in, read_envelope
from connectors.http import CONNECT_SECONDS, READ_SECONDS, exchange, open_session
from connectors.moments import newest, start_from
from connectors.paging import MOST_DIGITS, NumberedPages, Page
from connectors.retrying import retried
from connectors.signing import fill
from connectors.soap_security import Sender
from connectors.soap_signatures import Checker
from hub.errors import FeedChanged, HubError, MappingInvalid, PartnerRefused, PartnerUnavailable
from hub.feed import CallReport, SoapSource
from hub.feed.calls import SoapPaging
from hub.feed.security import SoapSecurity
from hub.model import Connection, Fetched, FileStamp, Notice
from hub.points import reach

SETTINGS = zeep.Settings(strict=True, forbid_dtd=True, forbid_entities=True, forbid_external=True, xml_huge_tree=False)
XS = "{http://www.w3.org/2001/XMLSchema}schema"
MOST_ANSWERS = 10_000


class GuardedTransport(zeep.Transport):
    """Keeps the bytes of the last answer, and holds messages both ways against the agreement before anybody takes them for good."""

    _close_session = False  # what zeep asks for at the end of an object, also of one whose session could not be opened

    def __init__(self, connection: Connection, security: SoapSecurity | None, schema: etree.XMLSchema) -> None:
        super().__init__(session=open_session(connection), timeout=CONNECT_SECONDS, operation_timeout=READ_SECONDS)
        self.answer = b""
        self.envelope: Envelope | None = None
        self._name, self._schema = connection.name, schema
        self._sender = Sender(security, connection) if security else None
        self._checker = Checker(connection, security.fresh_seconds) if security and security.signed_answers else None

    def load(self, url: str) -> Any:
        """The WSDL is a file of ours; nothing is fetched."""
        if "://" in url:
            raise PartnerRefused(f"the WSDL refers to {url}; keep every part of it in mappings/wsdl")
        return super().load(url)

    def post_xml(self, address: str, envelope: etree._Element, headers: Mapping[str, str]) -> requests.Response:
        """A message that breaks the agreed schema does not go out; what goes out carries what the mapping says."""
        content = envelope.find(f"{{{SOAP}}}Body/*")
        if content is None or not self._schema.validate(content):
            raise MappingInvalid(
                f"{self._name}: our call breaks the agreed schema ({self.broken_rules()})", code="S066"
            )
        if self._sender is not None:
            self._sender.secure(envelope)
        return super().post_xml(address, envelope, headers)  # type: ignore[no-any-return]

    def post(self, address: str, message: bytes, headers: Mapping[str, str]) -> requests.Response:
        """A fault comes with HTTP 500 and is an answer all the same, as SOAP 1.1 has it."""
        self.answer, self.envelope = b"", None
        options = {"data": message, "headers": dict(headers)}
        self.answer = exchange(self.session, "POST", address, media="xml", answers=frozenset({200, 500}), **options)
        self.envelope = self._checked(read_envelope(self._name, self.answer))
        response = requests.Response()
        response.status_code = 200
        response._content = self.answer
        response.headers["Content-Type"] = "text/xml"
        return response

    def _checked(self, envelope: Envelope) -> Envelope:
        """A fault is not believed without signature either; but it brings no rows, so there is nothing to hold."""
        fault = fault_in(envelope)
        try:
            if self._checker is not None:
                self._checker.check(envelope)
        except FeedChanged:
            if fault is not None:
                raise PartnerRefused(f"{self._name} was answered with a fault that nobody signed as agreed") from None
            raise
        if fault is not None:
            raise PartnerRefused(f"{self._name} was answered with the fault {fault}")
        return envelope

    def broken_rules(self) -> str:
        """Names of rules only: the library's own sentences quote values."""
        return ", ".join(sorted({error.type_name for error in self._schema.error_log})) or "no body"


class SoapConnector:
    """Fetcher and CallReporter of one service."""

    def __init__(self, connection: Connection, source: SoapSource, wsdl: Path) -> None:
        self._connection = connection
        self._source = source
        self._schema = read_schema(wsdl)
        self._transport = GuardedTransport(connection, source.security, self._schema)
        try:
            self._client = zeep.Client(str(wsdl), transport=self._transport, settings=SETTINGS)
        except ExternalReferenceForbidden as error:
            raise PartnerRefused(
                f"{wsdl.name} refers to {error.url}; keep every part of it in mappings/wsdl"
            ) from error
        binding = next(iter(self._client.wsdl.bindings))
        self._service = self._client.create_service(binding, connection.host)

    def fetch(self, cursor: str | None, seen: frozenset[FileStamp]) -> Iterator[Fetched | Notice]:
        """All answers since the cursor as one batch. An answer that breaks the agreement is kept, with its fault."""
        parts: list[bytes] = []
        paging = self._source.paging
        try:
            reached = self._follow_pages(paging, cursor, parts) if paging else self._follow_cursor(cursor, parts)
        except FeedChanged as error:
            yield Fetched("answers", [*parts, self._transport.answer], fault=(error.code, str(error)))
            return
        if parts:
            yield Fetched("answers", parts, cursor=reached)

    def _follow_cursor(self, cursor: str | None, parts: list[bytes]) -> str:
        """Ask until there is no more; no parts when the cursor has not moved."""
        words, position = self._source.by_cursor, cursor or ""
        for _ in range(MOST_ANSWERS):
            asked = {words.cursor: position, **dict([words.max_rows])}
            reach("page.asked")
            answer = retried(lambda asked=asked: self._call(self._source.operation, asked))  # type: ignore[misc]
            reach("page.answered")
            following = text_at(answer, words.next_cursor) or position
            if following != position or not parts:
                parts.append(self._transport.answer)
            if following == position or text_at(answer, words.has_more).strip() not in ("true", "1"):
                break
            position = following
        if following == (cursor or ""):
            parts.clear()
        return following

    def _follow_pages(self, paging: SoapPaging, cursor: str | None, parts: list[bytes]) -> str | None:
        """Ask page after page; the latest moment that a row shows."""
        source = self._source
        moments: list[str] = []
        since = start_from(source.since, cursor)
        for page in NumberedPages(source.operation, lambda at: self._ask_page(paging, at, since), paging.first).read():
            parts.append(page.body)
            moments += page.moments
        return newest(source.since, moments, cursor)

    def _ask_page(self, paging: SoapPaging, number: int, since: Mapping[str, str | int]) -> Page:
        """One try at one page."""
        member = self._source.since and self._source.since.member
        answer = self._call(self._source.operation, {paging.page: number, **dict([paging.size]), **since})
        rows, total = all_at(answer, paging.rows), text_at(answer, paging.total)
        if not (total.isascii() and total.isdigit() and len(total) <= MOST_DIGITS):
            raise FeedChanged(f"{paging.total} is not a number of rows", code="F008")
        return Page(
            self._transport.answer,
            tuple(blake2b(etree.tostring(row, method="c14n"), digest_size=16).digest() for row in rows),
            tuple(text_at(row, member) for row in rows) if member else (),
            int(total),
        )

    def send(self, report: CallReport, rows: Sequence[Mapping[str, str]], key: str) -> None:
        """Acknowledge rows; the partner knows a repeated call by its unique number."""
        filled = [{word: value for word, value in row.items() if value != ""} for row in rows]
        reach("call.begun")
        retried(lambda: self._call(report.call, {report.rows: filled}, unique=key))
        reach("call.answered")

    def _call(self, operation: str, body: Mapping[str, Any], unique: str | None = None) -> etree._Element:
        try:
            header = fill(self._source.header, self._connection, unique=unique)
            getattr(self._service, operation)(**nested({self._source.header_name: header, **body}))
        except Exception as error:
            raise _sorted(operation, error) from None  # zeep's errors quote whole answers
        answer = self._content(operation)
        self._check_code(operation, answer)
        return answer

    def _content(self, operation: str) -> etree._Element:
        """The element in the answer's body. zeep takes unknown words and broken dates without a murmur."""
        content = self._transport.envelope.content if self._transport.envelope else None
        if content is None or not self._schema.validate(content):
            rules = self._transport.broken_rules()
            raise FeedChanged(f"{operation}: the answer breaks the agreed schema ({rules})", code="F008")
        return content

    def _check_code(self, operation: str, answer: etree._Element) -> None:
        envelope = self._source.envelope
        code = text_at(answer, envelope.code)
        if code in envelope.busy:
            raise PartnerUnavailable(f"{operation} was answered with code {code}")
        if code != envelope.success:
            raise PartnerRefused(f"{operation} was answered with code {code[:40]}")  # its own words may quote a row


def _sorted(operation: str, error: Exception) -> Exception:
    """Who must act, in words that quote nothing of the answer."""
    match error:
        case HubError():
            return error
        case Fault():
            return PartnerRefused(f"{operation} was answered with the fault {fault_code(error.code)}")
        case TypeError():
            return MappingInvalid(f"{operation}: the mapping's header or members are not those of the WSDL")
        case TransportError():
            return PartnerUnavailable(f"{operation} was answered with HTTP {error.status_code}")
        case XMLSyntaxError():
            return PartnerUnavailable(f"{operation} was not answered with XML")
        case XMLParseError() | ValidationError() | DTDForbidden() | EntitiesForbidden() | IndexError():
            # zeep takes the first element of the body without looking whether there is one
            return FeedChanged(f"{operation}: {type(error).__name__}, the message is not as the WSDL says")
        case ValueError():
            return MappingInvalid(f"{operation}: our call holds what XML cannot say; nothing was sent", code="S066")
    return error


def nested(members: Mapping[str, Any]) -> dict[str, Any]:
    """Members by path (``RequestBody/PageNo``) as the tree that zeep makes a message of."""
    tree: dict[str, Any] = {}
    for path, value in members.items():
        *above, last = path.split("/")
        inside = tree
        for step in above:
            inside = inside.setdefault(step, {})
        inside[last] = value
    return tree


def all_at(element: etree._Element, path: str) -> list[etree._Element]:
    """The elements at a path of local names."""
    return element.findall("/".join(f"{{*}}{step}" for step in path.split("/")))


def text_at(element: etree._Element, path: str) -> str:
    """The text of the one element at a path, or nothing."""
    found = all_at(element, path)
    return (found[0].text or "") if found else ""


def read_schema(wsdl: Path) -> etree.XMLSchema:
    """The XML schema inside a WSDL."""
    found = etree.parse(wsdl).find(f".//{XS}")
    if found is None:
        raise FeedChanged(f"{wsdl.name} holds no schema", code="F008")
    return etree.XMLSchema(etree.ElementTree(found))
