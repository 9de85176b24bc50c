"""Partners that are asked: JSON over HTTP and SOAP."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pydantic import Field, StrictBool, StrictInt, StrictStr, model_validator

from hub.feed.files import Format
from hub.feed.security import SoapSecurity
from hub.feed.signing import Filled, SignedAnswers, Signing
from hub.feed.words import Spec

Constant = StrictStr | StrictInt | StrictBool | None


class Paging(Spec):
    """How pages are asked for and where the answer puts its rows."""

    by: Literal["page", "offset", "token", "none"] = "page"
    page: str | None = Field(None, description="the parameter with the page's number")
    offset: str | None = Field(None, description="the parameter with how many rows to pass over")
    token: str | None = Field(None, description="the parameter with the token of the page before; not sent at first")
    next: str | None = Field(None, description="the member with the next token, absent at the end")
    size: str | None = Field(None, description="the parameter with how many rows are wanted")
    first: int | None = Field(None, ge=0, description="the first page's number (1), or the first offset (0)")
    per_page: int = Field(100, gt=0)
    rows: str
    total: str | None = Field(None, description="the member with the number of all rows")

    @property
    def start(self) -> int:
        """The number or offset of the first page."""
        return self.first if self.first is not None else int(self.by == "page")

    @model_validator(mode="after")
    def words_go_together(self) -> Paging:
        needed = {
            "page": {"page", "size", "total"},
            "offset": {"offset", "size", "total"},
            "token": {"token", "next"},
            "none": set(),
        }[self.by]
        allowed = needed | {"rows", "by", "total"}
        if self.by in ("page", "offset"):
            allowed |= {"first", "per_page"}
        elif self.by == "token":
            allowed |= {"size", "per_page"}
        _check_words(self, f"paging by {self.by}", needed, allowed)
        return self


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
    form: Literal["text", "compact", "date", "iso", "epoch_ms", "epoch_s"]
    overlap_seconds: int = Field(300, ge=0)


class RestSource(Spec):
    """Pages of JSON over HTTP."""

    connector: Literal["rest"]
    connection: str
    path: str
    method: Literal["get", "post"] = Field("get", description="post: the parameters are a JSON body")
    parameters: dict[str, Constant] = Field({}, description="sent with every page")
    paging: Paging
    envelope: Envelope
    since: Since | None = None
    signing: Signing | None = None
    signed_answers: SignedAnswers | None = None
    calls_per_second: float = Field(10, gt=0)
    format: Format

    @model_validator(mode="after")
    def parameters_can_be_sent(self) -> RestSource:
        paging, signing = self.paging, self.signing
        asked = [paging.page, paging.offset, paging.token, paging.size, self.since and self.since.parameter]
        names = [*self.parameters, *(name for name in asked if name)]
        if signing is not None:
            # in headers a name may be one that stands among the parameters as well
            names += [*signing.fields, signing.name] if signing.place != "headers" else []
            known = {"sorted", "pairs", "secret", "login", "body", *names, *signing.fields}
            if unknown := sorted(signing.wanted - known):
                raise ValueError(f"signing: there is nothing called {', '.join(unknown)}")
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"the parameter {', '.join(twice)} would be sent twice")
        if self.method == "get" and any(value is None for value in self.parameters.values()):
            raise ValueError("parameters: only a JSON body can say null; write '' or post")
        return self


class SoapPaging(Spec):
    """Pages by number. Names are paths into the request and the answer, such as ``ResponseBody/TotalCount``."""

    page: str
    size: tuple[str, int]
    first: int = Field(1, ge=0)
    rows: str
    total: str


class SoapCursor(Spec):
    """The words of a query that is carried on by a cursor."""

    cursor: str
    next_cursor: str
    has_more: str
    max_rows: tuple[str, int]


class SoapSource(Spec):
    """Answers of one SOAP operation, asked again while it says that there is more: by cursor, or page after page.

    Every name of a member may be a path with ``/``.
    """

    connector: Literal["soap"]
    connection: str
    wsdl: str = Field(description="the agreed WSDL, a file of mappings/wsdl; never fetched from the partner")
    operation: str
    header_name: str = Field("Header", description="the element of each request that holds the header")
    header: dict[str, Filled] = Field(
        {}, description="the header of each call; @login, @unique and @now (with a form) are filled in"
    )
    cursor: str | None = None
    next_cursor: str | None = None
    has_more: str | None = None
    max_rows: tuple[str, int] | None = None
    paging: SoapPaging | None = None
    since: Since | None = None
    envelope: Envelope
    security: SoapSecurity | None = Field(None, description="WS-Security of calls and answers; left out where none is")
    format: Format

    @property
    def by_cursor(self) -> SoapCursor:
        """Those four words, where there is no paging."""
        return SoapCursor.model_validate({word: getattr(self, word) for word in SoapCursor.model_fields})

    @model_validator(mode="after")
    def words_go_together(self) -> SoapSource:
        by_cursor = set(SoapCursor.model_fields)
        shared = set(SoapSource.model_fields) - by_cursor - {"paging", "since"}
        if self.paging is None:
            _check_words(self, "a query without paging", by_cursor, shared | by_cursor)
        else:
            _check_words(self, "a query with paging", set(), shared | {"paging", "since"})
        return self


def _check_words(spec: Spec, what: str, needed: Iterable[str], allowed: Iterable[str]) -> None:
    said = {word for word in spec.model_fields_set if getattr(spec, word) is not None}
    if missing := sorted(set(needed) - said):
        raise ValueError(f"{what} needs {', '.join(missing)}")
    if unused := sorted(said - set(allowed)):
        raise ValueError(f"{what} has no use for {', '.join(unused)}")
