"""Leases: who may work at a feed, a receiver or a partner now. A lease lasts while its holder commits, and is taken over when it
lapses, or at once by the same holder come back: Airflow starts a task again only when it takes the first one for dead.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from hub.store.database import Work, rows_of
from hub.store.fences import LEASE_SECONDS, Lease


def take(work: Work, name: str, holder: str) -> Lease | None:
    """Take the lease under the next token; None while another holder's has not lapsed."""
    sql = """insert into lease as l (name, holder, token, until)
             values (:name, :holder, 1, clock_timestamp() + interval '1 second' * :seconds)
             on conflict (name) do update set holder = excluded.holder, token = l.token + 1, until = excluded.until
                where l.holder = excluded.holder or l.until < clock_timestamp()
             returning token"""
    found = rows_of(work, sql, name=name, holder=holder, seconds=LEASE_SECONDS)
    return Lease(name, holder, found[0].token) if found else None


def give_back(work: Work, lease: Lease) -> None:
    """Let the next one in; a lease that was taken over is no longer ours to give."""
    sql = "update lease set until = clock_timestamp() where name = :name and token = :token"
    work.execute(sa.text(sql), {"name": lease.name, "token": lease.token})


def read_leases(work: Work) -> Sequence[sa.Row[Any]]:
    """Every lease that is held now: name, holder, token, until."""
    return rows_of(work, "select name, holder, token, until from lease where until > clock_timestamp() order by name")
