"""Who may do what: the table roles.yaml, read once. Nothing that stands nowhere in it is allowed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import yaml


@dataclass(frozen=True)
class Role:
    """A role as officers know it. ``beside`` names the roles that one officer may hold with it."""

    name: str
    zh: str
    en: str
    zh_does: str
    en_does: str
    beside: frozenset[str]

    @property
    def title(self) -> str:
        """What it is called in Airflow and on screen."""
        return f"{self.zh} {self.name}"


@dataclass(frozen=True)
class Right:
    """One thing that is asked for: a command with what sets it apart, whether it acts, and whose it is."""

    name: str
    roles: frozenset[str]
    is_act: bool


@dataclass(frozen=True)
class Table:
    """``roles`` by name; ``permissions``: who has (action, resource) in Airflow; ``rights`` of commands, by their name."""

    roles: Mapping[str, Role]
    permissions: Mapping[tuple[str, str], frozenset[str]]
    rights: Mapping[str, Right]

    def permissions_of(self, role: str) -> set[tuple[str, str]]:
        """Action and resource, as Airflow's FAB auth manager names them."""
        return {permission for permission, roles in self.permissions.items() if role in roles}

    def right(self, command: str, words: Iterable[str]) -> Right | None:
        """The right that a command with these words and options needs; None, for nobody, when the table does not name it.

        Of several lines that fit the one with most words counts; of as many words the one that acts.
        """
        said = {command, *words}
        fitting = [
            right for name, right in self.rights.items() if name.split()[0] == command and set(name.split()) <= said
        ]
        return max(fitting, key=lambda right: (len(right.name.split()), right.is_act), default=None)


@cache
def role_table() -> Table:
    """The table as it is delivered with the hub."""
    return read_table(files("hub").joinpath("roles.yaml").read_text("utf-8"))


def read_table(text: str) -> Table:
    """Raises ValueError when a letter means no role, a right is named twice, or two roles are not beside each other both ways."""
    found = yaml.safe_load(text)
    letters = {letter: entry["name"] for letter, entry in found["roles"].items()}

    def named(said: str) -> frozenset[str]:
        if unknown := set(said) - set(letters):
            raise ValueError(f"no role has the letter {', '.join(sorted(unknown))}")
        return frozenset(letters[letter] for letter in said)

    roles = {
        entry["name"]: Role(**{**entry, "beside": named("".join(entry["beside"]))}) for entry in found["roles"].values()
    }
    if odd := [role.name for role in roles.values() if any(role.name not in roles[one].beside for one in role.beside)]:
        raise ValueError(f"{', '.join(odd)}: beside must be said of both roles")
    permissions = {
        (action, resource): named(said)
        for resource, actions in found["airflow"].items()
        for action, said in actions.items()
    }
    if twice := set(found["looks"]) & set(found["acts"]):
        raise ValueError(f"{', '.join(sorted(twice))} both looks and acts")
    rights = {name: Right(name, named(said), False) for name, said in found["looks"].items()}
    rights |= {name: Right(name, named(said), True) for name, said in found["acts"].items()}
    return Table(roles, permissions, rights)


def clashing(names: Iterable[str]) -> list[tuple[str, str]]:
    """Pairs of roles among these that one officer must not hold together."""
    roles, wanted = role_table().roles, sorted(set(names))
    return [
        (one, other)
        for place, one in enumerate(wanted)
        for other in wanted[place + 1 :]
        if other not in roles[one].beside
    ]
