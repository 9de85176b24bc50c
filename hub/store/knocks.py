"""Knocks: those that were accepted with what proves them, the nonces that were used, and how often which answer was given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from hub.store.database import Work, rows_of

KEPT = timedelta(days=1)
"""How long nonces are kept; one is of no use to anybody ten minutes after it was used."""


@dataclass(frozen=True)
class Knock:
    """An accepted knock. ``look`` is what came of it: `owed` to the clock, `started`, `waiting` where a run was queued already."""

    knock_id: int
    partner: str
    ready: str
    look: str
    dag_run: str | None
    knocked_at: datetime


COLUMNS = ", ".join(Knock.__dataclass_fields__)


def use_nonce(work: Work, partner: str, nonce: str) -> bool:
    """Whether the nonce is new; of many who come with it at once, for one alone. It is used up in the same commit."""
    sql = "insert into knock_nonce (partner, nonce) values (:partner, :nonce) on conflict do nothing"
    return work.execute(sa.text(sql), {"partner": partner, "nonce": nonce}).rowcount == 1


def forget_nonces(work: Work) -> int:
    """Let nonces go that nobody could use again; returns how many."""
    sql = "delete from knock_nonce where used_at < now() - cast(:kept as interval)"
    return work.execute(sa.text(sql), {"kept": KEPT}).rowcount


def add_knock(
    work: Work, partner: str, ready: str, algorithm: str, signed_text: str, signature: str, digest: str
) -> Knock:
    sql = f"""insert into knock (partner, ready, algorithm, signed_text, signature, digest)
              values (:partner, :ready, :algorithm, :signed_text, :signature, :digest) returning {COLUMNS}"""
    values = {"partner": partner, "ready": ready, "algorithm": algorithm, "signed_text": signed_text}
    return Knock(**rows_of(work, sql, **values, signature=signature, digest=digest)[0]._mapping)


def note_look(work: Work, knock_id: int, look: str, dag_run: str | None) -> None:
    """Write down what came of a knock."""
    sql = "update knock set look = :look, dag_run = :dag_run where knock_id = :knock_id"
    work.execute(sa.text(sql), {"knock_id": knock_id, "look": look, "dag_run": dag_run})


def take_turn(work: Work, dag_id: str) -> None:
    """Wait until nobody else starts a look at this feed; nobody does until the commit."""
    work.execute(sa.text("select pg_advisory_xact_lock(hashtext('hub.knock'), hashtext(:dag_id))"), {"dag_id": dag_id})


def read_knock(work: Work, partner: str, knock_id: int) -> Knock | None:
    """One of a partner's own knocks."""
    sql = f"select {COLUMNS} from knock where partner = :partner and knock_id = :knock_id"
    found = rows_of(work, sql, partner=partner, knock_id=knock_id)
    return Knock(**found[0]._mapping) if found else None


def count(work: Work, partner: str, code: str) -> None:
    """Count one answer. ``partner`` is empty where nobody knows who called; ``code`` is `0` for an accepted knock."""
    sql = """insert into knock_count (day, partner, code, knocks, last_at) values (current_date, :partner, :code, 1, now())
             on conflict (day, partner, code) do update set knocks = knock_count.knocks + 1, last_at = now()"""
    work.execute(sa.text(sql), {"partner": partner, "code": code})


def newest_knocks(work: Work, last: int) -> Sequence[sa.Row[Any]]:
    """Accepted knocks, newest last."""
    sql = """select * from (select knock_id, knocked_at, partner, ready, algorithm, look, dag_run from knock
                            order by knock_id desc limit :last) as k order by knock_id"""
    return rows_of(work, sql, last=last)


def counts(work: Work, days: int) -> Sequence[sa.Row[Any]]:
    """How often each answer was given on the last days, newest day first."""
    sql = """select day, case partner when '' then '?' else partner end as partner, code, knocks, last_at from knock_count
             where day > current_date - cast(:days as integer) order by day desc, 2, code"""
    return rows_of(work, sql, days=days)
