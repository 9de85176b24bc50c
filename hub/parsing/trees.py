"""JSON pages and XML answers: rows at a path, their own scalars as columns, their parents' scalars as ``../x``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import polars as pl
from lxml import etree

from hub.errors import FeedChanged
from hub.feed import XmlFormat
from hub.limits import DEEPEST, LARGEST_TREE, MOST_NAMES, MOST_PIECES
from hub.model import Parsed, Rows
from hub.parsing.files import of_name, with_outer

Tree = dict[str, Any]
Wanted = Mapping[str, frozenset[str]]
NO_FILE: Mapping[str, str] = {}
ENCODINGS = frozenset({"UTF-8", "UTF-16", "UTF-16LE", "UTF-16BE", "GBK", "GB2312", "GB18030", "ASCII", "US-ASCII"})
"""What an XML declaration may name: other decoders turn plain letters into markup."""
MARKED = ("ascii", "utf-16-le", "utf-16-be")
NOT_DECODED = frozenset({etree.ErrorTypes.ERR_INVALID_ENCODING, etree.ErrorTypes.ERR_UNSUPPORTED_ENCODING,
                         etree.ErrorTypes.ERR_UNKNOWN_ENCODING})  # fmt: skip
OUR_NAMES = ("#", "!", "@", "../")
"""How the hub's own columns beside the partner's begin."""


def parse_json_pages(parts: Sequence[bytes], wanted: Wanted, name_parts: Mapping[str, str] = NO_FILE) -> Parsed:
    """Rows of every page, or of the one file, in order; ``#part`` is the page, ``#line`` the row's place in the whole batch."""
    return _gather([read_json(part) for part in parts], wanted, name_parts)


def parse_xml_answers(
    form: XmlFormat, parts: Sequence[bytes], wanted: Wanted, name_parts: Mapping[str, str] = NO_FILE
) -> Parsed:
    """Rows of every answer, or of the one file, in order; namespaces are dropped, repeated elements are lists."""
    return _gather([read_xml(part, form.body) for part in parts], wanted, name_parts)


def read_json(data: bytes) -> Tree:
    """Strict JSON: no duplicate keys, no NaN, numbers kept as the text that was sent.

    Raises FeedChanged: F005 not UTF-8, F008 no object, F030 beyond a limit, F033 not strict.
    """
    _check_size(data, b"{", b"[", b",")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FeedChanged(f"the answer is not UTF-8 (byte {error.start})", code="F005") from error
    try:
        tree = json.loads(
            text, parse_float=str, parse_int=str, parse_constant=_no_constant, object_pairs_hook=_no_duplicates
        )
        _check_sane(tree)
    except RecursionError as error:
        raise FeedChanged(f"the answer is nested more than {DEEPEST} levels deep", code="F030") from error
    except ValueError as error:
        raise FeedChanged(f"the answer is not strict JSON: {type(error).__name__}", code="F033") from error
    if not isinstance(tree, dict):
        raise FeedChanged("the answer is not a JSON object", code="F008")
    return tree


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _no_duplicates(pairs: list[tuple[str, Any]]) -> Tree:
    tree = dict(pairs)
    if len(tree) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return tree


def _check_sane(value: Any, depth: int = 0) -> None:
    """No half letters (lone surrogates) in any text or name, and no nesting that no partner needs."""
    if depth > DEEPEST:
        raise FeedChanged(f"the answer is nested more than {DEEPEST} levels deep", code="F030")
    if isinstance(value, str):
        value.encode()
    elif isinstance(value, list | dict):
        for child in [*value, *value.values()] if isinstance(value, dict) else value:
            _check_sane(child, depth + 1)


def at_path(tree: Any, path: str) -> Any:
    """The member at a path with dots; None where there is none."""
    for step in path.split("."):
        tree = tree.get(step) if isinstance(tree, dict) else None
    return tree


def read_xml(data: bytes, body: str) -> Tree:
    """The element ``body`` as a tree; namespaces are dropped.

    Raises FeedChanged: F005 in another encoding than those agreed, F008 without the body, F030 beyond a limit, F022 with a DTD or
    an entity, F033 not well-formed.
    """
    _check_size(data, b"<")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, huge_tree=False, remove_comments=True, remove_pis=True
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        raise _broken_xml(data, error) from error
    info = root.getroottree().docinfo
    if info.doctype or info.internalDTD is not None:
        raise FeedChanged("the answer carries a DTD", code="F022")
    if (info.encoding or "UTF-8").upper() not in ENCODINGS:
        raise FeedChanged("the answer declares an encoding that nobody agreed on", code="F005")
    for element in root.iter():
        if etree.QName(element).localname == body:
            tree = _tree(element)
            return tree if isinstance(tree, dict) else {}
    raise FeedChanged(f"the answer has no element {body}", code="F008")


