"""Letters that are written in two ways and mean one thing, and text that was decoded wrongly before it was sent. Pure.

Sources: GB 18030-2005 for ḿ, GB 18030-2022 with Unicode's recommendation L2/23-003R for the 18 that left the private area, and
glibc's table for the six that are doubles of letters of Extension B. All of row FE, and ǹ, stood in the private area of GBK 1.0.
"""

from __future__ import annotations

import re

import polars as pl

UNREADABLE = "\ufdd0"
"""Before a text that is shown and never read, such as #REF! in a spreadsheet. A noncharacter: no text holds it."""

SAMPLE_ROWS = 2_000
"""So many rows of a batch are looked at for a wrong decoding; more are looked at in even steps."""

# Two bytes of GB18030 for which Python's codec, which keeps the table of 2000, gives a private letter.
_PRIVATE_IN_2000 = {
    "a8bc": "\u1e3f", "a6d9": "\ufe10", "a6da": "\ufe12", "a6db": "\ufe11", "a6dc": "\ufe13", "a6dd": "\ufe14", "a6de": "\ufe15",
    "a6df": "\ufe16", "a6ec": "\ufe17", "a6ed": "\ufe18", "a6f3": "\ufe19", "fe51": "\U00020087", "fe52": "\U00020089",
    "fe53": "\U000200cc", "fe59": "\u9fb4", "fe61": "\u9fb5", "fe66": "\u9fb6", "fe67": "\u9fb7", "fe6c": "\U000215d7",
    "fe6d": "\u9fb8", "fe76": "\U0002298f", "fe7e": "\u9fb9", "fe90": "\u9fba", "fe91": "\U000241fe", "fea0": "\u9fbb",
}  # fmt: skip


def _old_letters() -> dict[str, str]:
    """Private letter -> real letter: those of the table of 2000, and all that GBK 1.0 kept there for want of a code (㭎, 䶮)."""
    known = {bytes.fromhex(code).decode("gb18030"): letter for code, letter in _PRIVATE_IN_2000.items()}
    row_fe = [bytes([0xFE, trail]) for trail in range(0x50, 0xA1) if trail != 0x7F]
    in_gbk = {chr(0xE815 + place): raw.decode("gb18030") for place, raw in enumerate(row_fe)}
    in_gbk["\ue7c8"] = b"\xa8\xbf".decode("gb18030")
    return {private: letter for private, letter in in_gbk.items() if private not in known} | known


OLD_LETTERS = _old_letters()
FULL_WIDTH = {chr(0xFF01 + place): chr(0x21 + place) for place in range(94)}
_OLD = "[" + "".join(sorted(OLD_LETTERS)) + "]"
_FULL = "[\uff01-\uff5e]"
_HAN = re.compile("[\u3400-\u9fff]")
_CHINESE_ONLY = re.compile("[\x00-\x7f\u00b7\u2010-\u2027\u3000-\u303f\u3400-\u9fff\uff00-\uffef]*")
_REPLACED = re.compile("锟斤|斤拷|\ufffd")


def with_real_letters(text: pl.Expr) -> pl.Expr:
    """Private letters of the old tables become the characters that they mean."""
    return text.str.replace_many(OLD_LETTERS)


def in_half_width(text: pl.Expr) -> pl.Expr:
    """Full-width digits, letters and signs become those of ASCII: for codes and numbers, never for names."""
    return text.str.replace_many(FULL_WIDTH)


def has_old_letters(text: pl.Expr) -> pl.Expr:
    return text.str.contains(_OLD)


def has_full_width(text: pl.Expr) -> pl.Expr:
    return text.str.contains(_FULL)


def is_mojibake(text: str) -> bool:
    """Whether a text was decoded wrongly before it came: replaced letters (锟斤拷), or UTF-8 read as GBK or as Latin-1.

    A single Han character is too little to tell by.
    """
    if text.isascii():
        return False
    return _REPLACED.search(text) is not None or _was_utf8(_as_gbk(text)) or _was_utf8(_as_latin(text))


def _as_gbk(text: str) -> bytes:
    """The bytes behind a text that was read as GBK; Windows shows the single byte 80 as €."""
    return b"\x80".join(piece.encode("gb18030", "replace") for piece in text.split("€"))


def _as_latin(text: str) -> bytes:
    """The bytes behind a text that was read as Latin-1 or as Windows-1252; none for any other text."""
    found = bytearray()
    for letter in text:
        try:
            found += letter.encode("cp1252")
        except UnicodeEncodeError:
            if ord(letter) > 0xFF:
                return b""
            found.append(ord(letter))
    return bytes(found)


def _was_utf8(raw: bytes) -> bool:
    """At least two Han characters, nothing but Chinese text, and at most one letter in three lost on the way."""
    text = raw.decode("utf-8", "replace")
    lost, han = text.count("\ufffd"), len(_HAN.findall(text))
    return han >= 2 and lost * 3 <= han + 2 and _CHINESE_ONLY.fullmatch(text.replace("\ufffd", "")) is not None


def count_garbled(frame: pl.DataFrame) -> tuple[int, int]:
    """How many rows hold a text decoded wrongly, and how many were looked at."""
    looked = frame.gather_every(max(1, -(-frame.height // SAMPLE_ROWS)))
    garbled = pl.Series([False] * looked.height, dtype=pl.Boolean)
    for column in looked.iter_columns():
        bad = [text for text in column.drop_nulls().unique() if is_mojibake(text)]
        if bad:
            garbled |= column.is_in(bad).fill_null(False)
    return int(garbled.sum()), looked.height


def masked(text: str) -> str:
    """The number with only its ends shown: 3709**********1234. A document's kind before it stays."""
    kind, _, number = text.rpartition(" ")
    hidden = number[:4] + "*" * max(0, len(number) - 8) + number[-4:] if len(number) > 8 else "*" * len(number)
    return f"{kind} {hidden}".strip()


ENDS = {"document": (4, 4), "account": (4, 4), "card": (6, 4), "phone": (3, 4)}
"""Digits of a number that stay at its ends."""


def masked_as(kind: str | None, text: str) -> str:
    """A personal value as it may be shown: 3701**********1234, 622202******7890, 138****1234; a name's or text's first letter."""
    front, back = ENDS.get(kind or "", (1, 0))
    if kind is None:
        return text[:1] + "***"
    hidden = len(text) - front - back
    return text[:front] + "*" * hidden + text[len(text) - back :] if hidden > 0 else "*" * len(text)


_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def visible(text: str) -> str:
    """The text with what a terminal would obey, and what turns the writing direction, shown as an escape."""
    return _OBEYED.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def in_yuan(fen: int) -> str:
    """Fen as yuan with two decimals, exactly, with commas before groups of three digits."""
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100:,}.{abs(fen) % 100:02d}"
