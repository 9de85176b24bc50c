"""How an Airflow task ends: tried again, red until a person acts, or skipped; and how one that does many things goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from hub.errors import CircuitOpen, HubError, PartnerUnavailable

Words = ParamSpec("Words")
Result = TypeVar("Result")


def sorted_errors(step: Callable[Words, Result]) -> Callable[Words, Result]:
    """Only an unavailable partner is worth another try; everything else waits for a person."""

    @wraps(step)
    def run(*words: Words.args, **options: Words.kwargs) -> Result:
        try:
            return step(*words, **options)
        except PartnerUnavailable:
            raise
        except HubError as error:
            raise AirflowFailException(f"{error.code} {error}") from error

    return run


def each(batches: Iterable[Result], step: Callable[[Result], object]) -> None:
    """Run a step over all, then raise the first error, whatever its kind: what can go on goes on. A connection that is left alone
    counts last: it hides no other error."""
    errors: list[Exception] = []
    for batch in batches:
        try:
            step(batch)
        except Exception as error:
            errors.append(error)
    if errors:
        raise min(errors, key=lambda error: isinstance(error, CircuitOpen | AirflowSkipException))


@contextmanager
def skipped_when_open() -> Iterator[None]:
    """A connection that is left alone makes no red task each time; what failed first was red, and `hub circuits` shows the rest."""
    try:
        yield
    except CircuitOpen as error:
        raise AirflowSkipException(f"{error.code} {error}") from error
