"""The table of cases, read: what is done to which good file, and the verdict it must get.

A case says one of: ``file`` (the file code, or those that are all right), or what differs from the good file: ``lines`` (row ->
codes), ``taken`` (row.field -> value), ``gone`` (rows that are not there), ``rows`` (how many there are). Rows go by the number
that the partner is told; ``schema/no`` names a schema, else it is that of the edited rows; ``no#2`` is the second of that number.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.corpus.edits import make
from tests.corpus.plain import mapping, sample

TABLES = Path(__file__).parent / "cases"


@dataclass(frozen=True)
class Case:
    """One line of the table."""

    id: str
    feed: str
    make: Sequence[Sequence[Any]]
    why: str
    file: str | list[str] | None = None
    lines: Mapping[Any, Any] = field(default_factory=dict)
    taken: Mapping[Any, Any] = field(default_factory=dict)
    gone: Sequence[Any] = ()
    renamed: Mapping[Any, str] = field(default_factory=dict)
    rows: Mapping[str, int] = field(default_factory=dict)
    alarm: bool | None = None

    @property
    def codes(self) -> set[str]:
        """File codes that are right."""
        return set() if self.file is None else {self.file} if isinstance(self.file, str) else set(self.file)

    @property
    def name(self) -> str:
        """The name of the good sample, so that nothing but the content is odd."""
        return sample(self.feed)[0]

    @cache  # noqa: B019  # as many as there are cases
    def data(self) -> bytes:
        return make(self.feed, self.make)

    def __hash__(self) -> int:
        return hash(self.id)

    def place(self, row: Any) -> tuple[str, str]:
        """Schema and number of a row named in the table."""
        schema, slash, number = str(row).rpartition("/")
        return (schema if slash else edited_schema(self.feed)), number


def edited_schema(feed: str) -> str:
    """The schema of the rows that edits speak of: the deepest."""
    records = mapping(feed)["records"]
    return max(records, key=lambda name: (records[name]["rows"] == "detail", records[name]["rows"].count("/")))


def all_cases() -> list[Case]:
    """Every case of every table."""
    found = []
    for path in sorted(TABLES.glob("*.yaml")):
        for group in yaml.safe_load(path.read_text("utf-8")):
            found += [Case(feed=group["feed"], **words) for words in group["cases"]]
    return found
