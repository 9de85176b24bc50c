"""How a receiver takes records: what `mappings/receivers/*.yaml` may say. The same six words as in a feed, turned round."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import time
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from hub.feed.calls import Envelope
from hub.feed.signing import Signing
from hub.feed.words import FieldSpec, Spec

Digits = Annotated[str, StringConstraints(pattern=r"^[0-9]{2,9}$")]


class Data(Spec):
    """Where the payload stands: under a parameter, or, without a name, as the members of a JSON body itself."""

    name: str | None = None
    of: Literal["object", "array"] = Field("object", description="array: the rows alone, without members around them")


class Sealed(Spec):
    """Members that are encrypted one by one: the key is the secret, the first vector its first 16 bytes, written in base64."""

    cipher: Literal["aes_cbc"]
    fields: tuple[str, ...] = Field(min_length=1, description="the receiver's names")


class Asking(Spec):
    """How a receiver that answers later is asked, and what its states mean."""

    call: str
    parameter: str = Field(description="the member that carries its serial code")
    state: str
    waiting: tuple[str, ...] = Field(min_length=1)
    done: tuple[str, ...] = Field(min_length=1)
    failed: tuple[str, ...] = Field((), description="the submission as a whole went wrong; it is sent again")
    unknown: tuple[str, ...] = Field((), description="codes that mean: it lost the submission; it is sent again")


class Inquiry(Spec):
    """How a receiver is asked whether a submission reached it, by our submission key, when its answer did not reach us.

    It answers like to the submission itself: with the serial code, or with the results.
    """

    call: str
    parameter: str = Field(description="the member that carries our submission key")
    none: tuple[str, ...] = Field(min_length=1, description="codes that mean: it has no such submission")


class Results(Spec):
    """Where the answer to each record stands."""

    rows: str
    key: str = Field(description="the member with our idempotency key")
    code: str
    message: str = "message"
    id: str | None = Field(None, description="the member with the receiver's own number of the record")


class Statement(Spec):
    """How a receiver is asked what it has of one day: a record stands under the day on which it was last sent to it.

    Pages are asked for by number, from 1. Names of members are those of a row; ``rows`` and ``total`` are paths into the answer.
    """

    call: str
    day: str = Field(description="the member of the question that carries the day")
    form: str = Field("%Y-%m-%d", description="how the day is written")
    page: str = Field(description="the member of the question with the page's number")
    size: str = Field(description="the member of the question with how many rows are wanted")
    per_page: int = Field(500, gt=0)
    rows: str
    total: str = Field(description="the member with the number of all rows of the day")
    kind: str = Field(description="names the record's call, or our schema where style names a member for it")
    key: str
    version: str
    amount: str = Field(description="empty where the receiver keeps no amount of such a record")
    as_: Literal["fen", "yuan", "wan"] = Field("fen", alias="as")
    status: str
    taken: tuple[str, ...] = Field(min_length=1, description="its words for: it has the record")
    refused: tuple[str, ...] = Field(min_length=1)
    waiting: tuple[str, ...] = Field(min_length=1, description="its words for: neither yet")
    id: str | None = Field(None, description="the receiver's own number of the record")

    @model_validator(mode="after")
    def words_mean_one_thing(self) -> Statement:
        words = [*self.taken, *self.refused, *self.waiting]
        if twice := sorted({word for word in words if words.count(word) > 1}):
            raise ValueError(f"statement: {', '.join(twice)} would mean two things")
        if len({self.day, self.page, self.size}) < 3:
            raise ValueError("statement: day, page and size are three members")
        if "%" not in self.form:
            raise ValueError("statement: form writes a day, such as %Y%m%d")
        return self


class Technical(Spec):
    """What the receiver calls the three members that every row carries; whoever renames one names all three."""

    key: str
    record_key: str
    version: str


OUR_NAMES = Technical(key="idempotencyKey", record_key="recordKey", version="version")


class Exists(Spec):
    """How a receiver says that it has the record already: by code, or in words of its message."""

    codes: tuple[str, ...] = ()
    words: tuple[Annotated[str, StringConstraints(min_length=1)], ...] = ()


class Style(Spec):
    """The receiver's dialect. Every path into an answer is written with dots."""

    address: str = Field(pattern=r"^/", description="{call} stands for the record's call")
    body: Literal["form", "json"] = "form"
    method: str | None = Field(None, description="the parameter that names the call; left out when the address does")
    data: Data = Data(name=None, of="object")
    schema_: str | None = Field(None, alias="schema", description="the member that names our schema")
    submission: str | None = Field(None, description="the member with our submission key; the same key has one effect")
    nulls: Literal["omit", "null"] = "omit"
    signing: Signing | None = None
    sealed: Sealed | None = None
    technical: Technical = OUR_NAMES
    envelope: Envelope
    answers: Literal["later", "at_once"] = "later"
    serial: str | None = Field(None, description="where the serial code stands in the answer")
    asking: Asking | None = None
    inquiry: Inquiry | None = None
    results: Results
    statement: Statement | None = Field(
        None, description="how it is asked what it has; without it there is no reconciliation"
    )

    @model_validator(mode="after")
    def words_go_together(self) -> Style:
        is_later = self.answers == "later"
        if is_later != (self.serial is not None) or is_later != (self.asking is not None):
            raise ValueError("answers later: serial and asking are needed; at_once: neither")
        if self.inquiry is not None and self.submission is None:
            raise ValueError("inquiry: without submission the receiver does not know our key")
        if self.body == "form" and self.data.name is None:
            raise ValueError("data: a form needs the parameter that carries the payload")
        if self.data.of == "array" and self.data.name is None:
            raise ValueError("data: an array needs the parameter that carries it")
        if self.method is None and "{call}" not in self.address:
            raise ValueError("address: without method, {call} must name the call")
        if unknown := sorted(self._wanted() - self._parameters()):
            raise ValueError(f"signing: there is nothing called {', '.join(unknown)}")
        names = [name for name in (self.method, self.data.name, self.schema_, self.submission) if name]
        names += [*self.signing.fields, self.signing.name] if self.signing and self.signing.place != "headers" else []
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"{', '.join(twice)} would stand twice in a call")
        return self

    def _wanted(self) -> frozenset[str]:
        return self.signing.wanted if self.signing else frozenset()

    def _parameters(self) -> set[str]:
        own = {name for name in (self.method, self.data.name, self.schema_, self.submission) if name}
        return own | {"sorted", "pairs", "secret", "login", "body", *(self.signing.fields if self.signing else ())}


