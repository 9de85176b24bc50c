"""What the truth hands out: facts of one row by schema, and the rows below it."""

from dataclasses import dataclass
from datetime import date, datetime

Value = str | int | bool | date | datetime | None
Fields = dict[str, Value]


@dataclass(frozen=True)
class Document:
    """Schemas under one `rows` stand in one row of a partner; `inner` are the rows below it."""

    rows: dict[str, Fields]
    inner: tuple["Document", ...] = ()


def record(schema: str, **fields: Value) -> Document:
    """A document of one schema with nothing below it."""
    return Document({schema: fields})
