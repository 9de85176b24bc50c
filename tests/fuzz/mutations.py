"""Mutations: of bytes, of lines, of words. Everything is drawn from one number, so a case can be made again from it."""

from __future__ import annotations

import random
from collections.abc import Sequence

TEXTS = (
    "", " ", "　", "0", "-1", "1e5", "NaN", "Infinity", "1,234.00", "１２３", "+5", "5.005", "9" * 21, "0x10", "1_000",
    "3.70999E+17", "=1+1", "@x", "'", '"', "\\", "|", ",", "\t", "\r", "\x00", "\x1a", "\u202e", "\u200b", "\ufeff", "\ufdd0",
    "\ufffd", "锟斤拷", "㛃", "𠮷", "\ue000", "\U000f0000", "\U0010ffff", "20260230", "00000000", "99991231235959", "2026-13",
    "true", "null", "D", "T", "H", "X" * 300, "张" * 70, "%s%n", "{0}", "${x}", "../..", "<a>", "&amp;", "]]>", "0" * 40,
    "1" * 18, "-", ".", "5.", ".5", "--5",
)  # fmt: skip
BYTES = (
    b"", b"\x00", b"\xff", b"\xfe\xff", b"\xef\xbb\xbf", b"\r\n", b"\n", b"\r", b"\x1a", b"\x80", b"\x81",
    b"\x84\x31\x95\x33", b"PK\x03\x04", b"<", b">", b"{", b"}", b"[", b"]", b'"', b"\\", b"\\u0000", b"\\ud800", b"&x;",
    b"<!DOCTYPE a>", b"|", b",", b"-", b"1e9", b"NaN", b"null",
)  # fmt: skip
OLD_ENCODINGS = ("utf-8", "gb18030", "latin-1")
NEW_ENCODINGS = ("utf-8", "gb18030", "utf-16", "utf-8-sig", "utf-16-be", "big5")


def mutate(data: bytes, dice: random.Random) -> bytes:
    """One to four small changes."""
    for _ in range(dice.choice((1, 1, 1, 2, 3, 4))):
        data = dice.choice(WAYS)(data, dice)
    return data


def _flip(data: bytes, dice: random.Random) -> bytes:
    if not data:
        return data
    place = dice.randrange(len(data))
    return data[:place] + bytes([data[place] ^ (1 << dice.randrange(8))]) + data[place + 1 :]


def _cut(data: bytes, dice: random.Random) -> bytes:
    start, end = sorted((dice.randrange(len(data) + 1), dice.randrange(len(data) + 1)))
    return dice.choice((data[:start], data[start:], data[:start] + data[end:]))


def _insert(data: bytes, dice: random.Random) -> bytes:
    place = dice.randrange(len(data) + 1)
    return data[:place] + dice.choice(BYTES) * dice.choice((1, 1, 2, 100)) + data[place:]


def _overwrite(data: bytes, dice: random.Random) -> bytes:
    place, piece = dice.randrange(len(data) + 1), dice.choice(BYTES)
    return data[:place] + piece + data[place + len(piece) :]


def _double(data: bytes, dice: random.Random) -> bytes:
    start, end = sorted((dice.randrange(len(data) + 1), dice.randrange(len(data) + 1)))
    return data[:end] + data[start:end] + data[end:]


def _swap_lines(data: bytes, dice: random.Random) -> bytes:
    lines = data.split(b"\n")
    first, second = dice.randrange(len(lines)), dice.randrange(len(lines))
    lines[first], lines[second] = lines[second], lines[first]
    return b"\n".join(lines)


def _drop_line(data: bytes, dice: random.Random) -> bytes:
    lines = data.split(b"\n")
    del lines[dice.randrange(len(lines))]
    return b"\n".join(lines)


def _word(data: bytes, dice: random.Random) -> bytes:
    """A piece between marks by a text that somebody might really write."""
    marks = b'|,"<>\t'
    ends = [-1, *(place for place, letter in enumerate(data) if letter in marks), len(data)]
    at = dice.randrange(len(ends) - 1)
    text = dice.choice(TEXTS).encode(dice.choice(("utf-8", "gb18030")), "replace")
    return data[: ends[at] + 1] + text + data[ends[at + 1] :]


def _recode(data: bytes, dice: random.Random) -> bytes:
    old, new = dice.choice(OLD_ENCODINGS), dice.choice(NEW_ENCODINGS)
    return data.decode(old, "replace").encode(new, "replace")


def _noise(data: bytes, dice: random.Random) -> bytes:
    return dice.randbytes(dice.choice((0, 1, 3, 50, 2_000)))


WAYS = (
    _flip,
    _flip,
    _cut,
    _insert,
    _insert,
    _overwrite,
    _double,
    _swap_lines,
    _drop_line,
    _word,
    _word,
    _word,
    _recode,
    _noise,
)


def odd_text(dice: random.Random, *, near: Sequence[str] = ()) -> str:
    """A text for a cell: one of the known bad ones, one of these changed a little, or letters of chance."""
    way = dice.randrange(4)
    if way == 0 or (way == 1 and not near):
        return dice.choice(TEXTS)
    if way == 1:
        text = dice.choice(near)
        place = dice.randrange(len(text) + 1)
        return text[:place] + dice.choice(TEXTS)[:3] + text[place + dice.randrange(2) :]
    if way == 2:
        return "".join(dice.choice("0123456789.-+eE, ￥１") for _ in range(dice.randrange(1, 20)))
    return "".join(_letter(dice) for _ in range(dice.randrange(1, 12)))


def _letter(dice: random.Random) -> str:
    """Any letter but half ones."""
    return chr(dice.choice((dice.randrange(0xD800), dice.randrange(0xE000, 0x110000))))
