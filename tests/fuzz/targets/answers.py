"""Answers to our calls: pages, receipts, statements. An answer nobody agreed on is a refusal or asked for again, nothing else."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from functools import cache
from typing import Any
from unittest import mock

from connectors.http import Answered
from connectors.open_api import OpenApiReceiver
from connectors.rest import RestConnector
from connectors.statements import read_statement
from hub.feed import RestSource
from hub.model import Connection, ReceiptAnswer
from tests.corpus.edits import make
from tests.corpus.outcomes import registry
from tests.fuzz.judging import judged
from tests.fuzz.mutations import TEXTS, mutate

HERE = Connection("x", "http://127.0.0.1:1", login="a", password="0123456789abcdef", extra={"secret": "s"})


@contextmanager
def answering(module: str, body: bytes) -> Iterator[None]:
    """Every call of the module is answered with this, without pauses."""
    answered = {"call": Answered(body, {})} if module == "connectors.rest" else {"exchange": body}
    [(name, value)] = answered.items()
    with (
        mock.patch(f"{module}.{name}", return_value=value),
        mock.patch("connectors.retrying._backing_off", return_value=0),
        mock.patch(f"{module}.time.sleep"),
    ):
        yield


def page(dice: random.Random) -> None:
    """A page of permits."""
    source = registry().feed("bureau_permits").spec.source
    assert isinstance(source, RestSource)
    body = mutate(make_page(), dice)
    with answering("connectors.rest", body):
        found = judged(lambda: RestConnector(HERE, source)._ask({"page": 1}))
    if found is not None:
        rows = json.loads(body.decode("utf-8-sig"))["data"]["rows"]
        assert len(found.marks) == len(rows or [])


@cache
def make_page() -> bytes:
    return make("bureau_permits", [])


def receipt(dice: random.Random) -> None:
    """What a receiver says of a submission; every member may be of any kind."""
    name = dice.choice(sorted(registry().receivers))
    receives = registry().receives(name)
    receiver = OpenApiReceiver(HERE, receives, registry().codes)
    receiver._next_call_at = -1e9
    body = mutate(_answer(receives, dice), dice) if dice.randrange(3) == 0 else _answer(receives, dice)
    with answering("connectors.open_api", body):
        for ask in (lambda: receiver.inquire("k"), lambda: receiver.poll("s")):
            found = judged(ask)
            for one in found if isinstance(found, list) else []:
                assert isinstance(one, ReceiptAnswer)
                assert isinstance(one.idempotency_key, str)
                assert isinstance(one.code, str)
                assert one.remote_id is None or isinstance(one.remote_id, str)
        if receives.style.statement is not None:
            lines = judged(lambda: read_statement(receiver, receives, date(2026, 11, 23)))
            for line in lines or []:
                assert line.fen is None or isinstance(line.fen, int)


def _answer(receives: Any, dice: random.Random) -> bytes:
    """An answer in the receiver's own dialect, with values of any kind."""
    style = receives.style
    tree: dict[str, Any] = {}
    _put(tree, style.envelope.code, dice.choice([style.envelope.success] * 6 + [_value(dice)]))
    if style.serial:
        _put(tree, style.serial, _value(dice))
    if style.asking is not None:
        _put(
            tree,
            style.asking.state,
            dice.choice([*style.asking.done, *style.asking.done, *style.asking.waiting, _value(dice)]),
        )
    named = style.results
    members = [named.key, named.code, named.message, named.id]
    _put(
        tree,
        named.rows,
        dice.choice([[{m: _value(dice) for m in members if m} for _ in range(dice.randrange(3))], _value(dice)]),
    )
    if (said := style.statement) is not None and dice.randrange(2):
        columns = [said.kind, said.version, said.status, said.key, said.id, said.amount]
        rows = [{m: _value(dice) for m in columns if m} for _ in range(dice.randrange(3))]
        _put(tree, said.rows, rows)
        _put(tree, said.total, dice.choice([len(rows), str(len(rows)), _value(dice)]))
    return json.dumps(tree).encode()


def _value(dice: random.Random) -> Any:
    return dice.choice(
        [None, True, 0, -1, 10**30, 1.5, [], {}, ["a"], {"a": 1}, [[]], "²", "٣", "1", dice.choice(TEXTS)]
    )


def _put(tree: dict[str, Any], path: str, value: Any) -> None:
    *above, last = path.split(".")
    for step in above:
        tree = tree.setdefault(step, {})
        if not isinstance(tree, dict):
            return
    tree[last] = value
