"""Receivers' files: read like the feeds, and checked for every name that must exist elsewhere. A broken one hides no other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import dataframely as dy
import polars as pl

from hub.feed import FieldSpec, PartnerSpec, Receives, TakenRecord
from hub.mapping import Codes
from hub.registry.files import read_file
from hub.registry.problems import Place, Problem, problem_at
from hub.writing import RECIPES, Recipe, find_recipe, typed_rows, written_type
from schemas.areas import known_areas
from schemas.catalogue import SCHEMAS
from schemas.codes import CODE_LISTS, YES_NO


def read_receivers(
    folder: Path, partners: Mapping[str, PartnerSpec], codes: Codes, pattern: str = "*"
) -> tuple[dict[str, Receives], list[Problem]]:
    """The receivers that are fit to run, by partner, and the problems of the files that are not.

    Whoever takes the most kinds of record comes first: its number of a record is the one that partners are told.
    """
    receivers: dict[str, Receives] = {}
    problems: list[Problem] = []
    for path in sorted(folder.glob(f"{pattern}.yaml")):
        spec, found = read_file(path, Receives)
        if spec is not None:
            found += list(ReceiverChecker(path, spec, partners, codes).problems())
        problems += [replace(problem, file=f"{folder.name}/{problem.file}") for problem in found]
        if spec is not None and not found:
            receivers[spec.partner] = spec
    return dict(sorted(receivers.items(), key=lambda item: -len(item[1].records))), problems


@dataclass(frozen=True)
class ReceiverChecker:
    """Everything about one receiver's file that its own words cannot say."""

    path: Path
    spec: Receives
    partners: Mapping[str, PartnerSpec]
    codes: Codes

    def problems(self) -> Iterator[Problem]:
        if self.spec.partner not in self.partners:
            yield self._problem(("partner",), f"partner {self.spec.partner} is not in partners.yaml")
        if self.path.stem != self.spec.partner:
            yield self._problem(("partner",), f"the file should be named {self.spec.partner}.yaml")
        for number, area in enumerate(self.spec.areas):
            if not any(known.startswith(area) for known in known_areas(9)):
                yield self._problem(("areas", number), f"no area code begins with {area}")
        for name, taken in self.spec.records.items():
            if name not in SCHEMAS:
                yield self._problem(("records", name), f"there is no schema {name}; known: {', '.join(SCHEMAS)}")
                continue
            yield from self._names(name, taken)
            for member, spec in (taken.fields or {}).items():
                yield from self._field(("records", name, "fields", member), name, spec)
        yield from self._sealed()

    def _problem(self, place: Place, cause: str) -> Problem:
        return problem_at(self.path, place, cause)

    def _names(self, name: str, taken: TakenRecord) -> Iterator[Problem]:
        """Every member of a row and of a call once; key columns must go out, or nobody finds the record again."""
        style, place = self.spec.style, ("records", name)
        fields = taken.fields if taken.fields is not None else SCHEMAS[name].column_names()
        technical = [style.technical.key, style.technical.record_key, style.technical.version]
        if twice := sorted({member for member in technical if technical.count(member) > 1 or member in fields}):
            yield self._problem((*place, "fields"), f"{', '.join(twice)} would stand twice in a row")
        around = {style.schema_, style.submission, style.method, *(style.signing.fields if style.signing else ())}
        if style.data.of == "object" and taken.rows in around:
            yield self._problem((*place, "rows"), f"{taken.rows} would stand twice in a call")
        if taken.fields is not None and not taken.fields:
            yield self._problem((*place, "fields"), "name at least one member, or leave the word out")

    def _sealed(self) -> Iterator[Problem]:
        sent = {member for name, taken in self.spec.records.items() for member in _members(name, taken)}
        for number, member in enumerate(self.spec.style.sealed.fields if self.spec.style.sealed else ()):
            if member not in sent:
                yield self._problem(("style", "sealed", "fields", number), f"no record sends a member {member}")

    def _field(self, place: Place, name: str, spec: FieldSpec) -> Iterator[Problem]:
        schema = SCHEMAS[name]
        columns = [*(spec.first_of or ()), *([spec.from_] if spec.from_ else [])]
        if unknown := [column for column in columns if column not in schema.column_names()]:
            yield self._problem(place, f"schema {name} has no column {', '.join(unknown)}")
            return
        try:
            dtype = written_type(schema, spec)
            if spec.sql is not None and _one_row(schema, spec.sql) != 1:
                yield self._problem((*place, "sql"), "gives one value for the whole batch, not one for each row")
        except (pl.exceptions.PolarsError, ValueError) as error:
            yield self._problem((*place, "sql"), f"is no expression over our columns: {str(error).splitlines()[0]}")
            return
        yield from self._recipe((*place, "as"), columns, spec, dtype)
        if spec.codes is not None:
            yield from self._table((*place, "codes"), name, columns, spec, dtype)

    def _recipe(self, place: Place, columns: list[str], spec: FieldSpec, dtype: pl.DataType) -> Iterator[Problem]:
        if spec.as_ is None:
            if dtype.is_temporal():
                yield self._problem(place[:-1], f"our value is a {dtype}; name the recipe that writes it (as: …)")
            return
        try:
            recipe, argument = find_recipe(spec.as_)
        except KeyError:
            yield self._problem(place, f"there is no recipe {spec.as_}; known: {', '.join(RECIPES)}")
        except ValueError as error:
            yield self._problem(place, str(error))
        else:
            if not all(recipe.fits(column, dtype) for column in columns or [_only_name(spec)]):
                yield self._problem(place, f"{spec.as_.split()[0]} writes {recipe.meaning}; our value is no such thing")
            elif recipe.argument and not _can_write(recipe, argument, dtype):
                yield self._problem(place, f"{argument} is no form of {recipe.meaning}")

    def _table(
        self, place: Place, name: str, columns: list[str], spec: FieldSpec, dtype: pl.DataType
    ) -> Iterator[Problem]:
        table = self.codes.get(spec.codes or "")
        if table is None:
            yield self._problem(place, f"there is no table mappings/codes/{spec.codes}.csv")
            return
        words: set[str] = set(YES_NO) if dtype == pl.Boolean else set()
        for column in columns:
            words |= set(CODE_LISTS.get(str((SCHEMAS[name].columns()[column].metadata or {}).get("code_list")), ()))
        if not words:
            yield self._problem(place, "a table writes only words of our code lists and yes or no")
        elif missing := sorted(words - table.keys()):
            yield self._problem(place, f"table {spec.codes} lacks our {', '.join(missing)}")


