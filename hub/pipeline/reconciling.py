"""Reconcile: hold our receipts against a receiver's own statement of a day, our files against what a partner says it dropped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Protocol

import polars as pl

from connectors.interface import Fetcher
from hub.errors import FeedChanged
from hub.feed import Feed, FileStatement, SftpSource, TakenRecord
from hub.model import Fetched, Notice, StatementLine
from hub.parsing import parse_batch
from hub.pipeline.house import House, note
from hub.pipeline.parts import bytes_of
from hub.pipeline.reading import parts_of_name
from hub.recipes import RECIPES
from hub.reconciliation import FILE, Reconciled, Side, compare, missing, total_of
from hub.reconciliation.pages import render_csv, render_page
from hub.store import reconciliations
from hub.store.database import working
from schemas.catalogue import SCHEMAS

ONE_DAY = timedelta(days=1)


class ReadsStatements(Protocol):
    """Asks a receiver what it has of one day."""

    def __call__(self, day: date) -> Sequence[StatementLine]: ...


def reconcile_receiver(house: House, partner: str, day: date, statement: ReadsStatements) -> Reconciled:
    """Hold what a receiver answered on a day against its own statement, and write down what differs.

    Near midnight its clock and ours may take a record for another day's: what one side lacks is looked for in the days beside it.
    """
    receives = house.registry.receives(partner)
    moneyless = [name for name, taken in receives.records.items() if not carries_money(name, taken)]
    with working(house.engine) as work:
        ours = reconciliations.answered_on(work, partner, receives, day, moneyless)
    theirs = list(statement(day))
    lacking = set(missing(ours, theirs))
    if lacking:
        beside = [*statement(day - ONE_DAY), *statement(day + ONE_DAY)]
        theirs += [line for line in beside if (line.schema, line.key) in lacking]
    here = {(line.schema, line.key) for line in ours}
    strange = sorted({(line.schema, line.key) for line in theirs} - here)
    if strange:
        with working(house.engine) as work:
            ours += reconciliations.answered_of(work, partner, receives, strange, moneyless)
    return _write(
        house, Reconciled(partner, "receiver", day, total_of(ours), total_of(theirs), tuple(compare(ours, theirs)))
    )


def carries_money(schema: str, taken: TakenRecord) -> bool:
    """Whether the amount that is added up goes out to this receiver at all."""
    money = SCHEMAS[schema].money
    if not money or taken.fields is None:
        return bool(money)
    named: set[str] = set()
    for spec in taken.fields.values():
        named |= {*(spec.first_of or ()), *([spec.from_] if spec.from_ else [])}
    return money in named


def reconcile_files(house: House, statement: FileStatement, day: date, fetcher: Fetcher) -> Reconciled:
    """Hold the files of a partner's day against the statement it dropped; without one the day stays open."""
    details = _detail_schemas(house, statement.partner)
    with working(house.engine) as work:
        ours = reconciliations.files_of(work, details, day)
    dropped = _newest(statement.source, _of_day(fetcher, day))
    if not dropped:
        return _write(house, Reconciled(statement.partner, "origin", day, total_of(ours), None))
    theirs = [line for found in dropped for line in read_files(statement, found)]
    differences = tuple(compare(ours, theirs))
    return _write(house, Reconciled(statement.partner, "origin", day, total_of(ours), total_of(theirs), differences))


def _of_day(fetcher: Fetcher, day: date) -> Iterable[Fetched]:
    for found in fetcher.fetch(None, frozenset()):
        if not isinstance(found, Notice) and f"{day:%Y%m%d}" in found.name:
            yield found


def _newest(source: SftpSource, dropped: Iterable[Fetched]) -> list[Fetched]:
    """Of each statement its newest version, which replaces all before it: the same name but for its ``version``, as of any file."""
    newest: dict[tuple[str, ...], tuple[tuple[int, str], Fetched]] = {}
    for found in dropped:
        parts = parts_of_name(source, found.name)
        version = parts.get("version", "")
        place = tuple(value for part, value in sorted(parts.items()) if part != "version")
        newest[place] = max(
            newest.get(place, ((-1, ""), found)), ((len(version), version), found), key=lambda one: one[0]
        )
    return [found for _, found in newest.values()]


