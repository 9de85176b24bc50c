"""The files of a feed on its day: rows gathered by what stands above them, framed with names, marks, numbers and totals."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from itertools import product
from typing import Any
from zlib import crc32

from simulators.mirror import lines, sheets, trees
from simulators.mirror.fillers import columns_at, fill_row, header_value
from simulators.mirror.packing import pack
from simulators.mirror.plain import FieldWords, MirroredFeed, MirrorError
from simulators.mirror.rows import Row
from simulators.mirror.writing import write

AREA = "370900"
TREES = ("json", "xml")


@dataclass(frozen=True)
class File:
    """One data file as it is put into the folder, but not yet encrypted, with the rows it holds."""

    path: str
    content: bytes
    rows: int
    holds: tuple[Row, ...]
    entry: str = ""
    """What it is called inside a zip."""

    @property
    def name(self) -> str:
        """Its name without the folder."""
        return self.path.rpartition("/")[2]


def files_of(feed: MirroredFeed, rows: Sequence[Row], day: date) -> list[File]:
    """Every file of the feed's day."""
    found, names = [], set()
    for number, group in enumerate(_groups(feed, rows), 1):
        parts = _parts(feed, group, day, number)
        name = _fill_pattern(feed.source["name"], parts)
        if name in names:
            raise MirrorError(f"{feed.feed_id}: two files would be called {name}; the name needs a {{seq}}")
        names.add(name)
        folder = feed.source["files"].rpartition("/")[0].replace("{date}", f"{day:%Y%m%d}")
        content, count = _content(feed, group, parts, day, number)
        entry = f"{feed.title.split(' / ')[0]}_{day:%Y%m%d}.txt"
        packed = pack(feed.source.get("packed"), content, entry)
        found.append(File(f"{folder}/{name}", packed, count, tuple(group), entry))
    return found


def _groups(feed: MirroredFeed, rows: Sequence[Row]) -> list[list[Row]]:
    """Rows of one file: a header row begins its own; else rows that say the same above them and in the name."""
    if feed.form["type"] in TREES:
        keyed = [(_frozen(row.parts), row) for row in rows]
    else:
        keyed = [
            (("header", str(number)) if row.place == "header" else (*_frozen(row.outer), *_frozen(row.parts)), row)
            for number, row in enumerate(rows)
        ]
    groups: dict[object, list[Row]] = {}
    for key, row in keyed:
        groups.setdefault(key, []).append(row)
    return list(groups.values())


