"""A feed's sample and what must come of it: files as the partner sends them, masked or synthetic, and `expected.json` beside them.

`expected.json` holds the records field by field and the rejections by row number and code; `hub try --json` writes it, a person
reads it once. `hub check` fails when a sample no longer says the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from hub import pipeline
from hub.errors import HubError
from hub.feed import Feed
from hub.mapping import Codes
from hub.model import Sorted
from schemas.catalogue import SCHEMAS

EXPECTED = "expected.json"
Outcome = dict[str, Any]


def sample_files(folder: Path, feed_id: str) -> list[Path]:
    """The files of a feed's sample: one dropped file, or the pages of one fetch in order."""
    return [path for path in sorted((folder / "samples" / feed_id).glob("*")) if path.name != EXPECTED]


def check_sample(folder: Path, feed: Feed, codes: Codes) -> list[str]:
    """What is wrong with a feed's sample, one sentence each; nothing when it says what is expected."""
    files = sample_files(folder, feed.feed_id)
    if not files:
        return [f"{feed.feed_id}.yaml:1: there is no sample in samples/{feed.feed_id}/"]
    place = f"samples/{feed.feed_id}/{files[0].name}"
    try:
        reading = pipeline.read_rows(feed, [path.read_bytes() for path in files], files[0].name, codes)
    except HubError as error:
        return [f"{place}:1: {error.code} {error}"]
    problems = [
        f"{feed.feed_id}.yaml:1: {alarm}"
        for alarm in reading.alarms
        if not alarm.endswith("in none of the rows")  # a sample is short
    ]
    expected = files[0].with_name(EXPECTED)
    if not expected.exists():
        return [*problems, f"samples/{feed.feed_id}/{EXPECTED}:1: is missing; see `hub try --json`"]
    try:
        wanted = json.loads(expected.read_text("utf-8"))
        differences = list(compare(wanted, describe(reading.found)))
    except (ValueError, KeyError, TypeError, AttributeError):
        return [*problems, f"samples/{feed.feed_id}/{EXPECTED}:1: is not what `hub try --json` writes"]
    return problems + [f"{place}:1: {difference}" for difference in differences]


def describe(found: Sequence[Sorted]) -> Outcome:
    """What came of a reading, as `expected.json` writes it."""
    records = {rows.schema: [_plain(rows.schema, row) for row in rows.records.iter_rows(named=True)] for rows in found}
    rejections = [
        {"schema": rows.schema, "no": row["#no"], "codes": sorted({why["code"] for why in row["#reasons"]})}
        for rows in found
        for row in rows.rejections.iter_rows(named=True)
    ]
    return {"records": records, "rejections": rejections}


def compare(expected: Outcome, found: Outcome) -> Iterator[str]:
    """Where two outcomes differ; values are not shown, they may be personal data."""
    for schema in sorted({*expected["records"], *found["records"]}):
        theirs, ours = expected["records"].get(schema, []), found["records"].get(schema, [])
        if len(theirs) != len(ours):
            yield f"{schema}: {len(ours)} records, {len(theirs)} are expected"
            continue
        for number, (wanted, got) in enumerate(zip(theirs, ours, strict=True), 1):
            names = [name for name in {**wanted, **got} if wanted.get(name) != got.get(name)]
            if names:
                yield f"{schema}: record {number} has other values than expected in {', '.join(names)}"
    if expected["rejections"] != found["rejections"]:
        yield f"rejected {_told(found)}, expected {_told(expected)}"


def as_json(outcome: Outcome) -> str:
    """One record a line, so that a change shows as a change of lines."""
    records = ",\n".join(
        f"  {json.dumps(schema)}: [\n" + ",\n".join(f"   {_line(row)}" for row in rows) + "\n  ]"
        for schema, rows in outcome["records"].items()
    )
    rejections = ",\n".join(f"  {_line(row)}" for row in outcome["rejections"])
    return f'{{\n "records": {{\n{records}\n }},\n "rejections": [\n{rejections}\n ]\n}}\n'


def _line(row: Mapping[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False)


def _told(outcome: Outcome) -> str:
    return (
        "; ".join(f"{row['schema']} {row['no']} {'+'.join(row['codes'])}" for row in outcome["rejections"]) or "nothing"
    )


def _plain(schema: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """The schema's own fields that are filled, in JSON's types."""
    fields = {name: row[name] for name in SCHEMAS[schema].column_names() if row[name] is not None}
    return {name: value.isoformat() if isinstance(value, date | datetime) else value for name, value in fields.items()}
