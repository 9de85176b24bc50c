"""Everything that stands in the hub's tables, as texts to search: what a thief of a dump would have."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import sqlalchemy as sa

from hub.store.database import rows_of, working

NUMBER = re.compile(r"[0-9]{11,19}[0-9Xx]?")


def dump(engine: sa.Engine) -> dict[str, str]:
    """Each column of each table of the hub as one text; bytes as the letters they would be, were they a text."""
    sql = """select table_schema || '.' || table_name as table, column_name as column, data_type as kind
             from information_schema.columns where table_schema in ('hub', 'record') order by 1, ordinal_position"""
    found: dict[str, str] = {}
    with working(engine) as work:
        for row in rows_of(work, sql):
            cells = rows_of(work, f'select "{row.column}" as cell from {row.table} where "{row.column}" is not null')
            found[f"{row.table}.{row.column}"] = "\n".join(_text(cell.cell) for cell in cells)
    return found


def clear_numbers(tables: dict[str, str], numbers: Iterable[str]) -> Iterator[str]:
    """Columns in which a person's number stands, without showing it."""
    wanted = {number.upper() for number in numbers}
    for column, text in tables.items():
        if any(number.upper() in wanted for number in NUMBER.findall(text)):
            yield column


def clear_texts(tables: dict[str, str], texts: Iterable[str]) -> Iterator[str]:
    """Columns in which a person's name or words stand."""
    wanted = sorted(set(texts))
    for column, text in tables.items():
        if any(one in text for one in wanted):
            yield column


def _text(cell: object) -> str:
    return bytes(cell).decode("utf-8", "replace") if isinstance(cell, bytes | memoryview) else str(cell)
