"""The `hub` command: what an admin does by hand. Every command says what it did, or what is wrong and what to do about it."""

from __future__ import annotations

import argparse
import getpass
import json
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from hub import pipeline, upkeep
from hub.bootstrap import open_house, open_registry
from hub.errors import HubError
from hub.feed import Feed
from hub.migrations import migrate
from hub.model import BatchState, Sorted
from hub.pipeline import Reading
from hub.reasons import all_reasons, reason
from hub.registry import read_registry
from hub.settings import mappings_folder, read_settings
from hub.store import batches, statuses
from hub.store.database import open_database, working

CODES = frozenset(found.code for found in all_reasons())


def check(words: argparse.Namespace) -> int:
    """Read every mapping and its sample; names file, line and cause of each problem."""
    registry = read_registry(words.mappings or mappings_folder())
    problems = [str(problem) for problem in registry.problems]
    problems += [
        found for feed in registry.feeds.values() for found in check_sample(registry.folder, feed, registry.codes)
    ]
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"{len(registry.feeds)} feeds, {len(problems)} problems")
    return 1 if problems else 0


def check_sample(folder: Path, feed: Feed, codes: Any) -> list[str]:
    """A feed must bring one masked sample that reads without a rejection."""
    samples = sorted((folder / "samples" / feed.feed_id).glob("*"))
    if not samples:
        return [f"{feed.feed_id}.yaml:1: there is no sample in samples/{feed.feed_id}/"]
    try:
        reading = pipeline.read_rows(feed, [sample.read_bytes() for sample in samples], samples[0].name, codes)
    except HubError as error:
        return [f"samples/{feed.feed_id}/{samples[0].name}:1: {error.code} {error}"]
    rejected = sum(found.rejections.height for found in reading.found)
    problems = [f"samples/{feed.feed_id}/{samples[0].name}:1: {rejected} rows are rejected"] if rejected else []
    unexpected = [alarm for alarm in reading.alarms if not alarm.endswith("in none of the rows")]  # a sample is short
    return problems + [f"{feed.feed_id}.yaml:1: {alarm}" for alarm in unexpected]


def try_file(words: argparse.Namespace) -> int:
    """Read files by a mapping without storing or sending anything, and show what would come of them."""
    path = Path(words.mapping)
    registry = read_registry(path.parent if path.suffix == ".yaml" else mappings_folder())
    feed = registry.feed(path.stem if path.suffix == ".yaml" else words.mapping)
    names = [Path(name) for name in words.file]
    reading = pipeline.read_rows(feed, [name.read_bytes() for name in names], names[0].name, registry.codes)
    for alarm in reading.alarms:
        print(f"! {alarm}")
    for found in reading.found:
        show_rows(found)
    try_expectations(feed, reading)
    return 1 if any(found.rejections.height for found in reading.found) else 0


def try_expectations(feed: Feed, reading: Reading) -> None:
    """Say whether the batch would be held for its counts."""
    try:
        pipeline.check_expectations(feed.spec.expect, reading.found)
    except HubError as error:
        print(f"! {error.code} {reason(error.code).zh}：{error}")


def show_rows(found: Sorted) -> None:
    """Counts, then the reasons of each rejected row. Row values are not shown: they may be personal data."""
    print(
        f"{found.schema}: {found.records.height} records, {found.rejections.height} rejections, {found.repeated_rows} repeated"
    )
    for row in found.rejections.iter_rows(named=True):
        for why in row["#reasons"]:
            told = reason(why["code"])
            print(f"  {row['#no']:>6}  {why['column'] or why['field']}  {told.code} {told.zh} / {told.en}")


def feeds(words: argparse.Namespace) -> int:
    """List the feeds, with connector, schedule and schemas, and the problems of the mappings that are none."""
    registry = open_registry()
    for feed in registry.feeds.values():
        spec = feed.spec
        print(
            f"{feed.feed_id:22} {spec.source.connector:5} {spec.schedule:14} {','.join(spec.records):30} {spec.title}"
        )
    for problem in registry.problems:
        print(f"! {problem}")
    return 1 if registry.problems else 0


def batch(words: argparse.Namespace) -> int:
    """Everything known of one batch: state, counts, reasons, deliveries, alarms, reports."""
    house = open_house()
    with working(house.engine) as work:
        found = batches.read_batch(work, words.id)
        answers = statuses.describe_batch(work, words.id)
    if found is None:
        raise HubError(f"there is no batch {words.id}; `hub batches` lists them")
    print(
        f"batch {found.batch_id}  {found.feed_id}  {found.source_name}  {found.state.value}  {found.fetched_at:%F %T}"
    )
    print(f"SM3 {found.digest}, {len(found.parts)} parts")
    if found.state is BatchState.HELD:
        print(upkeep.describe_hold(found))
    for name, rows in answers.items():
        show_table(name, rows)
    return 0


