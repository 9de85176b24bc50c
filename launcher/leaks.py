"""Looks for numbers of persons in bytes: as they are, in other letters, packed, in part, masked, and as bare digests. Pure.

Whoever searches knows every number that was made. What is found is told by form and kind and never shown again.
"""

from __future__ import annotations

import binascii
import gzip
import hashlib
import io
import re
import zipfile
import zlib
from base64 import b64decode
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from hub.masking import masked_text

KINDS = ("id", "card", "phone")
DIGESTS = ("sm3", "sha256", "sha1", "md5")
DIGEST_HEAD = 16
"""Digests are told by their first bytes, so that one that was cut is found as well."""
HEAD, TAIL = 14, 12
"""A document's county and birthday, or everything after the county's first digits: enough to know a person by."""

_RUN = re.compile(rb"[0-9]{11,}[Xx]?")
_GROUPS = re.compile(rb"[0-9]{3,8}(?:[ -][0-9]{2,8}){1,5}[Xx]?")
_UTF16 = re.compile(rb"(?:[0-9]\x00){10,}[0-9Xx]")
_FULL_UTF8 = re.compile(rb"(?:\xef\xbc[\x90-\x99]){11,}(?:\xef\xbc\xb8|X|x)?")
_FULL_GB = re.compile(rb"(?:\xa3[\xb0-\xb9]){11,}(?:\xa3\xd8|X|x)?")
_HEX = re.compile(rb"(?:3[0-9]){11,}(?:[57]8)?")
_BASE64 = re.compile(rb"(?:[MNO][DTjz][AEIMQUYcgk][w-z0-5]){3,}")  # nine digits and more, three of them in four letters
_BASE64_LETTERS = re.compile(rb"[A-Za-z0-9+/]*")
_MASKED = re.compile(rb"(?<![0-9])([0-9]{3,6})[*#xX]{3,14}([0-9]{2,3}[0-9Xx])(?![0-9])")
_HEX_DIGEST = re.compile(rb"(?<![0-9a-fA-F])(?:[0-9a-fA-F]{32}|[0-9a-fA-F]{40}|[0-9a-fA-F]{64})(?![0-9a-fA-F])")
_BASE64_DIGEST = re.compile(rb"(?<![A-Za-z0-9+/_-])(?:[A-Za-z0-9+/_-]{22}==|[A-Za-z0-9+/_-]{43}=|[A-Za-z0-9+/_-]{27}=)")
_ZIP, _GZIP = b"PK\x03\x04", b"\x1f\x8b"

Form = tuple[str, str]
"""How it was written, and of which kind it is: ("base64", "card")."""


@dataclass(frozen=True)
class Leak:
    """So many numbers of one form in one place; ``around`` is the text before the first of them, itself masked."""

    place: str
    form: str
    kind: str
    count: int
    around: str


class Canaries:
    """The numbers that nobody may find, by kind, made ready to be looked up."""

    def __init__(self, numbers: Mapping[str, Iterable[str]]) -> None:
        found = {kind: {number.upper() for number in numbers.get(kind, ())} for kind in KINDS}
        self.count = {kind: len(of_kind) for kind, of_kind in found.items()}
        self.phones = found["phone"]
        # Without the check digit: partners spoil exactly that one.
        self.bodies = {number[:-1]: kind for kind in ("id", "card") for number in found[kind]}
        self.sizes = sorted({len(body) for body in self.bodies})
        self.parts = {number[:HEAD] for number in found["id"]} | {
            number[-TAIL:] for number in found["id"] | found["card"]
        }
        lengths = [(front, back) for front in range(3, 7) for back in (3, 4)]
        self.ends = {
            (one[:front], one[-back:]): kind for kind in KINDS for one in found[kind] for front, back in lengths
        }
        self.digests = {
            hashlib.new(name, text.encode()).digest()[:DIGEST_HEAD]: (name, kind)
            for kind in KINDS
            for number in found[kind]
            for text in {number, number.lower()}
            for name in DIGESTS
        }

    def kinds_in(self, run: str) -> Iterator[str]:
        """Which kinds stand in a run of digits, perhaps with other digits around."""
        run = run.upper()
        if (run[2:] if len(run) == 13 and run.startswith("86") else run) in self.phones:
            yield "phone"
        for size in self.sizes:
            for start in range(len(run) - size):
                if kind := self.bodies.get(run[start : start + size]):
                    yield kind

    def has_part(self, run: str) -> bool:
        """Whether a run that holds no whole number holds the telling part of one, alone."""
        return len(run) in (TAIL, HEAD) and run.upper() in self.parts


