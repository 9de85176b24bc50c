"""What the web partners have in common: sent rows as bodies, repeated keys answered as at first, and JSON answers.

A bad amount that cannot be read has no fen in the ledger, because no total of the sender includes it.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from simulators.faults import COMMITTED
from simulators.ledger import Ledger, Sent
from simulators.spoil import Row, is_unreadable


def unread(rows: Iterable[Row]) -> list[Row]:
    """The rows, without fen where the amount cannot be read."""
    return [replace(row, fen=None) if is_unreadable(row) else row for row in rows]


def as_sent(
    feed: str, row: Row, place: int, kinds: Sequence[str], read_only_by: Mapping[str, str] | None = None
) -> Iterator[Sent]:
    """A row's entries in the ledger, one for each kind of record; a bad field may concern one kind only."""
    concerned = (read_only_by or {}).get(row.bad_field or "")
    for kind in kinds:
        yield Sent(feed, kind, row.key, place, row.fen, row.bad if concerned in (None, kind) else None)


def answer_json(body: Any, status: int = 200, **headers: str) -> Response:
    """JSON with Chinese text as it is."""
    content = json.dumps(body, ensure_ascii=False).encode()
    return Response(content, status, {key.replace("_", "-"): v for key, v in headers.items()}, "application/json")


def answer_once(request: Request, ledger: Ledger, key: str, body: bytes, effect: Callable[[], Any]) -> Any:
    """The effect's answer; a key used before gets its first answer again and has no second effect."""
    what = request.url.path
    scoped = f"{what} {key}"
    first = ledger.first_answer(scoped)
    request.scope[COMMITTED] = True
    if first is not None:
        ledger.note_call(what, key, body, "repeated")
        return first
    with ledger.all_or_nothing():
        answer = effect()
        ledger.note_answer(scoped, body, answer)
        ledger.note_call(what, key, body, "effective")
    return answer
