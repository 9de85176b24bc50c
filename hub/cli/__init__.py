"""The `hub` command: what an admin does by hand. Every command says what it did, or what is wrong and what to do about it."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from hub.cli import balance, batches, clues, crosswalk, incidents, keeping, mappings, receivers, specification
from hub.errors import HubError
from hub.migrations import migrate
from hub.model import BatchState
from hub.reasons import reason
from hub.settings import read_settings
from hub.store.database import open_database

Command = Callable[[argparse.Namespace], int]


def migrate_database(words: argparse.Namespace) -> int:
    """Bring the tables to the newest step."""
    migrate(open_database(read_settings().database_url))
    print("the database is at the newest step")
    return 0


def build_parser() -> argparse.ArgumentParser:
    """Every command with its words; its help text is its docstring."""
    parser = argparse.ArgumentParser(prog="hub", description="农民工工资数据交换枢纽 / Wage Exchange Hub")
    parser.set_defaults(command=None)
    commands = parser.add_subparsers(metavar="COMMAND")

    def add(name: str, command: Command, *, batch: bool = False) -> argparse.ArgumentParser:
        text = (command.__doc__ or "").strip()
        sub = commands.add_parser(name, help=text.splitlines()[0], description=text)
        sub.set_defaults(command=command)
        if batch:
            sub.add_argument("id", metavar="ID", type=int, help="the number of the batch, see `hub batches`")
        return sub

    add("check", mappings.check).add_argument("--mappings", type=Path, help="another folder of mappings")
    trying = add("try", mappings.try_file)
    trying.add_argument("mapping", metavar="MAPPING", help="a feed id or a mapping file")
    trying.add_argument("file", metavar="FILE", nargs="+", help="the file, or the pages of one fetch in order")
    trying.add_argument("--json", action="store_true", help="records and rejections as a sample's expected.json")
    add("feeds", mappings.feeds)
    add("spec", specification.show_specification).add_argument(
        "partner", metavar="PARTNER", help="a name of partners.yaml"
    )
    add("schema", mappings.write_schema)
    listing = add("batches", batches.list_batches)
    listing.add_argument(
        "state", nargs="?", choices=[state.value for state in BatchState], help="only batches in this state"
    )
    listing.add_argument("--last", type=int, default=50, help="how many, newest last (50)")
    add("batch", batches.show_batch, batch=True)
    row = add("row", batches.show_row, batch=True)
    row.add_argument("no", metavar="NO", help="the number the partner printed on the row, 0 for a file's header")
    add("who", crosswalk.show_thing).add_argument(
        "number", metavar="NUMBER", help="a number or a name, as it is printed"
    )
    add("clues", clues.list_clues).add_argument(
        "--overdue", action="store_true", help="only those whose day has passed"
    )
    add("alarms", batches.list_alarms).add_argument("--last", type=int, default=50, help="how many, newest last (50)")
    listing = add("incidents", incidents.list_incidents)
    listing.add_argument("--all", action="store_true", help="closed ones too")
    listing.add_argument("--last", type=int, default=50, help="with --all: how many, newest last (50)")
    add("watch", incidents.watch_now)
    add("release", batches.release, batch=True).add_argument(
        "--by", default=_own_name(), help="the officer who decides"
    )
    add("close", batches.close, batch=True)
    add("replay", batches.replay, batch=True)
    add("resend", batches.resend, batch=True)
    add("catchup", receivers.catch_up).add_argument("partner", metavar="PARTNER", help="a file of mappings/receivers")
    pausing = add("pause", receivers.pause)
    pausing.add_argument("connection", metavar="CONNECTION", help="as a mapping names it, such as province_api")
    pausing.add_argument("--by", default=_own_name(), help="who decides")
    pausing.add_argument("--reason", required=True, help="why; shown to everybody who asks")
    add("resume", receivers.resume).add_argument("connection", metavar="CONNECTION", help="as a mapping names it")
    add("circuits", receivers.list_circuits)
    add("leases", receivers.list_leases)
    balanced = add("balance", balance.show_balance)
    balanced.add_argument(
        "--day", type=balance.read_day, help="batches fetched on this day, such as 2026-11-24 (today)"
    )
    balanced.add_argument("--batch", metavar="ID", type=int, help="one batch")
    reconciled = add("reconcile", balance.reconcile)
    reconciled.add_argument("--day", type=balance.read_day, help="such as 2026-11-24 (yesterday)")
    reconciled.add_argument("--partner", metavar="PARTNER", help="only this one")
    reconciled.add_argument("--out", metavar="DIR", type=Path, help="where page and file are put (HUB_REPORTS)")
    reconciled.add_argument("--resend", action="store_true", help="send once more what a receiver's statement lacks")
    add("migrate", migrate_database)
    checking = add("archive", keeping.verify_archive)
    checking.add_argument("what", choices=["verify"], help="read the archive and hold it against its digests")
    checking.add_argument("--days", type=int, default=2, metavar="N", help="only batches of the last days (2)")
    checking.add_argument("--all", action="store_true", help="everything, the journal as well")
    retaining = add("retention", keeping.retain)
    chosen = retaining.add_mutually_exclusive_group(required=True)
    chosen.add_argument("--preview", action="store_true", help="show what is past its term; nothing is changed")
    chosen.add_argument("--apply", action="store_true", help="let it go, with a tombstone for each part")
    retaining.add_argument("--by", default=_own_name(), help="the officer who decides")
    add("backup", keeping.back_up).add_argument(
        "folder", metavar="DIR", type=Path, help="a folder that is new or empty"
    )
    restoring = add("restore", keeping.restore)
    restoring.add_argument("folder", metavar="DIR", type=Path, help="the folder of a backup")
    restoring.add_argument("--check", action="store_true", help="only look whether the backup is whole")
    restoring.add_argument("--by", default=_own_name(), help="who restores")
    return parser


def _own_name() -> str:
    """Who types; a container may run under a number that has no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def main(words: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code. A hub error is one line on standard error: code, its name, what happened."""
    parser = build_parser()
    chosen = parser.parse_args(words)
    if chosen.command is None:
        parser.print_help()
        return 2
    try:
        code: int = chosen.command(chosen)
        return code
    except BrokenPipeError:  # `hub … | head` has read enough
        sys.stderr.close()
        return 0
    except (HubError, OSError) as error:
        found = reason(getattr(error, "code", "S000"))
        print(f"hub: {found.code} {found.zh} / {found.en}: {error}", file=sys.stderr)
        return 2