def search(data: bytes, place: str, canaries: Canaries) -> list[Leak]:
    """Everything of the numbers that stands in these bytes, form by form. Packed files are looked into."""
    found: Counter[Form] = Counter()
    first: dict[Form, int] = {}
    for form, kind, at in _find(data, canaries):
        found[form, kind] += 1
        first.setdefault((form, kind), at)
    leaks = [
        Leak(place, form, kind, count, _around(data, first[form, kind]))
        for (form, kind), count in sorted(found.items())
    ]
    return [*leaks, *(leak for name, inner in _unpacked(data) for leak in search(inner, f"{place}!{name}", canaries))]


def search_secrets(data: bytes, place: str, secrets: Iterable[str]) -> list[Leak]:
    """Secrets that stand in these bytes as they are."""
    found = [data.count(secret.encode()) for secret in secrets]
    return [Leak(place, "plain", "secret", sum(found), "")] if any(found) else []


def _find(data: bytes, canaries: Canaries) -> Iterator[tuple[str, str, int]]:
    for form, at, run in _runs(data):
        kinds = list(canaries.kinds_in(run))
        yield from ((form, kind, at) for kind in kinds)
        if not kinds and form == "plain" and canaries.has_part(run):
            yield "part", "id or card", at
    for match in _MASKED.finditer(data):
        if kind := canaries.ends.get((match[1].decode(), match[2].decode().upper())):
            yield "masked", kind, match.start()
    for pattern, read in ((_HEX_DIGEST, binascii.unhexlify), (_BASE64_DIGEST, _from_base64)):
        for match in pattern.finditer(data):
            if met := canaries.digests.get(read(match[0])[:DIGEST_HEAD]):
                yield met[0], met[1], match.start()


def _runs(data: bytes) -> Iterator[tuple[str, int, str]]:
    """Every run of digits that these bytes hold in any of the ways in which digits are written."""
    for match in _RUN.finditer(data):
        yield "plain", match.start(), match[0].decode()
    for match in _GROUPS.finditer(data):
        yield "in groups", match.start(), re.sub("[ -]", "", match[0].decode())
    for match in _UTF16.finditer(data):
        yield "utf-16", match.start(), match[0].replace(b"\0", b"").decode()
    for match in _FULL_UTF8.finditer(data):
        yield "full width", match.start(), match[0].decode().translate(_HALF)
    for match in _FULL_GB.finditer(data):
        yield "full width", match.start(), match[0].decode("gb18030").translate(_HALF)
    for match in _HEX.finditer(data):
        yield "hexadecimal", match.start(), binascii.unhexlify(match[0]).decode()
    for match in _BASE64.finditer(data):
        yield from (("base64", match.start(), run) for run in _runs_in_base64(data, match))


_HALF = {0xFF10 + digit: str(digit) for digit in range(10)} | {0xFF38: "X"}


def _runs_in_base64(data: bytes, match: re.Match[bytes]) -> Iterator[str]:
    """Digits of the triples that were met, and of the four letters on either side."""
    before, after = data[max(0, match.start() - 4) : match.start()], data[match.end() : match.end() + 4]
    before = before if len(before) == 4 and _BASE64_LETTERS.fullmatch(before) else b""
    met = _BASE64_LETTERS.match(after)
    tail = met[0] if met is not None and len(met[0]) != 1 else b""
    for run in _RUN.finditer(b64decode(before + match[0] + tail + b"=" * (-len(tail) % 4))):
        yield run[0].decode()


def _from_base64(text: bytes) -> bytes:
    return b64decode(text.translate(bytes.maketrans(b"-_", b"+/")))


def _unpacked(data: bytes) -> Iterator[tuple[str, bytes]]:
    """What a zip or gzip file holds: spreadsheets, archives. One that cannot be unpacked was searched as it is."""
    try:
        if data.startswith(_ZIP):
            with zipfile.ZipFile(io.BytesIO(data)) as packed:
                for name in packed.namelist():
                    yield name, packed.read(name)
        elif data.startswith(_GZIP):
            yield "unpacked", gzip.decompress(data)
    except (zipfile.BadZipFile, OSError, EOFError, zlib.error, RuntimeError, NotImplementedError):
        return


def _around(data: bytes, at: int) -> str:
    return masked_text(data[max(0, at - 80) : at].decode("utf-8", "replace")).replace("\n", " ")[-80:]
