"""Receivers over HTTP: signed calls with many records, answered at once or asked for later. One adapter for every dialect that
`mappings/receivers` describes; what differs between two receivers is data, never code."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from connectors.http import exchange, open_session
from connectors.retrying import retried
from connectors.sealing import seal
from connectors.signing import sign
from hub.errors import FeedChanged, MappingInvalid, PartnerRefused, PartnerUnavailable, SubmissionRefused, Unwritable
from hub.feed import Receives, TakenRecord
from hub.isolating import MOST_POISON, ODD, failing, find_poison
from hub.model import Connection, Outcome, ReceiptAnswer
from hub.parsing.trees import at_path, read_json
from hub.writing import Codes, typed_rows, write_rows
from schemas.catalogue import SCHEMAS

OURS = ("idempotencyKey", "recordKey", "version")


class OpenApiReceiver:
    """Receiver. Its own codes become our outcomes by the lists of its file; what is in none of them is a refusal."""

    def __init__(self, connection: Connection, receives: Receives, codes: Codes) -> None:
        self._connection = connection
        self._receives = receives
        self._style = receives.style
        self._codes = codes
        self._next_call_at = 0.0
        self._session = open_session(connection)

    def submit(self, schema: str, batch_key: str, records: Sequence[Mapping[str, Any]]) -> str | list[ReceiptAnswer]:
        style, taken = self._style, self._receives.records[schema]
        rows = self._written(schema, taken, records)
        around = {style.schema_: schema, style.submission: batch_key}
        named = {name: value for name, value in around.items() if name is not None}
        if style.data.of == "array":
            tree = self._call(taken.call, rows, named, unless_done=True)
        else:
            tree = self._call(taken.call, {**named, taken.rows: rows}, {}, unless_done=True)
        assert tree is not None
        return self._taken(tree, taken.call)

    def inquire(self, batch_key: str) -> str | list[ReceiptAnswer] | None:
        inquiry = self._style.inquiry
        if inquiry is None:
            return None
        tree = self._question(inquiry.call, {inquiry.parameter: batch_key}, inquiry.none)
        return None if tree is None else self._taken(tree, inquiry.call)

    def _taken(self, tree: Mapping[str, Any], call: str) -> str | list[ReceiptAnswer]:
        """What a receiver says of a submission that it has: its serial code, or its answers."""
        if self._style.answers == "at_once":
            return self._answers(tree, call)
        serial = at_path(tree, self._style.serial or "")
        if not isinstance(serial, str) or not serial:
            raise PartnerRefused(f"{call} was answered without a {self._style.serial}")
        return serial

    def poll(self, serial_code: str) -> list[ReceiptAnswer] | None:
        asking = self._style.asking
        if asking is None:
            raise PartnerRefused(f"{self._receives.partner} answers at once and cannot be asked about {serial_code}")
        tree = self.ask(asking.call, {asking.parameter: serial_code})
        state = at_path(tree, asking.state)
        if state in asking.waiting:
            return None
        if state in asking.failed:
            raise SubmissionRefused(f"submission {serial_code} failed as a whole")
        if state not in asking.done:
            raise PartnerRefused(f"submission {serial_code} was answered with a status nobody agreed on")
        return self._answers(tree, asking.call)

    def ask(self, call: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Put one question in this receiver's dialect; the opened answer."""
        tree = self._question(call, asked)
        assert tree is not None
        return tree

    def _question(self, call: str, asked: Mapping[str, Any], none: Collection[str] = ()) -> dict[str, Any] | None:
        return self._call(call, [asked] if self._style.data.of == "array" else asked, {}, none)

    def _written(self, schema: str, taken: TakenRecord, records: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Their rows. Raises Unwritable for records that cannot be written alone; what is wrong with all is our mapping's fault."""

        def write(start: int, count: int) -> object:
            return self._rows(schema, taken, records[start : start + count])

        try:
            return self._rows(schema, taken, records)
        except PartnerRefused:  # the connection's secret is wrong, whatever is sealed
            raise
        except ODD as error:
            why = (
                str(error) if isinstance(error, MappingInvalid) else type(error).__name__
            )  # others' words may quote a row
            poison = find_poison(len(records), failing(write, (PartnerRefused,)))
            if not poison or len(poison) > MOST_POISON:
                raise MappingInvalid(f"{schema} cannot be written for {self._receives.partner}: {why}") from None
            raise Unwritable(why, [records[place]["idempotencyKey"] for place in poison]) from None

    def _rows(self, schema: str, taken: TakenRecord, records: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Their rows: our three technical members under their names, then the mapped fields, sealed where agreed."""
        own = [{name: value for name, value in record.items() if name not in OURS} for record in records]
        if taken.fields is not None:
            own = write_rows(taken.fields, typed_rows(SCHEMAS[schema], own), self._codes)
        named = self._style.technical
        names = dict(zip(OURS, (named.key, named.record_key, named.version), strict=True))
        return [
            {**{names[name]: record[name] for name in OURS}, **self._sealed(row)}
            for record, row in zip(records, own, strict=True)
        ]

    def _sealed(self, row: Mapping[str, Any]) -> dict[str, Any]:
        names = self._style.sealed.fields if self._style.sealed else ()
        kept = {name: value for name, value in row.items() if value is not None or self._style.nulls == "null"}
        return {
            name: seal(str(value), self._connection.password) if name in names and value is not None else value
            for name, value in kept.items()
        }

    def _answers(self, tree: Mapping[str, Any], call: str) -> list[ReceiptAnswer]:
        rows = at_path(tree, self._style.results.rows)
        if not isinstance(rows, list):
            raise PartnerRefused(f"{call} was answered with a result nobody agreed on")
        return [self._answer(row, call) for row in rows]

    def _answer(self, row: Any, call: str) -> ReceiptAnswer:
        named = self._style.results
        if (
            not isinstance(row, dict)
            or not isinstance(row.get(named.code), str)
            or not isinstance(row.get(named.key), str)
        ):
            raise PartnerRefused(f"{call} was answered with a result without key or code")
        code, message = row[named.code], str(row.get(named.message) or "")
        remote_id = row.get(named.id) if named.id else None
        if not (remote_id is None or isinstance(remote_id, str)):
            raise PartnerRefused(f"{call} was answered with a number of theirs that is neither text nor number")
        return ReceiptAnswer(row[named.key], self._outcome(code, message), code, message, remote_id)

    def _outcome(self, code: str, message: str) -> Outcome:
        receives = self._receives
        if code in receives.accepted or code in receives.exists.codes:
            return Outcome.ACCEPTED
        if code in receives.delayed:
            return Outcome.DELAYED
        has_it = any(words in message for words in receives.exists.words)
        return Outcome.ACCEPTED if has_it else Outcome.REFUSED

    def _call(
        self,
        call: str,
        payload: Any,
        beside: Mapping[str, str],
        none: Collection[str] = (),
        *,
        unless_done: bool = False,
    ) -> dict[str, Any] | None:
        """Every try is signed anew: a nonce is used once. None for a code in ``none``: the receiver has nothing to say."""
        style = self._style
        if style.data.name is None:
            parameters = {**payload, **beside}
        else:
            parameters = {style.data.name: _json(payload) if style.body == "form" else payload, **beside}
        if style.method is not None:
            parameters[style.method] = call

        def once() -> dict[str, Any] | None:
            return self._open(self._post(call, parameters), call, none)

        return retried(once, unless_done=unless_done)

    def _post(self, call: str, parameters: Mapping[str, Any]) -> bytes:
        """One try, not sooner than agreed after the last one."""
        time.sleep(max(0.0, self._next_call_at - time.monotonic()))
        self._next_call_at = time.monotonic() + 1 / self._receives.calls_per_second
        style, host = self._style, self._connection.host.rstrip("/")
        added = sign(style.signing, self._connection, parameters, _body(style.body, parameters))
        last = style.signing.name if style.signing else ""
        sent = dict(sorted({**parameters, **added.parameters}.items(), key=lambda item: (item[0] == last, item[0])))
        return exchange(
            self._session,
            "POST",
            host + style.address.replace("{call}", call),
            media="json",
            data=_body(style.body, sent if style.signing and style.signing.place == "parameters" else parameters),
            params=added.query,
            headers={"Content-Type": MEDIA[style.body], **added.headers},
        )

    def _open(self, body: bytes, call: str, none: Collection[str]) -> dict[str, Any] | None:
        """The answer, when its envelope says that all is well. The receiver's own words may quote a row: only its code is told."""
        envelope = self._style.envelope
        try:
            tree = read_json(body)
        except FeedChanged as error:
            raise PartnerUnavailable(f"{call}: {error}") from error
        code = str(at_path(tree, envelope.code))
        if code in envelope.busy:
            raise PartnerUnavailable(f"{call} answered code {code}", may_be_done=False)
        if code in none:
            return None
        if code != envelope.success:
            lost = self._style.asking.unknown if self._style.asking else ()
            kind = SubmissionRefused if code in lost or code in self._receives.unreadable else PartnerRefused
            raise kind(f"{call} answered code {code[:40]}")
        return tree


MEDIA = {"form": "application/x-www-form-urlencoded", "json": "application/json; charset=utf-8"}


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _body(form: str, parameters: Mapping[str, Any]) -> bytes:
    return urlencode(parameters).encode() if form == "form" else _json(parameters).encode()
