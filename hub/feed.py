"""What a mapping file may say, and nothing more: the closed vocabulary of `mappings/*.yaml`, checked when read.

`mappings/feed.schema.json` is generated from these classes, so an editor can help while one writes a mapping.
"""

from __future__ import annotations

from typing import Annotated, Literal

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
    agreed: dict[str, Agreed] = {}

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


class SftpSource(Spec):
    """Files from a partner's folder. ``{date}`` stands for an eight-digit day folder."""

    connector: Literal["sftp"]
    connection: str
    files: str
    name: str = Field(description="the parts of a file name, such as {bank}_{area}_{type}_{date}_{seq}_v{version}.txt")
    done: str | None = Field(None, description="the flag file's suffix; it comes last")
    digest: str | None = Field(None, description="the digest file's suffix")
    look_back_days: int = Field(31, ge=1)
    format: Format


class Paging(Spec):
    """How pages are asked for and where the answer puts its rows."""

    page: str
    size: str
    first: int = 1
    per_page: int = Field(100, gt=0)
    rows: str
    total: str


class Envelope(Spec):
    """The member that says whether an HTTP 200 was a success, and the value that means yes."""

    code: str
    success: str
    message: str
    busy: tuple[str, ...] = Field((), description="codes that mean: try again later")


class Since(Spec):
    """Incremental fetch: the parameter, the row's member that moves it on, and how far to look back."""

    parameter: str
    member: str
    form: Literal["text", "epoch_ms"]
    overlap_seconds: int = Field(300, ge=0)


class RestSource(Spec):
    """Pages of JSON over HTTP."""

    connector: Literal["rest"]
    connection: str
    path: str
    paging: Paging
    envelope: Envelope
    since: Since
    calls_per_second: float = Field(10, gt=0)
    format: Format


class SoapSource(Spec):
    """Answers of one SOAP operation, asked again while it says that there is more."""

    connector: Literal["soap"]
    connection: str
    wsdl: str = Field(description="the agreed WSDL, a file of mappings/wsdl; never fetched from the partner")
    operation: str
    header: dict[str, str] = Field({}, description="the Header of each call; @login, @unique and @now are filled in")
    cursor: str
    next_cursor: str
    has_more: str
    max_rows: tuple[str, int]
    envelope: Envelope
    format: Format


Source = Annotated[SftpSource | RestSource | SoapSource, Field(discriminator="connector")]


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


class Expect(Spec):
    """What is normal; outside it the batch waits for an officer."""

    rows: tuple[int, int] | None = None
    rejected_at_most: str | None = Field(None, pattern=r"^\d{1,3}(\.\d+)?%$")

    @property
    def rejected_share(self) -> float | None:
        return None if self.rejected_at_most is None else float(self.rejected_at_most.rstrip("%")) / 100


class FeedSpec(Spec):
    """One mapping file."""

    title: str = Field(description="中文标题 / English title")
    partner: str
    schedule: str = Field(description="cron; for files this is the fall-back when no event came")
    source: Source
    records: dict[str, RecordSpec]
    expect: Expect = Expect(rows=None, rejected_at_most=None)
    report: dict[Literal["intake", "outcome"], StageReport] = {}


class Feed(Spec):
    """A feed that passed every check: what the file says, its id, and the digest of the file it came from."""

    feed_id: str
    digest: str
    spec: FeedSpec


class Receives(Spec):
    """How a partner takes records: see connectors/open_api.py for the protocol."""

    connection: str
    schemas: tuple[str, ...]
    max_batch: int = Field(100, gt=0)
    accepted: tuple[str, ...] = Field(description="codes that mean: they have it")
    delayed: tuple[str, ...] = Field((), description="codes that mean: send again later")
    unreadable: tuple[str, ...] = Field((), description="codes that turn a whole submission down for its content")
    delayed_at_most: int = Field(8, ge=0, description="tries before a delayed record is given up")
    delayed_seconds: int = Field(60, ge=1, description="the first pause; each later one is twice as long")


class PartnerSpec(Spec):
    """One organisation we exchange data with."""

    title: str
    kind: Literal["bureau", "bank", "insurer", "platform"]
    contact: str = ""
    receives: Receives | None = None


class PartnersFile(Spec):
    partners: dict[str, PartnerSpec]
