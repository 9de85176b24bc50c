"""The second line before every log: numbers of persons and secrets of connections that slipped into a text are taken out of it.

The first line is that no text quotes a value. Nothing here knows names; nothing but the standard library is imported, for Airflow
imports this before it forks (docker/config/airflow_local_settings.py).
"""

from __future__ import annotations

import json
import re
import sys
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, suppress
from datetime import date
from traceback import print_exception
from types import TracebackType
from typing import TextIO
from urllib.parse import quote

ID, CARD, PHONE, SECRET = "<masked id>", "<masked card>", "<masked phone>", "<masked secret>"
SHORTEST_SECRET = 6
"""A shorter one would be found in every other word."""
LINE_OF_SECRET = 20
"""A secret of many lines, a private key, is hidden line by line; lines shorter than this give nothing away."""
CHILD_YEARS = 14
"""A number with a younger date is a permit (370911 20251218 0101), not a worker."""

_RUN = re.compile(r"(?<!\d)(?<!\d\.)\d{11,19}[Xx]?(?!\d)")
_CARD_IN_GROUPS = re.compile(
    r"(?<![\d-])(?:62\d\d|9558|4\d{3}|5[1-5]\d\d)(?:([ -])\d{4})(?:\1\d{4}){2}(?:\1?\d{1,3})?(?![\d-])"
)
_PHONE_IN_GROUPS = re.compile(r"(?<![\d-])1[3-9]\d([ -])\d{4}\1\d{4}(?![\d-])")
_ID_IN_GROUPS = re.compile(r"(?<![\d-])\d{6}([ -])\d{8}\1\d{3}[\dXx](?!\d)")
_PROVINCE = r"(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3])"
_ID_18, _ID_15 = (
    re.compile(_PROVINCE + r"\d{4}(\d{4})(\d\d)(\d\d)\d{3}[\dXx]"),
    re.compile(_PROVINCE + r"\d{4}(\d\d)(\d\d)(\d\d)\d{3}"),
)
_CARD = re.compile(r"62\d{14,17}|9558\d{12,15}|4\d{15}|5[1-5]\d{14}|35\d{14}")
_PHONE = re.compile(r"(?:0086|86)?1[3-9]\d{9}")
_COUNTED = re.compile(
    r"(?<![A-Za-z])(?:fen|yuan|rows|bytes|size|count|total|(?:batch|serial|txn|order|permit)_?no)[\"']?\s*[=:]\s*[\"']?$",
    re.I,
)
_UNIT = re.compile(r"\s*(?:分|元|fen\b|yuan\b|bytes\b)")
_HEX = re.compile(r"(?:0x)?(?:[0-9a-f]{12,}|[0-9A-F]{12,})")

_secrets: set[str] = set()
_hidden: re.Pattern[str] | None = None


def hide(*secrets: str, login: str = "") -> None:
    """Take these secrets out of every text from now on: as they are, line by line, as JSON, in an address, as a basic login."""
    global _hidden
    for secret in secrets:
        forms = {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], quote(secret, safe="")}
        forms.add(b64encode(f"{login}:{secret}".encode()).decode())
        lines = secret.splitlines()
        if len(lines) > 1:
            forms |= {
                line.strip() for line in lines if len(line.strip()) >= LINE_OF_SECRET and not line.startswith("-----")
            }
        _secrets.update(form for form in forms if len(secret) >= SHORTEST_SECRET)
    if _secrets:
        _hidden = re.compile("|".join(re.escape(one) for one in sorted(_secrets, key=len, reverse=True)))


def masked_text(text: str) -> str:
    """The text with what is, or by its form could be, a document, card or mobile number replaced, and every known secret."""
    if _hidden is not None:
        text = _hidden.sub(SECRET, text)
    text = _CARD_IN_GROUPS.sub(CARD, text)
    text = _ID_IN_GROUPS.sub(lambda found: ID if _is_id(_digits(found[0])) else found[0], text)
    text = _PHONE_IN_GROUPS.sub(PHONE, text)
    return _RUN.sub(_judge, text)


