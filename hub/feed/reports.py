"""How a partner is told what became of its rows."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from hub.feed.drops import Encrypted
from hub.feed.words import FieldSpec, Spec


class FileReport(Spec):
    """A return file beside the drop; {date} and {name} come from the file it answers."""

    file: str
    form: Literal["summary_and_bad_lines", "summary_and_every_line"]
    newline: Literal["crlf", "lf"]
    encrypted: Encrypted | None = Field(None, description="how it is encrypted to the partner; in clear when left out")
    proof: str | None = Field(None, description="where its inclusion proof goes, as file; none is put when left out")

    @model_validator(mode="after")
    def a_proof_lies_beside_its_file_and_not_on_it(self) -> FileReport:
        if self.proof is not None and (self.proof == self.file or "{name}" not in self.proof):
            raise ValueError("proof: the path needs {name}, and is not that of the file itself")
        return self


class CallReport(Spec):
    """Statuses sent as rows of a call: REST path, or SOAP operation."""

    call: str
    rows: str = Field(description="the member that holds the rows")
    per_call: int = Field(200, gt=0)
    of: tuple[str, ...] = Field((), description="only rows of these schemas; all when empty")
    fields: dict[str, FieldSpec] = Field(description="their word -> outcome, code, message, remote_id of the row")


class ConclusionCall(Spec):
    """What a clue came to, as the one row of a call: REST path, or SOAP operation."""

    call: str
    rows: str = Field(description="the member that holds the row")
    fields: dict[str, FieldSpec] = Field(description="their word -> what is told of the conclusion")


class ConclusionFile(Spec):
    """What a clue came to, as a file of its own: a line that names it, then one line of cells."""

    file: str = Field(description="{date}, {serial} and {number} are filled in")
    separator: str = Field("|", min_length=1)
    newline: Literal["crlf", "lf"]
    fields: dict[str, FieldSpec] = Field(description="the cells in their order: their word -> what is told")

    @model_validator(mode="after")
    def each_conclusion_has_a_name_of_its_own(self) -> ConclusionFile:
        name = self.file.rpartition("/")[2]
        if "{serial}" not in name or "{number}" not in name:
            raise ValueError("file: the name needs {serial} and {number}, or one conclusion would replace another")
        return self


StageReport = FileReport | CallReport
ConclusionReport = ConclusionCall | ConclusionFile