def show_table(name: str, rows: Sequence[sa.Row[Any]]) -> None:
    """One table in plain text, as wide as its cells; codes are followed by what they mean."""
    if not rows:
        return
    heads = [key for key in rows[0]._mapping if key != "batch_id"]
    cells = [[_cell(key, row._mapping[key]) for key in heads] for row in rows]
    widths = [max(len(line[place]) for line in [heads, *cells]) for place in range(len(heads))]
    print(f"\n{name}")
    for line in [heads, *cells]:
        print("  " + "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip())


def _cell(key: str, value: object) -> str:
    if key == "code" and value in CODES:
        return f"{value} {reason(str(value)).zh}"
    return f"{value:%F %T}" if isinstance(value, datetime) else str(value)


def list_batches(words: argparse.Namespace) -> int:
    """The newest batches, or those in one state (`hub batches held`)."""
    states = [BatchState(words.state)] if words.state else list(BatchState)
    with working(open_house().engine) as work:
        found = batches.batches_in(work, states)
    for one in found[-words.last :]:
        print(f"{one.batch_id:>6}  {one.state.value:9}  {one.feed_id:20}  {one.source_name}  {one.hold_code or ''}")
    return 0


def release(words: argparse.Namespace) -> int:
    """Let a batch pass although it is not as expected (F013, F014). The next run of its feed takes it up."""
    house = open_house()
    pipeline.release_batch(house, words.id, words.by)
    return _store_now(house, words.id)


def replay(words: argparse.Namespace) -> int:
    """Read a batch again from the archive with today's mapping. What it says again changes nothing."""
    house = open_house()
    pipeline.replay_batch(house, words.id)
    return _store_now(house, words.id)


def _store_now(house: pipeline.House, batch_id: int) -> int:
    with working(house.engine) as work:
        found = batches.read_batch(work, batch_id)
    assert found is not None
    state = pipeline.store_batch(house, house.registry.feed(found.feed_id), batch_id)
    if state is BatchState.HELD:
        with working(house.engine) as work:
            held = batches.read_batch(work, batch_id)
        assert held is not None
        print(upkeep.describe_hold(held))
        return 1
    print(f"batch {batch_id} is {state.value}; the next runs of {found.feed_id}, deliver and report go on with it")
    return 0


def close(words: argparse.Namespace) -> int:
    """Settle a held batch without taking anything from it, for instance when the partner withdrew the file."""
    pipeline.close_batch(open_house(), words.id)
    print(f"batch {words.id} is closed; nothing of it was taken")
    return 0


def migrate_database(words: argparse.Namespace) -> int:
    """Bring the tables to the newest step."""
    migrate(open_database(read_settings().database_url))
    print("the database is at the newest step")
    return 0


def write_schema(words: argparse.Namespace) -> int:
    """Print the JSON Schema of mapping files (mappings/feed.schema.json is made from it)."""
    from hub.feed import FeedSpec

    print(json.dumps(FeedSpec.model_json_schema(by_alias=True), ensure_ascii=False, indent=2))
    return 0


Command = Callable[[argparse.Namespace], int]


def build_parser() -> argparse.ArgumentParser:
    """Every command with its words; its help text is its docstring."""
    parser = argparse.ArgumentParser(prog="hub", description="农民工工资数据交换枢纽 / Wage Exchange Hub")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: Command) -> argparse.ArgumentParser:
        text = (command.__doc__ or "").strip()
        sub = commands.add_parser(name, help=text.splitlines()[0], description=text)
        sub.set_defaults(command=command)
        return sub

    add("check", check).add_argument("--mappings", type=Path, help="another folder of mappings")
    trying = add("try", try_file)
    trying.add_argument("mapping", metavar="MAPPING", help="a feed id or a mapping file")
    trying.add_argument("file", metavar="FILE", nargs="+")
    add("feeds", feeds)
    listing = add("batches", list_batches)
    listing.add_argument("state", nargs="?", choices=[state.value for state in BatchState])
    listing.add_argument("--last", type=int, default=50)
    add("batch", batch).add_argument("id", metavar="ID", type=int)
    add("replay", replay).add_argument("id", metavar="ID", type=int)
    add("close", close).add_argument("id", metavar="ID", type=int)
    releasing = add("release", release)
    releasing.add_argument("id", metavar="ID", type=int)
    releasing.add_argument("--by", default=getpass.getuser(), help="the officer who decides")
    add("migrate", migrate_database)
    add("schema", write_schema)
    return parser


def main(words: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code. A hub error is one line on standard error, with its code."""
    chosen = build_parser().parse_args(words)
    try:
        code: int = chosen.command(chosen)
        return code
    except (HubError, OSError) as error:
        print(f"hub: {getattr(error, 'code', 'S000')} {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
