"""The `hub` command: what an admin does by hand. Every command says what it did, or what is wrong and what to do about it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from hub.bootstrap import open_engine
from hub.cli import (
    archive,
    audit,
    balance,
    batches,
    clues,
    crosswalk,
    exchange_log,
    incidents,
    keeping,
    keys,
    knocks,
    mappings,
    receivers,
    repairs,
    replays,
    specification,
)
from hub.cli.asking import run_asked
from hub.errors import HubError
from hub.masking import masked_stderr, print_masked
from hub.migrations import migrate
from hub.model import BatchState
from hub.reasons import reason
from hub.settings import read_settings

Command = Callable[[argparse.Namespace], int]
Add = Callable[..., argparse.ArgumentParser]


def migrate_database(words: argparse.Namespace) -> int:
    """Bring the tables to the newest step."""
    migrate(open_engine(read_settings().database_url))
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
        sub.set_defaults(command=command, name_typed=name)
        if batch:
            sub.add_argument("id", metavar="ID", type=int, help="the number of the batch, see `hub batches`")
        return sub

    for group in (_add_mappings, _add_batches, _add_watching, _add_decisions, _add_replays, _add_repairs, _add_receivers,
                  _add_accounts, _add_log, _add_keeping, _add_keys, audit.add_commands):  # fmt: skip
        group(add)
    return parser


def _add_mappings(add: Add) -> None:
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


def _add_batches(add: Add) -> None:
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


def _add_watching(add: Add) -> None:
    add("clues", clues.list_clues).add_argument(
        "--overdue", action="store_true", help="only those whose day has passed"
    )
    add("alarms", batches.list_alarms).add_argument("--last", type=int, default=50, help="how many, newest last (50)")
    listing = add("incidents", incidents.list_incidents)
    listing.add_argument("--all", action="store_true", help="closed ones too")
    listing.add_argument("--last", type=int, default=50, help="with --all: how many, newest last (50)")
    add("watch", incidents.watch_now)
    knocked = add("knocks", knocks.list_knocks)
    knocked.add_argument("--last", type=int, default=50, help="how many accepted ones, newest last (50)")
    knocked.add_argument("--days", type=int, default=7, help="answers of so many days (7)")


def _add_decisions(add: Add) -> None:
    for name, command in (("release", batches.release), ("close", batches.close)):
        add(name, command, batch=True).add_argument("--by", help="the officer who decides")


def _add_replays(add: Add) -> None:
    replay = add("replay", replays.replay)
    replay.add_argument("ids", metavar="ID", type=int, nargs="*", help="batches to read again")
    replay.add_argument("--state", choices=[state.value for state in BatchState], help="only batches in this state")
    replay.add_argument("--code", help="only batches held for this code, or with a row rejected for it")
    replay.add_argument("--by", help="who replays")
    resend = add("resend", replays.resend)
    resend.add_argument("id", metavar="ID", type=int, nargs="?", help="a batch")
    resend.add_argument("--receiver", help="only what goes to this receiver")
    resend.add_argument("--code", help="only what was answered with this code last")
    backfill = add("backfill", replays.backfill)
    backfill.add_argument("feed", metavar="FEED", help="a feed id")
    for sub in (replay, resend):
        sub.add_argument("--feed", help="batches of this feed")
    for sub in (replay, resend, backfill):
        needed, what = sub is backfill, "DAY of the period" if sub is backfill else "DAY on which batches were fetched"
        for word, end in (("from", "first"), ("to", "last")):
            sub.add_argument(f"--{word}", dest=f"{word}_on", metavar="DAY", type=balance.read_day, required=needed,
                             help=f"{end} {what}")  # fmt: skip
        _add_go(sub)


def _add_go(sub: argparse.ArgumentParser) -> None:
    """What changes much is shown first: without --go nothing is written and nobody is called but to be asked."""
    chosen = sub.add_mutually_exclusive_group()
    chosen.add_argument("--preview", action="store_true", help="show what would change and write nothing; the default")
    chosen.add_argument("--go", action="store_true", help="do it")


def _add_repairs(add: Add) -> None:
    repair = add("repair", repairs.repair, batch=True)
    repair.add_argument("no", metavar="NO", nargs="?", help="the number printed on the row, 0 for a file's header")
    repair.add_argument("--set", metavar="COLUMN=VALUE", action="append", default=[], help="the partner's column")
    repair.add_argument("--csv", type=Path, metavar="FILE", help="many rows: number first, then the partner's columns")
    repair.add_argument("--by", help="who asks for it")
    repair.add_argument("--reason", required=True, help="why, and on whose word")
    approve = add("approve", repairs.approve)
    approve.add_argument("repair", metavar="REPAIR", type=int, help="its number, see `hub repairs`")
    approve.add_argument("--by", help="who decides; not who asked")
    approve.add_argument("--decline", action="store_true", help="let it come to nothing")
    listing = add("repairs", repairs.list_repairs)
    listing.add_argument("repair", metavar="REPAIR", type=int, nargs="?", help="one of them, row by row")
    listing.add_argument("--state", choices=["waiting", "effective", "declined"], help="only those")
    listing.add_argument("--values", action="store_true", help="show the new values, for whoever approves; is kept")
    listing.add_argument("--by", help="with --values: who looks")
    listing.add_argument("--reason", help="with --values: why")
    listing.add_argument("--last", type=int, default=50, help="how many, newest last (50)")


def _add_receivers(add: Add) -> None:
    add("catchup", receivers.catch_up).add_argument("partner", metavar="PARTNER", help="a file of mappings/receivers")
    drop = add("drop", receivers.drop)
    drop.add_argument("partner", metavar="PARTNER", help="a receiver whose file was taken away")
    drop.add_argument("--schema", help="only this kind of record, taken out of the receiver's file")
    drop.add_argument("--by", help="who decides")
    drop.add_argument("--reason", required=True, help="why")
    _add_go(drop)
    add("moved", receivers.moved).add_argument("partner", metavar="PARTNER", nargs="?", help="only this receiver")
    pausing = add("pause", receivers.pause)
    pausing.add_argument("connection", metavar="CONNECTION", help="as a mapping names it, such as province_api")
    pausing.add_argument("--by", help="who decides")
    pausing.add_argument("--reason", required=True, help="why; shown to everybody who asks")
    add("resume", receivers.resume).add_argument("connection", metavar="CONNECTION", help="as a mapping names it")
    add("circuits", receivers.list_circuits)
    add("leases", receivers.list_leases)


def _add_accounts(add: Add) -> None:
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


def _add_log(add: Add) -> None:
    logging = add("log", exchange_log.log)
    logging.add_argument("what", nargs="?", choices=list(exchange_log.WHAT), default="show", help="what to do (show)")
    logging.add_argument("--out", type=Path, metavar="PATH", help="the file of an export, the folder of public keys")
    logging.add_argument("--anchors", type=Path, metavar="DIR", help="the folder of anchors (HUB_ANCHORS)")
    add("proof", exchange_log.prove, batch=True).add_argument(
        "--out", type=Path, metavar="DIR", default=Path(), help="where proofs are put (here)"
    )


def _add_keeping(add: Add) -> None:
    add("migrate", migrate_database)
    archive.add_commands(add)
    retaining = add("retention", keeping.retain)
    chosen = retaining.add_mutually_exclusive_group(required=True)
    chosen.add_argument("--preview", action="store_true", help="show what is past its term; nothing is changed")
    chosen.add_argument("--apply", action="store_true", help="let it go, with a tombstone for each part")
    retaining.add_argument("--by", help="the officer who decides")
    add("backup", keeping.back_up).add_argument(
        "folder", metavar="DIR", type=Path, help="a folder that is new or empty"
    )
    restoring = add("restore", keeping.restore)
    restoring.add_argument("folder", metavar="DIR", type=Path, help="the folder of a backup")
    restoring.add_argument("--check", action="store_true", help="only look whether the backup is whole")
    restoring.add_argument("--by", help="who restores")


def _add_keys(add: Add) -> None:
    keys.add_commands(add)


def main(words: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code. A hub error is one line on standard error: code, its name, what happened.

    Nothing on standard error, log lines and warnings included, shows a person's number or a secret.
    """
    parser = build_parser()
    chosen = parser.parse_args(words)
    if chosen.command is None:
        parser.print_help()
        return 2
    sys.excepthook = print_masked
    with masked_stderr():
        return _run(chosen)


def _run(chosen: argparse.Namespace) -> int:
    try:
        return run_asked(chosen, chosen.command)
    except BrokenPipeError:  # `hub … | head` has read enough
        sys.stderr.close()
        return 0
    except (HubError, OSError) as error:
        found = reason(getattr(error, "code", "S000"))
        print(f"hub: {found.code} {found.zh} / {found.en}: {error}", file=sys.stderr)
        return 2