def _members(name: str, taken: TakenRecord) -> set[str]:
    if taken.fields is not None or name not in SCHEMAS:
        return set(taken.fields or ())
    return set(SCHEMAS[name].column_names())


def _one_row(schema: type[dy.Schema], sql: str) -> int:
    """How many values an expression gives for two rows, less one. One row is empty, the other holds a text that is no number or
    date: what cannot be read must not stop a submission. Raises polars' error for an expression that does."""
    filled = {name: "?" for name, column in schema.columns().items() if column.dtype == pl.String}
    return typed_rows(schema, [filled, {}]).select(pl.sql_expr(sql)).height - 1


def _can_write(recipe: Recipe, argument: str, dtype: pl.DataType) -> bool:
    """Whether a form writes a value of this type: a time of day cannot be written of a date."""
    value = pl.lit("2026-11") if dtype == pl.String else pl.lit(datetime(2026, 11, 23)).cast(dtype)
    try:
        pl.select(recipe.write(value, argument))
    except pl.exceptions.PolarsError:
        return False
    return True


def _only_name(spec: FieldSpec) -> str:
    """The name of the one column an expression reads, by which recipes know amounts, shares and months."""
    names = pl.sql_expr(spec.sql).meta.root_names() if spec.sql else []
    return names[0] if len(set(names)) == 1 else ""
