"""Before a command: who asks, and may they? After it: what came of it, where the command itself did not enter it.

The table is hub/roles.yaml; a command that it does not name nobody may type.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from contextlib import suppress

from hub.bootstrap import open_engine
from hub.errors import HubError, NotAllowed
from hub.officers import Acting, Officer, account, acting_as, officers_file, who_asks
from hub.roles import Right, role_table
from hub.settings import read_settings
from hub.store.audit import Act, note_act
from hub.store.database import working

CHOSEN = ("what",)
"""Positional words that set commands of one name apart, where they are a choice of the parser's own."""
NAMED = ("what", "id", "ids", "no", "repair", "feed", "partner", "connection", "schema", "receiver", "key")
"""What of the words typed names the thing that is acted on, and never a person."""
MUST_SAY = ("repair", "approve", "drop")
"""Commands whose `--by` the account of the machine cannot stand in for."""
MAY_SAY = ("reveal", "repairs")
"""Commands that show values in clear to whoever gives name and reason, and without them masked ones."""


def right_of(words: argparse.Namespace) -> Right | None:
    """The line of the table that these words need; None when there is none."""
    said = [f"--{name.replace('_', '-')}" for name, value in vars(words).items() if value not in (None, False, [])]
    chosen = [
        str(getattr(words, name))
        for name in CHOSEN
        if words.name_typed in ("log", "keys", "archive") and hasattr(words, name)
    ]
    return role_table().right(words.name_typed, [*said, *chosen])


def run_asked(words: argparse.Namespace, command: Callable[[argparse.Namespace], int]) -> int:
    """Run a command as whoever types it. Raises NotAllowed for who may not (S081) or is nobody we know (S082)."""
    right = right_of(words)
    path = officers_file()
    officer = None
    try:
        if path is not None:
            officer = who_asks(path)
            _check_right(officer, words, right)
        _name_who_asks(words, officer)
    except NotAllowed as error:
        act = Act(_name(words, right), _what(words), outcome="refused", code=error.code)
        _enter_anyhow(act, *_who(words, officer))
        raise
    with acting_as(*_who(words, officer)) as now:
        return _run(words, command, right, now)


def _run(
    words: argparse.Namespace, command: Callable[[argparse.Namespace], int], right: Right | None, now: Acting
) -> int:
    reason = getattr(words, "reason", None) or ""
    try:
        code = command(words)
    except (HubError, OSError) as error:
        if right is not None and right.is_act:
            act = Act(right.name, _what(words), reason, "failed", getattr(error, "code", "S000"))
            _enter_anyhow(act, now.name, now.account)
        raise
    if right is not None and right.is_act and not now.noted:
        with working(open_engine(read_settings().database_url)) as work:
            note_act(work, Act(right.name, _what(words), reason))
    return code


def _check_right(officer: Officer, words: argparse.Namespace, right: Right | None) -> None:
    if right is not None and right.roles & officer.roles:
        return
    table = role_table().roles
    needed = "、".join(table[name].title for name in sorted(right.roles)) if right else "— 任何人都不可以 nobody may"
    held = "、".join(table[name].title for name in sorted(officer.roles)) or "—"
    raise NotAllowed(
        f"hub {_name(words, right)} 需要 needs: {needed}; {officer.name} 的角色 holds: {held}", code="S081"
    )


def _name_who_asks(words: argparse.Namespace, officer: Officer | None) -> None:
    """Fill in `--by`: the officer whose account it is, and nobody else; without a file of officers whoever is named."""
    if not hasattr(words, "by"):
        return
    if officer is None:
        if words.by is None and words.name_typed in MUST_SAY:
            raise HubError(f"hub {words.name_typed} needs --by NAME: who decides?")
        if words.by is None and words.name_typed not in MAY_SAY:
            words.by = account()
        return
    if words.by is not None and "".join(words.by.split()) != "".join(officer.name.split()):
        raise NotAllowed(
            f"--by {words.by}: 本账户的经办人是 {officer.name} / this account is {officer.name}'s", code="S082"
        )
    if words.name_typed not in MAY_SAY or words.reason is not None:
        words.by = officer.name


def _name(words: argparse.Namespace, right: Right | None) -> str:
    return str(words.name_typed) if right is None else right.name


def _what(words: argparse.Namespace) -> str:
    """The numbers and names of things among the words; no value, no number of a person."""
    found = []
    for name in NAMED:
        value = getattr(words, name, None)
        if value not in (None, []):
            found.append(f"{name} {' '.join(map(str, value)) if isinstance(value, list) else value}")
    return ", ".join(found)[:200]


def _who(words: argparse.Namespace, officer: Officer | None) -> tuple[str, str]:
    """Name and account; where nobody is registered, the name that was typed."""
    own = account() if officer is None else officer.account
    return (getattr(words, "by", None) or own, own) if officer is None else (officer.name, own)


def _enter_anyhow(act: Act, name: str, from_account: str) -> None:
    """Enter what came to nothing. A refusal stands also where it cannot be entered, and says so."""
    with suppress(HubError), acting_as(name, from_account), working(open_engine(read_settings().database_url)) as work:
        note_act(work, act)
        return
    if act.outcome == "refused":  # what failed for want of a database says so itself
        print("hub: 未能记入审计记录 / could not be entered in the audit trail", file=sys.stderr)