def read_files(statement: FileStatement, found: Fetched) -> list[StatementLine]:
    """The files that a statement lists. Raises FeedChanged when it is not as agreed: a spoiled statement proves nothing."""
    if found.fault is not None:
        raise FeedChanged(f"{found.name}: {found.fault[1]}", code=found.fault[0])
    parts = parts_of_name(statement.source, found.name)
    frame = parse_batch(statement.source.format, bytes_of(found.parts), parts, {}).rows["detail"].frame
    recipe = RECIPES[statement.as_]
    read = frame.select(
        pl.col(statement.file).str.strip_chars().alias("file"),
        RECIPES["integer"].read(pl.col(statement.rows).str.strip_chars(), "").alias("rows"),
        recipe.read(pl.col(statement.amount).str.strip_chars(), "").alias("fen"),
        (pl.col(statement.sm3).str.strip_chars().str.to_lowercase() if statement.sm3 else pl.lit("")).alias("sm3"),
    )
    if any(read[name].null_count() for name in ("rows", "fen")):
        raise FeedChanged(f"{found.name}: a line has no number of rows or no amount that can be read", code="F008")
    return [
        StatementLine(FILE, row["file"], "accepted", rows=row["rows"], fen=row["fen"], digest=row["sm3"])
        for row in read.iter_rows(named=True)
    ]


def note_open(house: House, partner: str, day: date) -> Reconciled:
    """A partner that gives no statement: what came from it, for whoever calls it up. The day stays open."""
    feeds = [feed.feed_id for feed in house.registry.feeds.values() if feed.spec.partner == partner]
    with working(house.engine) as work:
        ours = reconciliations.fetched_of(work, feeds, day)
    return _write(house, Reconciled(partner, "origin", day, ours, None))


def sides_of(house: House) -> list[tuple[str, Side]]:
    """Everyone a day is reconciled with: receivers that give a statement, and all who send to us."""
    receivers = house.registry.receivers.items()
    taking: list[tuple[str, Side]] = [
        (name, "receiver") for name, spec in receivers if spec.style.statement is not None
    ]
    senders = sorted({feed.spec.partner for feed in house.registry.feeds.values()})
    return [*taking, *((name, "origin") for name in senders)]


def gives_statement(house: House, partner: str, side: Side) -> bool:
    """Whether there is anything to hold our side against."""
    return side == "receiver" or partner in house.registry.statements


def publish_day(house: House, day: date, folder: Path) -> tuple[list[Reconciled], list[Path]]:
    """Write what was found of a day, with everyone, as a page and as a file of differences; gives both and where they are."""
    with working(house.engine) as work:
        found = reconciliations.read_day(work, day)
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for suffix, data in ((".csv", render_csv(found)), (".html", render_page(day, found).encode())):
        path = folder / f"reconciliation-{day}{suffix}"
        part = path.with_name(path.name + ".part")
        part.touch(mode=0o600)
        part.write_bytes(data)
        part.replace(path)
        written.append(path)
    return found, written


def resend_missing(house: House, found: Reconciled) -> int:
    """Send a receiver what its own statement lacks although it once accepted it; returns how many records.

    They go out under the keys they had: a receiver that has one after all says so, and nothing is doubled.
    """
    if found.side != "receiver":
        return 0
    with working(house.engine) as work:
        number = reconciliations.write_reconciliation(work, found)
        woken = reconciliations.wake_missing(work, number, found.partner)
    note("woken", receiver=found.partner, day=found.day, records=woken)
    return woken


def _detail_schemas(house: House, partner: str) -> dict[str, str]:
    """For each of a partner's feeds the schema that the lines of its files become; one with money before one without."""

    def chosen(feed: Feed) -> str:
        names = [name for name in SCHEMAS if name in feed.spec.records and feed.spec.records[name].rows == "detail"]
        return min(names or list(feed.spec.records), key=lambda name: not SCHEMAS[name].money)

    return {feed.feed_id: chosen(feed) for feed in house.registry.feeds.values() if feed.spec.partner == partner}


def _write(house: House, found: Reconciled) -> Reconciled:
    with working(house.engine) as work:
        reconciliations.write_reconciliation(work, found)
    note("reconciled", partner=found.partner, side=found.side, day=found.day, state=found.state.value,
         differences=len(found.differences))  # fmt: skip
    return found
