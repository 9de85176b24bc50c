"""What a mapping's own words cannot say: that every name in it exists, and that its forms read something."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from hub.conclusions import field_fault, report_fault
from hub.feed import CallReport, ConclusionCall, FeedSpec, FieldSpec, PartnerSpec, RecordSpec, SftpSource
from hub.mapping import Codes, default_recipe
from hub.recipes import RECIPES, check_form, find_recipe
from hub.registry.arrivals import arrival_faults
from hub.registry.layouts import column_faults, layout_faults
from hub.registry.problems import Place, Problem, problem_at
from schemas.catalogue import SCHEMAS

OUTCOMES = {"intake": ("stored", "rejected"), "outcome": ("accepted", "refused")}
FACTS = ("outcome", "code", "message", "remote_id")
"""What a row of a report can say; see reporting.py."""


@dataclass(frozen=True)
class Checker:
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
                yield from self._places(column_faults(self.spec, name, record))
        yield from self._places(layout_faults(self.spec))
        yield from self._places(arrival_faults(self.spec))
        yield from self._report()
        yield from self._conclusion()

    def _problem(self, place: Place, cause: str) -> Problem:
        return problem_at(self.path, place, cause)

    def _places(self, faults: Iterable[tuple[Place, str]]) -> Iterator[Problem]:
        for place, cause in faults:
            yield self._problem(place, cause)

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

    def _report(self) -> Iterator[Problem]:
        for stage, report in self.spec.report.items():
            if isinstance(report, CallReport) == isinstance(self.spec.source, SftpSource):
                yield self._problem(("report", stage), "files are answered by files, and calls by calls")
            if not isinstance(report, CallReport):
                continue
            for name in report.of:
                if name not in self.spec.records:
                    yield self._problem(("report", stage, "of"), f"{name} is none of this feed's records")
            for word, spec in report.fields.items():
                place = ("report", stage, "fields", word)
                if spec.codes is not None and spec.codes not in self.codes:
                    yield self._problem(place, f"there is no table mappings/codes/{spec.codes}.csv")
                elif spec.codes is not None and spec.from_ == "outcome":
                    yield from self._words(place, spec.codes, stage)
                if spec.const is None and spec.from_ not in FACTS:
                    yield self._problem(place, f"a report knows {', '.join(FACTS)}")

    def _conclusion(self) -> Iterator[Problem]:
        report = self.spec.conclusion
        if report is None:
            return
        if isinstance(report, ConclusionCall) == isinstance(self.spec.source, SftpSource):
            yield self._problem(("conclusion",), "files are answered by files, and calls by calls")
        if "clue" not in self.spec.records:
            yield self._problem(("conclusion",), "only a feed of clues is told conclusions")
        elif isinstance(report, ConclusionCall) and not self.spec.records["clue"].key:
            yield self._problem(
                ("conclusion",), "a call needs the key of the clue, or nobody knows which clue it is about"
            )
        if (fault := report_fault(report)) is not None:
            yield self._problem(("conclusion", "fields"), fault)
        for word, spec in report.fields.items():
            if (fault := field_fault(spec, self.codes)) is not None:
                yield self._problem(("conclusion", "fields", word), fault)

    def _words(self, place: Place, table: str, stage: str) -> Iterator[Problem]:
        """What can become of a row by then needs a word of theirs; rejections are told at the first stage that reports."""
        words = OUTCOMES[stage] if stage == "intake" or "intake" in self.spec.report else (*OUTCOMES[stage], "rejected")
        if missing := [word for word in words if word not in self.codes[table]]:
            yield self._problem(place, f"table {table} lacks our {', '.join(missing)}")


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
