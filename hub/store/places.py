"""Where sealed values lie: the columns of each table, what names a row before it is written, and what its primary key is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from schemas.catalogue import SCHEMAS
from schemas.personal import PERSONAL_SCHEMAS, number_kind, personal_columns


@dataclass(frozen=True)
class Place:
    """One table with sealed columns. ``row`` is SQL for the name that its envelopes are bound to; ``keys`` its key by type.

    ``indexed`` are the columns that may be searched, with the kind of their numbers. ``digests`` are columns whose SM3 is
    keyed, because it would tell what is sealed beside it.
    """

    table: str
    columns: tuple[str, ...]
    row: str
    keys: Mapping[str, str]
    required: tuple[str, ...] = ()
    indexed: Mapping[str, str] = field(default_factory=dict)
    digests: tuple[str, ...] = ()


def record_row(version: int, record_key: str) -> str:
    """What names a version of a record. The number comes first: it holds no stroke, so no two versions share a name."""
    return f"{version}/{record_key}"


def row_of_batch(batch_id: int, schema: str, part_no: int, row_no: int) -> str:
    """What names a rejected row."""
    return f"{batch_id}/{schema}/{part_no}/{row_no}"


def row_of_repair(repair_id: int, place: str, part_no: int, row_no: int) -> str:
    """What names a corrected row; its place in the file comes last, because it may hold strokes."""
    return f"{repair_id}/{part_no}/{row_no}/{place}"


def record_place(schema: str) -> Place:
    """The table of a shared schema."""
    columns = personal_columns(schema)
    kinds = {column: kind for column in columns if (kind := number_kind(column)) is not None}
    row = "version || '/' || record_key"
    required = tuple(column for column in columns if not SCHEMAS[schema].columns()[column].nullable)
    return Place(f"record.{schema}", columns, row, {"record_id": "bigint"}, required, kinds, ("content_digest",))


REJECTIONS = Place(
    "rejection",
    ("source_row",),
    "batch_id || '/' || schema_name || '/' || part_no || '/' || row_no",
    {"batch_id": "bigint", "schema_name": "text", "part_no": "integer", "row_no": "integer"},
    ("source_row",),
    digests=("row_digest",),
)
REPAIRS = Place(
    "repair_row",
    ("corrections",),
    "repair_id || '/' || part_no || '/' || row_no || '/' || place",
    {"repair_id": "bigint", "place": "text", "part_no": "integer", "row_no": "integer"},
    ("corrections",),
    digests=("before_digest", "after_digest"),
)
CALLS = Place("told_call", ("rows",), "call_key", {"call_id": "bigint"})
PLACES: tuple[Place, ...] = (*map(record_place, PERSONAL_SCHEMAS), REJECTIONS, REPAIRS, CALLS)
"""Every table with sealed columns."""
