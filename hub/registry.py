"""Read every mapping file into a feed, or into problems that name file, line and cause. One broken file hides no other feed."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import polars as pl
import yaml
from pydantic import BaseModel, ValidationError

from hub.digest import sm3_hex
from hub.errors import MappingInvalid
from hub.feed import (
    CallReport,
    DelimitedFormat,
    Feed,
    FeedSpec,
    FieldSpec,
    FixedFormat,
    PartnersFile,
    PartnerSpec,
    Receives,
    RecordSpec,
)
from hub.mapping import Codes, columns_used, default_recipe
from hub.recipes import RECIPES, check_form, find_recipe
from schemas.catalogue import SCHEMAS

Model = TypeVar("Model", bound=BaseModel)
Place = tuple[str | int, ...]
AMOUNTS = ("yuan", "money_wan", "fen")
FACTS = ("outcome", "code", "message", "remote_id")
"""What a row of a report can say; see reporting.py."""
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True)
class Problem:
    """What is wrong with a mapping file, where, so that an admin can mend it without reading code."""

    file: str
    line: int
    cause: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.cause}"


@dataclass(frozen=True)
class Registry:
    """Every feed that is fit to run, the partners, the code tables, and the problems of the files that are not."""

    folder: Path
    feeds: Mapping[str, Feed]
    partners: Mapping[str, PartnerSpec]
    codes: Codes
    problems: tuple[Problem, ...]

    def feed(self, feed_id: str) -> Feed:
        """One feed; raises MappingInvalid with what is known of why it is missing."""
        if feed_id in self.feeds:
            return self.feeds[feed_id]
        known = [str(problem) for problem in self.problems if Path(problem.file).stem == feed_id]
        raise MappingInvalid(f"there is no usable feed {feed_id}: {'; '.join(known) or 'no such file in mappings/'}")

    def receivers(self, schema: str) -> list[str]:
        """The partners that take records of this schema."""
        return [
            name
            for name, spec in self.partners.items()
            if spec.receives is not None and schema in spec.receives.schemas
        ]

    def receives(self, partner: str) -> Receives:
        """How a receiver takes records; raises MappingInvalid for a partner that takes none."""
        spec = self.partners.get(partner)
        if spec is None or spec.receives is None:
            raise MappingInvalid(f"partner {partner} receives nothing, see partners.yaml")
        return spec.receives


def read_registry(folder: Path) -> Registry:
    """Read the folder. Raises nothing: whatever is wrong stands in ``problems``."""
    partners_file, problems = _read_file(folder / "partners.yaml", PartnersFile)
    partners = partners_file.partners if partners_file else {}
    codes, found = _read_codes(folder / "codes")
    problems += found
    feeds: dict[str, Feed] = {}
    for path in sorted(folder.glob("*.yaml")):
        if path.name == "partners.yaml":
            continue
        spec, found = _read_file(path, FeedSpec)
        if spec is not None:
            found += list(_Checker(path, spec, partners, codes).problems())
        problems += found
        if spec is not None and not found:
            feeds[path.stem] = Feed(feed_id=path.stem, digest=sm3_hex(path.read_bytes()), spec=spec)
    return Registry(folder, feeds, partners, codes, tuple(problems))


def _read_file(path: Path, model: type[Model]) -> tuple[Model | None, list[Problem]]:
    try:
        text = path.read_text("utf-8")
        root = yaml.compose(text, Loader=yaml.CSafeLoader)
        if root is None:
            return None, [Problem(path.name, 1, "the file is empty")]
        if found := [Problem(path.name, node.start_mark.line + 1, cause) for node, cause in _oddities(root)]:
            return None, found
        return model.model_validate(yaml.load(text, Loader=yaml.CSafeLoader)), []
    except OSError as error:
        return None, [Problem(path.name, 1, f"cannot be read: {error.strerror}")]
    except UnicodeDecodeError as error:
        return None, [Problem(path.name, 1, f"is not UTF-8 (byte {error.start})")]
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        return None, [Problem(path.name, line, f"is not YAML: {error.problem}")]
    except yaml.reader.ReaderError as error:
        line = next((n for n, words in enumerate(text.splitlines(), 1) if _CONTROL.search(words)), 1)
        return None, [Problem(path.name, line, f"is not YAML: {error.reason}")]
    except RecursionError:
        return None, [Problem(path.name, 1, "is nested too deeply, or an alias holds itself")]
    except ValidationError as error:
        return None, [_explain(path, root, dict(fault)) for fault in error.errors(include_url=False)]


def _oddities(node: yaml.Node) -> Iterator[tuple[yaml.Node, str]]:
    """What YAML allows and a mapping does not: a key twice, a key that is no word, a date that does not exist."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                yield key, "a key should be a word"
                continue
            if key.value in seen:
                yield key, f"{key.value} stands twice"
            seen.add(key.value)
            yield from _oddities(value)
    elif isinstance(node, yaml.SequenceNode):
        for child in node.value:
            yield from _oddities(child)
    else:
        try:
            yaml.constructor.SafeConstructor().construct_object(node)
        except ValueError as error:
            yield node, f"{node.value}: {error}; put it in quotes if it is text"


