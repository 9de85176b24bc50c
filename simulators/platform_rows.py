"""How a simulated receiver reads one row: seals opened, every member in its agreed form, the amount in fen."""

import re
from base64 import b64decode
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from simulators.platform_checks import Mistake
from simulators.platform_ledger import Row
from simulators.province_ledger import MONEY

_OUR_NAMES = {"key": "idempotencyKey", "record_key": "recordKey", "version": "version"}
_FEN_OF = {"yuan": 100, "wan": 1_000_000, "fen": 1, "": 1}
_SHAPES = {
    "yuan": r"-?[0-9]+\.[0-9]{2}",
    "wan": r"-?(0|[1-9][0-9]*)(\.[0-9]{0,5}[1-9])?",
    "fen": r"-?[0-9]+",
    "iso_time": r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}(\.[0-9]+)?\+08:00",
    "epoch_ms": r"[0-9]{12,13}",
    "share": r"(0|1|0\.[0-9]{0,5}[1-9])",
    "boolean": r"true|false",
}


def read_row(
    spec: Mapping[str, Any], schema: str, sent: Mapping[str, Any], secret: str, words: Mapping[str, frozenset[str]]
) -> Row:
    """One row, read and checked: nothing that was not agreed, everything in its agreed form. Raises Mistake."""
    style, fields = spec["style"], spec["records"][schema].get("fields")
    names = style.get("technical", _OUR_NAMES)
    key, record_key, version = (sent.get(names[name]) for name in _OUR_NAMES)
    if not key or not record_key or not isinstance(version, int):
        raise Mistake("key, record key or version")
    content = {name: value for name, value in sent.items() if name not in names.values()}
    if fields is not None and (more := sorted(content.keys() - fields.keys())):
        raise Mistake(f"nobody agreed on {', '.join(more)}")
    for name in style.get("sealed", {}).get("fields", ()):
        if content.get(name) is not None:
            content[name] = unseal(str(content[name]), secret)
    for name, agreed in (fields or {}).items():
        check_member(name, agreed, content.get(name), words)
    return Row(str(key), str(record_key), version, content, _fen(schema, fields, content))


def _fen(schema: str, fields: Mapping[str, Any] | None, content: Mapping[str, Any]) -> int:
    column = MONEY[schema]
    for name, agreed in (fields or {column: column}).items():
        if column and (agreed if isinstance(agreed, str) else agreed.get("from")) == column:
            return fen_of(agreed, content.get(name))
    return 0


def unseal(text: str, secret: str) -> str:
    """What was sealed with AES/CBC/PKCS7 under the secret."""
    key = secret.encode()
    try:
        decryptor = Cipher(algorithms.AES(key), modes.CBC(key[:16])).decryptor()
        padded = decryptor.update(b64decode(text, validate=True)) + decryptor.finalize()
        size = padded[-1]
        if not 1 <= size <= 16 or padded[-size:] != bytes([size]) * size:
            raise ValueError("padding")
        return padded[:-size].decode()
    except (ValueError, IndexError) as error:
        raise Mistake("a seal cannot be opened") from error


def check_member(name: str, spec: Any, value: Any, words: Mapping[str, frozenset[str]]) -> None:
    """Raises Mistake unless a member is written as its agreed recipe and code table say."""
    if value is None or not isinstance(spec, Mapping):
        return
    if (table := spec.get("codes")) is not None and table in words and value not in words[table]:
        raise Mistake(name)
    recipe, _, form = str(spec.get("as", "")).partition(" ")
    if spec.get("codes") is None and recipe and not _has_form(recipe, form, value):
        raise Mistake(name)


def _has_form(recipe: str, form: str, value: Any) -> bool:
    if not isinstance(value, str):
        return False
    if not form:
        return re.fullmatch(_SHAPES[recipe], value) is not None
    try:
        return datetime.strptime(value, form).strftime(form) == value
    except ValueError:
        return False


def fen_of(spec: Any, value: Any) -> int:
    """The amount of a member in fen, by the recipe it was agreed to be written with."""
    recipe = str(spec.get("as", "")) if isinstance(spec, Mapping) else ""
    fen = Decimal(str(value)) * _FEN_OF[recipe] if value is not None else Decimal(0)
    if fen != int(fen):
        raise Mistake("an amount has parts of a fen")
    return int(fen)
