"""The lines of a file that goes back to a partner, and cells that a person opens in a spreadsheet: two ways, never mixed. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a spreadsheet may take for the beginning of a formula; full-width ones where its language is Chinese or Japanese."""


def harmless(cell: str) -> str:
    """The cell with an apostrophe before what a spreadsheet would run; a negative amount is none. For people only."""
    is_amount = cell.startswith("-") and cell[1:].replace(",", "").replace(".", "").isdigit()
    return f"'{cell}" if cell.lstrip(" \u3000\u00a0\ufeff").startswith(FORMULA) and not is_amount else cell


def return_text(lines: Iterable[Iterable[str]], separator: str, newline: Literal["crlf", "lf"]) -> bytes:
    """Cells as lines in GB18030. A separator or a line end inside a cell would shift what follows: they become harmless."""
    end = "\r\n" if newline == "crlf" else "\n"
    cells = ([cell.replace(separator, "／").replace("\r", " ").replace("\n", " ") for cell in line] for line in lines)
    return "".join(separator.join(line) + end for line in cells).encode("gb18030")
