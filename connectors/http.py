"""One HTTP exchange as the hub wants it: no redirects, no ambient settings, a deadline over the whole answer, a size limit.

Every failure is sorted into PartnerUnavailable or PartnerRefused; bodies never stand in messages, they may hold personal data.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

import requests

from hub.errors import PartnerRefused, PartnerUnavailable, SubmissionRefused
from hub.settings import now

CONNECT_SECONDS = 5
READ_SECONDS = 20
DEADLINE_SECONDS = 60
LARGEST_ANSWER = 64 * 1024 * 1024


def open_session() -> requests.Session:
    """A session that takes no proxy, netrc or certificate bundle from the environment."""
    session = requests.Session()
    session.trust_env = False
    return session


def exchange(
    session: requests.Session,
    method: str,
    url: str,
    *,
    media: str,
    answers: frozenset[int] = frozenset({200}),
    **options: Any,
) -> bytes:
    """One call; returns the whole body of an answer (a status in ``answers``) whose media type contains ``media``."""
    started = time.monotonic()
    try:
        with session.request(
            method, url, timeout=(CONNECT_SECONDS, READ_SECONDS), allow_redirects=False, stream=True, **options
        ) as response:
            kind = response.headers.get("Content-Type", "")
            if response.status_code not in answers or (response.status_code != 200 and media not in kind):
                _sort_status(response)
            if media not in kind:
                raise PartnerUnavailable(f"{_place(url)} answered {kind or 'no media type'} instead of {media}")
            return _read_body(response, started)
    except requests.RequestException as error:
        never_sent = isinstance(error, requests.ConnectTimeout) or "NewConnectionError" in repr(error)
        raise PartnerUnavailable(
            f"{_place(url)} did not answer: {type(error).__name__}", may_be_done=not never_sent
        ) from error


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


def _read_body(response: requests.Response, started: float) -> bytes:
    """Read to the end; a partner that drips bytes is cut off at the deadline, a short body is not taken for a whole one."""
    body = bytearray()
    for chunk in response.iter_content(64 * 1024):
        body += chunk
        if time.monotonic() - started > DEADLINE_SECONDS:
            raise PartnerUnavailable(f"{_place(response.url)} took longer than {DEADLINE_SECONDS} s over one answer")
        if len(body) > LARGEST_ANSWER:
            raise PartnerRefused(f"{_place(response.url)} answered more than {LARGEST_ANSWER} bytes")
    return bytes(body)
