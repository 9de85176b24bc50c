"""JSON and XML: what is taken must be what the standard library's own parsers read."""

from __future__ import annotations

import json
import random
import xml.etree.ElementTree as ET
from functools import cache
from typing import Any

from hub.feed import XmlFormat
from hub.parsing.trees import parse_json_pages, parse_xml_answers, read_json
from tests.corpus.edits import make
from tests.fuzz.judging import judged
from tests.fuzz.mutations import mutate

JSON_ROWS, XML_ROWS = "data/list/lines", "PC/MX"
XML = XmlFormat(type="xml", body="DFBW")


@cache
def good(feed: str) -> bytes:
    return make(feed, [])


def json_page(dice: random.Random) -> None:
    """Taken only where Python's own parser reads the same tree."""
    data = mutate(good("jiaolai_payrolls"), dice)
    tree = judged(lambda: read_json(data))
    if tree is None:
        return
    plain = json.loads(
        data.decode("utf-8-sig"), parse_int=str, parse_float=str, parse_constant=_never, object_pairs_hook=_each_once
    )
    assert tree == plain
    json.dumps(tree, ensure_ascii=False).encode()
    parsed = judged(lambda: parse_json_pages([data], {JSON_ROWS: frozenset({"net", "../batchNo"})}))
    if parsed is not None:
        rows = _lines(tree)
        assert parsed.rows[JSON_ROWS].frame.height == len(rows)
        for name in ("net", "name"):
            if name in parsed.rows[JSON_ROWS].frame.columns:
                assert parsed.rows[JSON_ROWS].frame[name].to_list() == [_shown(row.get(name)) for row in rows]


def _never(word: str) -> None:
    raise AssertionError(f"{word} was taken")


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len({name for name, _ in pairs}) == len(pairs), "a key stands twice"
    return dict(pairs)


def _lines(tree: dict[str, Any]) -> list[dict[str, Any]]:
    batches = (tree.get("data") or {}).get("list") or []
    batches = batches if isinstance(batches, list) else [batches]
    lines = [batch.get("lines") or [] for batch in batches]
    return [row for found in lines for row in (found if isinstance(found, list) else [found])]


def _shown(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, list):
        return None
    return json.dumps(value, ensure_ascii=False)


def xml_file(dice: random.Random) -> None:
    """Taken only where expat reads the same cells; what only one of the two can decode is not compared."""
    data = mutate(good("xiaoqing_payrolls"), dice)
    parsed = judged(lambda: parse_xml_answers(XML, [data], {XML_ROWS: frozenset({"SFJE", "../PCH"})}))
    if parsed is None:
        return
    assert b"<!DOCTYPE" not in data
    root = _by_expat(data)
    if root is None:
        return
    body = root if _local(root) == "DFBW" else next(one for one in root.iter() if _local(one) == "DFBW")
    rows = [row for batch in body if _local(batch) == "PC" for row in batch if _local(row) == "MX"]
    frame = parsed.rows[XML_ROWS].frame
    assert frame.height == len(rows)
    if "SFJE" in frame.columns:
        wanted = [next((cell for cell in row if _local(cell) == "SFJE"), None) for row in rows]
        assert frame["SFJE"].to_list() == [_text(cell) for cell in wanted]


def _by_expat(data: bytes) -> ET.Element | None:
    """None for what expat cannot decode; anything else that it refuses, we must not have taken."""
    try:
        return ET.fromstring(data)
    except (ET.ParseError, LookupError, ValueError) as error:
        if "encoding" in str(error) or "token" in str(error):
            return None
        raise


def _text(cell: ET.Element | None) -> str | None:
    return None if cell is None else (cell.text or "")


def _local(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]
