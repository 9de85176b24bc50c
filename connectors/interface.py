"""What the pipeline asks of a connector, and nothing more. Every method raises PartnerUnavailable (try again later) or
PartnerRefused (a person must act); third-party errors never leave a connector."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from hub.feed import CallReport
from hub.model import Fetched, FileStamp, Notice, ReceiptAnswer


class Fetcher(Protocol):
    """Brings what is new. ``seen`` are files that need not be read again, ``cursor`` is where the last fetch ended."""

    def fetch(self, cursor: str | None, seen: frozenset[FileStamp]) -> Iterator[Fetched | Notice]: ...


class FileReporter(Protocol):
    """Puts a finished return file; the same file put twice is one file.

    ``still_ours`` is called right before anything takes its final name or loses it. It raises FencedOff when one newer is at it.
    ``signature`` is put beside it, where the source has a file for it.
    """

    def put(self, path: str, data: bytes, still_ours: Callable[[], None], signature: bytes | None = None) -> None: ...


class CallReporter(Protocol):
    """Sends status rows in one call. ``key`` is the same whenever the same rows are sent again."""

    def send(self, report: CallReport, rows: Sequence[Mapping[str, str]], key: str) -> None: ...


class Notifier(Protocol):
    """Tells a person, wherever that person reads. ``key`` is the same whenever the same notice is sent again."""

    def post(self, key: str, message: Mapping[str, object]) -> None: ...


class Receiver(Protocol):
    """Takes records and answers later, or at once."""

    def submit(self, schema: str, batch_key: str, records: Sequence[Mapping[str, Any]]) -> str | list[ReceiptAnswer]:
        """Hand records over; returns the receiver's serial code, or its answers at once.

        The same ``batch_key`` again has no second effect. Raises Unwritable before anything is sent when some of the records
        cannot be written as this receiver wants them.
        """

    def inquire(self, batch_key: str) -> str | list[ReceiptAnswer] | None:
        """Whether it has the submission of this key: what it answered to it, or None when it has none, or cannot be asked.

        None means that the same submission may be sent again: under its key, or record by record under theirs, it has one effect.
        """

    def poll(self, serial_code: str) -> list[ReceiptAnswer] | None:
        """One answer per record, or None while the receiver is still at it."""
