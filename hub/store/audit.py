"""The audit trail: who did what by hand, when, why, and how it ended. Appended in the commit of the act, never changed.

The exchange log gets an entry for each, with an SM3 over the act and a salt that stands here alone: an act that is deleted or
changed leaves its entry behind, and the log names nobody.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from secrets import token_hex
from typing import Any, Literal

import sqlalchemy as sa

from hub.digest import sm3_hex
from hub.officers import acting
from hub.store.database import Work, rows_of
from hub.store.exchange_log import append

Outcome = Literal["done", "refused", "failed"]
KIND = "audited"


@dataclass(frozen=True)
class Act:
    """``name`` as in hub/roles.yaml; ``what`` names what it was done to, by numbers; ``code`` says why it came to nothing."""

    name: str
    what: str = ""
    reason: str = ""
    outcome: Outcome = "done"
    code: str | None = None
    columns: tuple[str, ...] = ()


def note_act(work: Work, act: Act, by: str | None = None) -> int:
    """Enter what is done in this transaction; ``by`` where the act itself says who, else whoever typed the command."""
    now = acting()
    audit_id = append_act(work, act, by or now.name, now.account)
    now.noted.append(audit_id)
    return audit_id


def append_act(work: Work, act: Act, officer: str, account: str, at: datetime | None = None) -> int:
    """Enter one act and its entry in the exchange log; returns its number."""
    sql = """insert into audit_entry (at, officer, account, act, what, reason, outcome, code, columns, salt)
             values (coalesce(:at, clock_timestamp()), :officer, :account, :act, :what, :reason, :outcome, :code, :columns, :salt)
             returning *"""
    values: dict[str, Any] = {
        "at": at,
        "officer": officer.strip() or "?",
        "account": account,
        "act": act.name,
        "what": act.what,
    }
    values |= {"reason": act.reason, "outcome": act.outcome, "code": act.code, "columns": list(act.columns)}
    row = rows_of(work, sql, **values, salt=token_hex(16))[0]
    append(work, KIND, "hub", digest=digest_of(row), audit=row.audit_id, outcome=act.outcome)
    return int(row.audit_id)


def digest_of(row: sa.Row[Any]) -> str:
    """The SM3 of an act as it stands in the table, its salt with it."""
    facts = {**row._mapping, "at": row.at.astimezone(UTC).isoformat(timespec="microseconds")}
    return sm3_hex(json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii"))


def list_acts(work: Work, since: datetime | None, who: str | None, most: int) -> Sequence[sa.Row[Any]]:
    """The newest acts, oldest of them first; only those since a moment, of an officer or an account."""
    sql = """select * from (
                select audit_id as no, at, officer, account, act, what, reason, outcome, code from audit_entry
                where at >= coalesce(cast(:since as timestamptz), at) and (cast(:who as text) is null or :who in (officer, account))
                order by audit_id desc limit :most) as newest order by no"""
    return rows_of(work, sql, since=since, who=who, most=most)


def list_reveals(work: Work, most: int) -> Sequence[sa.Row[Any]]:
    """Who was shown what in clear, the newest, oldest of them first. No value stands here."""
    sql = """select * from (
                select audit_id as reveal, at as revealed_at, officer as revealed_by, reason, what,
                       array_to_string(columns, ' ') as columns
                from audit_entry where columns <> '{}' and outcome = 'done'
                order by audit_id desc limit :most) as newest order by reveal"""
    return rows_of(work, sql, most=most)


@dataclass(frozen=True)
class Verified:
    """How many acts stand there; numbers of those the exchange log tells of that are missing, or are not as they were entered."""

    acts: int
    missing: tuple[int, ...]
    changed: tuple[int, ...]

    @property
    def fits(self) -> bool:
        return not self.missing and not self.changed


def verify_acts(work: Work) -> Verified:
    """Hold every act against its entry in the exchange log; whether the log itself fits, `hub log verify` says."""
    told = {
        int(row.no): row.digest
        for row in rows_of(
            work, "select (facts ->> 'audit')::bigint as no, digest from exchange_entry where kind = :kind", kind=KIND
        )
    }
    stands = {row.audit_id: digest_of(row) for row in rows_of(work, "select * from audit_entry order by audit_id")}
    missing = tuple(sorted(set(told) - set(stands)))
    changed = tuple(no for no, digest in stands.items() if told.get(no) != digest)
    return Verified(len(stands), missing, changed)
