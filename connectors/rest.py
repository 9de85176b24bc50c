"""JSON over HTTP: incremental pages in, status rows out."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from connectors.http import exchange, open_session
from connectors.retrying import retried
from hub.errors import FeedChanged, PartnerRefused, PartnerUnavailable
from hub.feed import CallReport, Envelope, RestSource
from hub.model import Connection, Fetched, FileStamp, Notice
from hub.parsing.trees import read_json
from hub.settings import now

TIME_FORM = "%Y-%m-%d %H:%M:%S"
MOST_PAGES = 10_000


class RestConnector:
    """Fetcher and CallReporter. The connection gives the address, the token and the header it travels in."""

    def __init__(self, connection: Connection, source: RestSource) -> None:
        self._base = connection.host.rstrip("/")
        self._source = source
        self._session = open_session()
        header = connection.extra.get("header", "Authorization")
        self._session.headers[header] = connection.extra.get("prefix", "") + connection.password

    def fetch(self, cursor: str | None, seen: frozenset[FileStamp]) -> Iterator[Fetched | Notice]:
        """All pages since the cursor as one batch; nothing when there is no row."""
        parts = list(self._pages(cursor))
        rows = [row for part in parts for row in self._rows(read_json(part))]
        if rows:
            yield Fetched(name="pages", parts=parts, cursor=self._newest(rows, cursor), printed_rows=len(rows))

    def _pages(self, cursor: str | None) -> Iterator[bytes]:
        """Ask page after page until the announced total has come. A page given twice is asked for again, never counted."""
        paging, gathered, before = self._source.paging, 0, b""
        for number in range(paging.first, paging.first + MOST_PAGES):
            asked = {paging.page: str(number), paging.size: str(paging.per_page), **self._since(cursor)}
            part = retried(lambda: self._page(asked, gathered, before))  # noqa: B023
            tree = read_json(part)
            rows = self._rows(tree)
            if rows:
                yield part
            gathered, before = gathered + len(rows), part
            if gathered >= self._total(tree):
                return
            time.sleep(1 / self._source.calls_per_second)
        raise PartnerRefused(f"{self._source.path} gave more than {MOST_PAGES} pages")

    def _page(self, asked: Mapping[str, str], gathered: int, before: bytes) -> bytes:
        body = exchange(self._session, "GET", self._base + self._source.path, media="json", params=asked)
        tree = check_envelope(body, self._source.envelope, self._source.path)
        rows = self._rows(tree)
        if before and rows and rows == self._rows(read_json(before)):
            raise PartnerUnavailable(f"{self._source.path} gave the same page twice")
        if not rows and self._total(tree) > gathered:
            raise PartnerUnavailable(f"{self._source.path} gave an empty page and announces more")
        return body

    def _rows(self, tree: dict[str, Any]) -> list[dict[str, Any]]:
        """The rows of a page; a partner may write null for none."""
        rows = _at(tree, self._source.paging.rows)
        if rows is None and self._total(tree) == 0:
            return []
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise FeedChanged(f"{self._source.paging.rows} is not a list of objects", code="F008")
        return rows

    def _total(self, tree: dict[str, Any]) -> int:
        """How many rows the partner announces. Without that number nobody can tell the last page from a lost one."""
        total = str(_at(tree, self._source.paging.total))
        if not (total.isascii() and total.isdigit()):
            raise FeedChanged(f"{self._source.paging.total} is not a number of rows", code="F008")
        return int(total)

    def _since(self, cursor: str | None) -> dict[str, str]:
        """Start a little before the cursor: rows may appear late, and two may share one moment."""
        since = self._source.since
        if cursor is None:
            return {}
        if since.form == "epoch_ms":
            return {since.parameter: str(int(cursor) - since.overlap_seconds * 1000)}
        moment = datetime.strptime(cursor, TIME_FORM) - timedelta(seconds=since.overlap_seconds)
        return {since.parameter: moment.strftime(TIME_FORM)}

    def _newest(self, rows: Sequence[Mapping[str, Any]], cursor: str | None) -> str | None:
        """The latest believable update time; a row from the future must not make the feed skip what comes till then."""
        since, latest = self._source.since, now() + timedelta(days=1)
        bound = str(int(latest.timestamp() * 1000)) if since.form == "epoch_ms" else latest.strftime(TIME_FORM)
        shaped = [str(row.get(since.member)) for row in rows if _is_moment(str(row.get(since.member)), since.form)]
        return max([text for text in shaped if text <= bound] + ([cursor] if cursor else []), default=None)

    def send(self, report: CallReport, rows: Sequence[Mapping[str, str]], key: str) -> None:
        """POST the rows; the partner knows a repeated call by its Idempotency-Key."""
        url, body = self._base + report.call, {report.rows: list(rows)}
        answer = retried(
            lambda: exchange(self._session, "POST", url, media="json", json=body, headers={"Idempotency-Key": key})
        )
        check_envelope(answer, self._source.envelope, report.call)


def check_envelope(body: bytes, envelope: Envelope, place: str) -> dict[str, Any]:
    """The answer as a tree when it says success; an HTTP 200 may well carry a failure."""
    try:
        tree = read_json(body)
    except FeedChanged as error:
        raise PartnerUnavailable(f"{place}: {error}") from error
    code = str(_at(tree, envelope.code))
    if code in envelope.busy or (code.startswith("5") and len(code) == 3):
        raise PartnerUnavailable(f"{place} answered code {code}")
    if code != envelope.success:
        raise PartnerRefused(f"{place} answered code {code}: {str(_at(tree, envelope.message))[:200]}")
    return tree


def _at(tree: Any, path: str) -> Any:
    for step in path.split("."):
        tree = tree.get(step) if isinstance(tree, dict) else None
    return tree


def _is_moment(text: str, form: str) -> bool:
    if form == "epoch_ms":
        return text.isdigit() and len(text) == 13
    try:
        return datetime.strptime(text, TIME_FORM).strftime(TIME_FORM) == text
    except ValueError:
        return False
