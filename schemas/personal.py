"""Which columns are personal (class L4), what of them may be searched, and how each is masked when it is shown."""

from __future__ import annotations

from schemas.catalogue import SCHEMAS

INDEXED = {"id_no": "document", "card_no": "card", "account_no": "account", "phone": "phone"}
"""By the end of a column's name: the kind of number it holds. Names and free text are not searched."""


def personal_columns(schema: str) -> tuple[str, ...]:
    """The columns of class L4 of a shared schema, in its order."""
    columns = SCHEMAS[schema].columns()
    return tuple(name for name, column in columns.items() if (column.metadata or {}).get("level") == "L4")


def number_kind(column: str) -> str | None:
    """What kind of number a personal column holds; None for a name or a text."""
    return next((kind for end, kind in INDEXED.items() if column.endswith(end)), None)


PERSONAL_SCHEMAS = tuple(name for name in SCHEMAS if personal_columns(name))
"""Schemas with at least one personal column."""