def _frozen(cells: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(f"{name}={text}" for name, text in sorted(cells.items()))


def _parts(feed: MirroredFeed, group: Sequence[Row], day: date, number: int) -> dict[str, str]:
    """The parts of the file's name: what rows say of it, what is agreed, and the usual ones."""
    rows = [row for top in group for row in top.everything()]
    values = {n: v for row in reversed(rows) for r in (*row.records, *row.shared) for n, v in r.values.items() if v}
    parts = {"date": f"{day:%Y%m%d}", "seq": f"{number:04d}", "version": "1", "area": AREA}
    parts["bank"] = str(values.get("bank3_code", ""))
    for row in rows:
        parts |= {name: text for name, text in row.parts.items() if text}
    header = next((row.cells for row in rows if row.place == "header"), rows[0].outer if rows else {})
    for column, agreed in (feed.form.get("agreed") or {}).items():
        if str(agreed["equals"]).startswith("@") and header.get(column):
            parts[agreed["equals"][1:]] = header[column]
    parts |= dict(feed.profile.parts)
    return _with_unknown(feed, {name: text for name, text in parts.items() if text})


def _with_unknown(feed: MirroredFeed, parts: Mapping[str, str]) -> dict[str, str]:
    """Parts that nothing says get pieces of the pattern by which the hub looks for the files."""
    pattern = feed.source["files"].rpartition("/")[2]
    pieces = [piece for piece in re.split(r"[*?_.\-\[\]]+", pattern) if piece] or ["A"]
    unknown = [name for name in re.findall(r"\{(\w+)\}", feed.source["name"]) if name not in parts]
    for texts in product(pieces, repeat=len(unknown)):
        tried = {**parts, **dict(zip(unknown, texts, strict=True))}
        if fnmatchcase(_fill_pattern(feed.source["name"], tried), pattern):
            return tried
    raise MirrorError(f"{feed.feed_id}: no name by {feed.source['name']} would be found by {pattern}")


def _fill_pattern(pattern: str, parts: Mapping[str, str]) -> str:
    return re.sub(r"\{(\w+)\}", lambda found: parts[found[1]], pattern)


def _content(
    feed: MirroredFeed, group: Sequence[Row], parts: Mapping[str, str], day: date, number: int
) -> tuple[bytes, int]:
    form = feed.form
    if form["type"] in TREES:
        return trees.write_tree(feed, group, day), len(group)
    header, details = _split(feed, group)
    columns = list(form["columns"]) if form["type"] == "sheet" else lines.columns_of(form, "detail")
    _, taken = columns_at(feed, "detail")
    for line, row in enumerate(details, 1):
        if form.get("line"):
            row.cells[form["line"]] = str(line)
        fill_row(row.cells, columns, taken, day, line, _widths(form, "detail"))
    totals = totals_of(feed, details)
    if form["type"] == "sheet":
        return sheets.write_sheet(feed, details, totals, day), len(details)
    _fill_header(feed, header, parts, totals, day, number)
    trailer = dict(totals)
    fill_row(trailer, lines.columns_of(form, "trailer"), (), day, number, _widths(form, "trailer"))
    ends = {report.get("newline") for report in feed.reports}
    content = lines.write_lines(
        form, header, [row.cells for row in details], trailer,
        newline="\r\n" if "crlf" in ends else "\n", mark=crc32(feed.feed_id.encode()) % 2 == 0,
    )  # fmt: skip
    return content, len(details)


def _split(feed: MirroredFeed, group: Sequence[Row]) -> tuple[dict[str, str], list[Row]]:
    """The header's texts and the detail rows of one file."""
    top = group[0]
    if top.place == "header":
        return dict(top.cells), [row for row in top.everything() if row.place == "detail"]
    return dict(top.outer), list(group)


def totals_of(feed: MirroredFeed, details: Sequence[Row]) -> dict[str, str]:
    """What a file declares of itself; an amount that cannot be read is in it as what it truly is."""
    totals = feed.form.get("totals") or {}
    found = {totals["rows"]: str(len(details))} if totals.get("rows") else {}
    if totals.get("amount"):
        words = _Sum(totals["of"], totals["as"])
        found[totals["amount"]] = words.text(feed, details)
    return found


@dataclass(frozen=True)
class _Sum:
    column: str
    recipe: str

    def text(self, feed: MirroredFeed, details: Sequence[Row]) -> str:
        fen = sum(self._fen(feed, row) for row in details)
        return write(fen, FieldWords((), None, self.recipe), {})

    def _fen(self, feed: MirroredFeed, row: Row) -> int:
        for record in row.records:
            for name, words in feed.records[record.schema].fields.items():
                if words.columns[:1] == (self.column,):
                    return int(record.values.get(name) or 0)
        return 0


def _fill_header(
    feed: MirroredFeed,
    header: dict[str, str],
    parts: Mapping[str, str],
    totals: Mapping[str, str],
    day: date,
    number: int,
) -> None:
    """Totals and what was agreed, then anything for the rest. A header's own facts must fit the rows below it."""
    form = feed.form
    wanted = {name: text for name, text in totals.items() if name in lines.columns_of(form, "header")}
    wanted |= {column: header_value(agreed, parts) for column, agreed in (form.get("agreed") or {}).items()}
    for column, text in wanted.items():
        if header.get(column) not in (None, "", text):
            raise MirrorError(f"{feed.feed_id}: header column {column} says other than the rows or the agreement")
        header[column] = text
    _, taken = columns_at(feed, "header")
    fill_row(header, lines.columns_of(form, "header"), taken, day, number, _widths(form, "header"))


def _widths(form: Mapping[str, Any], kind: str) -> Mapping[str, int]:
    """The widths of fixed columns, none for others."""
    widths: Mapping[str, int] = (form.get(kind) or {}).get("columns") or {} if form["type"] == "fixed" else {}
    return widths
