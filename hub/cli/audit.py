"""Commands about who may do what, and about what was done by hand."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from datetime import datetime, time

from hub.bootstrap import open_engine
from hub.cli.balance import read_day
from hub.cli.printing import show_lines, show_table
from hub.errors import HubError
from hub.officers import officers_file, who_asks
from hub.roles import role_table
from hub.settings import TIME_ZONE, read_settings
from hub.store import audit
from hub.store.database import working


def list_acts(words: argparse.Namespace) -> int:
    """What was done by hand: who, when, what, why, and how it ended; refused and failed attempts too.

    With --verify each act is held against its entry in the exchange log; exit code 1 when one is missing or was changed.
    """
    since = words.since and datetime.combine(words.since, time(), TIME_ZONE)
    with working(open_engine(read_settings().database_url)) as work:
        if not words.verify:
            show_table("", audit.list_acts(work, since, words.who, words.last))
            return 0
        found = audit.verify_acts(work)
    if not found.fits:
        missing, changed = (" ".join(map(str, numbers[:20])) or "-" for numbers in (found.missing, found.changed))
        raise HubError(f"少了 missing: {missing}; 改动 changed or without an entry: {changed}", code="S084")
    print(f"✓ {found.acts} 条操作记录与交换日志相符 / {found.acts} acts are as the exchange log tells; "
          "`hub log verify` for the log itself")  # fmt: skip
    return 0


def roles(words: argparse.Namespace) -> int:
    """Who may do what, and who you are; with --airflow bring Airflow's roles to what the table says."""
    if words.airflow:
        return _to_airflow()
    path = officers_file()
    officer = None if path is None else who_asks(path)
    lines = [("角色 role", "", "做什么 does")]
    for role in role_table().roles.values():
        mark = "← 您 you" if officer and role.name in officer.roles else ""
        lines.append((role.title, mark, f"{role.zh_does} / {role.en_does}"))
    show_lines(lines)
    print(describe_asking() if officer is None else f"{officer.name} ({officer.account})")
    return 0


def describe_asking() -> str:
    """How it is known who asks."""
    path = officers_file()
    if path is None:
        return "未设经办人名册（HUB_OFFICERS），--by 写谁算谁 / no file of officers is set: whoever is named with --by is believed"
    return f"经办人名册 officers: {path}"


def _to_airflow() -> int:
    from hub.airflow_roles import bring_to_airflow

    done = bring_to_airflow()
    print(f"{done.given} 项权限加上，{done.taken} 项收回 / permissions given {done.given}, taken away {done.taken}")
    if done.password_file is not None:
        print(f"第一个安全管理员 first security admin: security; 密码在 password in {done.password_file}")
        print("看后删除该文件 / delete the file once it is read")
    for sentence in done.clashes:
        print(sentence, file=sys.stderr)
    return 0


def add_commands(add: Callable[..., argparse.ArgumentParser]) -> None:
    """The words of these commands."""
    listing = add("audit", list_acts)
    listing.add_argument("--since", metavar="DAY", type=read_day, help="only from this day on, such as 2026-11-24")
    listing.add_argument("--who", metavar="NAME", help="only those of an officer or an account")
    listing.add_argument("--last", type=int, default=50, help="how many, newest last (50)")
    listing.add_argument("--verify", action="store_true", help="hold each act against the exchange log")
    add("roles", roles).add_argument(
        "--airflow", action="store_true", help="bring Airflow's roles to what the table says"
    )
