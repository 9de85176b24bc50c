"""Cut lines into cells. A line that does not fit is set aside whole with its code, never padded or shortened."""

from __future__ import annotations

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


def _broken(numbers: Sequence[int], texts: Sequence[str], codes: Sequence[str]) -> pl.DataFrame:
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
    return Cut(frame, _broken(other, [by_number[n] for n in other], ["L115"] * len(other)))


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
    return Cut(place.hstack(frame), _broken([b[0] for b in broken], [b[1] for b in broken], [b[2] for b in broken]))