class TakenRecord(Spec):
    """How the receiver takes records of one schema."""

    call: str
    rows: str = Field("records", description="the member that holds the rows")
    fields: dict[str, FieldSpec] | None = Field(
        None, description="their name <- our column; without it the columns go out under our names, as they are"
    )


class Closed(Spec):
    """A time of the day in which the receiver is not to be called; over midnight when it ends before it begins."""

    from_: time = Field(alias="from")
    to: time

    def covers(self, moment: time) -> bool:
        """Whether this moment of a Shanghai day lies in it."""
        if self.from_ <= self.to:
            return self.from_ <= moment < self.to
        return moment >= self.from_ or moment < self.to


class Receives(Spec):
    """One file of mappings/receivers."""

    title: str = Field(description="中文标题 / English title")
    partner: str
    connection: str
    areas: tuple[Digits, ...] = Field((), description="records whose area code begins so; all when left out")
    max_batch: int = Field(100, gt=0)
    calls_per_second: float = Field(10, gt=0)
    closed: tuple[Closed, ...] = Field((), description="maintenance windows, such as {from: 23:30, to: 00:30}")
    style: Style
    accepted: tuple[str, ...] = Field(min_length=1, description="codes that mean: they have it")
    exists: Exists = Exists(codes=(), words=())
    delayed: tuple[str, ...] = Field((), description="codes that mean: send again later")
    delayed_seconds: int = Field(60, ge=1, description="the first pause; each later one is twice as long")
    delayed_at_most: int = Field(8, ge=0, description="tries before a delayed record is given up")
    unreadable: tuple[str, ...] = Field((), description="codes that turn a whole submission down for its content")
    records: Mapping[str, TakenRecord] = Field(min_length=1)

    @model_validator(mode="after")
    def codes_mean_one_thing(self) -> Receives:
        codes = [*self.accepted, *self.exists.codes, *self.delayed]
        if twice := sorted({code for code in codes if codes.count(code) > 1}):
            raise ValueError(f"code {', '.join(twice)} would mean two things")
        return self

    @model_validator(mode="after")
    def lost_answers_can_be_resolved(self) -> Receives:
        if self.style.submission is None and not self.exists.codes and not self.exists.words:
            raise ValueError("exists: without submission nothing else tells that a record sent twice is there already")
        return self

    def is_closed(self, moment: time) -> bool:
        """Whether a maintenance window covers this moment of a Shanghai day."""
        return any(window.covers(moment) for window in self.closed)

    @model_validator(mode="after")
    def statement_is_a_call_of_its_own(self) -> Receives:
        statement, asking = self.style.statement, self.style.asking
        calls = {taken.call for taken in self.records.values()} | ({asking.call} if asking else set())
        if statement is not None and statement.call in calls:
            raise ValueError(f"statement: {statement.call} is the call of something else")
        return self
