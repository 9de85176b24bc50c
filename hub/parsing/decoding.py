"""The bytes of a file to text, in the encoding that was agreed and in no other."""

from __future__ import annotations

from hub.errors import FeedChanged
from hub.feed import DelimitedFormat, FixedFormat

MARKS = {"utf-8": b"\xef\xbb\xbf", "gb18030": b"\x84\x31\x95\x33"}


def decode(form: DelimitedFormat | FixedFormat, data: bytes) -> str:
    """Raises FeedChanged F005. Fixed-width lines are kept as one character per byte (latin-1) until cut: widths count bytes."""
    if form.encoding == "utf-16":
        return _decode_utf16(data)
    if form.encoding == "gb18030" and _is_chinese_utf8(data):
        raise FeedChanged(f"the file is UTF-8, {form.encoding} is agreed", code="F005")
    data = data.removeprefix(MARKS[form.encoding])
    if isinstance(form, FixedFormat):
        return data.decode("latin-1")
    try:
        return data.decode(form.encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise FeedChanged(f"line {line} is not {form.encoding} (byte {error.start})", code="F005") from error


def _decode_utf16(data: bytes) -> str:
    """With its mark only: without it, nobody knows which byte comes first."""
    if not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise FeedChanged("the file does not begin with the mark of utf-16", code="F005")
    try:
        return data.decode("utf-16")
    except UnicodeDecodeError as error:
        raise FeedChanged(f"the file is not utf-16 (byte {error.start})", code="F005") from error


def _is_chinese_utf8(data: bytes) -> bool:
    """Whether the whole file reads as UTF-8 with Chinese in it. GB18030 that happens to be valid UTF-8 gives letters such as
    ũҵ, below U+0800, but hardly Han characters from the first line to the last."""
    try:
        return any("\u2e80" <= letter <= "\uffef" for letter in data.decode("utf-8"))
    except UnicodeDecodeError:
        return False
