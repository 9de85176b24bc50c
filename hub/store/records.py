"""Records and rejections: one table per shared schema, every version of a business key kept, the newest marked current."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl
import sqlalchemy as sa

from hub.digest import sm3_texts
from hub.model import Sorted
from hub.points import reach
from hub.recipes import add_up
from hub.store.database import Work, copy_rows, rows_of
from hub.store.places import REJECTIONS, record_place, row_of_batch
from hub.store.restores import version_floor
from hub.store.sealed import keyed, seal_frame
from schemas.catalogue import SCHEMAS
from schemas.personal import PERSONAL_SCHEMAS

KNOWN: dict[str, pl.DataType | type[pl.DataType]] = {
    "#record_key": pl.String,
    "record_id": pl.Int64,
    "version": pl.Int32,
    "content_digest": pl.String,
    "batch_id": pl.Int64,
    "known_at": pl.Datetime("us", "Asia/Shanghai"),
}


@dataclass(frozen=True)
class Written:
    """Rows and fen by what became of them; ``unchanged`` are rows whose content the hub already has (or a newer one).

    ``unkept`` are those of them that leave no repetition: given twice in one fetch, or turned down and told of before.
    """

    stored_rows: int
    stored_fen: int
    rejected_rows: int
    rejected_fen: int
    unchanged_rows: int
    unchanged_fen: int
    unkept_rows: int
    unkept_fen: int


def write_rows(work: Work, batch_id: int, found: Sorted, *, answer_every_row: bool) -> Written:
    """Write the records, rejections and repetitions of one schema of a batch.

    One writer per schema at a time (an advisory lock held to the commit), so that versions of a key cannot race.
    With ``answer_every_row`` a rejection seen before is a rejection again (a file's every line is answered); without it,
    it is a repetition, because its partner has already been told.
    """
    work.execute(sa.text("select pg_advisory_xact_lock(hashtext(:name))"), {"name": f"record.{found.schema}"})
    records = compare(work, batch_id, found)
    fresh = records.filter(pl.col("#is_fresh"))
    known = records.filter(~pl.col("#is_fresh"))
    is_mine = (pl.col("batch_id") == batch_id) | pl.col("#is_mine")
    _write_versions(work, batch_id, found.schema, fresh)
    reach("store.records_written")
    mine, old = known.filter(is_mine), known.filter(~is_mine)
    rejections = with_digests(work, found.rejections)
    again = rejections.head(0) if answer_every_row else told_before(work, batch_id, found.schema, rejections)
    rejections = rejections.join(
        again.select("#part", "#line"), on=["#part", "#line"], how="anti", maintain_order="left"
    )
    _write_rejections(work, batch_id, found.schema, rejections)
    reach("store.rejections_written")
    _write_repetitions(work, batch_id, found.schema, old)
    unkept_fen = add_up(again["#fen"]) + found.repeated_fen
    return Written(
        stored_rows=fresh.height + mine.height,
        stored_fen=add_up(fresh["#fen"]) + add_up(mine["#fen"]),
        rejected_rows=rejections.height,
        rejected_fen=add_up(rejections["#fen"]),
        unchanged_rows=old.height + again.height + found.repeated_rows,
        unchanged_fen=add_up(old["#fen"]) + unkept_fen,
        unkept_rows=again.height + found.repeated_rows,
        unkept_fen=unkept_fen,
    )


def with_digests(work: Work, rejections: pl.DataFrame) -> pl.DataFrame:
    """Rejections with the keyed SM3 of each row as it came, by which it is known when it comes again."""
    digests = pl.Series("#row_digest", sm3_texts(rejections["#row"]), dtype=pl.String)
    return keyed(work, rejections.with_columns(digests), "#row_digest")


def compare(work: Work, batch_id: int, found: Sorted) -> pl.DataFrame:
    """Join the rows with what is known of their keys. Fresh: no version yet, or other content that is not older.

    Age goes by the source's own update time, or, where it gives none, by the order in which batches came: a batch released or
    replayed late does not undo what came after it. Mine: this batch said the same when it was read before.
    """
    dated = "source_updated_at" in SCHEMAS[found.schema].column_names()
    known_at = "source_updated_at" if dated else "null::timestamptz"
    sql = f"""select record_key, record_id, version, content_digest, batch_id, {known_at} as known_at
              from record.{found.schema} where is_current and record_key = any(:keys)"""
    known = rows_of(work, sql, keys=found.records["#record_key"].to_list())
    frame = pl.DataFrame([tuple(row) for row in known], schema=KNOWN, orient="row")
    records = keyed(work, found.records, "#digest") if found.schema in PERSONAL_SCHEMAS else found.records
    joined = records.join(frame, on="#record_key", how="left", maintain_order="left")
    newer = pl.col("source_updated_at") >= pl.col("known_at") if dated else pl.lit(batch_id) >= pl.col("batch_id")
    other = (pl.col("content_digest") != pl.col("#digest")) & newer.fill_null(True)
    sql = f"select record_key, content_digest from record.{found.schema} where batch_id = :batch_id"
    before = [tuple(row) for row in rows_of(work, sql, batch_id=batch_id)]
    own = pl.DataFrame(before, schema={"#record_key": pl.String, "#digest": pl.String}, orient="row").unique()
    joined = joined.join(
        own.with_columns(pl.lit(True).alias("#is_mine")),
        on=["#record_key", "#digest"],
        how="left",
        maintain_order="left",
    )
    return joined.with_columns(
        (pl.col("record_id").is_null() | other).alias("#is_fresh"), pl.col("#is_mine").fill_null(False)
    )


def _write_versions(work: Work, batch_id: int, schema: str, fresh: pl.DataFrame) -> None:
    if fresh.is_empty():
        return
    replaced = fresh["record_id"].drop_nulls().to_list()
    work.execute(
        sa.text(f"update record.{schema} set is_current = false where record_id = any(:ids)"), {"ids": replaced}
    )
    floor = version_floor(work, batch_id)
    envelope = fresh.select(
        pl.lit(batch_id, dtype=pl.Int64).alias("batch_id"),
        *_place(),
        pl.col("#record_key").alias("record_key"),
        (pl.max_horizontal(pl.col("version").fill_null(0), pl.lit(floor, dtype=pl.Int32)) + 1).alias("version"),
        pl.col("#digest").alias("content_digest"),
        pl.col("#fen").alias("fen"),
        *SCHEMAS[schema].column_names(),
    )
    if schema in PERSONAL_SCHEMAS:
        names = envelope.select(pl.concat_str("version", pl.lit("/"), "record_key")).to_series()
        envelope = seal_frame(work, record_place(schema), envelope, names)
    copy_rows(work, f"record.{schema}", envelope)


def _place() -> list[pl.Expr]:
    return [
        pl.col("#part").alias("part_no"),
        pl.col("#line").alias("row_no"),
        pl.col("#no").alias("printed_no"),
        pl.col("#key").alias("source_key"),
    ]


def told_before(
    work: Work, batch_id: int, schema: str, rejections: pl.DataFrame, feed_id: str | None = None
) -> pl.DataFrame:
    """Rejections of this feed that came before, letter by letter; those repaired since too, for their partner was told better.

    ``feed_id`` for a batch that is not there yet.
    """
    same = """batch_id <> :batch_id and batch.feed_id = coalesce(cast(:feed_id as text),
                                                                 (select feed_id from batch where batch_id = :batch_id))"""
    sql = f"""select row_digest from rejection join batch using (batch_id)
              where schema_name = :schema and row_digest = any(:digests) and {same}
              union
              select before_digest from repair_row join repair using (repair_id) join batch using (batch_id)
              where before_digest = any(:digests) and repair.state = 'effective' and {same}"""
    digests = rejections["#row_digest"].to_list()
    known = rows_of(work, sql, schema=schema, digests=digests, batch_id=batch_id, feed_id=feed_id)
    return rejections.filter(pl.col("#row_digest").is_in([row.row_digest for row in known]))


def _write_rejections(work: Work, batch_id: int, schema: str, rejections: pl.DataFrame) -> None:
    if rejections.is_empty():
        return
    reasons = pl.concat_str(
        pl.lit("["),
        pl.col("#reasons").list.eval(pl.element().struct.json_encode()).list.join(","),
        pl.lit("]"),
    )
    columns = rejections.select(
        pl.lit(batch_id, dtype=pl.Int64).alias("batch_id"),
        pl.lit(schema).alias("schema_name"),
        *_place(),
        pl.col("#fen").alias("fen"),
        pl.col("#row").alias("source_row"),
        pl.col("#row_digest").alias("row_digest"),
        reasons.alias("reasons"),
    )
    names = [row_of_batch(batch_id, schema, *at) for at in columns.select("part_no", "row_no").rows()]
    copy_rows(work, "rejection", seal_frame(work, REJECTIONS, columns, pl.Series(names, dtype=pl.String)))


def _write_repetitions(work: Work, batch_id: int, schema: str, old: pl.DataFrame) -> None:
    if old.is_empty():
        return
    columns = old.select(
        pl.lit(batch_id, dtype=pl.Int64).alias("batch_id"), pl.lit(schema).alias("schema_name"), *_place(), "record_id",
        pl.col("#fen").alias("fen"),
    )  # fmt: skip
    copy_rows(work, "repetition", columns)
