"""Rows as JSON or XML: objects at the agreed path, inner rows inside, what stands above them in the object that holds them."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any
from zlib import crc32

from lxml import etree

from simulators.mirror.fillers import columns_at, fill_row
from simulators.mirror.plain import MirroredFeed, MirrorError
from simulators.mirror.rows import Row
from simulators.mirror.writing import Kind, kind_of

Tree = dict[str, Any]
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,14})(\.[0-9]{0,5}[1-9])?")
_NUMERIC = frozenset({"yuan", "money_wan", "fen", "ppm", "percent", "permille", "integer", "epoch_ms", "epoch_s"})


def write_tree(feed: MirroredFeed, rows: Sequence[Row], day: date) -> bytes:
    """A whole file."""
    fill_rows(feed, rows, day)
    if feed.form["type"] == "xml":
        tree = tree_of(feed, rows, typed=False)
        return etree.tostring(xml_element(feed.form["body"], tree), xml_declaration=True, encoding="UTF-8")
    return json.dumps(tree_of(feed, rows), ensure_ascii=False, indent=1).encode()


def fill_rows(feed: MirroredFeed, rows: Iterable[Row], day: date) -> None:
    """Give every row all columns of its place."""
    known = {words.place: columns_at(feed, words.place) for words in feed.records.values()}
    for number, top in enumerate(rows, 1):
        for row in top.everything():
            fill_row(row.cells, *known[row.place], day, number)


def tree_of(feed: MirroredFeed, rows: Sequence[Row], typed: bool = True) -> Tree:
    """The rows at their places, with what all of them say of the object above them."""
    root: Tree = {}
    for words in feed.records.values():
        *path, last = words.place.split("/")
        here = [row for row in rows if row.place == words.place]
        if here:
            holder = _holder(root, path)
            holder[last] = [row_tree(feed, row, _version(row) if typed else None) for row in here]
            for row in here:
                _say_above(holder, row)
    return root


def _version(row: Row) -> int:
    """Which version of their systems wrote the row: the same one each time, on whatever page it stands."""
    return crc32("|".join(row.cells.values()).encode())


def _holder(root: Tree, path: Sequence[str]) -> Tree:
    for step in path:
        root = root.setdefault(step, {})
    return root


def _say_above(holder: Tree, row: Row) -> None:
    for name, text in row.outer.items():
        if holder.setdefault(name, text) != text:
            raise MirrorError(f"{name} above {row.place} would have to say two things at once")


def row_tree(feed: MirroredFeed, row: Row, number: int | None) -> Tree:
    """One row with those inside it; with a number, its values are typed as JSON has them."""
    kinds = _kinds(feed, row.place)
    tree: Tree = {
        name: text if number is None else _typed(text, kinds.get(name), number) for name, text in row.cells.items()
    }
    for inner in row.inner:
        below = inner.place.removeprefix(row.place + "/")
        if below == inner.place:
            raise MirrorError(f"{feed.feed_id}: rows of {inner.place} do not stand inside {row.place}")
        *path, last = below.split("/")
        _holder(tree, path).setdefault(last, []).append(row_tree(feed, inner, number))
    return tree


def _kinds(feed: MirroredFeed, place: str) -> dict[str, Kind | None]:
    """How each column is read; None where it is read by a code table."""
    found: dict[str, Kind | None] = {}
    for words in feed.records.values():
        if words.place == place:
            for field_words in words.fields.values():
                for column in field_words.columns:
                    found[column] = None if field_words.codes else kind_of(field_words)
    return found


def _typed(text: str, kind: Kind | None, number: int) -> Any:
    """Numbers in every other row, nothing as null or as an empty text: systems differ, and so do their versions."""
    if text == "":
        return None if number % 2 else ""
    if number % 2 and kind is not None and kind.name in _NUMERIC and _NUMBER.fullmatch(text):
        return float(text) if "." in text else int(text)
    return text


def xml_element(name: str, tree: Mapping[str, Any], namespace: str = "") -> etree._Element:
    """A tree as an element; a list becomes repeated elements."""
    prefix = f"{{{namespace}}}" if namespace else ""
    element = etree.Element(prefix + name, nsmap={None: namespace} if namespace else None)
    for child, value in tree.items():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, Mapping):
                element.append(xml_element(child, one, namespace))
            else:
                etree.SubElement(element, prefix + child).text = str(one) if one not in ("", None) else None
    return element
