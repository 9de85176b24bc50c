"""SOAP by an agreed WSDL on our own disk: answers are archived as they came, held against the agreed schema, never trusted.

zeep builds and reads messages; the raw answer is taken from its transport before it is parsed, because the archive keeps bytes.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
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

from connectors.http import CONNECT_SECONDS, READ_SECONDS, exchange, open_session
from connectors.retrying import retried
from hub.errors import FeedChanged, PartnerRefused, PartnerUnavailable
from hub.feed import CallReport, SoapSource
from hub.model import Connection, Fetched, FileStamp, Notice
from hub.settings import now

SETTINGS = zeep.Settings(strict=True, forbid_dtd=True, forbid_entities=True, forbid_external=True, xml_huge_tree=False)
XS = "{http://www.w3.org/2001/XMLSchema}schema"
ENVELOPE = "{http://schemas.xmlsoap.org/soap/envelope/}"
MOST_ANSWERS = 10_000


class RecordingTransport(zeep.Transport):
    """Keeps the bytes of the last answer and follows the hub's own rules for an HTTP exchange."""

    def __init__(self) -> None:
        super().__init__(session=open_session(), timeout=CONNECT_SECONDS, operation_timeout=READ_SECONDS)
        self.answer = b""

    def load(self, url: str) -> Any:
        """The WSDL is a file of ours; nothing is fetched."""
        if "://" in url:
            raise PartnerRefused(f"the WSDL refers to {url}; keep every part of it in mappings/wsdl")
        return super().load(url)

    def post(self, address: str, message: bytes, headers: Mapping[str, str]) -> requests.Response:
        """A fault comes with HTTP 500 and is an answer all the same, as SOAP 1.1 has it."""
        options = {"data": message, "headers": dict(headers)}
        self.answer = exchange(self.session, "POST", address, media="xml", answers=frozenset({200, 500}), **options)
        response = requests.Response()
        response.status_code = 200
        response._content = self.answer
        response.headers["Content-Type"] = "text/xml"
        return response


class SoapConnector:
    """Fetcher and CallReporter of one service."""

    def __init__(self, connection: Connection, source: SoapSource, wsdl: Path) -> None:
        self._connection = connection
        self._source = source
        self._transport = RecordingTransport()
        try:
            self._client = zeep.Client(str(wsdl), transport=self._transport, settings=SETTINGS)
        except ExternalReferenceForbidden as error:
            raise PartnerRefused(
                f"{wsdl.name} refers to {error.url}; keep every part of it in mappings/wsdl"
            ) from error
        binding = next(iter(self._client.wsdl.bindings))
        self._service = self._client.create_service(binding, connection.host)
        self._schema = read_schema(wsdl)

    def fetch(self, cursor: str | None, seen: frozenset[FileStamp]) -> Iterator[Fetched | Notice]:
        """Ask until there is no more; all answers are one batch. An answer that breaks the agreement is kept, with its fault."""
        parts: list[bytes] = []
        position = cursor or ""
        for _ in range(MOST_ANSWERS):
            asked = {self._source.cursor: position, self._source.max_rows[0]: self._source.max_rows[1]}
            try:
                answer = retried(lambda asked=asked: self._call(self._source.operation, asked))  # type: ignore[misc]
            except FeedChanged as error:
                yield Fetched("answers", [*parts, self._transport.answer], fault=(error.code, str(error)))
                return
            following = str(answer[self._source.next_cursor] or position)
            if following != position or not parts:
                parts.append(self._transport.answer)
            if following == position or not answer[self._source.has_more]:
                break
            position = following
        if following != (cursor or ""):
            yield Fetched(name="answers", parts=parts, cursor=following)

    def send(self, report: CallReport, rows: Sequence[Mapping[str, str]], key: str) -> None:
        """Acknowledge rows; the partner knows a repeated call by its unique number."""
        filled = [{word: value for word, value in row.items() if value != ""} for row in rows]
        retried(lambda: self._call(report.call, {report.rows: filled}, unique=key))

    def _call(self, operation: str, body: Mapping[str, Any], unique: str | None = None) -> Any:
        try:
            answer = getattr(self._service, operation)(Header=self._header(unique), **body)
        except Fault as error:
            raise PartnerRefused(f"{operation} was answered with the fault {error.code}") from error
        except TransportError as error:
            raise PartnerUnavailable(f"{operation} was answered with HTTP {error.status_code}") from None
        except XMLSyntaxError:
            raise PartnerUnavailable(f"{operation} was not answered with XML") from None
        except (XMLParseError, ValidationError, DTDForbidden, EntitiesForbidden, IndexError) as error:
            # zeep takes the first element of the body without looking whether there is one
            raise FeedChanged(f"{operation}: {type(error).__name__}, the message is not as the WSDL says") from error
        self._check(operation)
        self._check_code(operation, answer)
        return answer

    def _header(self, unique: str | None) -> dict[str, str]:
        filled = {
            "@login": self._connection.login,
            "@unique": unique or secrets.token_hex(16),
            "@now": now().isoformat(),
        }
        return {name: filled.get(value, value) for name, value in self._source.header.items()}

    def _check(self, operation: str) -> None:
        """zeep takes unknown words and broken dates without a murmur; the agreed schema does not."""
        body = etree.fromstring(self._transport.answer).find(f"{ENVELOPE}Body")
        content = body[0] if body is not None and len(body) else None
        if content is None or not self._schema.validate(content):
            rules = sorted({error.type_name for error in self._schema.error_log})
            raise FeedChanged(
                f"{operation}: the answer breaks the agreed schema ({', '.join(rules) or 'no body'})", code="F008"
            )

    def _check_code(self, operation: str, answer: Any) -> None:
        envelope = self._source.envelope
        code = str(answer[envelope.code])
        if code in envelope.busy:
            raise PartnerUnavailable(f"{operation} was answered with code {code}")
        if code != envelope.success:
            raise PartnerRefused(f"{operation} was answered with code {code}: {str(answer[envelope.message])[:200]}")


def read_schema(wsdl: Path) -> etree.XMLSchema:
    """The XML schema inside a WSDL."""
    found = etree.parse(wsdl).find(f".//{XS}")
    if found is None:
        raise FeedChanged(f"{wsdl.name} holds no schema", code="F008")
    return etree.XMLSchema(etree.ElementTree(found))
