"""Delimited, quoted, fixed-width and UTF-16 files: every line is accounted for, and cells are those of a plain split."""

from __future__ import annotations

import csv
import random
import re
from decimal import Decimal
from functools import cache

from hub.model import Parsed
from hub.parsing import parse_batch
from hub.pipeline.reading import name_parts
from tests.corpus.edits import make
from tests.corpus.outcomes import registry
from tests.corpus.plain import mapping, sample, unpack
from tests.fuzz.judging import judged
from tests.fuzz.mutations import mutate

YUAN = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,2})?")


@cache
def good(feed: str) -> bytes:
    return unpack(mapping(feed)["source"].get("packed"), make(feed, []))


def _parsed(feed: str, data: bytes) -> Parsed | None:
    form = registry().feed(feed).spec.source.format
    parts = name_parts(registry().feed(feed), sample(feed)[0])
    return judged(lambda: parse_batch(form, [data], parts, {"detail": frozenset({"../工资批次号", "@date"})}))


def delimited(dice: random.Random) -> None:
    """Marked lines with escapes."""
    data = mutate(good("haidai_payrolls"), dice)
    parsed = _parsed("haidai_payrolls", data)
    if parsed is None:
        return
    text = data.removeprefix(b"\x84\x31\x95\x33").decode("gb18030")
    lines = re.sub(r"\r(?=[HDT]\|)", "\n", text).split("\n")
    details = {number: line.rstrip("\r") for number, line in enumerate(lines, 1) if line.startswith("D|")}
    _account(parsed, len(details))
    frame = parsed.rows["detail"].frame
    columns = mapping("haidai_payrolls")["source"]["format"]["detail"]["columns"]
    total, unread = Decimal(), parsed.rows["detail"].broken.height  # type: ignore[union-attr]
    for row in frame.iter_rows(named=True):
        cells = [cell.replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", details[row["#line"]])]
        assert [row[name] for name in columns] == cells
        amount = row["实发金额"].strip()
        total, unread = (total + Decimal(amount), unread) if YUAN.fullmatch(amount) else (total, unread + 1)
    assert parsed.declared.fen is not None
    missing = parsed.declared.fen - int(total * 100)
    assert missing == 0 or (missing > 0 and unread), f"{missing} fen"


def quoted(dice: random.Random) -> None:
    """CSV: where the standard reader, strict, reads a line otherwise than we do, we must have set it aside."""
    data = mutate(good("majia_payrolls"), dice)
    parsed = _parsed("majia_payrolls", data)
    if parsed is None:
        return
    frame = parsed.rows["detail"].frame
    lines = dict(enumerate(data.decode("utf-8-sig").split("\n"), 1))
    columns = mapping("majia_payrolls")["source"]["format"]["detail"]["columns"]
    _account(parsed, None)
    for row in frame.iter_rows(named=True):
        line = lines.get(row["#line"], "").rstrip("\r")
        if "\n" in data.decode("utf-8-sig") and "\r" not in line and "\x00" not in line:
            assert [row[name] for name in columns] == next(csv.reader([line], strict=True))


def fixed(dice: random.Random) -> None:
    """Widths count bytes; a line of another width is set aside, never filled."""
    data = mutate(good("wenhe_payrolls"), dice)
    parsed = _parsed("wenhe_payrolls", data)
    if parsed is None:
        return
    raw = re.sub(rb"\r(?=[019])", b"\n", data.removeprefix(b"\x84\x31\x95\x33")).split(b"\n")
    details = {number: line.rstrip(b"\r") for number, line in enumerate(raw, 1) if line.startswith(b"1")}
    _account(parsed, len(details))
    widths = mapping("wenhe_payrolls")["source"]["format"]["detail"]["columns"]
    for row in parsed.rows["detail"].frame.iter_rows(named=True):
        at = 0
        for name, width in widths.items():
            assert row[name] == details[row["#line"]][at : at + width].decode("gb18030").strip(" ")
            at += width
        assert at == len(details[row["#line"]])


def wide(dice: random.Random) -> None:
    """UTF-16 with its mark."""
    data = mutate(good("weishan_payrolls"), dice)
    parsed = _parsed("weishan_payrolls", data)
    if parsed is not None:
        data.decode("utf-16")
        _account(parsed, None)


def any_layout(dice: random.Random) -> None:
    """A mutated sample of any feed, as far as its rows."""
    feed = dice.choice(sorted(registry().feeds))
    source = mapping(feed)["source"]
    data = mutate(unpack(source.get("packed"), sample(feed)[1]), dice)
    form = registry().feed(feed).spec.source.format
    parts = judged(lambda: name_parts(registry().feed(feed), sample(feed)[0]))
    wanted = {record.rows: frozenset[str]() for record in registry().feed(feed).spec.records.values()}
    parsed = judged(lambda: parse_batch(form, [data], parts or {}, wanted))
    if parsed is not None and "detail" in parsed.rows:
        _account(parsed, None)


def _account(parsed: Parsed, lines: int | None) -> None:
    """No line stands twice or nowhere; as many as the plain reading finds, and as many as the file itself declares."""
    rows = parsed.rows["detail"]
    numbers = [*rows.frame["#line"].to_list(), *(rows.broken["#line"].to_list() if rows.broken is not None else [])]
    assert len(set(numbers)) == len(numbers)
    assert lines is None or len(numbers) == lines, f"{len(numbers)} rows of {lines} lines"
    assert parsed.declared.rows in (None, len(numbers))
