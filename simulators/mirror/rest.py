"""A web partner made from its mappings: pages of JSON by path, statuses back, its own dialect of paging, envelope and signature."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simulators.faults import HTTP_KNOBS, Knobs
from simulators.ledger import Ledger
from simulators.mirror.knocking import knock
from simulators.mirror.pairs import Keys, signature_of
from simulators.mirror.plain import MirroredFeed
from simulators.mirror.reports import Calls
from simulators.mirror.rows import Row
from simulators.mirror.signing import Call, unique_of, why_refused
from simulators.mirror.stock import Stock, sent_of
from simulators.mirror.trees import Tree, fill_rows, tree_of
from simulators.served import answer_json, answer_once

_MOST = 1000


class Refused(Exception):
    """The call is answered with a code that is no success."""

    def __init__(self, message: str, status: int = 200) -> None:
        super().__init__(message)
        self.status = status


class WebPartner:
    """One partner's server. `header` and `prefix` say where the secret travels where calls are not signed."""

    def __init__(
        self,
        feeds: Sequence[MirroredFeed],
        stock: Stock,
        ledger: Ledger,
        login: str,
        secret: str,
        header: tuple[str, str],
        keys: Keys | None = None,
    ) -> None:
        self.feeds, self.ledger, self.knobs = list(feeds), ledger, Knobs((*HTTP_KNOBS, "false_signature"))
        self._stock, self._login, self._secret, self._header = stock, login, secret, header
        self._keys = keys
        self._served: dict[str, list[Row]] = {}
        self._numbers: set[str] = set()
        self.calls = Calls(feeds, stock.plan.codes)
        paths = {feed.source["path"] for feed in feeds}
        asked = [Route(path, self._list, methods=["GET", "POST"]) for path in sorted(paths)]
        told = [Route(path, self._take, methods=["POST"]) for path in sorted(self.calls.paths)]
        self.app = Starlette(routes=[*told, *asked])

    def knock(self, door: str, ready: str) -> dict[str, Any]:
        """Tell the hub that something is ready; its answer. ValueError for a partner without keys."""
        if self._keys is None:
            raise ValueError("this partner has no keys to knock with")
        return knock(door, self.feeds[0].partner, self._keys, ready)

    def received(self) -> dict[str, int]:
        """What came back: how often each status, distinct items only."""
        return self.calls.received(self.ledger)

    async def _list(self, request: Request) -> Response:
        body = await request.body()
        feed = self.feeds[0]
        try:
            call = await _read(request, body)
            feed = self._feed_of(request, call)
            self._check(feed, call, request.method == "POST")
            return self._signed(feed, request, answer_json(self.page(feed, {**call.query, **call.members})))
        except Refused as refusal:
            return self._signed(feed, request, answer_json(_envelope(feed, str(refusal)), refusal.status))

    def _signed(self, feed: MirroredFeed, request: Request, answer: Response) -> Response:
        """The answer, with its signature where one is agreed: over its bytes and fields of the call that stand in headers."""
        words = feed.source.get("signed_answers")
        if words is None or self._keys is None:
            return answer
        asked = {name: request.headers.get(name, "") for name in feed.source["signing"]["fields"]}
        places = re.split(r"\{([^{}]*)\}", words.get("text", "{body}"))
        pieces = [piece if at % 2 == 0 else asked.get(piece, "") for at, piece in enumerate(places)]
        content = b"" if self.knobs.take("false_signature") else bytes(answer.body)
        text = b"".join(
            content if at % 2 and places[at] == "body" else pieces[at].encode() for at in range(len(places))
        )
        answer.headers[words["name"]] = signature_of(words, self._keys.own_private, self._keys.own_public, text)
        return answer

    def _feed_of(self, request: Request, call: Call) -> MirroredFeed:
        """Feeds may share a path and differ in a constant parameter."""
        for feed in self.feeds:
            source, told = feed.source, {**call.query, **call.members}
            wanted = source.get("parameters") or {}
            is_here = (
                request.url.path.endswith(source["path"]) and source.get("method", "get").upper() == request.method
            )
            if is_here and all(_same(told.get(name), value) for name, value in wanted.items()):
                return feed
        raise Refused("没有这样的接口或参数")

    def _check(self, feed: MirroredFeed, call: Call, is_post: bool) -> None:
        signing = feed.source.get("signing")
        if signing is None:
            name, prefix = self._header
            if call.headers.get(name.lower()) != prefix + self._secret:
                raise Refused("凭证不正确", 401)
            return
        known = self._keys.hub_public if self._keys else self._secret
        if problem := why_refused(signing, call, self._login, known, is_post):
            raise Refused(f"签名不正确: {problem}")
        number = unique_of(signing, call, is_post)
        if number is not None and number in self._numbers:
            raise Refused("流水号重复")
        self._numbers.update([number] if number is not None else [])

    def rows(self, feed: MirroredFeed) -> list[Row]:
        """The rows in the order in which they last changed, all columns filled."""
        if feed.feed_id not in self._served:
            rows = list(self._stock.rows(feed))
            fill_rows(feed, rows, self._stock.day)
            since = feed.source.get("since")
            if since:
                rows.sort(key=lambda row: moment(row.cells.get(since["member"], ""), since["form"]))
            self._served[feed.feed_id] = rows
        return self._served[feed.feed_id]

    def page(self, feed: MirroredFeed, asked: Mapping[str, Any]) -> Tree:
        """One page, booked as sent."""
        paging, rows = feed.source["paging"], self.rows(feed)
        found = [(place, row) for place, row in enumerate(rows) if self._is_new(feed, row, asked)]
        start, size = self._start(paging, asked)
        part = found[start : start + size]
        self.ledger.note_sent(sent for place, row in part for sent in sent_of(feed, row, place))
        tree = tree_of(feed, [row for _, row in part])
        _put(tree, paging["rows"], _at(tree, paging["rows"]) or [])
        if paging.get("total"):
            _put(tree, paging["total"], len(found))
        if paging.get("next") and start + size < len(found):
            _put(tree, paging["next"], f"T{start + size:06d}")
        return _envelope(feed, None, tree)

    def _is_new(self, feed: MirroredFeed, row: Row, asked: Mapping[str, Any]) -> bool:
        since = feed.source.get("since")
        told = asked.get(since["parameter"]) if since else None
        if not since or told in (None, ""):
            return True
        try:
            return moment(row.cells.get(since["member"], ""), since["form"]) >= moment(str(told), since["form"])
        except ValueError:
            raise Refused(f"{since['parameter']} 不正确") from None

    def _start(self, paging: Mapping[str, Any], asked: Mapping[str, Any]) -> tuple[int, int]:
        """The first row of the page that is asked for and how many may follow."""
        by = paging.get("by", "page")
        try:
            size = int(asked[paging["size"]]) if paging.get("size") else paging.get("per_page", _MOST)
            if by == "none":
                return 0, 1_000_000
            if by == "token":
                token = str(asked.get(paging["token"]) or "T0")
                start = int(token.removeprefix("T"))
            else:
                first = paging.get("first", 1 if by == "page" else 0)
                start = int(asked[paging[by]]) - first
        except (KeyError, ValueError, TypeError):
            raise Refused("分页参数不正确") from None
        if start < 0 or not 1 <= size <= _MOST:
            raise Refused("分页参数不正确")
        start *= size if by == "page" else 1
        return (max(0, start - size) if start > 0 and self.knobs.take("duplicate_page") else start), size

    async def _take(self, request: Request) -> Response:
        body, key = await request.body(), request.headers.get("idempotency-key", "")
        feed, report = self.calls.feed_at(request.url.path)
        try:
            call = await _read(request, body)
            self._check(feed, call, True)
            items = self.calls.read(feed, report, call.members)
            if not key:
                raise Refused("缺少 Idempotency-Key")
        except (Refused, ValueError) as problem:
            self.ledger.note_call(request.url.path, key, body, "refused")
            refused = answer_json(_envelope(feed, str(problem)), getattr(problem, "status", 200))
            return self._signed(feed, request, refused)

        def note() -> Tree:
            for item, status, row in items:
                self.ledger.note_status(item, status, row)
            return _envelope(feed, None)

        return self._signed(feed, request, answer_json(answer_once(request, self.ledger, key, body, note)))