def _check_size(data: bytes, *marks: bytes) -> None:
    """Before anything is built in memory."""
    if len(data) > LARGEST_TREE:
        raise FeedChanged(f"the answer has {len(data)} bytes, {LARGEST_TREE} are the most", code="F030")
    if sum(data.count(mark) for mark in marks) > MOST_PIECES:
        raise FeedChanged(f"the answer has more than {MOST_PIECES} members or tags", code="F030")


def _broken_xml(data: bytes, error: etree.XMLSyntaxError) -> FeedChanged:
    """Why the reader gave up: its words quote the text, its numbers do not."""
    if any(mark.encode(encoding) in data for mark in ("<!DOCTYPE", "<!ENTITY") for encoding in MARKED):
        return FeedChanged("the answer carries a DTD or an entity", code="F022")
    if "depth" in str(error).lower():
        return FeedChanged(f"the answer is nested more than {DEEPEST} levels deep", code="F030")
    if error.code in NOT_DECODED:
        return FeedChanged(f"the answer is not in the encoding it declares (line {error.lineno})", code="F005")
    return FeedChanged(f"the answer is not well-formed XML (line {error.lineno})", code="F033")


def _tree(element: etree._Element, depth: int = 0) -> Tree | str:
    if depth > DEEPEST:
        raise FeedChanged(f"the answer is nested more than {DEEPEST} levels deep", code="F030")
    if not len(element):
        return element.text or ""
    tree: Tree = {}
    for child in element:
        name, value = etree.QName(child).localname, _tree(child, depth + 1)
        if name not in tree:
            tree[name] = [value] if isinstance(value, dict) else value
        elif isinstance(tree[name], list):
            tree[name].append(value)
        else:
            tree[name] = [tree[name], value]
    return tree


def _gather(pages: Sequence[Tree], wanted: Wanted, name_parts: Mapping[str, str]) -> Parsed:
    places = {place: _rows(pages, place.split("/"), columns) for place, columns in wanted.items()}
    named = {
        place: replace(rows, frame=with_outer(rows.frame, of_name(name_parts), wanted[place]))
        for place, rows in places.items()
    }
    return Parsed(named)


def _rows(pages: Sequence[Tree], path: list[str], columns: frozenset[str]) -> Rows:
    found: list[dict[str, Any]] = []
    own: dict[str, None] = {}
    for part, page in enumerate(pages):
        for row, parent in _walk(page, path, {}):
            scalars = {name: _text(value) for name, value in row.items() if not isinstance(value, list)}
            _check_members(row, scalars, columns)
            own.update(dict.fromkeys(scalars))
            if len(own) > MOST_NAMES:
                raise FeedChanged(f"the rows have more than {MOST_NAMES} different members", code="F030")
            outer = {f"../{name}": _text(value) for name, value in parent.items() if f"../{name}" in columns}
            number = len(found) + 1
            found.append({"#part": part, "#line": number, "#no": str(number), **scalars, **outer})
    schema: dict[str, Any] = {"#part": pl.Int32, "#line": pl.Int32, "#no": pl.String}
    schema |= {name: pl.String for name in own}
    schema |= {name: pl.String for name in sorted(columns) if name.startswith("../")}
    return Rows(pl.DataFrame(found, schema=schema, orient="row"), tuple(own))


def _check_members(row: Tree, scalars: Iterable[str], columns: frozenset[str]) -> None:
    """Names that would not stay columns of their own, and lists where one value is taken, are nothing to guess at."""
    for name, value in row.items():
        if name in columns and isinstance(value, list) and value:
            raise FeedChanged(f"{name} holds a list where one value is agreed", code="F008")
    for name in scalars:
        if name.startswith(OUR_NAMES):
            raise FeedChanged(f"a row has a member {name}, which is a name the hub uses itself", code="F008")
        if "\x00" in name or name == "*" or (name.startswith("^") and name.endswith("$")):
            raise FeedChanged("a row has a member whose name holds a NUL or stands for other columns", code="F008")


def _walk(node: Tree, path: list[str], parent: Tree) -> Iterator[tuple[Tree, Tree]]:
    """Every object at the path, with the object that holds it. A list on the way is walked through."""
    if not path:
        yield node, parent
        return
    value = node.get(path[0])
    for child in value if isinstance(value, list) else [value]:
        if isinstance(child, dict):
            yield from _walk(child, path[1:], node)
        elif isinstance(value, list) or child not in (None, ""):
            raise FeedChanged(f"{path[0]} should hold objects", code="F008")


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False)
