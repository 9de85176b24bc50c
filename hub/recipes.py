"""Named ways to read a text as a typed value: what a mapping says with ``as``. Each is one polars expression, no Python per row.

A recipe never guesses: what it cannot read exactly becomes null, and the row is rejected with the recipe's code.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import polars as pl

ZONE = "Asia/Shanghai"
ISO_TIME = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-5][0-9](\.[0-9]{1,9})?[+-][0-9]{2}:[0-9]{2}$"


@dataclass(frozen=True)
class Recipe:
    """``read`` takes trimmed text (never empty) and the argument; ``code`` is the reason given when the result is null."""

    read: Callable[[pl.Expr, str], pl.Expr]
    code: str
    meaning: str
    dtype: pl.DataType
    argument: bool = False


def _scaled(text: pl.Expr, decimals: int) -> pl.Expr:
    """Read a plain decimal as an integer count of its ``decimals``-th digit, exactly; anything else is null."""
    shape = rf"^-?[0-9]{{1,12}}(\.[0-9]{{1,{decimals}}})?$"
    fine = pl.when(text.str.contains(shape)).then(text)
    whole = fine.str.extract(r"^-?([0-9]+)", 1).cast(pl.Int64, strict=False)
    rest = fine.str.extract(r"\.([0-9]+)$", 1).fill_null("").str.pad_end(decimals, "0").cast(pl.Int64, strict=False)
    size = whole * 10**decimals + rest
    return pl.when(text.str.starts_with("-")).then(-size).otherwise(size)


def _integer(text: pl.Expr, _: str) -> pl.Expr:
    return pl.when(text.str.contains(r"^-?[0-9]{1,18}$")).then(text).cast(pl.Int64, strict=False)


def _is_written(read: pl.Expr, form: str, text: pl.Expr) -> pl.Expr:
    """Whether what was read, written again, is the text; years are of four digits, without a sign."""
    return (read.dt.to_string(form) == text) & read.dt.year().is_between(1, 9999)


def _date(text: pl.Expr, form: str) -> pl.Expr:
    read = text.str.strptime(pl.Date, form, strict=False)
    return pl.when(_is_written(read, form, text)).then(read)


def _time(text: pl.Expr, form: str) -> pl.Expr:
    read = text.str.strptime(pl.Datetime("us"), form, strict=False)
    exact = pl.when(_is_written(read, form, text)).then(read)
    return exact.dt.replace_time_zone(ZONE, ambiguous="earliest", non_existent="null")


def _iso_time(text: pl.Expr, _: str) -> pl.Expr:
    zoned = text.str.replace(r"Z$", "+00:00")
    shaped = pl.when(zoned.str.contains(ISO_TIME)).then(zoned)
    read = shaped.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%:z", time_unit="us", strict=False)
    return read.dt.convert_time_zone(ZONE)


def _epoch_ms(text: pl.Expr, _: str) -> pl.Expr:
    milliseconds = pl.when(text.str.contains(r"^[0-9]{12,14}$")).then(text).cast(pl.Int64, strict=False)
    return (
        pl.from_epoch(milliseconds, time_unit="ms")
        .cast(pl.Datetime("us"))
        .dt.replace_time_zone("UTC")
        .dt.convert_time_zone(ZONE)
    )


def _month(text: pl.Expr, form: str) -> pl.Expr:
    return _date(pl.concat_str(text, pl.lit("01")), form + "%d").dt.to_string("%Y-%m")


def _share(text: pl.Expr, sign: str, decimals: int) -> pl.Expr:
    """A share with its sign, or without where the column says what it is: 1.5% is 1.5 hundredths."""
    return _scaled(text.str.strip_suffix(sign), decimals)


def _yuan_commas(text: pl.Expr, _: str) -> pl.Expr:
    """Commas stand before groups of three digits, all of them or none."""
    shape = r"^-?([0-9]{1,3}(,[0-9]{3})*|[0-9]+)(\.[0-9]{1,2})?$"
    return _scaled(pl.when(text.str.contains(shape)).then(text.str.replace_all(",", "", literal=True)), 2)


def _boolean(text: pl.Expr, _: str) -> pl.Expr:
    return pl.when(text == "true").then(True).when(text == "false").then(False)


TIME = pl.Datetime("us", ZONE)
RECIPES: dict[str, Recipe] = {
    "yuan": Recipe(lambda text, _: _scaled(text, 2), "L109", "元 with at most two decimals, to fen", pl.Int64()),
    "money_wan": Recipe(lambda text, _: _scaled(text, 6), "L109", "万元 with at most six decimals, to fen", pl.Int64()),
    "fen": Recipe(_integer, "L109", "whole fen", pl.Int64()),
    "ppm": Recipe(lambda text, _: _scaled(text, 6), "L102", "a share such as 0.015, to parts per million", pl.Int64()),
    "percent": Recipe(
        lambda text, _: _share(text, "%", 4), "L102", "hundredths such as 1.5 or 1.5%, to ppm", pl.Int64()
    ),
    "permille": Recipe(
        lambda text, _: _share(text, "‰", 3), "L102", "thousandths such as 15 or 15‰, to ppm", pl.Int64()
    ),
    "yuan_commas": Recipe(_yuan_commas, "L109", "元 with commas before groups of three: 1,234.50, to fen", pl.Int64()),
    "integer": Recipe(_integer, "L102", "a whole number", pl.Int64()),
    "boolean": Recipe(_boolean, "L102", "true or false", pl.Boolean()),
    "date": Recipe(_date, "L110", "a date in exactly this form, such as date %Y%m%d", pl.Date(), argument=True),
    "time": Recipe(
        _time, "L110", "a Shanghai time in exactly this form, such as time %Y%m%d%H%M%S", TIME, argument=True
    ),
    "iso_time": Recipe(_iso_time, "L110", "ISO 8601 with its zone", TIME),
    "epoch_ms": Recipe(_epoch_ms, "L110", "milliseconds since 1970 UTC", TIME),
    "month": Recipe(_month, "L110", "a month in this form, such as month %Y%m, to yyyy-MM", pl.String(), argument=True),
    "upper": Recipe(lambda text, _: text.str.to_uppercase(), "L102", "letters in upper case", pl.String()),
}


def add_up(amounts: pl.Series) -> int:
    """The exact sum of whole numbers. In 64 bits ten amounts of eighteen digits would wrap round to a smaller or negative sum."""
    return int(amounts.cast(pl.Int128).sum() or 0)


def find_recipe(words: str) -> tuple[Recipe, str]:
    """Split ``date %Y%m%d`` into recipe and argument. Raises KeyError for an unknown name, ValueError for a missing argument."""
    name, _, argument = words.partition(" ")
    recipe = RECIPES[name]
    if recipe.argument != bool(argument):
        raise ValueError(f"recipe {name} {'needs' if recipe.argument else 'takes no'} argument: {recipe.meaning}")
    return recipe, argument


def check_form(recipe: Recipe, argument: str) -> None:
    """Raises ValueError for a form of date, time or month that could not read back what it writes."""
    if not recipe.argument:
        return
    day = "2026-11" if recipe.dtype == pl.String else "2026-11-23"
    try:
        written = pl.select(pl.lit(datetime(2026, 11, 23, 13, 14, 15)).dt.to_string(argument).alias("text"))
        read = written.select(recipe.read(pl.col("text"), argument).cast(pl.String)).item()
    except pl.exceptions.PolarsError:
        read = None
    if read is None or not read.startswith(day):
        raise ValueError(f"{argument} is no form of {recipe.meaning}")
