"""Read every mapping file into a feed, or into problems that name file, line and cause. One broken file hides no other feed."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import polars as pl
import yaml
from pydantic import BaseModel, ValidationError

from hub.digest import sm3_hex
from hub.errors import MappingInvalid
from hub.feed import (
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
from hub.recipes import RECIPES, find_recipe
from schemas.catalogue import SCHEMAS

Model = TypeVar("Model", bound=BaseModel)
Place = tuple[str | int, ...]


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
        if twice := list(_keys_twice(root)):
            return None, [Problem(path.name, node.start_mark.line + 1, f"{node.value} stands twice") for node in twice]
        return model.model_validate(yaml.load(text, Loader=yaml.CSafeLoader)), []
    except OSError as error:
        return None, [Problem(path.name, 1, f"cannot be read: {error.strerror}")]
    except UnicodeDecodeError as error:
        return None, [Problem(path.name, 1, f"is not UTF-8 (byte {error.start})")]
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        return None, [Problem(path.name, line, f"is not YAML: {error.problem}")]
    except ValidationError as error:
        return None, [_explain(path, root, dict(fault)) for fault in error.errors(include_url=False)]


def _keys_twice(node: yaml.Node) -> Iterator[yaml.ScalarNode]:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                yield key
            seen.add(key.value)
            yield from _keys_twice(value)
    elif isinstance(node, yaml.SequenceNode):
        for child in node.value:
            yield from _keys_twice(child)


def _explain(path: Path, root: yaml.Node | None, fault: dict[str, Any]) -> Problem:
    place = tuple(fault["loc"])
    words = ".".join(str(step) for step in place)
    return Problem(path.name, line_of(root, place), f"{words}: {fault['msg']}")


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
    """Code tables: CSV with the columns code, value, label, so that officials can edit them."""
    tables: dict[str, dict[str, str]] = {}
    problems: list[Problem] = []
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            if "value" not in (reader.fieldnames or ()):
                continue  # a reference table such as areas.csv, not a translation
            rows = list(reader)
        tables[path.stem] = {row["code"]: row["value"] for row in rows}
        if len(tables[path.stem]) != len(rows):
            problems.append(Problem(f"codes/{path.name}", 1, "a code stands twice"))
    return tables, problems


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
            yield from self._columns(name, record)
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
        try:
            words = spec.as_ or default
            recipe = find_recipe(words)[0] if words else None
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

    def _report(self) -> Iterator[Problem]:
        for stage, report in self.spec.report.items():
            for word, spec in getattr(report, "fields", {}).items():
                if spec.codes is not None and spec.codes not in self.codes:
                    yield self._problem(
                        ("report", stage, "fields", word), f"there is no table mappings/codes/{spec.codes}.csv"
                    )


def _parts_of_name(pattern: str) -> Sequence[str]:
    return [piece.partition("}")[0] for piece in pattern.split("{")[1:]]
