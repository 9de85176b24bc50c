"""JSON over HTTP: incremental pages in, status rows out."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from typing import Any

from connectors.http import call, open_session
from connectors.moments import newest, start_from
from connectors.paging import MOST_DIGITS, NumberedPages, Page, token_pages
from connectors.retrying import retried
from connectors.signing import as_text, check_answer, sign
from hub.errors import FeedChanged, PartnerRefused, PartnerUnavailable
from hub.feed import CallReport, Envelope, RestSource
from hub.model import Connection, Fetched, FileStamp, Notice
from hub.parsing.trees import at_path, read_json
from hub.points import reach


class RestConnector:
    """Fetcher and CallReporter. The connection gives the address, and the token with the header it travels in.

    A partner that wants signatures never sees the password: it is the secret that they are made with.
    """

    def __init__(self, connection: Connection, source: RestSource) -> None:
        self._connection = connection
        self._source = source
        self._next_call_at = 0.0
        self._session = open_session(connection)
        if source.signing is None:
            header = connection.extra.get("header", "Authorization")
            self._session.headers[header] = connection.extra.get("prefix", "") + connection.password

    def fetch(self, cursor: str | None, seen: frozenset[FileStamp]) -> Iterator[Fetched | Notice]:
        """All pages since the cursor as one batch; nothing when there is no row."""
        pages = list(self._pages(start_from(self._source.since, cursor)))
        rows = sum(len(page.marks) for page in pages)
        moments = [moment for page in pages for moment in page.moments]
        if rows:
            reached = newest(self._source.since, moments, cursor)
            yield Fetched("pages", [page.body for page in pages], cursor=reached, printed_rows=rows)

    def _pages(self, since: Mapping[str, str | int]) -> Iterator[Page]:
        paging, place = self._source.paging, self._source.path
        size = {paging.size: paging.per_page} if paging.size else {}
        if paging.by in ("page", "offset"):
            name = str(paging.page if paging.by == "page" else paging.offset)
            return NumberedPages(
                place, lambda at: self._ask({name: at, **size, **since}), paging.start, by_offset=paging.by == "offset"
            ).read()
        name = str(paging.token)
        return token_pages(place, lambda token: self._ask({**({name: token} if token else {}), **size, **since}))

    def _ask(self, asked: Mapping[str, str | int]) -> Page:
        """One try at one page."""
        source = self._source
        reach("page.asked")
        body = self._call(source.method, source.path, {**source.parameters, **asked})
        reach("page.answered")
        tree = check_envelope(body, source.envelope, source.path)
        rows = self._rows(tree)
        member = source.since and source.since.member
        return Page(
            body,
            tuple(blake2b(json.dumps(row, sort_keys=True).encode(), digest_size=16).digest() for row in rows),
            tuple(str(row.get(member)) for row in rows) if member else (),
            self._total(tree),
            self._token(tree),
        )

    def _call(
        self, method: str, path: str, parameters: Mapping[str, Any], headers: Mapping[str, str] | None = None
    ) -> bytes:
        """One try of one call, not sooner than agreed after the last one; signed for itself alone."""
        time.sleep(max(0.0, self._next_call_at - time.monotonic()))
        self._next_call_at = time.monotonic() + 1 / self._source.calls_per_second
        signing, url = self._source.signing, self._connection.host.rstrip("/") + path
        if method == "get":
            added = sign(signing, self._connection, parameters)
            texts = {name: as_text(value) for name, value in parameters.items()}
            query = {**texts, **added.parameters, **added.query}
            answer = call(self._session, "GET", url, media="json", params=query, headers=dict(added.headers))
        else:
            added = sign(signing, self._connection, parameters, _as_json(parameters))
            body = _as_json({**parameters, **added.parameters})
            sent = {"Content-Type": "application/json; charset=utf-8", **(headers or {}), **added.headers}
            answer = call(self._session, "POST", url, media="json", data=body, params=added.query, headers=sent)
        check_answer(self._source.signed_answers, self._connection, added, answer.headers, answer.body)
        return answer.body

    def _rows(self, tree: dict[str, Any]) -> list[dict[str, Any]]:
        """The rows of a page; a partner may write null for none."""
        rows = at_path(tree, self._source.paging.rows)
        total = self._total(tree)
        if rows is None and (total == 0 or (total is None and _has(tree, self._source.paging.rows))):
            return []
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise FeedChanged(f"{self._source.paging.rows} is not a list of objects", code="F008")
        return rows

    def _total(self, tree: dict[str, Any]) -> int | None:
        """How many rows the partner announces. Without it nobody can tell the last numbered page from a lost one."""
        if self._source.paging.total is None:
            return None
        total = str(at_path(tree, self._source.paging.total))
        if not (total.isascii() and total.isdigit() and len(total) <= MOST_DIGITS):
            raise FeedChanged(f"{self._source.paging.total} is not a number of rows", code="F008")
        return int(total)

    def _token(self, tree: dict[str, Any]) -> str | None:
        """What the next page is asked for with; null and an empty text say as much as nothing."""
        token = at_path(tree, self._source.paging.next) if self._source.paging.next else None
        if token is not None and not isinstance(token, str):
            raise FeedChanged(f"{self._source.paging.next} is not a text or a number", code="F008")
        return token or None

    def send(self, report: CallReport, rows: Sequence[Mapping[str, str]], key: str) -> None:
        """POST the rows; the partner knows a repeated call by its Idempotency-Key."""
        body = {report.rows: list(rows)}
        reach("call.begun")
        answer = retried(lambda: self._call("post", report.call, body, {"Idempotency-Key": key}))
        reach("call.answered")
        check_envelope(answer, self._source.envelope, report.call)


def check_envelope(body: bytes, envelope: Envelope, place: str) -> dict[str, Any]:
    """The answer as a tree when it says success; an HTTP 200 may well carry a failure."""
    try:
        tree = read_json(body)
    except FeedChanged as error:
        raise PartnerUnavailable(f"{place}: {error}") from error
    code = str(at_path(tree, envelope.code))
    if code in envelope.busy or (code.startswith("5") and len(code) == 3):
        raise PartnerUnavailable(f"{place} answered code {code}")
    if code != envelope.success:
        raise PartnerRefused(f"{place} answered code {code[:40]}")  # its own words may quote a row
    return tree


def _as_json(parameters: Mapping[str, Any]) -> bytes:
    return json.dumps(parameters, ensure_ascii=False, separators=(",", ":")).encode()


def _has(tree: Any, path: str) -> bool:
    """Whether the member is there, be it null."""
    above, _, last = path.rpartition(".")
    parent = at_path(tree, above) if above else tree
    return isinstance(parent, dict) and last in parent
