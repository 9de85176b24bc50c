"""The words every mapping is made of: where a field comes from, and how rows become records."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Spec(BaseModel):
    """Unknown words are refused, and nothing changes once read."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class FieldSpec(Spec):
    """Where one field comes from. Plain text in the mapping means ``from``."""

    from_: str | None = Field(
        None, alias="from", description="a source column; ../x is the parent row's, @x the file name's"
    )
    const: str | None = Field(None, description="the same text for every row")
    first_of: tuple[str, ...] | None = Field(None, description="the first of these columns that is not empty")
    codes: str | None = Field(None, description="a table mappings/codes/<name>.csv from their code to our word")
    as_: str | None = Field(None, alias="as", description="a recipe by name, with its argument after a space")
    sql: str | None = Field(None, description="one polars SQL expression over source columns")

    @model_validator(mode="before")
    @classmethod
    def plain_text_means_from(cls, value: object) -> object:
        return {"from": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def one_origin(self) -> FieldSpec:
        origins = [word for word in (self.from_, self.const, self.first_of, self.sql) if word is not None]
        if len(origins) != 1:
            raise ValueError("a field needs exactly one of: from, const, first_of, sql")
        return self


class RecordSpec(Spec):
    """How rows of one place become records of one schema."""

    rows: str = Field(description="header or detail of a file; a path such as data/rows in JSON or XML")
    key: dict[str, str] = Field(
        default={}, description="what the partner calls this row on the way back: its word -> column"
    )
    fields: dict[str, FieldSpec]
    ignore: tuple[str, ...] = Field((), description="columns seen and deliberately not taken")
    repeats: Literal["reject", "last_wins"] = Field("reject", description="two rows with one business key in a batch")
