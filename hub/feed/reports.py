"""How a partner is told what became of its rows."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from hub.feed.words import FieldSpec, Spec


class FileReport(Spec):
    """A return file beside the drop; {date} and {name} come from the file it answers."""

    file: str
    form: Literal["summary_and_bad_lines", "summary_and_every_line"]
    newline: Literal["crlf", "lf"]


class CallReport(Spec):
    """Statuses sent as rows of a call: REST path, or SOAP operation."""

    call: str
    rows: str = Field(description="the member that holds the rows")
    per_call: int = Field(200, gt=0)
    of: tuple[str, ...] = Field((), description="only rows of these schemas; all when empty")
    fields: dict[str, FieldSpec] = Field(description="their word -> outcome, code, message, remote_id of the row")


StageReport = FileReport | CallReport
