"""What the door does with a call: prove it, read it, write the knock down, have the feed looked at. Refusals are counted."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from hub.bootstrap import open_house, open_registry
from hub.connections import find_connection
from hub.door.looking import RECEIPTS, look
from hub.door.proving import Call, check_form, prove
from hub.errors import ConnectionMissing, FeedChanged, HubError
from hub.parsing.trees import read_json
from hub.pipeline.knocking import Proven, accept_knock, count_refused, find_knock
from hub.settings import TIME_ZONE, now
from hub.store.knocks import Knock

NOTHING = ""
"""A pattern that names no mapping."""
LOOKS = {
    "started": ("已受理，立即取数", "accepted; the hub looks at once"),
    "waiting": ("已受理，已有一次取数在排队", "accepted; a look is queued already"),
    "owed": ("已受理，按约定时间取数", "accepted; the hub looks at the agreed time"),
}


def knock(call: Call) -> Mapping[str, Any]:
    """Accept a knock and have what is ready looked at; the members of the answer. Raises HubError S071 to S075."""
    engine = _engine()
    proven = _prove(engine, call)
    try:
        ready = _read_ready(call)
    except HubError as error:
        count_refused(engine, proven.partner, error.code)
        raise
    accepted = accept_knock(engine, proven, ready, is_theirs=_is_theirs(proven.partner, ready))
    return _told(accepted, look(engine, accepted))


def ask(call: Call, number: str) -> Mapping[str, Any]:
    """What came of one of the caller's knocks. Raises HubError S071 to S075."""
    engine = _engine()
    proven = _prove(engine, call)
    if not (number.isascii() and number.isdigit() and len(number) <= 18):
        raise HubError("this partner has no knock of this number", code="S075")
    found = find_knock(engine, proven, int(number))
    return _told(found, found.look)


def turn_away(code: str) -> None:
    """Count a call that was not even read to its end."""
    count_refused(_engine(), "", code)


def _prove(engine: sa.Engine, call: Call) -> Proven:
    """Form, app id, signature, time: in this order. An app id that nobody has is counted as nobody's."""
    partner = ""
    try:
        check_form(call)
        name = call.headers["x-app-id"]
        if name not in _partners(int(time.monotonic() / 60)):
            raise HubError("there is no such app id", code="S072")
        partner = name
        try:
            connection = find_connection(f"{partner}_door")
        except ConnectionMissing:
            raise HubError("this partner has no key at the door", code="S072") from None
        return prove(call, connection, now())
    except HubError as error:
        count_refused(engine, partner, error.code)
        raise


def _read_ready(call: Call) -> str:
    """What is ready: a feed, or receipts. Raises HubError S071 for a body that is not just that."""
    try:
        tree = read_json(call.body)
    except FeedChanged as error:
        raise HubError(str(error), code="S071") from None
    ready = tree.get("ready")
    if set(tree) != {"ready"} or not isinstance(ready, str) or not 1 <= len(ready) <= 64:
        raise HubError('the body is {"ready": "…"} and nothing else', code="S071")
    return ready


def _is_theirs(partner: str, ready: str) -> bool:
    """Whether the feed is the partner's, or receipts are, because it receives."""
    registry = open_registry(f"{partner}_*", partner)
    if ready == RECEIPTS:
        return partner in registry.receivers
    return ready in registry.feeds and registry.feeds[ready].spec.partner == partner


def _told(found: Knock, came: str) -> dict[str, Any]:
    zh, en = LOOKS[came]
    at = found.knocked_at.astimezone(TIME_ZONE).isoformat(timespec="seconds")
    return {
        "message": zh,
        "message_en": en,
        "number": str(found.knock_id),
        "ready": found.ready,
        "look": came,
        "at": at,
    }


@lru_cache(maxsize=1)
def _partners(_: int) -> frozenset[str]:
    """The partners of the mappings, read anew every minute."""
    return frozenset(open_registry(NOTHING, NOTHING).partners)


def _engine() -> sa.Engine:
    return open_house(NOTHING, NOTHING).engine
