"""Signatures of calls, as the mapping describes them: a pure function from what is sent to what is added.

Nothing here reads a clock or draws a number unless the caller leaves it out, so that a test can say both.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.hashes import SM3
from cryptography.hazmat.primitives.hmac import HMAC

from hub.digest import sm3_hex
from hub.errors import MappingInvalid
from hub.feed.signing import PLACE_HOLDER, Signing
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
    """The digest of a text, written as agreed."""
    raw = _ALGORITHMS[signing.algorithm](secret.encode(), text.encode())
    match signing.written:
        case "hex":
            return raw.hex()
        case "HEX":
            return raw.hex().upper()
        case "base64":
            return b64encode(raw).decode()
    return b64encode(raw).decode().upper()


def _hmac_sm3(key: bytes, text: bytes) -> bytes:
    made = HMAC(key, SM3())
    made.update(text)
    return made.finalize()


_ALGORITHMS: Mapping[str, Callable[[bytes, bytes], bytes]] = {
    "md5": lambda _, text: hashlib.md5(text, usedforsecurity=False).digest(),
    "sha1": lambda _, text: hashlib.sha1(text, usedforsecurity=False).digest(),
    "sha256": lambda _, text: hashlib.sha256(text).digest(),
    "sm3": lambda _, text: bytes.fromhex(sm3_hex(text)),
    "hmac_sha256": lambda key, text: hmac.digest(key, text, "sha256"),
    "hmac_sm3": _hmac_sm3,
}
