"""Zip, gzip, spreadsheets: what is unpacked is what the standard library unpacks; nothing grows without end."""

from __future__ import annotations

import gzip
import io
import random
import zipfile
from functools import cache

from hub.parsing.packed import unpack
from hub.parsing.workbooks import read_rows
from tests.corpus.edits import make
from tests.fuzz.judging import judged
from tests.fuzz.mutations import TEXTS, mutate

SHEETS = "xl/worksheets/sheet1.xml"


@cache
def good(feed: str) -> bytes:
    return make(feed, [])


def zipped(dice: random.Random) -> None:
    data = mutate(good("penglai_txns"), dice)
    content = judged(lambda: unpack("zip", data))
    if content is not None:
        with zipfile.ZipFile(io.BytesIO(data), metadata_encoding="cp437") as archive:
            assert [archive.read(entry) for entry in archive.infolist()] == [content]


def gzipped(dice: random.Random) -> None:
    data = mutate(good("kunyu_payrolls"), dice)
    content = judged(lambda: unpack("gzip", data))
    if content is not None:
        assert content == gzip.decompress(data)


@cache
def parts() -> dict[str, bytes]:
    """The parts of a good workbook."""
    with zipfile.ZipFile(io.BytesIO(good("chengshan_accounts"))) as book:
        return {name: book.read(name) for name in book.namelist()}


def workbook(dice: random.Random) -> None:
    """A part of a workbook mutated, or its bytes; rows come in order, each once."""
    if dice.randrange(4) == 0:
        data = mutate(good("chengshan_accounts"), dice)
    else:
        changed = dice.choice((SHEETS, SHEETS, *sorted(parts())))
        data = _packed({**parts(), changed: _mutated_xml(parts()[changed], dice)})
    rows = judged(lambda: read_rows(data, None))
    if rows is not None:
        numbers = [row.number for row in rows]
        assert numbers == sorted(set(numbers))
        assert all(row.cells and row.cells[-1].strip() for row in rows)


def _mutated_xml(text: bytes, dice: random.Random) -> bytes:
    """Inside its tags as often as anywhere."""
    if dice.randrange(2):
        return mutate(text, dice)
    marks = [place for place, letter in enumerate(text) if letter == ord(">")]
    at = dice.choice(marks) + 1
    end = text.find(b"<", at)
    return text[:at] + dice.choice(TEXTS).encode("utf-8", "replace").replace(b"<", b"&lt;") + text[end:]


def _packed(found: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as book:
        for name, content in found.items():
            book.writestr(name, content)
    return out.getvalue()