def masked(value: object) -> object:
    """The same of whatever a log event holds: texts, numbers, and what holds others; anything else stays as it is."""
    if isinstance(value, str):
        return masked_text(value)
    if isinstance(value, int) and not isinstance(value, bool):
        text = masked_text(str(value))
        return value if text == str(value) else text
    if isinstance(value, Mapping):
        return {masked(key): masked_part(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [masked(inner) for inner in value]
    return value


def masked_part(key: str, value: object) -> object:
    """A number beside the word that counts it (``fen``) is nobody's phone."""
    is_counted = isinstance(value, int | str) and _COUNTED.search(f"{key}=") is not None
    return value if is_counted and not _is_id(str(value)) else masked(value)


def _judge(found: re.Match[str]) -> str:
    run = _digits(found[0])
    if _is_id(run):
        return ID
    if (run[-1:] in "Xx" and not run[-1:].isdigit()) or _is_counted(found):
        return found[0]
    if _CARD.fullmatch(run) and (not _is_permit(run) or _luhn(run)):
        return CARD
    return PHONE if _PHONE.fullmatch(run) and not _is_in_digest(found) else found[0]


def _is_counted(found: re.Match[str]) -> bool:
    before, after = (
        found.string[max(0, found.start() - 24) : found.start()],
        found.string[found.end() : found.end() + 8],
    )
    return _COUNTED.search(before) is not None or _UNIT.match(after) is not None


def _is_in_digest(found: re.Match[str]) -> bool:
    """Whether the run is a piece of a longer word of hexadecimal letters: a digest, an id of a run."""
    text, start, end = found.string, found.start(), found.end()
    while start and text[start - 1].isascii() and text[start - 1].isalnum():
        start -= 1
    while end < len(text) and text[end].isascii() and text[end].isalnum():
        end += 1
    return end - start > len(found[0]) and _HEX.fullmatch(text[start:end]) is not None


def _is_id(run: str) -> bool:
    """Of a province and with a day of birth that an adult could have; the check digit need not fit: it may be a slip of the pen."""
    if found := _ID_18.fullmatch(run):
        return _is_birth(int(found[1]), int(found[2]), int(found[3]))
    found = _ID_15.fullmatch(run)
    return found is not None and _is_birth(1900 + int(found[1]), int(found[2]), int(found[3]))


def _is_birth(year: int, month: int, day: int) -> bool:
    try:
        return 1900 <= date(year, month, day).year <= date.today().year - CHILD_YEARS
    except ValueError:
        return False


def _is_permit(run: str) -> bool:
    return len(run) == 18 and run[6:8] == "20" and run[10:12] <= "12" and run[12:14] <= "31"


def _luhn(run: str) -> bool:
    doubled = (int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(reversed(run)))
    return sum(number - 9 if number > 9 else number for number in doubled) % 10 == 0


def _digits(text: str) -> str:
    """Half-width, without what stands between groups."""
    return "".join(str(int(letter)) if letter.isdecimal() else letter for letter in text if letter not in " -")


class MaskedStream:
    """A stream of text, line by line without what must not stand in it; what it is asked beyond writing the real one answers."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._line = stream, ""

    def write(self, text: str) -> int:
        whole, newline, self._line = (self._line + text).rpartition("\n")
        if newline:
            self._stream.write(masked_text(whole) + newline)
        return len(text)

    def flush(self) -> None:
        if self._line:
            self._stream.write(masked_text(self._line))
            self._line = ""
        self._stream.flush()

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)


@contextmanager
def masked_stderr() -> Iterator[None]:
    """Standard error of a command, with whatever is logged or warned of there, line by line without what must not stand in it."""
    stream = MaskedStream(sys.stderr)
    with redirect_stderr(stream):
        try:
            yield
        finally:
            with suppress(ValueError, OSError):  # it was closed, or nobody reads it any more
                stream.flush()


def print_masked(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """The end of a process by an error that nobody caught; an ``excepthook``."""
    stream = MaskedStream(sys.stderr)
    print_exception(kind, error, trace, file=stream)
    stream.flush()
