"""Poison rows: a row that makes the mapping or the checks themselves fail is turned down alone, and everything else goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import polars as pl

from hub.errors import FeedChanged, HubError
from hub.feed import RecordSpec
from hub.isolating import MOST_POISON, ODD, failing, find_poison
from hub.mapping import Codes, Mapped, key_text, map_rows, row_text
from hub.model import Rows, Sorted
from hub.validation import sort_rows
from schemas.catalogue import SCHEMAS

Read = Callable[[Rows], tuple[Mapped, Sorted]]
NOT_A_ROW = (HubError, MemoryError)
"""What is no row's fault."""
MOST_DIGITS = 9
"""Of a row's number; what is longer may be somebody's and is not shown."""


def read_place(name: str, record: RecordSpec, rows: Rows, codes: Codes) -> tuple[Mapped, Sorted, tuple[str, ...]]:
    """Map and sort the rows of one schema, and say which of them nobody could process (L126).

    What fails without any row, or in no row alone, is no row's fault and is raised as it is.
    """

    def read(some: Rows) -> tuple[Mapped, Sorted]:
        mapped = map_rows(record, SCHEMAS[name], some, codes)
        return mapped, sort_rows(name, record, mapped, some)

    try:
        return *read(rows), ()
    except NOT_A_ROW:
        raise
    except ODD as error:
        kind, bad = type(error).__name__, _poison(rows, read, error)
        if not bad:
            raise
    poison = rows.frame[bad]
    mapped, found = read(replace(rows, frame=rows.frame.join(poison, on=["#part", "#line"], how="anti")))
    turned_down = pl.concat([found.rejections, *(_rejection(record, rows, poison[[row]]) for row in range(len(bad)))])
    alarm = (
        f"rows {', '.join(_shown(row) for row in poison.iter_rows(named=True))} could not be processed: {kind} (L126)"
    )
    return mapped, replace(found, rejections=turned_down.sort("#part", "#line")), (alarm,)


def _poison(rows: Rows, read: Read, error: BaseException) -> list[int]:
    """The places of rows that fail alone. Raises FeedChanged F008 when there are too many of them."""

    def read_some(start: int, count: int) -> object:
        return read(replace(rows, frame=rows.frame.slice(start, count), broken=None))

    bad = find_poison(rows.frame.height, failing(read_some, NOT_A_ROW))
    if len(bad) > MOST_POISON:
        said = f"more than {MOST_POISON} rows cannot be processed: {type(error).__name__}"
        raise FeedChanged(said, code="F008") from error
    return bad


def _rejection(record: RecordSpec, rows: Rows, row: pl.DataFrame) -> pl.DataFrame:
    """The row as a rejection; what cannot even be shown of it is left out."""
    reason = pl.struct(pl.lit("").alias("field"), pl.lit("").alias("column"), pl.lit("L126").alias("code"))
    return row.select(
        "#part",
        "#line",
        "#no",
        _or_nothing(row, key_text(record.key)).alias("#key"),
        pl.lit(0, dtype=pl.Int64).alias("#fen"),
        _or_nothing(row, row_text(rows)).alias("#row"),
        pl.concat_list(reason).alias("#reasons"),
    )


def _or_nothing(row: pl.DataFrame, text: pl.Expr) -> pl.Expr:
    try:
        return pl.lit(str(row.select(text).item()))
    except ODD:
        return pl.lit("{}")


def _shown(row: dict[str, object]) -> str:
    number = str(row["#no"])
    return number if number.isascii() and number.isdigit() and len(number) <= MOST_DIGITS else f"line {row['#line']}"
