"""Read: what the bytes of a batch say, before anything is written. Pure, so the command line can try a file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hub.errors import ExpectationFailed, FeedChanged
from hub.feed import Expect, Feed, SftpSource
from hub.mapping import Codes, columns_used, map_rows
from hub.model import Parsed, Sorted
from hub.parsing import parse_batch
from hub.validation import sort_rows
from schemas.catalogue import SCHEMAS


@dataclass(frozen=True)
class Reading:
    """What a batch says, before anything is written."""

    found: tuple[Sorted, ...]
    parsed: Parsed
    alarms: tuple[str, ...]


def read_rows(feed: Feed, parts: Sequence[bytes], source_name: str, codes: Codes) -> Reading:
    """Parse, map and sort the rows of a batch. Pure. Raises FeedChanged when the batch is not as agreed."""
    spec = feed.spec
    wanted: dict[str, frozenset[str]] = {}
    for record in spec.records.values():
        wanted[record.rows] = wanted.get(record.rows, frozenset()) | columns_used(record)
    parsed = parse_batch(spec.source.format, parts, name_parts(feed, source_name), wanted)
    found, alarms = [], []
    for name in [name for name in SCHEMAS if name in spec.records]:
        record, rows = spec.records[name], parsed.rows[spec.records[name].rows]
        mapped = map_rows(record, SCHEMAS[name], rows, codes)
        found.append(sort_rows(name, record, mapped, rows))
        alarms += [f"{name}: {alarm}" for alarm in mapped.alarms]
    return Reading(tuple(found), parsed, tuple(alarms))


def name_parts(feed: Feed, source_name: str) -> Mapping[str, str]:
    """The parts of a file's name by the agreed pattern; empty for feeds that are no files."""
    source = feed.spec.source
    if not isinstance(source, SftpSource):
        return {}
    pieces = re.split(r"\{(\w+)\}", source.name)
    pattern = "".join(f"(?P<{piece}>[^_]+)" if odd % 2 else re.escape(piece) for odd, piece in enumerate(pieces))
    match = re.fullmatch(pattern, source_name.rpartition("/")[2])
    if match is None:
        raise FeedChanged(f"the file name does not have the agreed parts {source.name}", code="F008")
    return match.groupdict()


def check_expectations(expect: Expect, found: Sequence[Sorted]) -> None:
    """Raises ExpectationFailed: F014 rows out of range, F013 too large a share rejected."""
    counts = [(rows.schema, rows.records.height + rows.rejections.height, rows.rejections.height) for rows in found]
    most = max((total for _, total, _ in counts), default=0)
    if expect.rows is not None and not expect.rows[0] <= most <= expect.rows[1]:
        raise ExpectationFailed(f"{most} rows came, {expect.rows[0]} to {expect.rows[1]} are expected", code="F014")
    for schema, total, rejected in counts:
        if expect.rejected_share is not None and total > 1 and rejected > expect.rejected_share * total:
            raise ExpectationFailed(
                f"{rejected} of {total} rows of {schema} are rejected, at most {expect.rejected_at_most} is expected",
                code="F013",
            )
