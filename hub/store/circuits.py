"""Circuits: which connections are not to be used now, because they failed again and again, or because a person said so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from hub.store.database import Work, rows_of


@dataclass(frozen=True)
class Circuit:
    """What is known against using a connection. ``open_until``: not before that moment; ``paused_by``: not until resumed."""

    connection: str
    failures: int
    open_until: datetime | None
    code: str | None
    paused_by: str | None
    reason: str | None
    is_open: bool


COLUMNS = "connection, failures, open_until, code, paused_by, reason"
IS_OPEN = "(paused_by is not null or coalesce(open_until > clock_timestamp(), false)) as is_open"


def read_circuit(work: Work, connection: str) -> Circuit | None:
    """The circuit of a connection; None while all is well."""
    sql = f"select {COLUMNS}, {IS_OPEN} from circuit where connection = :connection"
    found = rows_of(work, sql, connection=connection)
    return Circuit(**found[0]._mapping) if found else None


def open_circuits(work: Work) -> list[Circuit]:
    """Every connection that is not to be used now."""
    found = rows_of(work, f"select {COLUMNS}, {IS_OPEN} from circuit order by connection")
    return [circuit for row in found if (circuit := Circuit(**row._mapping)).is_open]


def note_failure(work: Work, connection: str, code: str, pauses: Sequence[float]) -> None:
    """Count one more failure; ``pauses`` are the seconds to wait after the first, second, … of them, and the last for the rest."""
    sql = """insert into circuit as c (connection, failures, open_until, code)
             values (:connection, 1, clock_timestamp() + interval '1 second' * (cast(:pauses as double precision[]))[1], :code)
             on conflict (connection) do update set failures = c.failures + 1, code = excluded.code, changed_at = now(),
                open_until = clock_timestamp() + interval '1 second'
                             * (cast(:pauses as double precision[]))[least(c.failures + 1, :most)]"""
    values = {"connection": connection, "code": code, "pauses": list(pauses), "most": len(pauses)}
    work.execute(sa.text(sql), values)


def note_success(work: Work, connection: str) -> None:
    """Forget its failures; a pause by a person stays."""
    sql = """update circuit set failures = 0, open_until = null, code = null, changed_at = now()
             where connection = :connection and failures > 0"""
    work.execute(sa.text(sql), {"connection": connection})


def pause(work: Work, connection: str, by: str, reason: str) -> None:
    """Nothing is asked of or sent over this connection until it is resumed."""
    sql = """insert into circuit (connection, paused_by, reason) values (:connection, :by, :reason)
             on conflict (connection) do update set paused_by = excluded.paused_by, reason = excluded.reason, changed_at = now()"""
    work.execute(sa.text(sql), {"connection": connection, "by": by, "reason": reason})


def resume(work: Work, connection: str) -> bool:
    """Use it again at once, whatever stood against it; whether anything did."""
    return bool(rows_of(work, "delete from circuit where connection = :connection returning 1", connection=connection))
