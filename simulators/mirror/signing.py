"""The partner's side of a signed call: the text put together and digested once more, from what came over the wire.

Written from the words of docs/decisions/0012-layouts-and-dialects.md, not from the hub's signer, so that one finds the other wrong.
"""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.hashes import SM3
from cryptography.hazmat.primitives.hmac import HMAC

from simulators.mirror.pairs import PAIRED, is_signed
from simulators.sm3 import sm3_hex


@dataclass(frozen=True)
class Call:
    """One call as it arrived: query, members of a JSON body, headers by lower-case name, and the body's bytes."""

    query: Mapping[str, str]
    members: Mapping[str, Any]
    headers: Mapping[str, str]
    body: bytes


def why_refused(signing: Mapping[str, Any], call: Call, login: str, secret: str, is_post: bool) -> str | None:
    """What is wrong with the signature, None when nothing is. Of sm2 and ed25519 ``secret`` is the hub's public key."""
    fields, place = signing.get("fields") or {}, signing.get("place", "parameters")
    parameters = {name: as_text(value) for name, value in (call.members if is_post else call.query).items()}
    there = {"headers": call.headers, "query": call.query}.get(place, parameters)
    said = {name: there.get(name.lower() if place == "headers" else name) for name in (*fields, signing["name"])}
    if missing := sorted(name for name, text in said.items() if text is None):
        return f"missing {', '.join(missing)}"
    for name, wanted in fields.items():
        if not _is_as_agreed(str(wanted), str(said[name]), login):
            return f"{name} is not as agreed"
    values = {**parameters, **{name: str(text) for name, text in said.items()}}
    signature = values.pop(signing["name"])
    text = text_of(signing, values, login, secret, call.body)
    if signing["algorithm"] in PAIRED:
        return None if is_signed(signing, secret, text.encode(), signature) else "the signature does not fit"
    right = digest(signing, secret, text)
    return None if hmac.compare_digest(right.encode(), signature.encode()) else "the signature does not fit"


def unique_of(signing: Mapping[str, Any], call: Call, is_post: bool) -> str | None:
    """The number that no other call may carry."""
    name = next((name for name, wanted in (signing.get("fields") or {}).items() if wanted == "@unique"), None)
    if name is None:
        return None
    places = {**call.query, **({key: as_text(value) for key, value in call.members.items()} if is_post else {})}
    return call.headers.get(name.lower()) if signing.get("place") == "headers" else places.get(name)


def _is_as_agreed(wanted: str, said: str, login: str) -> bool:
    word, _, form = wanted.partition(" ")
    if word == "@login":
        return said == login
    if word == "@unique":
        return len(said) >= 8
    if word != "@now":
        return said == wanted
    return _is_moment(said, form)


def _is_moment(said: str, form: str) -> bool:
    if form in ("epoch_ms", "epoch_s", "seconds_since_2000"):
        return said.isdigit() and len(said) == {"epoch_ms": 13, "epoch_s": 10, "seconds_since_2000": 9}[form]
    try:
        datetime.strptime(said, form) if form else datetime.fromisoformat(said)
    except ValueError:
        return False
    return True


def as_text(value: Any) -> str:
    """A parameter as it is signed: texts as they are, all else as compact JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def text_of(signing: Mapping[str, Any], values: Mapping[str, str], login: str, secret: str, body: bytes) -> str:
    """The text that is digested."""
    counted = sorted(name for name in values if name not in (signing.get("unsigned") or ()))
    known = dict(values)
    known["sorted"] = "&".join(f"{name}={values[name]}" for name in counted)
    known["pairs"] = "".join(name + values[name] for name in counted)
    known |= {"secret": secret, "login": login, "body": body.decode("utf-8", "replace")}
    text = re.sub(r"\{([^{}]*)\}", lambda found: known.get(found[1], ""), signing["text"])
    return {"lower": text.lower(), "upper": text.upper()}.get(signing.get("letters", "as_is"), text)


def digest(signing: Mapping[str, Any], secret: str, text: str) -> str:
    """The digest as it is written."""
    raw = _raw(signing["algorithm"], secret.encode(), text.encode())
    written = signing.get("written", "hex")
    shown = raw.hex() if written.lower() == "hex" else base64.b64encode(raw).decode()
    return shown.upper() if written.isupper() else shown


def _raw(algorithm: str, key: bytes, text: bytes) -> bytes:
    if algorithm == "sm3":
        return bytes.fromhex(sm3_hex(text))
    if algorithm == "hmac_sm3":
        keyed = HMAC(key, SM3())
        keyed.update(text)
        return keyed.finalize()
    if algorithm == "hmac_sha256":
        return hmac.new(key, text, hashlib.sha256).digest()
    return hashlib.new(algorithm, text, usedforsecurity=False).digest()
