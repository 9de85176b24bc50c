"""The table of roles: what it must never say, and that it says something of every command."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import pytest

from hub import cli, roles_page
from hub.cli.asking import right_of
from hub.roles import clashing, read_table, role_table

TABLE = role_table()
HARMLESS = {"can_read", "menu_access"}
OWN = {"My Password", "My Profile"}
SECRET = {"Connections", "Variables", "Users", "Passwords"}
CLEAR = {"reveal --reason", "repairs --values"}


def commands() -> Iterator[tuple[str, argparse.ArgumentParser]]:
    for action in cli.build_parser()._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield from action.choices.items()


def rights_of(role: str) -> set[str]:
    return {right.name for right in TABLE.rights.values() if role in right.roles}


@pytest.mark.parametrize("name", [name for name, _ in commands()])
def test_every_command_stands_in_the_table(name: str) -> None:
    """With each of its words; else nobody may type it where officers are registered."""
    chosen = next((action.choices for action in dict(commands())[name]._actions if action.dest == "what"), None)
    for what in chosen or [None]:
        words = argparse.Namespace(name_typed=name, **({} if what is None else {"what": what}))
        assert right_of(words) is not None, (name, what)


def test_the_table_names_no_command_that_is_not_there() -> None:
    """Nor a word that the command does not have."""
    known = dict(commands())
    for name in TABLE.rights:
        command, *words = name.split()
        options = {option for action in known[command]._actions for option in action.option_strings}
        choices = {choice for action in known[command]._actions for choice in action.choices or ()}
        assert set(words) <= options | choices, name


def test_nobody_but_the_security_admin_sees_connections_variables_and_users() -> None:
    """In Airflow, whatever the action."""
    for (action, resource), held in TABLE.permissions.items():
        if resource in SECRET:
            assert held == {"security_admin"}, (action, resource)


def test_the_auditor_changes_nothing() -> None:
    """Reads in Airflow; types commands that look."""
    held = {(action, resource) for action, resource in TABLE.permissions_of("auditor") if resource not in OWN}
    assert {action for action, _ in held} <= HARMLESS
    assert [name for name in rights_of("auditor") if TABLE.rights[name].is_act] == []


def test_the_auditor_reads_all_that_is_no_secret() -> None:
    """Whatever any role may read in Airflow, but for secrets and what the security admin guards."""
    readable = {resource for action, resource in TABLE.permissions if action == "can_read"}
    read = {resource for action, resource in TABLE.permissions_of("auditor") if action == "can_read"}
    assert readable - read == SECRET | {"All Reparses"}


def test_no_role_asks_for_a_repair_and_approves_it() -> None:
    """Nor may one officer hold two that do."""
    for role in TABLE.roles.values():
        held = rights_of(role.name).union(*(rights_of(one) for one in role.beside))
        assert not {"repair", "approve"} <= held, role.name


def test_the_security_admin_neither_sees_nor_changes_data() -> None:
    """No value, no run, no log of a task, no batch; and who sees values in clear guards no key."""
    held = {resource for _, resource in TABLE.permissions_of("security_admin")}
    assert not held & {"DAGs", "DAG Runs", "Task Instances", "Task Logs", "XComs", "Assets"}
    assert not rights_of("security_admin") & {
        *CLEAR, "reveal", "find", "who", "row", "batch", "batches", "replay --go", "repair", "release", "backup", "try"
    }  # fmt: skip
    for name in CLEAR:
        assert TABLE.rights[name].roles == {"reviewer"}
    assert not rights_of("reviewer") & {"keys rotate", "keys rewrap", "keys destroy"}


def test_what_acts_is_never_taken_for_what_looks() -> None:
    """The longest line that fits is the one that counts; of options of the parser alone, never of a name that somebody typed."""
    cases = {
        "replay 5": "replay",
        "replay 5 --go": "replay --go",
        "keys": "keys",
        "keys destroy 3 --reason x --with-values": "keys destroy --with-values",
        "keys rotate": "keys rotate",
        "log": "log",
        "log seal": "log seal",
        "reveal payroll_line list": "reveal",
        "reveal payroll_line k --reason x": "reveal --reason",
        "repairs 4 --values": "repairs --values",
        "repairs 4": "repairs",
        "restore x": "restore",
        "restore x --check": "restore --check",
        "retention --apply": "retention --apply",
        "retention --preview": "retention",
        "approve 3 --decline": "approve --decline",
        "drop x --reason y --go": "drop --go",
        "catchup x": "catchup",
    }
    for typed, wanted in cases.items():
        right = right_of(cli.build_parser().parse_args(typed.split()))
        assert right is not None
        assert right.name == wanted, typed


def test_a_command_that_the_table_does_not_name_is_nobody_s() -> None:
    """Deny by default."""
    assert TABLE.right("unheard-of", ["--go"]) is None


def test_two_roles_of_one_officer_must_be_beside_each_other() -> None:
    """Operator and mapping admin may; no other pair."""
    names = sorted(TABLE.roles)
    pairs = [(one, other) for place, one in enumerate(names) for other in names[place + 1 :]]
    assert [pair for pair in pairs if not clashing(pair)] == [("mapping_admin", "operator")]


ONE = "roles: {o: {name: o, zh: x, en: x, zh_does: x, en_does: x, beside: []}}\nairflow: {}\n"


@pytest.mark.parametrize(
    ("text", "said"), [("looks: {check: x}\nacts: {}", "letter x"), ("looks: {a: o}\nacts: {a: o}", "both looks")]
)
def test_a_table_that_says_what_cannot_be_is_refused(text: str, said: str) -> None:
    """At the first use, not at night."""
    with pytest.raises(ValueError, match=said):
        read_table(ONE + text)


def test_the_page_is_fresh() -> None:
    """After a change: python -m hub.roles_page."""
    assert roles_page.PAGE.read_text("utf-8") == roles_page.page()
