"""Keys of sealed fields while the hub runs: rotate, seal anew in the background, destroy; and show a value to who may see it."""

from __future__ import annotations

from hub.archive.changing import Changed, encrypt_plain, rewrap_all
from hub.errors import HubError, NotAllowed, SealBroken
from hub.pipeline.house import House, note
from hub.points import reach
from hub.sealing import Destroyed
from hub.store import keys, resealing, reveals
from hub.store.audit import Act, note_act
from hub.store.database import Work, working
from hub.store.places import PLACES
from hub.store.reveals import Shown
from hub.text import masked_as
from schemas.personal import PERSONAL_SCHEMAS, number_kind

AT_ONCE = 500
"""Rows sealed anew in one commit: a writer that wants one of them waits some hundredths of a second."""


def rotate_key(house: House, by: str) -> int:
    """Seal under a new key from now on; whoever is at it goes on under the old one. Returns its number."""
    with working(house.engine) as work:
        key_id = keys.make_key(work, _named(by))
        note_act(work, Act("keys rotate", f"key {key_id}"), by)
        reach("keys.making")
    reach("keys.made")
    assert key_id is not None
    note("rotated", key=key_id)
    return key_id


def rewrap_keys(house: House, by: str | None = None) -> int:
    """Bring the data keys under a new key-encryption key while the old one is still at hand; returns how many."""
    with working(house.engine) as work:
        count = keys.rewrap_keys(work)
        note_act(work, Act("keys rewrap", f"{count} keys"), by)
        reach("keys.rewrapping")
    reach("keys.rewrapped")
    note("rewrapped", keys=count)
    return count


def rewrap_archive(house: House) -> int:
    """The same for what lies in the archive; returns how many objects. Raises HubError S056 at the end when some were left."""
    return _changed("rewrapped", rewrap_all(house.archive))


def encrypt_archive(house: House) -> int:
    """Seal objects that an older hub kept plain; returns how many. Raises HubError S056 at the end when some were left."""
    return _changed("encrypted", encrypt_plain(house.archive))


def _changed(step: str, done: Changed) -> int:
    note(step, objects=done.count, left=len(done.left))
    if done.left:
        raise HubError(
            f"{done.count} objects were done and {len(done.left)} left as they are; the first: {done.left[0]}",
            code="S056",
        )
    return done.count


def reseal(house: House, most: int | None = None) -> int:
    """Bring rows of older keys under the active one, a few a commit; returns how many were.

    Ends after ``most``, where that is given; run again it goes on with what is left. Raises SealBroken (S052) at the end, when rows
    were left because somebody had changed them.
    """
    with working(house.engine) as work:
        resealing.active_key(work)
    count = broken = 0
    for place in PLACES:
        after: resealing.After | None = None
        while most is None or count < most:
            with working(house.engine) as work:
                step = resealing.reseal_some(work, place, after, AT_ONCE)
                reach("reseal.writing")
            reach("reseal.written")
            count, broken, after = count + step.sealed, broken + step.broken, step.last
            if after is None:
                break
    note("resealed", rows=count, broken=broken)
    if broken:
        raise SealBroken(
            f"{count} rows were sealed anew; {broken} were changed or moved by somebody, and left as they are"
        )
    return count


def destroy_key(house: House, key_id: int, by: str, why: str, *, with_values: bool = False) -> int:
    """Destroy an older key; what lies under it is gone. Returns how many rows that are.

    Raises HubError (S054) for the active key, while calls wait to be told, and while any row lies under it without ``with_values``.
    """
    with working(house.engine) as work:
        state = keys.lock_key(work, key_id)
        if state is None or state == "destroyed":
            raise NotAllowed(f"there is no key {key_id} that could be destroyed; see `hub keys`")
        if state == "active":
            raise HubError(f"key {key_id} is the active one; `hub keys rotate` first", code="S054")
        under, calls = resealing.count_under(work, key_id), resealing.calls_under(work, key_id)
        if calls or (under and not with_values):
            said = ", ".join(f"{count} rows of {table}" for table, count in under.items())
            raise HubError(f"under key {key_id} lie {said}; {calls} calls of them wait to be told", code="S054")
        keys.forget_key(work, key_id, _named(by), _given(why))
        name = "keys destroy --with-values" if with_values else "keys destroy"
        note_act(work, Act(name, f"key {key_id}, {sum(under.values())} rows", why), by)
        reach("destroy.writing")
    reach("destroy.destroyed")
    with working(house.engine) as work:
        keys.check_roots(work)
    note("destroyed", key=key_id, rows=sum(under.values()))
    return sum(under.values())


def show_masked(house: House, what: str, name: str, column: str | None = None) -> list[Shown]:
    """Personal values of a record (``what`` its schema, ``name`` its key) or of a row (a batch, the number printed on it), masked.

    Raises NotAllowed where there is nothing.
    """
    with working(house.engine) as work:
        found = _values(work, what, name, column)
    return [one._replace(value=one.value and _masked(one)) for one in found]


def reveal(house: House, what: str, name: str, by: str, why: str, column: str | None = None) -> list[Shown]:
    """The same in clear. Who sees what and why is committed before anything is shown; raises NotAllowed without name or reason."""
    by, why = _named(by), _given(why)
    with working(house.engine) as work:
        found = _values(work, what, name, column)
        columns = tuple(sorted({one.column for one in found}))
        number = note_act(work, Act("reveal --reason", f"{what} {name}", why, columns=columns), by)
        reach("reveal.noting")
    reach("reveal.noted")
    note("revealed", reveal=number)
    return found


def _values(work: Work, what: str, name: str, column: str | None) -> list[Shown]:
    if what not in PERSONAL_SCHEMAS and not what.isdigit():
        raise NotAllowed(f"{what} is neither a number of a batch nor a record with personal columns")
    of_row = what.isdigit()
    found = reveals.values_of_row(work, int(what), name) if of_row else reveals.values_of_record(work, what, name)
    found = [one for one in found if column is None or one.column == column]
    if not found:
        raise NotAllowed(f"{what} {name} has no such personal value")
    return found


def _masked(one: Shown) -> str:
    """What the columns of a partner's own row hold nobody knows: each shows its first letter."""
    value = one.value or ""
    return value if isinstance(value, Destroyed) else masked_as(number_kind(one.column) if one.version else None, value)


def note_shown(house: House, act: str, what: str, columns: list[str], by: str, why: str) -> None:
    """Write down that somebody is shown personal values by ``act``, another command than `hub reveal`."""
    by, why = _named(by), _given(why)
    with working(house.engine) as work:
        note_act(work, Act(act, what, why, columns=tuple(columns)), by)


def _named(by: str) -> str:
    if not by.strip():
        raise NotAllowed("a decision needs the name of who takes it")
    return by.strip()


def _given(why: str) -> str:
    if not why.strip():
        raise NotAllowed("a reason must be given")
    return why.strip()
