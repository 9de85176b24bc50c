"""Rows as plain text tables, as wide as their cells on a screen, where a Chinese character takes two places."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from unicodedata import east_asian_width

import sqlalchemy as sa

from hub.reasons import all_reasons, reason
from hub.text import visible

CODES = frozenset(found.code for found in all_reasons())


def show_table(name: str, rows: Sequence[sa.Row[Any]]) -> None:
    """One table under its name; codes of the catalogue are followed by what they mean. Nothing when there is no row."""
    if not rows:
        return
    heads = [key for key in rows[0]._mapping if key != "batch_id"]
    print(f"\n{name}" if name else "")
    show_lines([heads, *([_cell(key, row._mapping[key]) for key in heads] for row in rows)])


def show_lines(lines: Sequence[Sequence[str]]) -> None:
    """Cells one below the other, each column as wide as its widest; the first line holds their heads."""
    sizes = [max(width(line[place]) for line in lines) for place in range(len(lines[0]))]
    for line in lines:
        print(
            "  " + "  ".join(text + " " * (size - width(text)) for text, size in zip(line, sizes, strict=True)).rstrip()
        )


def width(text: str) -> int:
    """Places the text takes on a screen."""
    return sum(2 if east_asian_width(letter) in "WF" else 1 for letter in text)


def _cell(key: str, value: object) -> str:
    if value is None:
        return "-"
    if key.endswith("code") and value in CODES:
        return f"{value} {reason(str(value)).zh}"
    return f"{value:%F %T}" if isinstance(value, datetime) else visible(str(value))