async def _read(request: Request, body: bytes) -> Call:
    members: Any = {}
    if body:
        try:
            members = await request.json()
        except ValueError:
            members = None
        if not isinstance(members, dict):
            raise Refused("报文不是 JSON 对象")
    return Call(dict(request.query_params), members, dict(request.headers), body)


def moment(text: str, form: str) -> str:
    """An update time that can be compared with others of its form. Raises ValueError."""
    if form in ("epoch_ms", "epoch_s"):
        return f"{int(text or 0):020d}"
    if form == "iso":
        return f"{datetime.fromisoformat(text).timestamp():020.6f}" if text else ""
    if form == "date":
        return text[:10]
    return text


def _same(told: Any, wanted: Any) -> bool:
    if isinstance(wanted, bool):
        return told == wanted or str(told).lower() == str(wanted).lower()
    return told == wanted or str(told) == str("" if wanted is None else wanted) or told is wanted


def _envelope(feed: MirroredFeed, problem: str | None, tree: Tree | None = None) -> Tree:
    """The answer with the member that says whether it was a success."""
    envelope, answer = feed.source["envelope"], tree if tree is not None else {}
    success = envelope["success"]
    code: Any = int(success) if success.isdigit() and str(int(success)) == success else success
    _put(answer, envelope["code"], code if problem is None else "E400")
    _put(answer, envelope["message"], problem or "成功")
    return answer


def _at(tree: Any, path: str) -> Any:
    for step in path.split("."):
        tree = tree.get(step) if isinstance(tree, dict) else None
    return tree


def _put(tree: Tree, path: str, value: Any) -> None:
    *steps, last = path.split(".")
    for step in steps:
        tree = tree.setdefault(step, {})
    tree[last] = value
