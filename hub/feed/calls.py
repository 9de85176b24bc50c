"""Partners that are asked: JSON over HTTP and SOAP."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from hub.feed.files import Format
from hub.feed.words import Spec


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
