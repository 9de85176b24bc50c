"""Insurers that speak SOAP: the two agreed WSDLs' servers, given rows of the mirror. Opened when first asked."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from lxml import etree

from simulators import daizong, soap_pages
from simulators.faults import HTTP_KNOBS, App, Knobs, Message, Receive, Send
from simulators.ledger import Ledger, Sent
from simulators.mirror.plain import MirroredFeed, MirrorError
from simulators.mirror.rows import Row
from simulators.mirror.stock import Stock, sent_of
from simulators.mirror.trees import fill_rows
from simulators.soap_security import Guard
from simulators.spoil import Row as Policy

_XSD = "{http://www.w3.org/2001/XMLSchema}"
Server = daizong.Daizong | soap_pages.SoapPages


class SoapPartner:
    """One insurer's server, made from its first feed."""

    def __init__(
        self, feed: MirroredFeed, stock: Stock, ledger: Ledger, login: str, guard: Guard | None = None
    ) -> None:
        self.feed, self.ledger, self.knobs, self.guard = feed, ledger, Knobs(HTTP_KNOBS), guard or Guard()
        self._stock, self._login = stock, login
        self._server: Server | None = None
        self.app: App = self._answer

    def received(self) -> dict[str, int]:
        """What came back to it."""
        return self._open().received()

    def everything(self) -> etree._Element:
        """All rows in one answer, as far as one goes."""
        server = self._open()
        if isinstance(server, daizong.Daizong):
            return server._query({"Cursor": "", "MaxRows": "500"})
        return server._query({"PageNo": "1", "PageSize": "200"})

    async def _answer(self, scope: Message, receive: Receive, send: Send) -> None:
        await self._open().app(scope, receive, send)

    def _open(self) -> Server:
        if self._server is None:
            rows = list(self._stock.rows(self.feed))
            fill_rows(self.feed, rows, self._stock.day)
            self._server = _OPENERS[self.feed.source["wsdl"]](self.feed, rows, self.ledger, self._login)
            self._server.knobs, self._server.guard = self.knobs, self.guard
        return self._server


def _open_cursors(feed: MirroredFeed, rows: Sequence[Row], ledger: Ledger, login: str) -> Server:
    """Daizong's service: cursors."""
    order = _read_order()
    rows = sorted(rows, key=lambda row: row.cells.get("UpdatedAt", ""))
    guarantees = [_policy(row, order["Guarantee"]) for row in rows]
    events = [[_policy(event, order["Event"]) for event in row.inner] for row in rows]
    return daizong.Daizong.of_rows(feed.feed_id, guarantees, events, ledger, login)


def _policy(row: Row, order: Sequence[str]) -> Policy:
    record = row.records[0]
    fields: dict[str, Any] = {name: row.cells.get(name) or None for name in order}
    return Policy(record.schema, record.key, record.fen, fields, record.bad)


def _read_order() -> dict[str, list[str]]:
    """The elements of each type of the WSDL in their order."""
    types = etree.parse(daizong.WSDL_FILE).iter(f"{_XSD}complexType")
    return {str(kind.get("name")): [str(e.get("name")) for e in kind.iter(f"{_XSD}element")] for kind in types}


def _open_pages(feed: MirroredFeed, rows: Sequence[Row], ledger: Ledger, login: str) -> Server:
    """Yishan's service: pages by number."""

    def note(place: int) -> Iterable[Sent]:
        return sent_of(feed, rows[place], place)

    policies: list[soap_pages.Policy] = [(_texts(row), [_texts(inner) for inner in row.inner]) for row in rows]
    return soap_pages.SoapPages(feed.feed_id, policies, ledger, login, note)


def _texts(row: Row) -> soap_pages.Texts:
    return {name: text or None for name, text in row.cells.items()}


_OPENERS: dict[str, Callable[[MirroredFeed, Sequence[Row], Ledger, str], Server]] = {
    "daizong.wsdl": _open_cursors,
    "yishan.wsdl": _open_pages,
}


def check_wsdl(feed: MirroredFeed) -> None:
    """Raises MirrorError where no simulator speaks this WSDL."""
    if feed.source["wsdl"] not in _OPENERS:
        raise MirrorError(f"{feed.feed_id}: no simulator speaks {feed.source['wsdl']}")
