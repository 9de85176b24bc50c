"""What a case does to a good file, by name: first to its pieces, then to its bytes, then to the packed file."""

from __future__ import annotations

import gzip
import io
import json
import random
import struct
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import openpyxl

from tests.corpus.plain import Draft, draft, encoding_of, pack, write

INPUTS = Path(__file__).parent / "inputs"
ToPieces = Callable[..., None]
ToBytes = Callable[..., bytes]


def cell(made: Draft, number: int, column: str, text: str) -> None:
    """One cell of a row, counted from 1."""
    made.rows[number - 1][column] = text


def repeated_cell(made: Draft, number: int, column: str, text: str, times: int) -> None:
    """A cell of so many times the same."""
    made.rows[number - 1][column] = text * times


def header(made: Draft, column: str, text: str) -> None:
    made.header[column] = text


def trailer(made: Draft, column: str, text: str) -> None:
    made.trailer[column] = text
    made.is_counted = False


def keep_totals(made: Draft) -> None:
    """Declare what was declared before the rows changed."""
    made.is_counted = False


def drop_row(made: Draft, number: int) -> None:
    del made.rows[number - 1], made.amounts[number - 1]


def double_row(made: Draft, number: int) -> None:
    made.rows.append(dict(made.rows[number - 1]))
    made.amounts.append(made.amounts[number - 1])


def swap_rows(made: Draft, first: int, second: int) -> None:
    made.rows[first - 1], made.rows[second - 1] = made.rows[second - 1], made.rows[first - 1]


def swap_cells(made: Draft, number: int, first: str, second: str) -> None:
    row = made.rows[number - 1]
    row[first], row[second] = row[second], row[first]


def copy_cell(made: Draft, number: int, other: int, column: str) -> None:
    """A cell as it stands in another row."""
    made.rows[number - 1][column] = made.rows[other - 1][column]


def no_rows(made: Draft) -> None:
    made.rows.clear()
    made.amounts.clear()


def replace(data: bytes, form: dict[str, Any], old: str, new: str) -> bytes:
    """A text by another, the first time it stands there."""
    encoding = "utf-8" if form["type"] in ("json", "xml") else encoding_of(form)
    was, becomes = (
        text.encode(encoding).removeprefix(b"\xff\xfe" if encoding == "utf-16" else b"") for text in (old, new)
    )
    assert was in data, f"{old} does not stand in the file"
    return data.replace(was, becomes, 1)


def replace_bytes(data: bytes, form: dict[str, Any], old: str, new: str) -> bytes:
    """Bytes by others, both in hexadecimal."""
    assert bytes.fromhex(old) in data
    return data.replace(bytes.fromhex(old), bytes.fromhex(new), 1)


def append(data: bytes, form: dict[str, Any], text: str) -> bytes:
    return data + text.encode("latin-1")


def prepend(data: bytes, form: dict[str, Any], text: str) -> bytes:
    return text.encode("latin-1") + data


def cut(data: bytes, form: dict[str, Any], share: float) -> bytes:
    """Only the beginning; a number of bytes from the end when negative."""
    return data[: int(share)] if share < 0 else data[: int(len(data) * share)]


def encode(data: bytes, form: dict[str, Any], encoding: str) -> bytes:
    """Written in another encoding."""
    return data.decode("utf-8" if form["type"] in ("json", "xml") else encoding_of(form)).encode(encoding)


def spoil_decoding(data: bytes, form: dict[str, Any], wrong: str) -> bytes:
    """Read in a wrong encoding and written again, as broken exports do."""
    return data.decode(encoding_of(form)).encode("utf-8").decode(wrong, "replace").encode(encoding_of(form), "replace")


def line_ends(data: bytes, form: dict[str, Any], end: str) -> bytes:
    encoding = encoding_of(form)
    return data.decode(encoding).replace("\r\n", end).encode(encoding)


def drop_line(data: bytes, form: dict[str, Any], number: int) -> bytes:
    """A whole line of the file, counted from 1."""
    lines = data.split(b"\r\n")
    del lines[number - 1]
    return b"\r\n".join(lines)


