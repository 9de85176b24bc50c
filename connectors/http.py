"""One HTTP exchange as the hub wants it: verified TLS, no redirects, no ambient settings, a deadline over it all, a size limit.

Every failure is sorted into PartnerUnavailable or PartnerRefused; bodies never stand in messages, they may hold personal data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import requests

from connectors.deadline import Deadline
from connectors.tls import Adapter, check_address, make_context, refusal_of
from hub.errors import PartnerRefused, PartnerUnavailable, SubmissionRefused
from hub.limits import LARGEST_ANSWER
from hub.model import Connection
from hub.settings import now

CONNECT_SECONDS = 5
READ_SECONDS = 20
DEADLINE_SECONDS = 60


def open_session(connection: Connection) -> requests.Session:
    """A session for one connection: its CA and certificate, nothing of the environment. Raises PartnerRefused S065."""
    check_address(connection)
    session = requests.Session()
    session.trust_env = False
    adapter = Adapter(make_context(connection) if connection.host.lower().startswith("https:") else None)
    for scheme in ("https://", "http://"):
        session.mount(scheme, adapter)
    return session


@dataclass(frozen=True)
class Answered:
    """A whole answer; headers are found whatever the case of their letters."""

    body: bytes
    headers: Mapping[str, str]


def exchange(session: requests.Session, method: str, url: str, *, media: str, **options: Any) -> bytes:
    """The body of one call, as `call` makes it."""
    return call(session, method, url, media=media, **options).body


def call(
    session: requests.Session,
    method: str,
    url: str,
    *,
    media: str,
    answers: frozenset[int] = frozenset({200}),
    **options: Any,
) -> Answered:
    """One call; returns a whole answer (a status in ``answers``) whose media type contains ``media``."""
    with Deadline(DEADLINE_SECONDS) as deadline:
        try:
            with session.request(
                method, url, timeout=(CONNECT_SECONDS, READ_SECONDS), allow_redirects=False, stream=True, **options
            ) as response:
                kind = response.headers.get("Content-Type", "")
                if response.status_code not in answers or (response.status_code != 200 and media not in kind):
                    _sort_status(response)
                if media not in kind:
                    raise PartnerUnavailable(
                        f"{_place(url)} answered {_media(kind) or 'no media type'} instead of {media}"
                    )
                return Answered(_read_body(response, deadline), response.headers)
        except requests.RequestException as error:
            raise _sorted(url, error, deadline) from error


def _sorted(url: str, error: requests.RequestException, deadline: Deadline) -> PartnerUnavailable | PartnerRefused:
    """What went wrong below HTTP: too slow, TLS that will not come about, or a connection that may be there next time."""
    if deadline.is_over:
        return _too_slow(url)
    why = refusal_of(error)
    if why is not None:
        return PartnerRefused(f"{_place(url)}: no secure connection: {why}", code="S064")
    never_sent = isinstance(error, requests.ConnectTimeout) or "NewConnectionError" in repr(error)
    return PartnerUnavailable(f"{_place(url)} did not answer: {type(error).__name__}", may_be_done=not never_sent)


def _too_slow(url: str) -> PartnerUnavailable:
    return PartnerUnavailable(f"{_place(url)} took longer than {DEADLINE_SECONDS} s over one answer")


def _media(kind: str) -> str:
    """The media type without what a partner may have written beside it."""
    return kind.split(";")[0].strip()[:40]


def _place(url: str) -> str:
    return url.split("?")[0]


def _sort_status(response: requests.Response) -> None:
    status = response.status_code
    if status == 429 or status >= 500:
        waits = _retry_after(response.headers)
        raise PartnerUnavailable(
            f"{_place(response.url)} answered HTTP {status}", retry_after=waits, may_be_done=status != 429
        )
    if status == 413:
        raise SubmissionRefused(f"{_place(response.url)} answered HTTP 413: too large")
    if status != 200:
        raise PartnerRefused(f"{_place(response.url)} answered HTTP {status}")


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds or an HTTP date (RFC 9110)."""
    text = headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - now()).total_seconds())
    except (TypeError, ValueError):
        return None


def _read_body(response: requests.Response, deadline: Deadline) -> bytes:
    """Read to the end; an answer that the deadline cut off, and a short body, are not taken for whole ones."""
    body = bytearray()
    for chunk in response.iter_content(64 * 1024):
        body += chunk
        if len(body) > LARGEST_ANSWER:
            raise PartnerRefused(f"{_place(response.url)} answered more than {LARGEST_ANSWER} bytes")
    if deadline.is_over:
        raise _too_slow(response.url)
    return bytes(body)