def _explain(path: Path, root: yaml.Node | None, fault: dict[str, Any]) -> Problem:
    place = tuple(fault["loc"])
    words = ".".join(str(step) for step in place if step != "[key]")
    cause = _cause(fault)
    return Problem(path.name, line_of(root, place), f"{words}: {cause}" if words else cause)


def _cause(fault: dict[str, Any]) -> str:
    """What pydantic found, for readers who do not know it."""
    kind, value = fault["type"], fault["input"]
    if kind in ("string_type", "model_type") and isinstance(value, bool | int | float | date):
        what = "yes or no" if isinstance(value, bool) else "a date" if isinstance(value, date) else "a number"
        return f"YAML reads this as {what}; put it in quotes if it is text"
    known = {
        "missing": "this word is missing",
        "extra_forbidden": "there is no such word here",
        "model_type": "words with values belong here, such as title: …",
        "string_type": "text belongs here",
    }
    return known.get(kind, str(fault["msg"]).removeprefix("Value error, "))


def line_of(root: yaml.Node | None, place: Place) -> int:
    """The line, from 1, of the deepest part of ``place`` that stands in the file."""
    if root is None:
        return 1
    node, line = root, root.start_mark.line
    for step in place:
        found = _child(node, step)
        if found is None:
            continue  # a step of the checker, such as the chosen kind of a union, stands in no file
        key, node = found
        line = key.start_mark.line
    return int(line) + 1


