"""Good samples as plain tables, and back to bytes: a second, simple reader and writer that shares no code with the hub.

It reads the mapping's own YAML, and takes for granted that the sample is good; what is done to it afterwards need not be.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import openpyxl
import yaml
from lxml import etree

MAPPINGS = Path(__file__).parents[2] / "mappings"
Row = dict[str, str]
PLAIN_AMOUNT = {"yuan": re.compile(r"-?0*[0-9]{1,12}(\.[0-9]{1,2})?"), "fen": re.compile(r"-?0*[0-9]{1,15}")}
MANY, FEW = 12, 5
"""Samples of more rows are cut to a few."""


@dataclass
class Draft:
    """A good file in pieces; ``tree`` is what surrounds the rows of JSON or XML, ``is_counted`` whether totals follow the rows."""

    form: dict[str, Any]
    header: Row
    rows: list[Row]
    trailer: Row
    tree: Any = None
    path: str = ""
    packed: str | None = None
    is_counted: bool = True
    amounts: list[str] = field(default_factory=list)

    def refresh(self) -> None:
        """Let header and trailer declare what the rows hold; an amount nobody can read counts with what stood there before."""
        totals = self.form.get("totals")
        if not totals or not self.is_counted:
            return
        said = {totals["rows"]: str(len(self.rows))} if "rows" in totals else {}
        if "amount" in totals:
            summed = sum(
                (_amount(row, was, totals) for row, was in zip(self.rows, self.amounts, strict=True)), Decimal()
            )
            said[totals["amount"]] = str(summed)
        for end, kind in ((self.header, "header"), (self.trailer, "trailer")):
            for name, text in said.items():
                if name in end:
                    end[name] = _fit(self.form, kind, name, text)


def _amount(row: Row, was: str, totals: dict[str, str]) -> Decimal:
    text = row[totals["of"]].strip()
    return Decimal(text if PLAIN_AMOUNT[totals["as"]].fullmatch(text) else was)


def _fit(form: dict[str, Any], kind: str, name: str, text: str) -> str:
    if form["type"] != "fixed":
        return text
    return text.zfill(dict(_columns(form, kind))[name])


@cache
def mapping(feed: str) -> Any:
    """The mapping as it stands in its file."""
    return yaml.safe_load((MAPPINGS / f"{feed}.yaml").read_text("utf-8"))


@cache
def sample(feed: str) -> tuple[str, bytes]:
    """Name and bytes of the first file of the sample."""
    path = next(one for one in sorted((MAPPINGS / "samples" / feed).glob("*")) if one.name != "expected.json")
    return path.name, path.read_bytes()


def draft(feed: str) -> Draft:
    """The first rows of the sample, in pieces."""
    source = mapping(feed)["source"]
    form, data = source["format"], unpack(source.get("packed"), sample(feed)[1])
    kind = form["type"]
    if kind in ("delimited", "fixed"):
        made = _read_lines(form, data)
    elif kind == "sheet":
        made = _read_sheet(form, data)
    else:
        made = _read_tree(feed, form, data)
    made.packed = source.get("packed")
    of = (form.get("totals") or {}).get("of")
    made.amounts = [row[of] if of else "0" for row in made.rows]
    made.refresh()
    return made


def _columns(form: dict[str, Any], kind: str) -> Iterator[tuple[str, int]]:
    columns = form[kind]["columns"]
    yield from columns.items() if isinstance(columns, dict) else ((name, 0) for name in columns)


def _cells(form: dict[str, Any], kind: str, line: str) -> Row:
    names = [name for name, _ in _columns(form, kind)]
    if form["type"] == "fixed":
        raw, at, found = line.encode("gb18030"), 0, {}
        for name, width in _columns(form, kind):
            found[name], at = raw[at : at + width].decode("gb18030").strip(" "), at + width
        return found
    if form.get("quote"):
        return dict(zip(names, next(csv.reader([line], delimiter=form["separator"])), strict=True))
    cells = re.split(rf"(?<!\\){re.escape(form['separator'])}", line)
    return dict(zip(names, [cell.replace("\\" + form["separator"], form["separator"]) for cell in cells], strict=True))


def _read_lines(form: dict[str, Any], data: bytes) -> Draft:
    lines = [line for line in data.decode(encoding_of(form)).removeprefix("\ufeff").splitlines() if line]
    header = _cells(form, "header", lines.pop(0)) if "header" in form else {}
    trailer = _cells(form, "trailer", lines.pop()) if "trailer" in form else {}
    if form["detail"].get("names"):
        lines.pop(0)
    return Draft(form, header, [_cells(form, "detail", line) for line in _few(lines)], trailer)


def _few(rows: list[Any]) -> list[Any]:
    return rows[:FEW] if len(rows) > MANY else rows


def encoding_of(form: dict[str, Any]) -> str:
    return str(form.get("encoding", "gb18030"))


def _read_sheet(form: dict[str, Any], data: bytes) -> Draft:
    book = openpyxl.load_workbook(io.BytesIO(data))
    sheet = book[form["sheet"]] if "sheet" in form else book.worksheets[0]
    rows = [["" if cell is None else str(cell) for cell in row] for row in sheet.iter_rows(values_only=True)]
    rows = rows[form.get("above", 0) + 1 :]
    names = form["columns"]
    trailer = dict(zip(names, rows.pop(), strict=False)) if "trailer" in form else {}
    return Draft(form, {}, [dict(zip(names, row, strict=False)) for row in _few(rows)], trailer)


def _read_tree(feed: str, form: dict[str, Any], data: bytes) -> Draft:
    """The deepest rows that the mapping takes."""
    path = max((record["rows"] for record in mapping(feed)["records"].values()), key=lambda rows: rows.count("/"))
    tree = json.loads(data) if form["type"] == "json" else etree.fromstring(data)
    found = rows_at(tree, path)
    if form["type"] == "json":
        return Draft(form, {}, found, {}, tree, path)
    rows = [{etree.QName(cell).localname: cell.text or "" for cell in row} for row in found]
    return Draft(form, {}, rows, {}, tree, path)


def rows_at(tree: Any, path: str) -> list[Any]:
    """The objects, or elements, at a path."""
    if isinstance(tree, dict | list):
        found = [tree]
        for step in path.split("/"):
            found = [
                child for node in found for child in (node[step] if isinstance(node[step], list) else [node[step]])
            ]
        return found
    return tree.findall(".//" + "/".join(f"{{*}}{step}" for step in path.split("/")))


def write(made: Draft) -> bytes:
    """The draft as the partner would send it, before it is packed."""
    kind = made.form["type"]
    if kind in ("delimited", "fixed"):
        return "".join(line + "\r\n" for line in lines_of(made)).encode(encoding_of(made.form))
    if kind == "sheet":
        return _write_sheet(made)
    if kind == "json":
        return json.dumps(made.tree, ensure_ascii=False).encode()
    for element, row in zip(rows_at(made.tree, made.path), made.rows, strict=True):
        for cell in element:
            name = etree.QName(cell).localname
            if name in row and not len(cell):
                cell.text = row[name]
    return etree.tostring(made.tree, encoding="UTF-8", xml_declaration=True)


def lines_of(made: Draft) -> list[str]:
    """Every line of a delimited or fixed-width file."""
    form = made.form
    lines = [_line(form, "header", made.header)] if made.header else []
    if form["detail"].get("names"):
        lines.append(form["separator"].join(name for name, _ in _columns(form, "detail")))
    lines += [_line(form, "detail", row) for row in made.rows]
    return lines + ([_line(form, "trailer", made.trailer)] if made.trailer else [])


def _line(form: dict[str, Any], kind: str, row: Row) -> str:
    if form["type"] == "fixed":
        pieces = []
        for name, width in _columns(form, kind):
            raw = row[name].encode("gb18030")
            pieces.append(row[name] + " " * (width - len(raw)))
        return "".join(pieces)
    cells = [row[name] for name, _ in _columns(form, kind)]
    if form.get("quote"):
        text = io.StringIO()
        csv.writer(text, delimiter=form["separator"], lineterminator="").writerow(cells)
        return text.getvalue()
    escape = form.get("escape")
    if escape:
        cells = [cell.replace(form["separator"], escape + form["separator"]) for cell in cells]
    return str(form["separator"]).join(cells)


def _write_sheet(made: Draft) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = made.form.get("sheet", "Sheet1")
    for _ in range(made.form.get("above", 0)):
        sheet.append(["表头"])
    names = made.form["columns"]
    sheet.append(names)
    for row in [*made.rows, *([made.trailer] if made.trailer else [])]:
        sheet.append([row.get(name, "") or None for name in names])
    for line in sheet.iter_rows():
        for cell in line:
            if cell.data_type == "f":
                cell.data_type = "s"  # a text that looks like a formula
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def unpack(packed: str | None, data: bytes) -> bytes:
    """The one file inside."""
    if packed == "gzip":
        return gzip.decompress(data)
    if packed == "zip":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return archive.read(archive.namelist()[0])
    return data


def pack(packed: str | None, data: bytes, name: str = "a.txt") -> bytes:
    """One file, packed as agreed."""
    if packed == "gzip":
        return gzip.compress(data, mtime=0)
    if packed == "zip":
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
        return out.getvalue()
    return data
