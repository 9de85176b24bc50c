"""Records to a receiver's rows, as its mapping says: the six words of a feed with the direction turned. Pure.

Our column -> recipe -> code table -> their member. Amounts stay whole fen until they are written as text: no float anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import dataframely as dy
import polars as pl

from hub.errors import MappingInvalid
from hub.feed import FieldSpec
from hub.recipes import RECIPES as READING
from hub.recipes import ZONE

Codes = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Recipe:
    """``write`` gives the text of a value; ``fits`` says whether a column of this name and type holds what it writes."""

    write: Callable[[pl.Expr, str], pl.Expr]
    fits: Callable[[str, pl.DataType], bool]
    meaning: str
    argument: bool = False


def _decimal(value: pl.Expr, decimals: int, *, shortest: bool) -> pl.Expr:
    """A count of the ``decimals``-th digit as a decimal text, exactly."""
    size, unit = value.cast(pl.Int64).abs(), 10**decimals
    whole, rest = (size // unit).cast(pl.String), (size % unit).cast(pl.String).str.zfill(decimals)
    text = pl.concat_str(whole, pl.lit("."), rest)
    if shortest:
        text = text.str.strip_chars_end("0").str.strip_chars_end(".")
    return pl.when(value < 0).then(pl.concat_str(pl.lit("-"), text)).otherwise(text)


def _month(value: pl.Expr, form: str) -> pl.Expr:
    return pl.concat_str(value, pl.lit("-01")).str.to_date("%Y-%m-%d").dt.to_string(form)


def _is_fen(name: str, dtype: pl.DataType) -> bool:
    return dtype == pl.Int64 and name.endswith("_fen")


def _is_day(_: str, dtype: pl.DataType) -> bool:
    return dtype == pl.Date


def _is_moment(_: str, dtype: pl.DataType) -> bool:
    return dtype.base_type() is pl.Datetime


RECIPES: dict[str, Recipe] = {
    "yuan": Recipe(lambda value, _: _decimal(value, 2, shortest=False), _is_fen, "fen as 元 with two decimals"),
    "wan": Recipe(lambda value, _: _decimal(value, 6, shortest=True), _is_fen, "fen as 万元, all digits, no more"),
    "fen": Recipe(lambda value, _: value.cast(pl.String), _is_fen, "whole fen"),
    "date": Recipe(lambda value, form: value.dt.to_string(form), _is_day, "a date such as date %Y%m%d", argument=True),
    "time": Recipe(
        lambda value, form: value.dt.convert_time_zone(ZONE).dt.to_string(form), _is_moment,
        "a Shanghai time such as time %Y-%m-%d %H:%M:%S", argument=True,
    ),
    "iso_time": Recipe(
        lambda value, _: value.dt.convert_time_zone(ZONE).dt.to_string("%Y-%m-%dT%H:%M:%S%.f%:z"), _is_moment,
        "ISO 8601 with its zone",
    ),
    "epoch_ms": Recipe(lambda value, _: value.dt.epoch("ms").cast(pl.String), _is_moment, "milliseconds since 1970 UTC"),
    "month": Recipe(
        _month, lambda name, dtype: dtype == pl.String and name.split("_")[-1] == "month", "a month such as month %Y%m",
        argument=True,
    ),
    "share": Recipe(
        lambda value, _: _decimal(value, 6, shortest=True),
        lambda name, dtype: dtype.is_integer() and name.endswith("_ppm"), "parts per million as a share such as 0.015",
    ),
    "boolean": Recipe(
        lambda value, _: pl.when(value).then(pl.lit("true")).when(~value).then(pl.lit("false")),
        lambda _, dtype: dtype == pl.Boolean, "true or false, as text",
    ),
}  # fmt: skip


def find_recipe(words: str) -> tuple[Recipe, str]:
    """Split ``date %Y%m%d`` into recipe and argument. Raises KeyError for an unknown name, ValueError for a missing argument."""
    name, _, argument = words.partition(" ")
    recipe = RECIPES[name]
    if recipe.argument != bool(argument):
        raise ValueError(f"recipe {name} {'needs' if recipe.argument else 'takes no'} argument: {recipe.meaning}")
    if argument and "%" not in argument:
        raise ValueError(f"{argument} is no form of {recipe.meaning}")
    return recipe, argument


def typed_rows(schema: type[dy.Schema], records: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """Records as the store gives them in JSON, typed again: the schema's columns, in the order of the records."""
    columns = {name: column.dtype for name, column in schema.columns().items()}
    raw = {name: pl.String if dtype.is_temporal() else dtype for name, dtype in columns.items()}
    frame = pl.DataFrame([[record.get(name) for name in raw] for record in records], schema=raw, orient="row")
    typed = frame.with_columns([_moment(name, dtype) for name, dtype in columns.items() if dtype.is_temporal()])
    if typed.null_count().row(0) != frame.null_count().row(0):
        raise MappingInvalid("a date or time on record has a form that nobody can write")
    return typed


def _moment(name: str, dtype: pl.DataType) -> pl.Expr:
    if dtype == pl.Date:
        return pl.col(name).str.to_date("%Y-%m-%d", strict=False)
    return READING["iso_time"].read(pl.col(name), "").alias(name)


def write_rows(fields: Mapping[str, FieldSpec], frame: pl.DataFrame, codes: Codes) -> list[dict[str, Any]]:
    """Their members of each row. What is null with us is null; numbers and yes or no without a recipe stay what they are.

    Raises MappingInvalid for a word its code table does not know: nothing is left out or guessed.
    """
    try:
        written = frame.with_columns([_value(spec, codes).alias(name) for name, spec in fields.items()]).select(*fields)
    except pl.exceptions.PolarsError as error:  # its words quote the value, which may be somebody's
        raise MappingInvalid(f"a value on record cannot be written as agreed: {type(error).__name__}") from None
    for name, spec in fields.items():
        if spec.codes is not None and written[name].null_count() != frame.select(_plain(spec).is_null().sum()).item():
            raise MappingInvalid(f"table {spec.codes} lacks a word that member {name} is written with")
    return written.to_dicts()


def _value(spec: FieldSpec, codes: Codes) -> pl.Expr:
    value = _plain(spec)
    if spec.as_ is not None:
        recipe, argument = find_recipe(spec.as_)
        value = recipe.write(value, argument)
    if spec.codes is not None:
        value = value.cast(pl.String).replace_strict(codes[spec.codes], default=None, return_dtype=pl.String)
    return value


def _plain(spec: FieldSpec) -> pl.Expr:
    """Our value, before anything is done to it."""
    if spec.const is not None:
        return pl.lit(spec.const)
    if spec.sql is not None:
        return pl.sql_expr(spec.sql)
    return pl.coalesce([pl.col(name) for name in spec.first_of or (spec.from_ or "",)])


def written_type(schema: type[dy.Schema], spec: FieldSpec) -> pl.DataType:
    """The type of our value before recipe and code table. Raises polars' error for an expression that cannot be read.

    Columns are looked up, not asked: a registry has a thousand of them, and is read by every task.
    """
    if spec.const is not None:
        return pl.String()
    known = _types(schema)
    types = {known[name] for name in spec.first_of or ([spec.from_] if spec.from_ else [])}
    if len(types) == 1:
        return types.pop()
    return typed_rows(schema, []).lazy().select(_plain(spec).alias("value")).collect_schema()["value"]


@cache
def _types(schema: type[dy.Schema]) -> Mapping[str, pl.DataType]:
    return {name: column.dtype for name, column in schema.columns().items()}
