"""Commands about mappings: check them, try one on a file, list the feeds. None of them needs a database or a partner."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from hub import pipeline
from hub.bootstrap import open_containers, open_registry
from hub.cli.audit import describe_asking
from hub.containers import is_container
from hub.errors import HubError
from hub.feed import Feed, FeedSpec, SftpSource
from hub.model import Sorted
from hub.reasons import reason
from hub.registry import read_registry
from hub.samples import as_json, check_sample, describe
from hub.settings import mappings_folder, now


def check(words: argparse.Namespace) -> int:
    """Read every mapping and its sample; names file, line and cause of each problem."""
    registry = read_registry(words.mappings or mappings_folder())
    problems = [str(problem) for problem in registry.problems]
    for feed in registry.feeds.values():
        problems += check_sample(registry.folder, feed, registry.codes)
    for problem in problems:
        print(problem, file=sys.stderr)
    print(f"{len(registry.feeds)} feeds, {len(registry.receivers)} receivers, {len(problems)} problems")
    print(describe_asking(), file=sys.stderr)
    return 1 if problems else 0


def explain_rejections(found: Sorted) -> Iterator[str]:
    """For each reason of each rejected row: its line, schema, column, code and meaning. Values are not shown, they may be
    personal data."""
    for row in found.rejections.iter_rows(named=True):
        for why in row["#reasons"]:
            told = reason(why["code"])
            where = why["column"] or why["field"]
            yield f"{row['#line']}: {found.schema} no. {row['#no']} {where} {told.code} {told.zh} / {told.en}"


def _in_clear(feed: Feed, parts: Sequence[bytes]) -> Sequence[bytes]:
    """A file as its partner encrypts it is opened with the connection's keys; a sample in clear is read as it is."""
    kind = feed.spec.source.encrypted if isinstance(feed.spec.source, SftpSource) else None
    if kind is None or not is_container(kind, parts[0]):
        return parts
    return open_containers().opened(feed.spec.source, parts, now())


def try_file(words: argparse.Namespace) -> int:
    """Read files by a mapping without storing or sending anything, and show what would come of them.

    With --json the records and rejections are printed as `expected.json` of a sample holds them, values included.
    """
    path = Path(words.mapping)
    registry = read_registry(path.parent if path.suffix == ".yaml" else mappings_folder())
    feed = registry.feed(path.stem if path.suffix == ".yaml" else words.mapping)
    names = [Path(name) for name in words.file]
    parts = _in_clear(feed, [name.read_bytes() for name in names])
    reading = pipeline.read_rows(feed, parts, names[0].name, registry.codes)
    if words.json:
        print(as_json(describe(reading.found)), end="")
        return 0
    for alarm in reading.alarms:
        print(f"! {alarm}")
    for found in reading.found:
        counts = f"{found.records.height} records, {found.rejections.height} rejections, {found.repeated_rows} repeated"
        print(f"{found.schema}: {counts}")
        for line in explain_rejections(found):
            print(f"  line {line}")
    try:
        pipeline.check_expectations(feed.spec.expect, reading.found)
    except HubError as error:
        print(f"! {error.code} {reason(error.code).zh}：{error}")
    return 1 if any(found.rejections.height for found in reading.found) else 0


def feeds(words: argparse.Namespace) -> int:
    """List the feeds with connector, connection, schedule and schemas, and the problems of mappings that are none."""
    registry = open_registry()
    for feed in registry.feeds.values():
        spec, source = feed.spec, feed.spec.source
        names = ",".join(spec.records)
        print(
            f"{feed.feed_id:22} {source.connector:5} {source.connection:14} {spec.schedule:12} {names:26} {spec.title}"
        )
    for problem in registry.problems:
        print(f"! {problem}")
    return 1 if registry.problems else 0


def write_schema(words: argparse.Namespace) -> int:
    """Print the JSON Schema of mapping files (mappings/feed.schema.json is made from it)."""
    print(json.dumps(FeedSpec.model_json_schema(by_alias=True), ensure_ascii=False, indent=2))
    return 0
