"""Rows of text to typed fields, as the mapping says. Pure: takes and returns frames; what cannot be read carries its code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import dataframely as dy
import polars as pl

from hub.errors import FeedChanged
from hub.feed import FieldSpec, RecordSpec
from hub.limits import LONGEST_CELL
from hub.model import Rows
from hub.recipes import RECIPES, find_recipe
from hub.text import UNREADABLE, has_full_width, has_old_letters, in_half_width, with_real_letters

Codes = Mapping[str, Mapping[str, str]]
SPACES = " \t\u3000\u00a0"
AMOUNTS = frozenset(name for name, recipe in RECIPES.items() if recipe.code == "L109")
ROUNDED = r"^-?[0-9]\.[0-9]+[Ee]\+[0-9]+$"
"""How a spreadsheet writes a long number whose last digits it has dropped."""
LETTERS_SHOWN = 100
"""Of a cell that is too long to be kept beside its reason."""
NUL, SHOWN_NUL = "\x00", "\u2400"
"""PostgreSQL keeps no NUL in any text; what is only shown of a row has its picture instead. The bytes are in the archive."""


@dataclass(frozen=True)
class Mapped:
    """``frame``: ``#part #line #no #key #row``, the schema's columns typed, and ``!field`` with a code where it could not be read.

    ``alarms`` are sentences for the admin: columns that came and nobody expected, columns that were expected and never came.
    ``notes`` say what was read otherwise than it is written.
    """

    frame: pl.DataFrame
    alarms: tuple[str, ...]
    notes: tuple[str, ...] = ()


def columns_used(record: RecordSpec) -> frozenset[str]:
    """Every source column a record's mapping reads, parents' and file-name parts included."""
    used = set(record.key.values())
    for spec in record.fields.values():
        used.update(spec.first_of or ())
        if spec.from_ is not None:
            used.add(spec.from_)
        if spec.sql is not None:
            used.update(pl.sql_expr(spec.sql).meta.root_names())
    return frozenset(used)


def map_rows(record: RecordSpec, schema: type[dy.Schema], rows: Rows, codes: Codes) -> Mapped:
    """Read each field of each row. Raises FeedChanged F008 when a column that a mandatory field needs is in no row."""
    frame, alarms = _with_missing(record, schema, rows)
    alarms += [f"column {name} came and the mapping neither takes nor ignores it" for name in _unexpected(record, rows)]
    outputs = [
        pl.col("#part"),
        pl.col("#line"),
        pl.col("#no"),
        key_text(record.key).alias("#key"),
        row_text(rows).alias("#row"),
    ]
    for name, column in schema.columns().items():
        spec = record.fields.get(name)
        if spec is None:
            outputs += [pl.lit(None, dtype=column.dtype).alias(name)]
            continue
        outputs += _read_field(name, spec, column, codes)
    return Mapped(frame.select(outputs), tuple(alarms), tuple(_folded(record, schema, frame)))


def _with_missing(record: RecordSpec, schema: type[dy.Schema], rows: Rows) -> tuple[pl.DataFrame, list[str]]:
    missing = sorted(columns_used(record).difference(rows.frame.columns))
    if not missing or rows.frame.is_empty():
        return rows.frame.with_columns([pl.lit(None, dtype=pl.String).alias(name) for name in missing]), []
    for name, column in schema.columns().items():
        spec = record.fields.get(name)
        if spec is not None and spec.from_ in missing and not column.nullable:
            raise FeedChanged(f"column {spec.from_} is in none of the rows; field {name} needs it", code="F008")
    frame = rows.frame.with_columns([pl.lit(None, dtype=pl.String).alias(name) for name in missing])
    return frame, [f"column {name} is in none of the rows" for name in missing]


def _unexpected(record: RecordSpec, rows: Rows) -> list[str]:
    known = columns_used(record) | set(record.ignore) | rows.framing
    return [name for name in rows.own if name not in known]


def _folded(record: RecordSpec, schema: type[dy.Schema], frame: pl.DataFrame) -> list[str]:
    """How many cells are read otherwise than they are written; names keep full-width letters, so theirs are not counted."""
    columns = schema.columns()
    read = {name: columns[name] for name in record.fields if name in columns}
    codes = {name for name, column in read.items() if is_code_like(record.fields[name], column)}
    used = columns_used(record.model_copy(update={"fields": {name: record.fields[name] for name in read}, "key": {}}))
    folded = columns_used(
        record.model_copy(update={"fields": {name: record.fields[name] for name in codes}, "key": {}})
    )
    found = [
        (_count(frame, used, has_old_letters), "held letters of the old private area"),
        (_count(frame, folded, has_full_width), "held full-width digits or letters where codes or numbers belong"),
    ]
    return [f"{count} cells {what} and were folded" for count, what in found if count]


def _count(frame: pl.DataFrame, names: frozenset[str], has: Callable[[pl.Expr], pl.Expr]) -> int:
    return sum(frame.select(has(pl.col(name)).sum() for name in sorted(names)).row(0)) if names else 0


def is_code_like(spec: FieldSpec, column: dy.Column) -> bool:
    """Whether a field holds a code, number, date or word of a list: everything but readable text, and but money, which must be
    written as agreed: an amount in another script is one nobody checked."""
    if (spec.as_ or "").partition(" ")[0] in AMOUNTS:
        return False
    is_text = isinstance(column, dy.String) and "readable_text" in (
        column.check if isinstance(column.check, dict) else ()
    )
    return spec.codes is not None or not is_text


def _read_field(name: str, spec: FieldSpec, column: dy.Column, codes: Codes) -> list[pl.Expr]:
    """The typed value as ``name`` and the code of what went wrong as ``!name`` (null when nothing did)."""
    text = with_real_letters(_text(spec))
    if spec.const is None and is_code_like(spec, column):
        text = in_half_width(text)
    value, code = text, "L102"
    if spec.codes is not None:
        value, code = value.replace_strict(codes[spec.codes], default=None, return_dtype=pl.String), "L108"
    if (words := spec.as_ or default_recipe(column.dtype)) is not None:
        recipe, argument = find_recipe(words)
        value, code = recipe.read(value, argument), recipe.code if spec.codes is None else code
    spoiled = _spoiled(text, spec.const is None and is_code_like(spec, column))
    typed = pl.when(spoiled.is_null()).then(value.cast(column.dtype, strict=False))
    unread = pl.when(text.is_not_null() & typed.is_null()).then(pl.lit(code))
    return [typed.alias(name), pl.coalesce(spoiled, unread).alias(f"!{name}")]


def _spoiled(text: pl.Expr, is_code: bool) -> pl.Expr:
    """The code of what makes a text unreadable whatever it should be; null for one that may be read."""
    too_long = pl.when(text.str.len_chars() > LONGEST_CELL).then(pl.lit("L127"))
    unreadable = pl.when(text.str.contains(UNREADABLE, literal=True)).then(pl.lit("L102"))
    rounded = pl.when(text.str.contains(ROUNDED)).then(pl.lit("L128"))
    return pl.coalesce(too_long, rounded, unreadable) if is_code else pl.coalesce(too_long, unreadable)


def default_recipe(dtype: pl.DataType) -> str | None:
    """Text needs none, whole numbers and booleans have one natural reading, everything else must be named in the mapping."""
    if dtype.is_integer():
        return "integer"
    return "boolean" if dtype == pl.Boolean else None


def _text(spec: FieldSpec) -> pl.Expr:
    """The trimmed source text, null where nothing is written."""
    if spec.const is not None:
        return pl.lit(spec.const)
    if spec.sql is not None:
        return _filled(pl.sql_expr(spec.sql).cast(pl.String))
    names = spec.first_of or (spec.from_ or "",)
    return pl.coalesce([_filled(pl.col(name)) for name in names])


def _filled(text: pl.Expr) -> pl.Expr:
    trimmed = text.str.strip_chars(SPACES)
    return pl.when(trimmed != "").then(trimmed)


def key_text(key: Mapping[str, str]) -> pl.Expr:
    """What the partner calls the row, as JSON text."""
    if not key:
        return pl.lit("{}")
    return pl.struct([brief(column).alias(word) for word, column in key.items()]).struct.json_encode()


def row_text(rows: Rows) -> pl.Expr:
    """The row itself, as it is kept beside what was wrong with it, as JSON text."""
    own = [name for name in rows.own if name in rows.frame.columns]
    return pl.struct([brief(name) for name in own]).struct.json_encode() if own else pl.lit("{}")


def shown(text: pl.Expr) -> pl.Expr:
    """The text as it can be kept in the database."""
    return text.str.replace_all(UNREADABLE, "", literal=True).str.replace_all(NUL, SHOWN_NUL, literal=True)


def brief(column: str) -> pl.Expr:
    """A column as it is kept beside a reason; a text that is too long with its beginning and its length."""
    kept = shown(pl.col(column))
    letters = kept.str.len_chars()
    cut = pl.concat_str(kept.str.head(LETTERS_SHOWN), pl.lit("…（"), letters, pl.lit(" 字）"))
    return pl.when(letters > LONGEST_CELL).then(cut).otherwise(kept).alias(column)
