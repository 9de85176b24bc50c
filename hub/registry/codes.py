"""Code tables: CSV with the columns code, value, label, so that officials can edit them."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from hub.registry.problems import Problem


def read_codes(folder: Path) -> tuple[dict[str, dict[str, str]], list[Problem]]:
    """Code tables: CSV with the columns code, value, label, so that officials can edit them. A broken table hides no other."""
    tables: dict[str, dict[str, str]] = {}
    problems: list[Problem] = []
    for path in sorted(folder.glob("*.csv")):
        name = f"codes/{path.name}"
        try:
            found = [Problem(name, line, cause) for line, cause in _read_table(path, tables)]
        except UnicodeDecodeError as error:
            found = [Problem(name, 1, f"is not UTF-8 (byte {error.start}); save it as CSV UTF-8")]
        except (OSError, csv.Error) as error:
            found = [Problem(name, 1, f"cannot be read: {error}")]
        if found:
            tables.pop(path.stem, None)
        problems += found
    return tables, problems


def _read_table(path: Path, tables: dict[str, dict[str, str]]) -> Iterator[tuple[int, str]]:
    """Add a table to ``tables``; gives line and cause of what is wrong with it."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        names = list(reader.fieldnames or ())
        if not names:
            yield 1, "the file is empty"
        elif "value" in names and "code" not in names:
            yield 1, "a table needs the columns code and value"
        elif "value" in names:  # else a reference table such as areas.csv, not a translation
            table = tables.setdefault(path.stem, {})
            for row in reader:
                code, value = row["code"], row["value"]
                if not code or not value:
                    yield reader.line_num, "a line needs a code and a value"
                elif code in table:
                    yield reader.line_num, f"code {code} stands twice"
                else:
                    table[code] = value
