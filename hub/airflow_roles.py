"""The roles of roles.yaml in Airflow's FAB auth manager: each exactly what the table says, all others nothing.

`airflow roles import` and `[fab] custom_roles` leave a role that exists as it is, so neither of them would take anything away.
"""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hub.errors import HubError
from hub.roles import clashing, role_table

FIRST_USER = "security"


@dataclass(frozen=True)
class Brought:
    """Permissions given and taken, users whose roles clash, and the file with the first user's password where one was made."""

    given: int
    taken: int
    clashes: tuple[str, ...]
    password_file: Path | None


def bring_to_airflow() -> Brought:
    """Make the roles what the table says; at the first time also one user, the security admin, who makes all others.

    Running it again changes nothing. Raises HubError where Airflow's auth manager is another than FAB.
    """
    try:
        from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder
    except ImportError:
        raise HubError(
            "apache-airflow-providers-fab is not installed: pip install 'wage-exchange-hub[production]'"
        ) from None
    logging.disable(logging.INFO)  # a line for each permission otherwise
    with get_application_builder() as builder:
        manager = builder.sm
        table, given, taken = role_table(), 0, 0
        wanted = {role.title: table.permissions_of(role.name) for role in table.roles.values()}
        for title in wanted:
            manager.add_role(title)
        for role in manager.get_all_roles():
            more, less = _bring(manager, role, wanted.get(role.name, set()))
            given, taken = given + more, taken + less
        users = manager.get_all_users()
        password_file = None if users else _make_first_user(manager)
        return Brought(given, taken, tuple(_clashes(users)), password_file)


def _bring(manager: Any, role: Any, wanted: set[tuple[str, str]]) -> tuple[int, int]:
    """Give a role what it lacks, then take what is too much."""
    held = {(one.action.name, one.resource.name): one for one in role.permissions}
    for action, resource in sorted(wanted - set(held)):
        manager.add_permission_to_role(role, manager.create_permission(action, resource))
    for permission in sorted(set(held) - wanted):
        manager.remove_permission_from_role(role, held[permission])
    return len(wanted - set(held)), len(set(held) - wanted)


def _clashes(users: Iterable[Any]) -> list[str]:
    """Users who hold roles that one person must not hold together, or one of those that come with Airflow."""
    names = {role.title: role.name for role in role_table().roles.values()}
    found = []
    for user in users:
        titles = [role.name for role in user.roles]
        for one, other in clashing(names[title] for title in titles if title in names):
            found.append(f"{user.username}: 不得兼任 must not hold both {one} + {other}")
        if foreign := [title for title in titles if title not in names]:
            found.append(
                f"{user.username}: 不在表中的角色 holds roles that the table does not name: {', '.join(foreign)}"
            )
    return found


def _make_first_user(manager: Any) -> Path:
    """The password goes into a file for its owner alone, never onto a screen or into a log."""
    role = role_table().roles["security_admin"]
    path = Path(os.environ.get("AIRFLOW_HOME", ".")) / "first-password"
    path.unlink(missing_ok=True)
    password = secrets.token_urlsafe(18)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(password + "\n")
    manager.add_user(
        FIRST_USER, "安全", "管理员", "security@example.invalid", manager.find_role(role.title), password=password
    )
    return path
