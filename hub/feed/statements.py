"""Statements that a partner drops as a file: which files it says it sent on a day, with rows, amount and digest of each."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from hub.feed.drops import SftpSource
from hub.feed.files import DelimitedFormat, FixedFormat
from hub.feed.words import Spec


class FileStatement(Spec):
    """One file of mappings/statements. The last four words name columns of the statement's detail lines."""

    title: str = Field(description="中文标题 / English title")
    partner: str
    source: SftpSource
    file: str = Field(description="the column with the name of a file it dropped")
    rows: str = Field(description="the column with how many rows that file has")
    amount: str = Field(description="the column with the sum of its amounts")
    as_: Literal["fen", "yuan"] = Field(alias="as")
    sm3: str | None = Field(None, description="the column with the SM3 of its bytes")

    @model_validator(mode="after")
    def columns_are_there(self) -> FileStatement:
        form = self.source.format
        if self.source.encrypted is not None:
            raise ValueError("a statement names nobody and is not encrypted")
        if not isinstance(form, DelimitedFormat | FixedFormat):
            raise ValueError("a statement is a file of lines")
        named = [name for name in (self.file, self.rows, self.amount, self.sm3) if name is not None]
        if unknown := [name for name in named if name not in form.detail.names]:
            raise ValueError(f"the detail lines have no column {', '.join(unknown)}")
        return self
