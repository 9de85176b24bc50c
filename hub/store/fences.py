"""Fencing: what a worker holds a lease on, it may change only while nobody newer has taken the lease over.

The lease that this worker holds travels with its context, and every transaction of `working()` ends with the check, so no
function can forget it. A worker that was paused and woke up late cannot commit any more, whatever it was doing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

import sqlalchemy as sa

from hub.errors import FencedOff

LEASE_SECONDS = 180
"""Longer than any pause between two transactions of a living worker: one call to a partner is tried for two minutes."""


@dataclass(frozen=True)
class Lease:
    """One name held by one worker; a greater ``token`` is a newer holder."""

    name: str
    holder: str
    token: int


_held: ContextVar[tuple[Lease, ...]] = ContextVar("held", default=())


@contextmanager
def under(lease: Lease) -> Iterator[None]:
    """Everything committed in this context is committed under the lease, or not at all."""
    mark = _held.set((*_held.get(), lease))
    try:
        yield
    finally:
        _held.reset(mark)


def verify(work: sa.Connection) -> None:
    """Last in a transaction: raises FencedOff when a newer worker holds one of our leases. It waits for our commit otherwise."""
    sql = """update lease set until = clock_timestamp() + interval '1 second' * :seconds
             where name = :name and token = :token returning token"""
    for lease in _held.get():
        values = {"name": lease.name, "token": lease.token, "seconds": LEASE_SECONDS}
        if work.execute(sa.text(sql), values).first() is None:
            raise FencedOff(f"{lease.name} was taken over by a newer worker than {lease.holder} no. {lease.token}")
