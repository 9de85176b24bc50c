"""Signatures of calls, as the mapping describes them: a pure function from what is sent to what is added.

Nothing here reads a clock or draws a number unless the caller leaves it out, so that a test can say both.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from hub import signatures
from hub.digest import sm3_hex
from hub.errors import AnswerUnproven, MappingInvalid
from hub.feed.signing import PAIRED, PLACE_HOLDER, SignedAnswers, Signing
from hub.model import Connection
from hub.settings import TIME_ZONE, now

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CENTURY = datetime(2000, 1, 1, tzinfo=TIME_ZONE)  # in Shanghai, where those who count so have their clocks


@dataclass(frozen=True)
class Added:
    """What a signature adds to a call, by the place it goes to."""

    parameters: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)


def sign(
    signing: Signing | None,
    connection: Connection,
    parameters: Mapping[str, Any],
    body: bytes = b"",
    *,
    at: datetime | None = None,
    unique: str | None = None,
) -> Added:
    """Fields and signature for one try of a call with these parameters of its own; ``body`` counts only where the text says so."""
    if signing is None:
        return Added()
    fields = fill(signing.fields, connection, at=at, unique=unique)
    text = _text(signing, connection, {**parameters, **fields}, body)
    added = {**fields, signing.name: digest(signing, connection.password, text)}
    return Added(**{signing.place: added})


def fill(
    fields: Mapping[str, str], connection: Connection, *, at: datetime | None = None, unique: str | None = None
) -> dict[str, str]:
    """The fields with @login, @unique and @now put in; one moment and one unique number for all of them."""
    moment, number = at or now(), unique or secrets.token_hex(16)
    return {name: _filled(value, connection.login, number, moment) for name, value in fields.items()}


def _filled(value: str, login: str, number: str, moment: datetime) -> str:
    word, _, form = value.partition(" ")
    match word:
        case "@login":
            return login
        case "@unique":
            return number
        case "@now":
            return _moment(moment, form)
    return value


def _moment(moment: datetime, form: str) -> str:
    match form:
        case "":
            return moment.isoformat()
        case "epoch_ms":
            return str((moment - EPOCH) // timedelta(milliseconds=1))
        case "epoch_s":
            return str((moment - EPOCH) // timedelta(seconds=1))
        case "seconds_since_2000":
            return str((moment - CENTURY) // timedelta(seconds=1))
    return moment.astimezone(TIME_ZONE).strftime(form)


def as_text(value: Any) -> str:
    """A parameter as it stands in a signed text: null, true and false as in JSON, objects and lists as compact JSON."""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _text(signing: Signing, connection: Connection, parameters: Mapping[str, Any], body: bytes) -> str:
    """The text to be digested. Put together in one pass: a brace inside a value is only a brace."""
    values = {name: as_text(value) for name, value in parameters.items()}
    signed = sorted((name, value) for name, value in values.items() if name not in signing.unsigned)
    values |= {
        "sorted": "&".join(f"{name}={value}" for name, value in signed),
        "pairs": "".join(f"{name}{value}" for name, value in signed),
        "secret": connection.password,
        "login": connection.login,
        "body": body.decode(),
    }
    if missing := sorted(signing.wanted - values.keys()):
        raise MappingInvalid(f"the text of the signature names {', '.join(missing)}, which this call does not have")
    text = PLACE_HOLDER.sub(lambda found: values[found[1]], signing.text)
    return text.lower() if signing.letters == "lower" else text.upper() if signing.letters == "upper" else text


def digest(signing: Signing, secret: str, text: str) -> str:
    """The digest or signature of a text, written as agreed."""
    if signing.algorithm in PAIRED:
        return signatures.write(
            signatures.make(signing.algorithm, secret, text.encode()), signing.written, signing.shape
        )
    raw = _ALGORITHMS[signing.algorithm](secret, text.encode())
    match signing.written:
        case "hex":
            return raw.hex()
        case "HEX":
            return raw.hex().upper()
        case "base64":
            return b64encode(raw).decode()
    return b64encode(raw).decode().upper()


def check_answer(
    signed: SignedAnswers | None, connection: Connection, added: Added, headers: Mapping[str, str], body: bytes
) -> None:
    """Raises AnswerUnproven (S076) unless the answer's signature is the partner's, over the bytes as they came.

    ``added`` is what our call was signed with: its nonce in the signed text ties the answer to the call. ``headers`` are the
    answer's, found whatever the case of their letters. Raises KeyUnreadable (S003) where the connection holds no such key.
    """
    if signed is None:
        return
    known = {**added.parameters, **added.query, **added.headers, "login": connection.login}
    pieces = re.split(r"\{([^{}]*)\}", signed.text)
    values = {name: body if name == "body" else _value(known, headers, name) for name in pieces[1::2]}
    signature = signatures.read(headers.get(signed.name, ""), signed.written, signed.shape)
    if signature is None or any(value is None for value in values.values()):
        raise AnswerUnproven(f"{connection.name} answered without {signed.name}, or without what it should sign", body)
    text = b"".join(values[piece] or b"" if place % 2 else piece.encode() for place, piece in enumerate(pieces))
    is_paired = signed.algorithm in PAIRED
    key = connection.extra.get("answer_key", "") if is_paired else connection.password
    if not signatures.fits(signed.algorithm, key, text, signature):
        raise AnswerUnproven(f"the signature of an answer of {connection.name} does not fit", body)


def _value(known: Mapping[str, str], headers: Mapping[str, str], name: str) -> bytes | None:
    found = known.get(name, headers.get(name))
    return None if found is None else found.encode()


_ALGORITHMS: Mapping[str, Callable[[str, bytes], bytes]] = {
    "md5": lambda _, text: hashlib.md5(text, usedforsecurity=False).digest(),
    "sha1": lambda _, text: hashlib.sha1(text, usedforsecurity=False).digest(),
    "sha256": lambda _, text: hashlib.sha256(text).digest(),
    "sm3": lambda _, text: bytes.fromhex(sm3_hex(text)),
    "hmac_sha256": lambda key, text: signatures.make("hmac_sha256", key, text),
    "hmac_sm3": lambda key, text: signatures.make("hmac_sm3", key, text),
}
