"""Try one call again while the partner is only unavailable, as long as it asks and no longer than a task should wait."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    stop_after_delay,
    wait_random_exponential,
)

from hub.errors import PartnerUnavailable

Answer = TypeVar("Answer")
LONGEST_WAIT = 60.0
_backing_off = wait_random_exponential(multiplier=0.2, max=10)


def _wait(state: RetryCallState) -> float:
    """The partner's own Retry-After where it gave one, else a random growing pause."""
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, PartnerUnavailable) and error.retry_after is not None:
        return min(error.retry_after, LONGEST_WAIT)
    return _backing_off(state)


def retried(call: Callable[[], Answer], *, unless_done: bool = False) -> Answer:
    """Call up to five times within two minutes; the last PartnerUnavailable is raised, PartnerRefused at once.

    With ``unless_done`` only while the call surely had no effect: whoever has an effect to lose or to double asks first.
    """
    trying = Retrying(
        retry=retry_if_exception(
            lambda error: isinstance(error, PartnerUnavailable) and not (unless_done and error.may_be_done)
        ),
        wait=_wait,
        stop=stop_after_attempt(5) | stop_after_delay(120),
        reraise=True,
    )
    return trying(call)
