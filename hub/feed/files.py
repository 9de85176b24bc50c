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
    """One kind of line: the mark it starts with and its columns in order (the mark is the first).

    Without a mark, the first line is the header and the last the trailer.
    """

    mark: str | None = Field(None, min_length=1)
    columns: tuple[str, ...] = Field(min_length=1)
    named: bool = Field(False, alias="names", description="detail only: a line of column names stands above the rows")

    @property
    def names(self) -> tuple[str, ...]:
        return self.columns


class FixedLine(Spec):
    """One kind of fixed-width line; without a mark, the first line is the header and the last the trailer."""

    mark: str | None = Field(None, min_length=1)
    columns: tuple[Column, ...] = Field(min_length=1)

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
    """The totals a file declares: in header, trailer or both, under the same column names; rows, an amount or both."""

    rows: str | None = None
    amount: str | None = None
    of: str | None = Field(None, description="the detail column that is summed")
    as_: str | None = Field(None, alias="as", description="the recipe that reads both as fen")

    @model_validator(mode="after")
    def something_to_check(self) -> Totals:
        if len({word is None for word in (self.amount, self.of, self.as_)}) > 1:
            raise ValueError("amount, of and as belong together")
        if self.rows is None and self.amount is None:
            raise ValueError("totals count rows, add an amount, or both")
        return self

    @property
    def names(self) -> frozenset[str]:
        """The columns that hold totals."""
        return frozenset(name for name in (self.rows, self.amount) if name is not None)


class Agreed(Spec):
    """A header column that must say one thing: a constant, or a part of the file name (@part)."""

    equals: str
    otherwise: str = Field(alias="else", description="the file code when it does not")


class FileFormat(Spec):
    """What delimited and fixed-width files have in common."""

    encoding: Literal["gb18030", "utf-8", "utf-16"] = Field(
        "gb18030", description="utf-8 with or without its mark, utf-16 with it"
    )
    line: str | None = Field(None, description="the detail column with the partner's own line number")
    totals: Totals | None = None
    agreed: dict[str, Agreed] = Field(default={})

    def columns_of_format(self, *lines: Line | None) -> frozenset[str]:
        """Columns that the format itself reads: the marks, line numbers, totals, what was agreed. No mapping need take them."""
        marks = {line.names[0] for line in lines if line is not None and line.mark is not None}
        totals = self.totals.names if self.totals else frozenset()
        return frozenset(marks | totals | set(self.agreed) | ({self.line} if self.line else set()))


class DelimitedFormat(FileFormat):
    type: Literal["delimited"]
    separator: str = Field(min_length=1, description="any text between two cells")
    escape: str | None = Field(None, min_length=1)
    quote: str | None = Field(None, min_length=1, max_length=1, description="cells may be quoted with it, as in CSV")
    header: DelimitedLine | None = None
    detail: DelimitedLine
    trailer: DelimitedLine | None = None

    @model_validator(mode="after")
    def cells_can_be_told_apart(self) -> DelimitedFormat:
        if self.escape is not None and self.quote is not None:
            raise ValueError("cells are either escaped or quoted, not both")
        if any(line is not None and line.named for line in (self.header, self.trailer)):
            raise ValueError("names belong to detail: the line of column names stands above the rows")
        return self


class FixedFormat(FileFormat):
    type: Literal["fixed"]
    header: FixedLine | None = None
    detail: FixedLine
    trailer: FixedLine | None = None

    @model_validator(mode="after")
    def widths_count_bytes(self) -> FixedFormat:
        if self.encoding == "utf-16":
            raise ValueError("fixed-width lines are cut by bytes, which utf-16 does not allow")
        return self


class SheetFormat(Spec):
    """A spreadsheet: one line of column names, the rows below it, and at most one last row that adds up."""

    type: Literal["sheet"]
    sheet: str | None = Field(None, description="its name; the first one to be seen when left out")
    above: int = Field(0, ge=0, le=100, description="how many rows stand above the column names")
    columns: tuple[str, ...] = Field(min_length=1, description="the column names, in order")
    trailer: str | None = Field(None, min_length=1, description="the first cell of a last row that adds up")
    line: str | None = Field(None, description="the column with the partner's own row number")
    totals: Totals | None = None

    @property
    def framing(self) -> frozenset[str]:
        """Columns the format itself reads. A total stands under a column of data, which the mapping still has to take."""
        return frozenset({self.line} if self.line else ())


class JsonFormat(Spec):
    type: Literal["json"]


class XmlFormat(Spec):
    type: Literal["xml"]
    body: str = Field(description="the element that holds the rows, without its namespace")


Format = Annotated[DelimitedFormat | FixedFormat | SheetFormat | JsonFormat | XmlFormat, Field(discriminator="type")]
