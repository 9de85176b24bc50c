"""Sort the lines of a file: by the mark they begin with, or by their place where no marks are agreed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from hub.errors import FeedChanged
from hub.feed import DelimitedFormat, FixedFormat, Line
from hub.limits import LONGEST_LINE, MOST_LINES
from hub.parsing.decoding import decode

FileForm = DelimitedFormat | FixedFormat
Numbered = tuple[int, str]
"""A line with its 1-based position in the file."""


@dataclass(frozen=True)
class Lines:
    """The lines of a file by kind; ``names`` is the line of column names."""

    header: Numbered | None
    names: Numbered | None
    detail: Sequence[Numbered]
    trailer: Numbered | None


@dataclass(frozen=True)
class Mark:
    """How a line of one kind begins: with its mark as a whole cell. A kind without a mark is told by its place only."""

    starts: tuple[str, ...] = ()
    whole: tuple[str, ...] = ()

    @classmethod
    def of(cls, form: FileForm, wanted: Line | None) -> Mark:
        if wanted is None or wanted.mark is None:
            return cls()
        if isinstance(form, FixedFormat):
            return cls((wanted.mark.encode(form.encoding).decode("latin-1"),))
        written = (wanted.mark, f"{form.quote}{wanted.mark}{form.quote}") if form.quote else (wanted.mark,)
        return cls(tuple(mark + form.separator for mark in written), written if len(wanted.names) == 1 else ())

    def begins(self, line: str) -> bool:
        return line.startswith(self.starts) or line in self.whole


def split_lines(form: FileForm, data: bytes) -> Lines:
    """Decode and sort. Raises FeedChanged: F009 empty, F005 undecodable, F007 no trailer, F008 lines that were not agreed, F030
    too many lines, F031 one that is far too long."""
    if not data.strip():
        raise FeedChanged("the file is empty", code="F009")
    text = _one_line_end(form, decode(form, data))
    if text.count("\n") > MOST_LINES:
        raise FeedChanged(f"the file has more than {MOST_LINES} lines", code="F030")
    rest = [(number, line.rstrip("\r")) for number, line in enumerate(text.split("\n"), 1) if line.strip("\r\x1a ")]
    if not rest:
        raise FeedChanged("the file is empty", code="F009")
    for number, line in rest:
        if len(line) > LONGEST_LINE:
            raise FeedChanged(f"line {number} has {len(line)} letters, {LONGEST_LINE} are the most", code="F031")
    header = _take_end(form, form.header, rest, "header")
    names = None
    if isinstance(form, DelimitedFormat) and form.detail.named:
        if not rest:
            raise FeedChanged("the file has no line of column names", code="F008")
        names = rest.pop(0)
    trailer = _take_end(form, form.trailer, rest, "trailer")
    mark = Mark.of(form, form.detail)
    for number, line in rest:
        if mark.starts and not mark.begins(line):
            raise FeedChanged(f"line {number} begins with none of the agreed marks", code="F008")
    return Lines(header, names, rest, trailer)


def _take_end(form: FileForm, wanted: Line | None, rest: list[Numbered], kind: str) -> Numbered | None:
    """Take the header or trailer out of the lines: the one with its mark, which must stand at its end; else the one at that end."""
    if wanted is None:
        return None
    place = 0 if kind == "header" else len(rest) - 1
    found = _places(form, wanted, rest, place) if rest else []
    if len(found) != 1:
        code = "F007" if kind == "trailer" and not found else "F008"
        raise FeedChanged(f"the file has {len(found)} {kind} lines instead of one", code=code)
    if found[0] != place:
        where = "before the header" if kind == "header" else "after the trailer"
        raise FeedChanged(f"lines stand {where}", code="F008")
    return rest.pop(place)


def _places(form: FileForm, wanted: Line, rest: Sequence[Numbered], place: int) -> list[int]:
    """Where lines of this kind stand. A marked row is never taken for one; nor is an unmarked row of a fixed-width file, where
    a mark of one letter says nothing, except at the very end."""
    mark, detail = Mark.of(form, wanted), Mark.of(form, form.detail)
    if not mark.starts:
        others = [Mark.of(form, line) for line in (form.header, form.detail, form.trailer)]
        return [] if any(other.begins(rest[place][1]) for other in others) else [place]
    only_there = isinstance(form, FixedFormat) and not detail.starts
    looked = (place,) if only_there else range(len(rest))
    return [i for i in looked if mark.begins(rest[i][1]) and not detail.begins(rest[i][1])]


def _one_line_end(form: FileForm, text: str) -> str:
    """A carriage return ends a line too where an agreed mark follows, or where nothing else does; elsewhere it is a mistake
    inside a cell."""
    lines = [line for line in (form.header, form.detail, form.trailer) if line is not None]
    if any(line.mark is None for line in lines) and "\n" not in text:
        return text.replace("\r", "\n")
    starts = {start for line in lines for start in Mark.of(form, line).starts}
    return re.sub(rf"\r(?={'|'.join(map(re.escape, starts))})", "\n", text) if starts else text
