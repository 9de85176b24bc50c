"""How a simulated receiver knows who calls, by its own reading of the agreed YAML.

Nothing here comes from the hub: a mistake in the hub's reading must show as a refusal.
"""

import hashlib
import hmac
import json
import re
from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from simulators.sm3 import sm3_hex

_SHANGHAI = timezone(timedelta(hours=8))
_CENTURY = datetime(2000, 1, 1, tzinfo=_SHANGHAI).timestamp()
_WINDOW_SECONDS = 600


class Mistake(Exception):
    """The call or a row is not as agreed; the text says where, without any value."""


def shown(value: Any) -> str:
    """A parameter as it is signed."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def check_signature(
    signing: Mapping[str, Any], login: str, secret: str, sent: Mapping[str, Any], own: Mapping[str, Any], body: bytes
) -> str | None:
    """Raises Mistake unless the call is signed as agreed. ``sent`` is where fields and signature travel, ``own`` the parameters.

    Gives the number that may be used once only, where one is agreed.
    """
    fields = {
        name: str(sent.get(name.lower() if signing.get("place") == "headers" else name, "")) for name in _named(signing)
    }
    nonce = None
    for name, agreed in signing.get("fields", {}).items():
        nonce = fields[name] if agreed == "@unique" else nonce
        if not _is_as_agreed(str(agreed), fields[name], login):
            raise Mistake(name)
    signature = fields.pop(signing["name"])
    values = {name: shown(value) for name, value in {**own, **fields}.items() if name != signing["name"]}
    text = _fill(
        signing["text"], values, signing.get("unsigned", ()), {"secret": secret, "login": login, "body": body.decode()}
    )
    text = {"lower": text.lower(), "upper": text.upper()}.get(signing.get("letters", "as_is"), text)
    wanted = _written(_digest(signing["algorithm"], secret.encode(), text.encode()), signing.get("written", "hex"))
    if not hmac.compare_digest(signature.encode(), wanted.encode()):
        raise Mistake(signing["name"])
    return nonce


def _named(signing: Mapping[str, Any]) -> list[str]:
    return [*signing.get("fields", {}), signing["name"]]


def _is_as_agreed(agreed: str, value: str, login: str) -> bool:
    word, _, form = agreed.partition(" ")
    if word == "@login":
        return value == login
    if word == "@unique":
        return len(value) >= 16
    if word != "@now":
        return value == agreed
    now = datetime.now(_SHANGHAI)
    if form in ("epoch_ms", "epoch_s", "seconds_since_2000"):
        moment = int(value or 0) / (1000 if form == "epoch_ms" else 1) + (_CENTURY if form.startswith("seconds") else 0)
        return abs(now.timestamp() - moment) < _WINDOW_SECONDS
    try:
        read = datetime.strptime(value, form) if form else datetime.fromisoformat(value)
    except ValueError:
        return False
    return not form or read.strftime(form) == value


def _fill(text: str, values: Mapping[str, str], unsigned: Any, given: Mapping[str, str]) -> str:
    signed = sorted((name, value) for name, value in values.items() if name not in unsigned)
    whole = {"sorted": "&".join(f"{n}={v}" for n, v in signed), "pairs": "".join(n + v for n, v in signed)}
    words = {**values, **whole, **given}
    return "".join(words[piece[1:-1]] if piece.startswith("{") else piece for piece in re.split(r"(\{[^{}]*\})", text))


def _digest(algorithm: str, secret: bytes, text: bytes) -> bytes:
    if algorithm == "sm3":
        return bytes.fromhex(sm3_hex(text))
    if algorithm == "hmac_sm3":
        key = secret if len(secret) <= 64 else bytes.fromhex(sm3_hex(secret))
        inner, outer = (bytes(byte ^ pad for byte in key.ljust(64, b"\0")) for pad in (0x36, 0x5C))
        return bytes.fromhex(sm3_hex(outer + bytes.fromhex(sm3_hex(inner + text))))
    if algorithm == "hmac_sha256":
        return hmac.digest(secret, text, "sha256")
    return hashlib.new(algorithm, text, usedforsecurity=False).digest()


def _written(digest: bytes, how: str) -> str:
    text = digest.hex() if how.lower() == "hex" else b64encode(digest).decode()
    return text.upper() if how.isupper() else text
