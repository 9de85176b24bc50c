"""Who types: the account of this process, and the officer it is bound to by the file of HUB_OFFICERS."""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from hub.errors import HubError, NotAllowed
from hub.roles import clashing, role_table

NOBODY_LOGGED_IN = 2**32 - 1
"""What the kernel says of a process that no login began."""


@dataclass(frozen=True)
class Officer:
    """A person by name, the account they type from, and the roles they hold."""

    name: str
    account: str
    roles: frozenset[str]


@dataclass(frozen=True)
class Acting:
    """Who acts now: the officer's name, and the account of the machine. ``noted``: acts entered in the audit trail meanwhile."""

    name: str
    account: str
    noted: list[int] = field(default_factory=list)


_acting: ContextVar[Acting | None] = ContextVar("acting", default=None)


def acting() -> Acting:
    """Who acts now; the hub itself where no command said otherwise."""
    return _acting.get() or Acting("hub", account())


@contextmanager
def acting_as(name: str, account: str) -> Iterator[Acting]:
    """Whatever is done inside is this officer's doing."""
    found = Acting(name, account)
    token = _acting.set(found)
    try:
        yield found
    finally:
        _acting.reset(token)


def officers_file() -> Path | None:
    """The file of officers (``HUB_OFFICERS``); None where it is not set, and then anybody is taken for who they say they are."""
    place = os.environ.get("HUB_OFFICERS")
    return None if place is None else Path(place)


def who_asks(path: Path) -> Officer:
    """The officer who types.

    Raises NotAllowed (S082) when the account is bound to none, HubError (S083) for a file that cannot be trusted.
    """
    officers = read_officers(path)
    name = account(trusted={0, path.stat().st_uid})
    for officer in officers:
        if officer.account == name:
            return officer
    raise NotAllowed(
        f"账户 {name} 没有绑定经办人 / the account {name} is bound to no officer in {path.name}; the security admin binds it",
        code="S082",
    )


def account(trusted: frozenset[int] | set[int] = frozenset({0})) -> str:
    """The account that began this session: as the kernel keeps it, or as sudo says for root and for the hub's own account."""
    login = _login_uid()
    if login is not None and login not in trusted:
        return _name_of(login)
    if os.getuid() in trusted and os.environ.get("SUDO_USER"):
        return os.environ["SUDO_USER"]
    return _name_of(os.getuid())


def _login_uid() -> int | None:
    try:
        uid = int(Path("/proc/self/loginuid").read_text())
    except (OSError, ValueError):
        return None
    return None if uid == NOBODY_LOGGED_IN else uid


def _name_of(uid: int) -> str:
    """A container may run under a number that has no name."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def read_officers(path: Path) -> list[Officer]:
    """Every officer of the file. Raises HubError (S083) when others may write to it, or when it says what cannot be."""
    try:
        found = path.stat()
        text = path.read_text("utf-8")
        said = yaml.safe_load(text)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise _unusable(path, f"读不了 / cannot be read: {type(error).__name__}") from None
    if found.st_uid not in (0, os.getuid()) or stat.S_IMODE(found.st_mode) & 0o022:
        raise _unusable(path, "其他人可以改动它 / others can change it; let root own it, and chmod 640")
    entries = said.get("officers") if isinstance(said, dict) else None
    if not isinstance(entries, dict) or not entries:
        raise _unusable(path, "没有 officers 一节 / it has no officers: name → account, roles")
    officers = [_officer(path, str(name), entry) for name, entry in entries.items()]
    accounts = [officer.account for officer in officers]
    if twice := sorted({one for one in accounts if accounts.count(one) > 1}):
        raise _unusable(path, f"账户绑定了两个人 / two officers have the account {', '.join(twice)}")
    return officers


def _officer(path: Path, name: str, entry: object) -> Officer:
    if not isinstance(entry, Mapping) or set(entry) != {"account", "roles"} or not isinstance(entry["roles"], list):
        raise _unusable(path, f"{name}: 须有 account 与 roles / needs account, and a list of roles")
    roles = frozenset(str(role) for role in entry["roles"])
    if unknown := sorted(roles - set(role_table().roles)):
        raise _unusable(path, f"{name}: 没有这样的角色 / there is no role {', '.join(unknown)}")
    if clash := clashing(roles):
        pairs = "; ".join(" + ".join(pair) for pair in clash)
        raise _unusable(path, f"{name}: 不得由一人兼任 / one person must not hold both: {pairs}")
    return Officer(name.strip(), str(entry["account"]), roles)


def _unusable(path: Path, what: str) -> HubError:
    return HubError(f"HUB_OFFICERS {path}: {what}", code="S083")