def double_line(data: bytes, form: dict[str, Any], number: int) -> bytes:
    lines = data.split(b"\r\n")
    lines.insert(number, lines[number - 1])
    return b"\r\n".join(lines)


def swap_lines(data: bytes, form: dict[str, Any], first: int, second: int) -> bytes:
    lines = data.split(b"\r\n")
    lines[first - 1], lines[second - 1] = lines[second - 1], lines[first - 1]
    return b"\r\n".join(lines)


def long_line(data: bytes, form: dict[str, Any], letters: int) -> bytes:
    """Line ends lost: the last lines are one line."""
    return data + b"x" * letters + b"\r\n"


def many_lines(data: bytes, form: dict[str, Any], count: int) -> bytes:
    return data + b"D|\r\n" * count


def nothing(data: bytes, form: dict[str, Any]) -> bytes:
    return b""


def noise(data: bytes, form: dict[str, Any], size: int) -> bytes:
    """Bytes of chance, always the same."""
    return random.Random(size).randbytes(size)


def of_file(data: bytes, form: dict[str, Any], name: str) -> bytes:
    """What stands in a file of inputs/."""
    return (INPUTS / name).read_bytes()


def zeros(data: bytes, form: dict[str, Any], size: int) -> bytes:
    return bytes(size)


def spaces(data: bytes, form: dict[str, Any], size: int) -> bytes:
    return b" " * size


def nested_json(data: bytes, form: dict[str, Any], opening: str, depth: int, closing: str) -> bytes:
    return (opening * depth + closing * depth).encode()


def many_members(data: bytes, form: dict[str, Any], count: int) -> bytes:
    return json.dumps({"data": {"list": [{f"m{number}": "1"} for number in range(count)]}}).encode()


def nested_xml(data: bytes, form: dict[str, Any], depth: int) -> bytes:
    return b"<DFBW>" + b"<a>" * depth + b"</a>" * depth + b"</DFBW>"


def before_root(data: bytes, form: dict[str, Any], text: str) -> bytes:
    """XML with something between its declaration and its root."""
    declaration, rest = data.split(b"?>", 1)
    return declaration + b"?>" + text.encode() + rest


def declared_as(data: bytes, form: dict[str, Any], encoding: str, written: str | None = None) -> bytes:
    """XML that declares an encoding, and is written in it or in another."""
    text = data.decode().split("?>", 1)[1]
    return f'<?xml version="1.0" encoding="{encoding}"?>{text}'.encode(written or encoding)


def billion_laughs(data: bytes, form: dict[str, Any]) -> bytes:
    levels = "".join(f'<!ENTITY b{n} "{f"&b{n - 1};" * 10}">' for n in range(1, 10))
    return f'<!DOCTYPE DFBW [<!ENTITY b0 "ha">{levels}]><DFBW><PC>&b9;</PC></DFBW>'.encode()


def many_tags(data: bytes, form: dict[str, Any], count: int) -> bytes:
    return b"<DFBW>" + b"<a/>" * count + b"</DFBW>"


