"""The lines of a file that goes back to a partner: return files and conclusions alike. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal


def return_text(lines: Iterable[Iterable[str]], separator: str, newline: Literal["crlf", "lf"]) -> bytes:
    """Cells as lines in GB18030. A separator or a line end inside a cell would shift what follows: they become harmless."""
    end = "\r\n" if newline == "crlf" else "\n"
    cells = ([cell.replace(separator, "／").replace("\r", " ").replace("\n", " ") for cell in line] for line in lines)
    return "".join(separator.join(line) + end for line in cells).encode("gb18030")
