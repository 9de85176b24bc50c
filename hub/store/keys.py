"""Data keys in the database: wrapped, one active, one a quarter; made, rotated, destroyed. No secret leaves the process."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import sqlalchemy as sa

from hub.points import reach
from hub.sealing import BlindIndex, DataKey, Root, Wrapped, check_value, make_secret, suite_named, wrap
from hub.settings import suite_name, today
from hub.store.database import Work, rows_of, working
from hub.store.vault import Vault, vault_of

BY_ITSELF = "hub"
"""Who made a key that nobody asked for."""


def period_of(day: date) -> str:
    """The quarter of a day: 2026Q4."""
    return f"{day.year}Q{(day.month + 2) // 3}"


def sealing_key(work: Work) -> DataKey:
    """The active key, held against its destruction to the commit. The first who needs one in a quarter makes it.

    It is made in a commit of its own: others seal under it at once, whatever becomes of this transaction.
    """
    vault, found = vault_of(work), _active(work)
    while found is None or found.period < period_of(today()):
        if _is_own_step(work):
            make_key(work, BY_ITSELF, only_for_a_new_quarter=True)
        else:
            with working(work.engine) as other:
                make_key(other, BY_ITSELF, only_for_a_new_quarter=True)
                reach("keys.making")
            reach("keys.made")
        found = _active(work)  # none, when somebody rotated just now: then once more
    return vault.unwrap(_wrapped(found), found.kek_check)


def make_key(work: Work, by: str, *, only_for_a_new_quarter: bool = False) -> int | None:
    """Make the active key, and the one before it open-only; None when there is one of this quarter already and that is enough.

    Whoever writes meanwhile goes on under the old one: it still opens. One maker at a time.
    """
    work.execute(sa.text("select pg_advisory_xact_lock(hashtext('data_key'))"))
    vault, period = vault_of(work), period_of(today())
    active = rows_of(work, "select key_id, period, kek_check from data_key where state = 'active'")
    if active:
        vault.kek_known_as(active[0].kek_check)
        if only_for_a_new_quarter and active[0].period >= period:
            return None
    suite = suite_named(suite_name())
    _note_index_root(work, vault, suite.name)
    key_id = int(rows_of(work, "select coalesce(max(key_id), 0) + 1 as key_id from data_key")[0].key_id)
    wrapped = wrap(vault.kek, DataKey(key_id, suite, make_secret(suite)))
    work.execute(sa.text("update data_key set state = 'open-only', closed_at = now() where state = 'active'"))
    sql = """insert into data_key (key_id, suite, period, state, wrapped, kek_check, made_by)
             values (:key_id, :suite, :period, 'active', :wrapped, :kek_check, :by)"""
    values: dict[str, Any] = {"key_id": key_id, "suite": suite.name, "period": period, "wrapped": wrapped}
    work.execute(sa.text(sql), {**values, "kek_check": check_value(vault.kek), "by": by})
    return key_id


def opening_keys(work: Work, needed: Iterable[int] | None = None) -> dict[int, DataKey | None]:
    """The keys that open what was sealed, None for one that was destroyed; only those ``needed``, or all."""
    sql = """select key_id, suite, wrapped, kek_check from data_key
             where cast(:needed as bigint[]) is null or key_id = any(:needed)"""
    vault = vault_of(work)
    found = rows_of(work, sql, needed=None if needed is None else sorted(needed))
    if needed is None:
        vault.keep_only({_wrapped(row) for row in found if row.wrapped is not None})
    return {row.key_id: None if row.wrapped is None else vault.unwrap(_wrapped(row), row.kek_check) for row in found}


def blind_index(work: Work) -> BlindIndex:
    """The index of this database, in the suite it was begun with."""
    return vault_of(work).index(_index_suite(work))


def checked_root(work: Work) -> Root:
    """The root of indexes and keyed digests, once it is known to be this database's."""
    _index_suite(work)
    return vault_of(work).index_root


def check_roots(work: Work) -> None:
    """Raises KeysUnusable (S051) when what is sealed here cannot be opened or found with our roots; nothing sealed is well."""
    opening_keys(work)
    found = rows_of(work, "select check_value from index_root")
    if found:
        vault_of(work).check_index_root(found[0].check_value)