def zip_of(data: bytes, form: dict[str, Any], *names: str) -> bytes:
    """A zip of the same file under these names."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def zip_link(data: bytes, form: dict[str, Any]) -> bytes:
    """A symbolic link instead of a file."""
    entry = zipfile.ZipInfo("a.txt")
    entry.create_system, entry.external_attr = 3, 0o120777 << 16
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(entry, "/etc/passwd")
    return out.getvalue()


def zip_bomb(data: bytes, form: dict[str, Any], size: int) -> bytes:
    return pack("zip", bytes(size))


def zip_encrypted(data: bytes, form: dict[str, Any]) -> bytes:
    """The flag of encryption set in both headers."""
    packed = bytearray(pack("zip", data))
    packed[6] |= 1
    packed[packed.index(b"PK\x01\x02") + 8] |= 1
    return bytes(packed)


def zip_method(data: bytes, form: dict[str, Any], method: int) -> bytes:
    """Another way of packing named in both headers."""
    packed = bytearray(pack("zip", data))
    struct.pack_into("<H", packed, 8, method)
    struct.pack_into("<H", packed, packed.index(b"PK\x01\x02") + 10, method)
    return bytes(packed)


def zip_lying(data: bytes, form: dict[str, Any], size: int) -> bytes:
    """The directory says another size."""
    packed = bytearray(pack("zip", data))
    struct.pack_into("<I", packed, packed.index(b"PK\x01\x02") + 24, size)
    return bytes(packed)


def zipped_again(data: bytes, form: dict[str, Any]) -> bytes:
    return pack("zip", pack("zip", data))


def gzip_bomb(data: bytes, form: dict[str, Any], size: int) -> bytes:
    return gzip.compress(bytes(size), mtime=0)


def gzip_members(data: bytes, form: dict[str, Any], count: int) -> bytes:
    return gzip.compress(data, mtime=0) + gzip.compress(b"", mtime=0) * count


def gzip_split(data: bytes, form: dict[str, Any]) -> bytes:
    """Two members, which are one file."""
    half = len(data) // 2
    return gzip.compress(data[:half], mtime=0) + gzip.compress(data[half:], mtime=0)


def gzipped_again(data: bytes, form: dict[str, Any]) -> bytes:
    return gzip.compress(gzip.compress(data, mtime=0), mtime=0)


def sheet_cell(data: bytes, form: dict[str, Any], row: int, column: int, value: Any) -> bytes:
    """A typed cell of a workbook: a number, a formula, an error."""
    book = openpyxl.load_workbook(io.BytesIO(data))
    book.worksheets[0].cell(row, column).value = value
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def sheet_part(data: bytes, form: dict[str, Any], part: str, old: str, new: str, times: int = 1) -> bytes:
    """A text inside a part of a workbook by another."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as book, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name in book.namelist():
            text = book.read(name).decode()
            if name == part:
                assert old in text
                text = text.replace(old, new * times, 1)
            made.writestr(name, text)
    return out.getvalue()


def sheet_renamed(data: bytes, form: dict[str, Any], hidden: bool, name: str) -> bytes:
    book = openpyxl.load_workbook(io.BytesIO(data))
    book.worksheets[0].title = name
    if hidden:
        book.create_sheet("x")
        book.worksheets[0].sheet_state = "hidden"
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


PIECES: dict[str, ToPieces] = {
    one.__name__: one
    for one in (
        cell,
        repeated_cell,
        header,
        trailer,
        keep_totals,
        drop_row,
        double_row,
        swap_rows,
        swap_cells,
        copy_cell,
        no_rows,
    )
}
BYTES: dict[str, ToBytes] = {
    one.__name__: one
    for one in (
        replace, replace_bytes, append, prepend, cut, encode, spoil_decoding, line_ends, drop_line, double_line, swap_lines,
        long_line, many_lines, nothing, noise, of_file, zeros, spaces, nested_json, many_members, nested_xml, before_root,
        declared_as, billion_laughs, many_tags, sheet_cell, sheet_part, sheet_renamed,
    )
}  # fmt: skip
PACKED: dict[str, ToBytes] = {
    one.__name__: one
    for one in (
        zip_of,
        zip_link,
        zip_bomb,
        zip_encrypted,
        zip_method,
        zip_lying,
        zipped_again,
        gzip_bomb,
        gzip_members,
        gzip_split,
        gzipped_again,
    )
}
"""They take the content and give the packed file."""


def make(feed: str, steps: Sequence[Sequence[Any]]) -> bytes:
    """A good file of the feed with these edits, packed as agreed; ``packed:`` before a name edits the packed bytes."""
    made = draft(feed)
    for name, *words in steps:
        if name in PIECES:
            PIECES[name](made, *words)
    made.refresh()
    data, packer = write(made), lambda content: pack(made.packed, content)
    for name, *words in steps:
        if name in BYTES:
            data = BYTES[name](data, made.form, *words)
        elif name in PACKED:
            packer = lambda content, name=name, words=words: PACKED[name](content, made.form, *words)  # noqa: E731
    data = packer(data)
    for name, *words in steps:
        if name.startswith("packed:"):
            data = BYTES[name.removeprefix("packed:")](data, made.form, *words)
    return data
