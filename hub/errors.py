"""What can go wrong, sorted by who must act. Row problems are Rejections and receivers' answers are Receipts: neither is here."""

from __future__ import annotations

from collections.abc import Sequence


class HubError(Exception):
    """Anything the hub reports by name. The message says what happened, where, and what to do next."""

    code = "S000"

    def __init__(self, message: str, *, code: str | None = None) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code


class PartnerUnavailable(HubError):
    """Time-out, 5xx, 429, connection lost: tried again, then the partner's contact is called.

    ``retry_after`` is the partner's own wish in seconds, where it gave one. ``may_be_done`` is false only when the call surely had
    no effect: never reached the partner, or was turned away at its door.
    """

    code = "S001"

    def __init__(
        self, message: str, *, code: str | None = None, retry_after: float | None = None, may_be_done: bool = True
    ) -> None:
        super().__init__(message, code=code)
        self.retry_after = retry_after
        self.may_be_done = may_be_done


class HubUnavailable(PartnerUnavailable):
    """Something of our own is away, such as the database: tried again as a partner would be, and no partner is to blame."""


class Busy(HubUnavailable):
    """Another worker is at the same feed, receiver or partner: nothing was done, tried again later."""

    code = "S006"


class FencedOff(HubError):
    """A newer worker has taken over: whatever this one was about to commit is undone. Nothing to repair, nothing to repeat."""

    code = "S007"


class CircuitOpen(HubError):
    """The connection failed again and again, or a person paused it: it is left alone until its time has come."""

    code = "S008"


class ArchiveUnavailable(HubUnavailable):
    """The archive takes or gives no bytes now (disk full, store away): nothing half is left or acknowledged; tried again."""

    code = "S020"


class PartnerRefused(HubError):
    """4xx, SOAP fault, bad credentials, unknown host key: operator and partner act; never retried blindly."""

    code = "S002"


class SubmissionRefused(PartnerRefused):
    """A receiver turned a whole submission down for what is in it, not for who we are: its records are tried in smaller parts."""


class AnswerUnproven(PartnerRefused):
    """An answer's signature does not fit: its bytes (``body``) are archived, and nothing of them is believed."""

    code = "S076"

    def __init__(self, message: str, body: bytes) -> None:
        super().__init__(message)
        self.body = body


class Unwritable(HubError):
    """Some records of a submission cannot be written as their receiver wants them: nothing was sent, and they are set aside.

    ``keys`` are their idempotency keys. The message quotes nothing of them.
    """

    code = "R005"

    def __init__(self, message: str, keys: Sequence[str]) -> None:
        super().__init__(message)
        self.keys = tuple(keys)


class KeysUnusable(HubError):
    """Key-encryption key or index root are missing, or others than those the database was sealed with: the administrator acts."""

    code = "S051"


class SealBroken(HubError):
    """A sealed value was changed, cut, or moved from where it was sealed: somebody wrote to the database beside the hub."""

    code = "S052"


class FeedChanged(HubError):
    """The file or its columns are not as agreed: the batch is held, the partner sends again or the admin mends the mapping."""

    code = "F008"


class MappingInvalid(HubError):
    """Our own mapping file is wrong: found by ``hub check``, never at night."""

    code = "S003"


class ConnectionMissing(MappingInvalid):
    """Nobody entered the connection that a mapping names: the administrator does."""


class ExpectationFailed(HubError):
    """Row count or share of rejected rows outside what the mapping expects: an officer decides, ``hub release``."""

    code = "F013"


class Unbalanced(HubError):
    """Rows or fen went missing between two steps of ours: the batch is held, an admin finds the cause and replays it."""

    code = "F019"


class NotAllowed(HubError):
    """The operator asked for something the batch's state does not allow; nothing was changed."""

    code = "S004"
