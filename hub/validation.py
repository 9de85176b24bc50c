"""Typed rows against the shared schema: every row becomes a record or a rejection with all its reasons. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

import dataframely as dy
import polars as pl

from hub.digest import sm3_texts
from hub.feed import RecordSpec
from hub.mapping import Mapped, brief
from hub.model import Rows, Sorted
from hub.recipes import add_up
from schemas.catalogue import SCHEMAS, explain
from schemas.shared import Shared

ROW = "row_no__"
REASON = pl.Struct({"field": pl.String, "column": pl.String, "code": pl.String})
PLACE = ("#part", "#line", "#no", "#key")
NOT_CONTENT = frozenset({"source_updated_at"})  # moves without the content moving


def sort_rows(name: str, record: RecordSpec, mapped: Mapped, rows: Rows) -> Sorted:
    """Sort the mapped rows of one schema into records and rejections; nothing is dropped without being counted."""
    schema = SCHEMAS[name]
    frame = mapped.frame.with_row_index(ROW).with_columns(_record_key(schema), _money(schema).alias("#fen"))
    frame, repeated = _last_of_each(frame) if record.repeats == "last_wins" else (frame, frame.head(0))
    found = [_unreadable(frame, record), _broken_rules(schema, frame, record), _second_copies(schema, frame, record)]
    reasons = pl.concat(found).unique(maintain_order=True)
    grouped = reasons.group_by(ROW, maintain_order=True).agg(pl.struct("field", "column", "code").alias("#reasons"))
    rejected = frame.join(grouped, on=ROW, how="inner", maintain_order="left").select(
        *PLACE, "#fen", "#row", "#reasons"
    )
    records = frame.join(grouped, on=ROW, how="anti", maintain_order="left")
    rejections = pl.concat([rejected, _broken_lines(rows)]).sort("#part", "#line")
    return Sorted(name, _with_digest(schema, records), rejections, repeated.height, add_up(repeated["#fen"]))


def _record_key(schema: type[Shared]) -> pl.Expr:
    parts = [pl.col(name).cast(pl.String) for name in schema.business_key]
    return pl.concat_str(parts, separator="/", ignore_nulls=False).alias("#record_key")


def _money(schema: type[Shared]) -> pl.Expr:
    """What is added up at every hop; nothing where the record has no money."""
    return pl.col(schema.money).fill_null(0) if schema.money else pl.lit(0, dtype=pl.Int64)


def _last_of_each(frame: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Keep the last row of each business key: a page may be given twice, and a row may move to a later page."""
    later = pl.col("#record_key").is_not_null() & ~pl.col("#record_key").is_last_distinct()
    return frame.filter(~later.fill_null(False)), frame.filter(later.fill_null(False))


def _unreadable(frame: pl.DataFrame, record: RecordSpec) -> pl.DataFrame:
    """Reasons for fields whose text could not be read as what it should be."""
    found = [
        frame.filter(pl.col(f"!{field}").is_not_null()).select(
            ROW,
            pl.lit(field).alias("field"),
            pl.lit(_source(record, field)).alias("column"),
            pl.col(f"!{field}").alias("code"),
        )
        for field in record.fields
        if f"!{field}" in frame.columns
    ]
    return pl.concat([_no_reasons(), *found])


def _broken_rules(schema: type[Shared], frame: pl.DataFrame, record: RecordSpec) -> pl.DataFrame:
    """Reasons the schema gives. A field that could not be read is not blamed a second time for being empty."""
    tracked = cast(
        type[Shared],
        type(schema.__name__, (schema,), {ROW: dy.UInt32(primary_key=True), "__module__": schema.__module__}),
    )
    details: pl.DataFrame = tracked.filter(frame.select(*schema.column_names(), ROW)).failure.details()
    found = []
    for failure in [name for name in details.columns if name not in {*schema.column_names(), ROW}]:
        broken = details.filter(pl.col(failure) == "invalid").select(ROW)
        if broken.is_empty():
            continue
        field, code = explain(schema, failure)
        if failure.endswith("|nullability") and f"!{field}" in frame.columns:
            readable = frame.filter(pl.col(f"!{field}").is_null()).select(ROW)
            broken = broken.join(readable, on=ROW, how="semi")
        column = _source(record, field)
        found.append(
            broken.select(ROW, pl.lit(field).alias("field"), pl.lit(column).alias("column"), pl.lit(code).alias("code"))
        )
    return pl.concat([_no_reasons(), *found])


def _second_copies(schema: type[Shared], frame: pl.DataFrame, record: RecordSpec) -> pl.DataFrame:
    """The first row of a business key stands; later ones are rejected (L105)."""
    again = pl.col("#record_key").is_not_null() & ~pl.col("#record_key").is_first_distinct()
    field = schema.business_key[-1]
    return frame.filter(again).select(
        ROW,
        pl.lit(field).alias("field"),
        pl.lit(_source(record, field)).alias("column"),
        pl.lit("L105").alias("code"),
    )


def _source(record: RecordSpec, field: str) -> str:
    """The partner's own name for a field, where one column feeds it."""
    spec = record.fields.get(field)
    if spec is None:
        return field
    return spec.from_ or (spec.first_of[0] if spec.first_of else field)


def _no_reasons() -> pl.DataFrame:
    return pl.DataFrame(schema={ROW: pl.UInt32, "field": pl.String, "column": pl.String, "code": pl.String})


def _broken_lines(rows: Rows) -> pl.DataFrame:
    """Lines that could not be cut into columns are rejections too, with their whole text."""
    schema: dict[str, Any] = {"#part": pl.Int32, "#line": pl.Int32, "#no": pl.String, "#key": pl.String}
    schema |= {"#fen": pl.Int64, "#row": pl.String, "#reasons": pl.List(REASON)}
    if rows.broken is None or rows.broken.is_empty():
        return pl.DataFrame(schema=schema)
    reason = pl.concat_list(
        pl.struct(pl.lit("").alias("field"), pl.lit("").alias("column"), pl.col("#code").alias("code"))
    )
    text = pl.struct(brief("#text").alias("line")).struct.json_encode()
    return rows.broken.select(
        "#part",
        "#line",
        "#no",
        pl.lit("{}").alias("#key"),
        pl.lit(0, dtype=pl.Int64).alias("#fen"),
        text.alias("#row"),
        reason.alias("#reasons"),
    )


def _with_digest(schema: type[Shared], records: pl.DataFrame) -> pl.DataFrame:
    """Add the SM3 of the row's content, by which a later delivery is known to be the same or another version."""
    content = [name for name in schema.column_names() if name not in NOT_CONTENT]
    texts: Iterable[str] = records.select(pl.struct(content).struct.json_encode()).to_series()
    digests = pl.Series("#digest", sm3_texts(texts), dtype=pl.String)
    return records.select(*PLACE, "#record_key", "#fen", "#row", *schema.column_names()).with_columns(digests)