def _child(node: yaml.Node, step: str | int) -> tuple[yaml.Node, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        return next(((key, value) for key, value in node.value if key.value == str(step)), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step], node.value[step]
    return None


def _read_codes(folder: Path) -> tuple[dict[str, dict[str, str]], list[Problem]]:
    """Code tables: CSV with the columns code, value, label, so that officials can edit them. A broken table hides no other."""
    tables: dict[str, dict[str, str]] = {}
    problems: list[Problem] = []
    for path in sorted(folder.glob("*.csv")):
        name = f"codes/{path.name}"
        try:
            found = [Problem(name, line, cause) for line, cause in _read_table(path, tables)]
        except UnicodeDecodeError as error:
            found = [Problem(name, 1, f"is not UTF-8 (byte {error.start}); save it as CSV UTF-8")]
        except (OSError, csv.Error) as error:
            found = [Problem(name, 1, f"cannot be read: {error}")]
        if found:
            tables.pop(path.stem, None)
        problems += found
    return tables, problems


def _read_table(path: Path, tables: dict[str, dict[str, str]]) -> Iterator[tuple[int, str]]:
    """Add a table to ``tables``; gives line and cause of what is wrong with it."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        names = list(reader.fieldnames or ())
        if not names:
            yield 1, "the file is empty"
        elif "value" in names and "code" not in names:
            yield 1, "a table needs the columns code and value"
        elif "value" in names:  # else a reference table such as areas.csv, not a translation
            table = tables.setdefault(path.stem, {})
            for row in reader:
                code, value = row["code"], row["value"]
                if not code or not value:
                    yield reader.line_num, "a line needs a code and a value"
                elif code in table:
                    yield reader.line_num, f"code {code} stands twice"
                else:
                    table[code] = value


@dataclass(frozen=True)
class _Checker:
    """Everything about one mapping that its own words cannot say: names that must exist elsewhere."""

    path: Path
    spec: FeedSpec
    partners: Mapping[str, PartnerSpec]
    codes: Codes

    def problems(self) -> Iterator[Problem]:
        if self.spec.partner not in self.partners:
            yield self._problem(("partner",), f"partner {self.spec.partner} is not in partners.yaml")
        if not self.path.stem.startswith(f"{self.spec.partner}_"):
            yield self._problem(("partner",), f"the file should be named {self.spec.partner}_<plural>.yaml")
        for name, record in self.spec.records.items():
            if name not in SCHEMAS:
                yield self._problem(("records", name), f"there is no schema {name}; known: {', '.join(SCHEMAS)}")
                continue
            yield from self._fields(name, record)
            if not any(_sql_fault(spec.sql) for spec in record.fields.values()):
                yield from self._columns(name, record)
        yield from self._layout()
        yield from self._report()

    def _problem(self, place: Place, cause: str) -> Problem:
        root = yaml.compose(self.path.read_text("utf-8"), Loader=yaml.CSafeLoader)
        return Problem(self.path.name, line_of(root, place), cause)

    def _fields(self, name: str, record: RecordSpec) -> Iterator[Problem]:
        columns = SCHEMAS[name].columns()
        place: Place = ("records", name, "fields")
        for field, spec in record.fields.items():
            if field not in columns:
                yield self._problem((*place, field), f"schema {name} has no field {field}")
                continue
            yield from self._field((*place, field), spec, default_recipe(columns[field].dtype), columns[field].dtype)
        for field, column in columns.items():
            if not column.nullable and field not in record.fields:
                yield self._problem(place, f"schema {name} needs the field {field}")

    def _field(self, place: Place, spec: FieldSpec, default: str | None, dtype: Any) -> Iterator[Problem]:
        if spec.codes is not None and spec.codes not in self.codes:
            yield self._problem((*place, "codes"), f"there is no table mappings/codes/{spec.codes}.csv")
        if (fault := _sql_fault(spec.sql)) is not None:
            yield self._problem((*place, "sql"), fault)
            return
        try:
            words = spec.as_ or default
            recipe, argument = find_recipe(words) if words else (None, "")
            if recipe is not None:
                check_form(recipe, argument)
        except KeyError:
            yield self._problem((*place, "as"), f"there is no recipe {spec.as_}; known: {', '.join(RECIPES)}")
            return
        except ValueError as error:
            yield self._problem((*place, "as"), str(error))
            return
        wanted = dtype.base_type()
        produced = recipe.dtype.base_type() if recipe else pl.String
        if wanted != produced and not (dtype.is_integer() and recipe is not None and recipe.dtype.is_integer()):
            yield self._problem(place, f"the field holds {dtype}; name the recipe that reads it (as: …)")

    def _columns(self, name: str, record: RecordSpec) -> Iterator[Problem]:
        """For files the columns are known beforehand: each is taken or ignored, and none is asked for that does not come."""
        form = self.spec.source.format
        if not isinstance(form, DelimitedFormat | FixedFormat):
            return
        line = form.header if record.rows == "header" else form.detail
        if record.rows not in ("header", "detail") or line is None:
            yield self._problem(("records", name, "rows"), "rows of a file are header or detail")
            return
        parts = {f"@{part}" for part in _parts_of_name(getattr(self.spec.source, "name", ""))}
        outer = {f"../{column}" for column in form.header.names} if form.header and record.rows == "detail" else set()
        used = columns_used(record)
        for column in sorted(used - set(line.names) - outer - parts):
            yield self._problem(("records", name, "fields"), f"column {column} is not in the agreed layout")
        framing = form.columns_of_format(form.header, form.detail, form.trailer)
        for column in line.names:
            if column not in used | framing and column not in record.ignore:
                yield self._problem(("records", name, "ignore"), f"column {column} is neither taken nor ignored")

    def _layout(self) -> Iterator[Problem]:
        """Columns that the format itself speaks of must stand in its own lines."""
        form = self.spec.source.format
        if not isinstance(form, DelimitedFormat | FixedFormat):
            return
        place: Place = ("source", "format")
        detail = form.detail.names
        ends = [set(line.names) if line else set[str]() for line in (form.header, form.trailer)]
        asked: list[tuple[Place, str, set[str]]] = [(("line",), form.line, set(detail))] if form.line else []
        asked += [(("agreed", column), column, ends[0]) for column in form.agreed]
        if form.totals is not None:
            asked += [(("totals", "rows"), form.totals.rows, end) for end in ends]
            asked += [(("totals", "amount"), form.totals.amount, end) for end in ends]
            asked += [(("totals", "of"), form.totals.of, set(detail))]
            if form.totals.as_ not in AMOUNTS:
                yield self._problem((*place, "totals", "as"), f"totals are read as one of {', '.join(AMOUNTS)}")
        for step, column, line in asked:
            if column not in line:
                yield self._problem((*place, *step), f"column {column} is not in the agreed layout")
        for kind in ("header", "detail", "trailer"):
            names = getattr(form, kind).names if getattr(form, kind) else ()
            for column in sorted({column for column in names if names.count(column) > 1}):
                yield self._problem((*place, kind, "columns"), f"column {column} stands twice")

    def _report(self) -> Iterator[Problem]:
        for stage, report in self.spec.report.items():
            if not isinstance(report, CallReport):
                continue
            for name in report.of:
                if name not in self.spec.records:
                    yield self._problem(("report", stage, "of"), f"{name} is none of this feed's records")
            for word, spec in report.fields.items():
                place = ("report", stage, "fields", word)
                if spec.codes is not None and spec.codes not in self.codes:
                    yield self._problem(place, f"there is no table mappings/codes/{spec.codes}.csv")
                if spec.const is None and spec.from_ not in FACTS:
                    yield self._problem(place, f"a report knows {', '.join(FACTS)}")


def _parts_of_name(pattern: str) -> Sequence[str]:
    return [piece.partition("}")[0] for piece in pattern.split("{")[1:]]


def _sql_fault(expression: str | None) -> str | None:
    """Why an expression cannot read one row at a time, whatever the row holds; None when it can."""
    if expression is None:
        return None
    try:
        parsed = pl.sql_expr(expression)
        rows = pl.DataFrame({name: ["?", None] for name in parsed.meta.root_names()})
        height = rows.with_columns(pl.all().cast(pl.String)).select(parsed.cast(pl.String)).height
    except pl.exceptions.PolarsError as error:
        return f"is no expression that can read any row: {str(error).splitlines()[0]}"
    return None if height == 2 else "gives one value for the whole batch, not one for each row"
