"""Cut lines into cells. A line that does not fit is set aside whole with its code, never padded or shortened."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import polars as pl

PLACE = {"#part": pl.Int32, "#line": pl.Int32}


@dataclass(frozen=True)
class Cut:
    """Lines that fit, as columns of text, and lines that do not, with code L115 (columns) or L116 (broken character)."""

    frame: pl.DataFrame
    broken: pl.DataFrame


def set_aside(numbers: Sequence[int], texts: Sequence[str], codes: Sequence[str]) -> pl.DataFrame:
    """Lines that do not fit, whole, with their codes."""
    columns = {"#part": [0] * len(numbers), "#line": list(numbers), "#text": list(texts), "#code": list(codes)}
    return pl.DataFrame(columns, schema={**PLACE, "#text": pl.String, "#code": pl.String})


def cut_delimited(
    lines: Sequence[str], numbers: Sequence[int], names: Sequence[str], separator: str, escape: str | None
) -> Cut:
    """Split at each separator that is not escaped."""
    text = pl.DataFrame({"#line": numbers, "text": lines}, schema={"#line": pl.Int32, "text": pl.String})
    stand_in = _stand_in(text["text"])
    unescaped = (
        pl.col("text") if escape is None else pl.col("text").str.replace_all(escape + separator, stand_in, literal=True)
    )
    whole = text.select(
        pl.lit(0, dtype=pl.Int32).alias("#part"), "#line", unescaped.str.split(separator).alias("cells")
    )
    fits = pl.col("cells").list.len() == len(names)
    cells = [
        pl.col("cells").list.get(i).str.replace_all(stand_in, separator, literal=True).alias(n)
        for i, n in enumerate(names)
    ]
    frame = whole.filter(fits).select("#part", "#line", *cells)
    other = whole.filter(~fits)["#line"].to_list()
    by_number = dict(zip(numbers, lines, strict=True)) if other else {}
    return Cut(frame, set_aside(other, [by_number[n] for n in other], ["L115"] * len(other)))


def cut_quoted(lines: Sequence[str], numbers: Sequence[int], names: Sequence[str], separator: str, quote: str) -> Cut:
    """Split as in CSV: a cell may stand between quotes, where a separator is a letter like others and a quote is doubled.

    A quote anywhere else is no CSV that everybody reads alike, and costs its line.
    """
    pattern = _quoted_cell(separator, quote)
    cut = [(no, line, _split_quoted(line, pattern, separator, quote)) for no, line in zip(numbers, lines, strict=True)]
    fits = [(no, cells) for no, _, cells in cut if cells is not None and len(cells) == len(names)]
    other = [(no, line) for no, line, cells in cut if cells is None or len(cells) != len(names)]
    frame = pl.DataFrame([cells for _, cells in fits], schema={name: pl.String for name in names}, orient="row")
    place = pl.DataFrame({"#part": [0] * len(fits), "#line": [no for no, _ in fits]}, schema=PLACE)
    return Cut(
        place.hstack(frame), set_aside([no for no, _ in other], [line for _, line in other], ["L115"] * len(other))
    )


def split_cells(line: str, separator: str, escape: str | None, quote: str | None) -> list[str]:
    """The cells of one line, however many; none where its quotes cannot be paired."""
    if quote is not None:
        return _split_quoted(line, _quoted_cell(separator, quote), separator, quote) or []
    cells: list[str] = []
    is_open = False
    for piece in line.split(separator):
        cells[len(cells) - is_open :] = [cells[-1] + separator + piece if is_open else piece]
        is_open = escape is not None and piece.endswith(escape)
        if is_open and escape is not None:
            cells[-1] = cells[-1].removesuffix(escape)
    return cells


def _quoted_cell(separator: str, quote: str) -> re.Pattern[str]:
    """Unrolled, without possessive groups: Python before 3.11.5 captures the wrong text with them."""
    mark, end = re.escape(quote), re.escape(separator)
    return re.compile(
        rf"(?:{mark}([^{mark}]*(?:{mark}{mark}[^{mark}]*)*){mark}|((?:(?!{end})[^{mark}])*))({end}|\Z)", re.DOTALL
    )


def _split_quoted(line: str, pattern: re.Pattern[str], separator: str, quote: str) -> list[str] | None:
    if quote not in line:
        return line.split(separator)
    cells, at = [], 0
    while (found := pattern.match(line, at)) is not None:
        quoted, plain, end = found.groups()
        cells.append(plain if quoted is None else quoted.replace(quote * 2, quote))
        at = found.end()
        if not end:
            return cells
    return None


def _stand_in(text: pl.Series) -> str:
    """A letter that stands for an escaped separator while lines are split: a private one that is nowhere in the file."""
    return next(
        letter for letter in map(chr, range(0xF0000, 0xFFFFE)) if not text.str.contains(letter, literal=True).any()
    )


def cut_fixed(lines: Sequence[str], numbers: Sequence[int], columns: Sequence[tuple[str, int]], encoding: str) -> Cut:
    """Cut by bytes; ``lines`` hold one character per byte (latin-1). A character cut in two is L116."""
    width = sum(size for _, size in columns)
    spans = list(pairwise(accumulate((size for _, size in columns), initial=0)))
    rows: list[list[str]] = []
    kept: list[int] = []
    broken: list[tuple[int, str, str]] = []
    for number, line in zip(numbers, lines, strict=True):
        raw = line.encode("latin-1")
        try:
            if len(raw) != width:
                raise ValueError("L115")
            rows.append([raw[start:end].decode(encoding).strip(" ") for start, end in spans])
            kept.append(number)
        except UnicodeDecodeError:
            broken.append((number, raw.decode(encoding, "replace"), "L116"))
        except ValueError:
            broken.append((number, raw.decode(encoding, "replace"), "L115"))
    schema = {name: pl.String for name, _ in columns}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    place = pl.DataFrame({"#part": [0] * len(kept), "#line": kept}, schema=PLACE)
    return Cut(place.hstack(frame), set_aside([b[0] for b in broken], [b[1] for b in broken], [b[2] for b in broken]))