def named_roots(work: Work) -> dict[str, list[str]]:
    """By what the roots are known that this database opens and is searched with."""
    kek = rows_of(work, "select distinct kek_check from data_key where wrapped is not null order by 1")
    root = rows_of(work, "select check_value from index_root")
    return {"kek": [row.kek_check for row in kek], "index_root": [row.check_value for row in root]}


def check_named_roots(work: Work, roots: Mapping[str, Sequence[str]]) -> None:
    """Raises KeysUnusable (S051) when these are not our roots."""
    for check in roots.get("kek", ()):
        vault_of(work).kek_known_as(check)
    for check in roots.get("index_root", ()):
        vault_of(work).check_index_root(check)


def list_keys(work: Work) -> Sequence[sa.Row[Any]]:
    """Every key there ever was, without its secret."""
    sql = """select key_id as key, suite, period, state, made_at, made_by, closed_at, destroyed_at, destroyed_by, destroy_reason
             from data_key order by key_id"""
    return rows_of(work, sql)


def lock_key(work: Work, key_id: int) -> str | None:
    """The state of a key, held; waits for everybody who is sealing under it to commit. None when there is none."""
    found = rows_of(work, "select state from data_key where key_id = :key_id for update", key_id=key_id)
    return str(found[0].state) if found else None


def rewrap_keys(work: Work) -> int:
    """Bring data keys that lie under the key-encryption key of before under ours; how many. No value is touched."""
    work.execute(sa.text("select pg_advisory_xact_lock(hashtext('data_key'))"))
    vault, mine = vault_of(work), check_value(vault_of(work).kek)
    sql = "select key_id, suite, wrapped, kek_check from data_key where wrapped is not null and kek_check <> :mine"
    found = rows_of(work, sql, mine=mine)
    for row in found:
        wrapped = wrap(vault.kek, vault.unwrap(_wrapped(row), row.kek_check))
        sql = "update data_key set wrapped = :wrapped, kek_check = :mine where key_id = :key_id"
        work.execute(sa.text(sql), {"wrapped": wrapped, "mine": mine, "key_id": row.key_id})
    return len(found)


def forget_key(work: Work, key_id: int, by: str, why: str) -> None:
    """Destroy a key: what lies under it is gone with it."""
    sql = """update data_key set state = 'destroyed', wrapped = null, destroyed_at = now(), destroyed_by = :by,
                    destroy_reason = :why where key_id = :key_id"""
    work.execute(sa.text(sql), {"key_id": key_id, "by": by, "why": why})


def _active(work: Work) -> sa.Row[Any] | None:
    sql = """select key_id, suite, period, wrapped, kek_check from data_key where state = 'active' for key share"""
    found = rows_of(work, sql)
    return found[0] if found else None


def _index_suite(work: Work) -> str:
    sql = "select suite, check_value from index_root"
    found = rows_of(work, sql)
    if not found:
        sealing_key(work)
        found = rows_of(work, sql)
    vault_of(work).check_index_root(found[0].check_value)
    return str(found[0].suite)


def _note_index_root(work: Work, vault: Vault, suite: str) -> None:
    """The first key fixes the suite of the index; later ones must come with the same root."""
    found = rows_of(work, "select check_value from index_root")
    if found:
        vault.check_index_root(found[0].check_value)
        return
    sql = "insert into index_root (suite, check_value) values (:suite, :check_value)"
    work.execute(sa.text(sql), {"suite": suite, "check_value": check_value(vault.index_root)})


def _is_own_step(work: Work) -> bool:
    """Whether this transaction is the one that builds the tables: nobody else can see them yet."""
    sql = "select 1 from pg_class where oid = 'hub.data_key'::regclass and xmin = pg_current_xact_id()::xid"
    return bool(rows_of(work, sql))


def _wrapped(row: sa.Row[Any]) -> Wrapped:
    return Wrapped(row.key_id, suite_named(row.suite), bytes(row.wrapped))
