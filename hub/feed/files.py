"""Formats: how the bytes of a file or an answer are cut into rows."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from hub.feed.words import Spec


class Column(Spec):
    """A column of a fixed-width line; ``width`` in bytes of the encoded text."""

    name: str
    width: int = Field(gt=0)


class DelimitedLine(Spec):
    """One kind of line: the mark it starts with and its columns in order (the mark is the first)."""

    mark: str
    columns: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return self.columns


class FixedLine(Spec):
    """One kind of fixed-width line."""

    mark: str
    columns: tuple[Column, ...]

    @model_validator(mode="before")
    @classmethod
    def read_pairs(cls, value: object) -> object:
        """``columns: {name: width}`` keeps a layout readable."""
        if isinstance(value, dict) and isinstance(value.get("columns"), dict):
            pairs = [{"name": name, "width": width} for name, width in value["columns"].items()]
            return {**value, "columns": pairs}
        return value

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def width(self) -> int:
        return sum(column.width for column in self.columns)


Line = DelimitedLine | FixedLine


class Totals(Spec):
    """The totals a file declares, in header and trailer under the same column names."""

    rows: str
    amount: str
    of: str = Field(description="the detail column that is summed")
    as_: str = Field(alias="as", description="the recipe that reads both as fen")


class Agreed(Spec):
    """A header column that must say one thing: a constant, or a part of the file name (@part)."""

    equals: str
    otherwise: str = Field(alias="else", description="the file code when it does not")


class FileFormat(Spec):
    """What delimited and fixed-width files have in common."""

    encoding: Literal["gb18030", "utf-8"] = "gb18030"
    line: str | None = Field(None, description="the detail column with the partner's own line number")
    totals: Totals | None = None
    agreed: dict[str, Agreed] = Field(default={})

    def columns_of_format(self, *lines: Line | None) -> frozenset[str]:
        """Columns that the format itself reads: the marks, line numbers, totals, what was agreed. No mapping need take them."""
        marks = {line.names[0] for line in lines if line is not None}
        totals = {self.totals.rows, self.totals.amount} if self.totals else set()
        return frozenset(marks | totals | set(self.agreed) | ({self.line} if self.line else set()))


class DelimitedFormat(FileFormat):
    type: Literal["delimited"]
    separator: str
    escape: str | None = None
    header: DelimitedLine | None = None
    detail: DelimitedLine
    trailer: DelimitedLine | None = None


class FixedFormat(FileFormat):
    type: Literal["fixed"]
    header: FixedLine | None = None
    detail: FixedLine
    trailer: FixedLine | None = None


class JsonFormat(Spec):
    type: Literal["json"]


class XmlFormat(Spec):
    type: Literal["xml"]
    body: str = Field(description="the element that holds the rows, without its namespace")


Format = Annotated[DelimitedFormat | FixedFormat | JsonFormat | XmlFormat, Field(discriminator="type")]
