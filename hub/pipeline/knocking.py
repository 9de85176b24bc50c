"""Knock: a partner says that something of its own is ready. Written down with what proves it, once, whoever sends it again."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from hub.digest import sm3_hex
from hub.errors import HubError
from hub.pipeline.house import House
from hub.pipeline.recording import record_knocked
from hub.store import knocks
from hub.store.database import working
from hub.store.knocks import Knock

ACCEPTED = "0"


@dataclass(frozen=True)
class Proven:
    """Who signed what: a call whose signature fits and whose time is right. ``text`` is what was signed."""

    partner: str
    algorithm: str
    nonce: str
    text: str
    signature: str


def accept_knock(engine: sa.Engine, proven: Proven, ready: str, *, is_theirs: bool) -> Knock:
    """Nonce, knock, count and entry in the exchange log in one commit.

    Raises HubError S074 when the nonce was used, S075 when the feed is not the partner's; the nonce is used up then.
    """
    refused = None
    with working(engine) as work:
        if not knocks.use_nonce(work, proven.partner, proven.nonce):
            refused = HubError("the nonce was used before", code="S074")
        elif not is_theirs:
            refused = HubError("there is no such feed of this partner", code="S075")
        else:
            digest = sm3_hex(f"{proven.text}\n{proven.signature}".encode())
            knock = knocks.add_knock(
                work, proven.partner, ready, proven.algorithm, proven.text, proven.signature, digest
            )
            record_knocked(work, ready, digest, proven.partner, knock.knock_id)
        knocks.count(work, proven.partner, ACCEPTED if refused is None else refused.code)
    if refused is not None:
        raise refused
    return knock


def find_knock(engine: sa.Engine, proven: Proven, knock_id: int) -> Knock:
    """One of the partner's own knocks. Raises HubError S074 when the nonce was used, S075 when there is none of this number."""
    with working(engine) as work:
        is_new = knocks.use_nonce(work, proven.partner, proven.nonce)
        found = knocks.read_knock(work, proven.partner, knock_id) if is_new else None
        if found is None:
            knocks.count(work, proven.partner, "S075" if is_new else "S074")
    if not is_new:
        raise HubError("the nonce was used before", code="S074")
    if found is None:
        raise HubError("this partner has no knock of this number", code="S075")
    return found


def count_refused(engine: sa.Engine, partner: str, code: str) -> None:
    """Count a call that was turned down before it was proven; ``partner`` is empty where nobody knows who called."""
    with working(engine) as work:
        knocks.count(work, partner, code)


def forget_nonces(house: House) -> int:
    """Let nonces go that nobody could use again; returns how many."""
    with working(house.engine) as work:
        return knocks.forget_nonces(work)
