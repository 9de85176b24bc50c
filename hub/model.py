"""The facts that pass between the steps: plain, frozen, without behaviour. GLOSSARY.md explains the words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol

import polars as pl


class BatchState(StrEnum):
    """The durable states of a batch; each is reached by one commit."""

    FETCHED = "fetched"
    STORED = "stored"
    DELIVERED = "delivered"
    REPORTED = "reported"
    HELD = "held"


class Outcome(StrEnum):
    """What became of one row, in the words used on the way back."""

    STORED = "stored"
    REJECTED = "rejected"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    DELAYED = "delayed"


class Stage(StrEnum):
    """When a status goes back: at intake (what we could read), at the end (what the receiver answered)."""

    INTAKE = "intake"
    OUTCOME = "outcome"


@dataclass(frozen=True)
class Connection:
    """Address and secrets of one partner, free of Airflow. ``extra`` holds what a protocol needs besides."""

    name: str
    host: str = ""
    port: int | None = None
    login: str = ""
    password: str = field(default="", repr=False)
    extra: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class FileStamp:
    """How a remote file looked: enough to know it again without reading it. ``modified_at`` in epoch seconds."""

    name: str
    size: int
    modified_at: int


class Stream(Protocol):
    """A part that is too large for memory. ``size`` is in bytes, ``digest`` the SM3 of them all."""

    @property
    def size(self) -> int: ...

    @property
    def digest(self) -> str: ...

    def chunks(self) -> Iterator[bytes]:
        """The bytes piece by piece, as often as they are asked for."""


@dataclass(frozen=True)
class Fetched:
    """What one fetch brought: the raw bytes of each part, and how far the feed has come.

    ``cursor`` is the value the next fetch starts from. ``fault`` is what the connector saw to be wrong with the whole (a file
    code and a sentence), such as a digest that does not fit. ``printed_rows`` is what the partner says it holds.
    """

    name: str
    parts: Sequence[bytes | Stream] = field(repr=False)
    cursor: str | None = None
    stamp: FileStamp | None = None
    fault: tuple[str, str] | None = None
    printed_rows: int | None = None


@dataclass(frozen=True)
class Notice:
    """Something seen at the partner's that is no batch, such as a flag without its file; an admin should know.

    ``path`` is the file that could not be taken, if it is one; with ``is_waiting`` it may still be on its way, and is no alarm yet.
    """

    code: str
    message: str
    path: str = ""
    is_waiting: bool = False


@dataclass(frozen=True)
class Batch:
    """One fetch of one feed, as the store knows it."""

    batch_id: int
    feed_id: str
    source_name: str
    digest: str
    state: BatchState
    parts: tuple[str, ...]
    fetched_at: datetime
    hold_code: str | None = None
    hold_message: str | None = None
    released_by: str | None = None
    changed_at: datetime | None = field(default=None, compare=False)
    seen_at: datetime | None = field(default=None, compare=False)
    """When the store was asked: what is told of the batch is as of this moment."""


@dataclass(frozen=True)
class Tally:
    """Rows and fen of one schema in one batch. ``fetched`` = ``stored`` + ``rejected`` + ``unchanged``, in rows and in fen.

    ``unread_fen`` is the part of the rejected fen that no line shows legibly: the file's own total less what could be read.
    ``unkept`` is the part of the unchanged that leaves no line behind. ``declared`` is what the partner itself says it sent.
    """

    schema: str
    fetched_rows: int
    fetched_fen: int
    stored_rows: int
    stored_fen: int
    rejected_rows: int
    rejected_fen: int
    unchanged_rows: int
    unchanged_fen: int
    unread_fen: int = 0
    unkept_rows: int = 0
    unkept_fen: int = 0
    declared_rows: int | None = None
    declared_fen: int | None = None


@dataclass(frozen=True)
class Rows:
    """Text rows of one place in a batch: every column a string, and ``#part``, ``#line`` to find them again.

    ``#no`` is the number the partner itself printed on the row, or its place where it printed none.

    ``own`` names the columns that stand in the row itself (not its parent's, not the file name's); ``framing`` those of them
    that the format itself has read already.
    ``broken`` lists rows that could not be cut into columns: the frame has ``#part``, ``#line``, ``#no``, ``#text``, ``#code``.
    """

    frame: pl.DataFrame
    own: tuple[str, ...]
    framing: frozenset[str] = frozenset()
    broken: pl.DataFrame | None = None


@dataclass(frozen=True)
class Declared:
    """What a file says of itself: detail rows and sum in fen (None where the format has no such total)."""

    rows: int | None = None
    fen: int | None = None


@dataclass(frozen=True)
class Parsed:
    """A batch as text: its rows by place, and what it declares of itself."""

    rows: Mapping[str, Rows]
    declared: Declared = Declared()


@dataclass(frozen=True)
class Sorted:
    """Rows of one schema, sorted: typed records, rejections with every reason, rows left out as repeats.

    ``records`` holds the schema's columns and ``#part #line #no #key #row #record_key #digest #fen``;
    ``rejections`` holds ``#part #line #no #key #fen #row`` (JSON text of the row) and ``#reasons`` (list of field, column, code);
    ``repeats`` counts rows of a page given twice, with their fen.
    """

    schema: str
    records: pl.DataFrame
    rejections: pl.DataFrame
    repeated_rows: int = 0
    repeated_fen: int = 0


@dataclass(frozen=True)
class Status:
    """What we tell a partner of one of its rows."""

    schema: str
    row_no: int
    printed_no: str
    key: Mapping[str, str]
    outcome: Outcome
    code: str
    message: str
    field: str = ""
    remote_id: str = ""


@dataclass(frozen=True)
class Conclusion:
    """What one clue's channel is told of how the clue ended. ``number`` counts what this channel was told of this clue.

    ``key`` is what the partner calls the clue's row on the way back; ``step_key`` says which step concluded.
    """

    conclusion_id: int
    channel: str
    serial: str
    key: Mapping[str, str]
    number: int
    result: str
    concluded_at: datetime
    due_on: date
    owed_at: datetime
    step_key: str
    org_name: str
    doc_no: str | None = None
    solved_people: int | None = None
    solved_fen: int | None = None
    call_key: str | None = None


@dataclass(frozen=True)
class ReceiptAnswer:
    """One record's answer as the receiver gave it."""

    idempotency_key: str
    outcome: Outcome
    code: str
    message: str
    remote_id: str | None = None


@dataclass(frozen=True)
class Told:
    """One call in which a partner was told of rows; ``digests`` are the SM3 of each row as it was told."""

    feed_id: str
    stage: Stage
    digests: tuple[str, ...]


@dataclass(frozen=True)
class Journalled:
    """A batch as it was written down when it was fetched: enough to write it down again beside its bytes."""

    batch_id: int
    feed_id: str
    source_name: str
    digest: str
    parts: tuple[str, ...]
    mapping_digest: str
    hub_version: str
    fetched_at: datetime
    cursor: str | None = None
    stamp_size: int | None = None
    stamp_modified_at: int | None = None
    printed_rows: int | None = None
    hold_code: str | None = None
    hold_message: str | None = None


@dataclass(frozen=True)
class StatementLine:
    """What one side says of one record, or of one file, on one day.

    ``status`` is accepted, refused, waiting or held. ``fen`` and ``version`` are None where that side does not keep them.
    ``is_known`` marks what the other side said it had already: its version may be an older one with the same content.
    """

    schema: str
    key: str
    status: str
    rows: int = 1
    fen: int | None = None
    version: int | None = None
    remote_id: str = ""
    digest: str = ""
    is_known: bool = False
