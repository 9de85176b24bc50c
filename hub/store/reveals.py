"""Personal values that may be shown; and which records a number stands in."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa

from hub.store.database import Work, rows_of
from hub.store.keys import blind_index
from hub.store.places import REJECTIONS, record_place
from hub.store.sealed import open_columns, open_texts
from schemas.personal import PERSONAL_SCHEMAS, personal_columns


class Shown(NamedTuple):
    """One personal value of a record or a rejected row: where it stands, and what it says."""

    schema: str
    version: int | None
    column: str
    value: str | None


class Found(NamedTuple):
    """A record in which a number stands."""

    schema: str
    record_key: str
    version: int
    column: str
    batch: int


def values_of_record(work: Work, schema: str, record_key: str) -> list[Shown]:
    """The personal values of a record's newest version, in the order of its schema."""
    place = record_place(schema)
    columns = ", ".join(place.columns)
    sql = f"""select version, {place.row} as row, {columns} from {place.table} where record_key = :key and is_current"""
    return _shown(work, schema, rows_of(work, sql, key=record_key))


def values_of_row(work: Work, batch_id: int, printed_no: str) -> list[Shown]:
    """The personal values of one row of a batch, by the number printed on it: as records, and as it came if turned down."""
    same = "batch_id = :batch_id and (printed_no = :no or ltrim(printed_no, '0') = ltrim(:no, '0'))"
    found = []
    for schema in PERSONAL_SCHEMAS:
        place = record_place(schema)
        sql = f"""select version, {place.row} as row, {", ".join(place.columns)} from {place.table} where {same}
                  order by record_id"""
        found += _shown(work, schema, rows_of(work, sql, batch_id=batch_id, no=printed_no))
    sql = f"select schema_name, {REJECTIONS.row} as row, source_row from rejection where {same} order by schema_name"
    rows = rows_of(work, sql, batch_id=batch_id, no=printed_no)
    texts = open_texts(work, REJECTIONS, [row.row for row in rows], [row.source_row for row in rows])
    for row, text in zip(rows, texts, strict=True):
        found += [Shown(row.schema_name, None, column, value) for column, value in _cells(text)]
    return found


def find_records(work: Work, number: str) -> list[Found]:
    """Every record in which this number stands, however it is written: document, card, account or phone."""
    index, found = blind_index(work).candidates(number), []
    for schema in PERSONAL_SCHEMAS:
        for column, kind in record_place(schema).indexed.items():
            sql = f"""select record_key, version, batch_id from record.{schema} where {column}_index = :hidden
                      order by record_id"""
            rows = rows_of(work, sql, hidden=index[kind])
            found += [Found(schema, row.record_key, row.version, column, row.batch_id) for row in rows]
    return found


def _shown(work: Work, schema: str, rows: Sequence[sa.Row[Any]]) -> list[Shown]:
    sealed = {column: [row._mapping[column] for row in rows] for column in personal_columns(schema)}
    opened = open_columns(work, record_place(schema), [row.row for row in rows], sealed)
    return [
        Shown(schema, row.version, column, texts[number])
        for number, row in enumerate(rows)
        for column, texts in opened.items()
    ]


def _cells(text: str | None) -> list[tuple[str, str | None]]:
    """The partner's own columns of a row; one value where it is no object any more."""
    if text is None or not text.startswith("{"):
        return [("", text)]
    return [(name, value if value is None else str(value)) for name, value in json.loads(text).items()]
