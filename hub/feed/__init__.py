"""What a mapping file may say, and nothing more: the closed vocabulary of `mappings/*.yaml`, checked when read.

`mappings/feed.schema.json` is generated from these classes, so an editor can help while one writes a mapping.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from hub.feed.calls import Envelope, Paging, RestSource, Since, SoapSource
from hub.feed.drops import Encrypted, SftpSource
from hub.feed.expected import Arrives, Expect
from hub.feed.files import (
    Agreed,
    Column,
    DelimitedFormat,
    DelimitedLine,
    FileFormat,
    FixedFormat,
    FixedLine,
    Format,
    JsonFormat,
    Line,
    SheetFormat,
    Totals,
    XmlFormat,
)
from hub.feed.receivers import Receives, Statement, Style, TakenRecord
from hub.feed.reports import (
    CallReport,
    ConclusionCall,
    ConclusionFile,
    ConclusionReport,
    FileReport,
    StageReport,
)
from hub.feed.statements import FileStatement
from hub.feed.words import FieldSpec, RecordSpec, Spec

__all__ = [
    "Agreed",
    "Arrives",
    "CallReport",
    "Column",
    "ConclusionCall",
    "ConclusionFile",
    "ConclusionReport",
    "DelimitedFormat",
    "DelimitedLine",
    "Encrypted",
    "Envelope",
    "Expect",
    "Feed",
    "FeedSpec",
    "FieldSpec",
    "FileFormat",
    "FileReport",
    "FileStatement",
    "FixedFormat",
    "FixedLine",
    "Format",
    "JsonFormat",
    "Line",
    "Paging",
    "PartnerSpec",
    "PartnersFile",
    "Receives",
    "RecordSpec",
    "RestSource",
    "SftpSource",
    "SheetFormat",
    "Since",
    "SoapSource",
    "Source",
    "Spec",
    "StageReport",
    "Statement",
    "Style",
    "TakenRecord",
    "Totals",
    "XmlFormat",
]

Source = Annotated[SftpSource | RestSource | SoapSource, Field(discriminator="connector")]


class FeedSpec(Spec):
    """One mapping file."""

    title: str = Field(description="中文标题 / English title")
    partner: str
    schedule: str = Field(description="cron; for files this is the fall-back when no event came")
    source: Source
    records: dict[str, RecordSpec]
    expect: Expect = Expect(rows=None, rejected_at_most=None, arrives=None)
    report: dict[Literal["intake", "outcome"], StageReport] = Field(default={})
    conclusion: ConclusionReport | None = Field(None, description="how the channel is told what a clue came to")


class Feed(Spec):
    """A feed that passed every check: what the file says, its id, and the digest of the file it came from."""

    feed_id: str
    digest: str
    spec: FeedSpec


class PartnerSpec(Spec):
    """One organisation we exchange data with."""

    title: str
    kind: Literal["bureau", "bank", "insurer", "platform"]
    contact: str = ""


class PartnersFile(Spec):
    partners: dict[str, PartnerSpec]
