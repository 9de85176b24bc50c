"""Read: what the bytes of a batch say, before anything is written. Pure, so the command line can try a file."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hub.corrections import Correction, correct_rows
from hub.errors import ExpectationFailed, FeedChanged
from hub.feed import Expect, Feed, SftpSource, SheetFormat
from hub.mapping import Codes, columns_used
from hub.model import Parsed, Sorted
from hub.parsing import parse_batch
from hub.parsing.packed import unpack
from hub.pipeline.poison import read_place
from hub.text import count_garbled
from schemas.catalogue import SCHEMAS

GARBLED_SHARE, GARBLED_AT_LEAST = 0.1, 2


@dataclass(frozen=True)
class Reading:
    """What a batch says, before anything is written: ``alarms`` are odd, ``notes`` only worth knowing; both are kept."""

    found: tuple[Sorted, ...]
    parsed: Parsed
    alarms: tuple[str, ...]
    notes: tuple[str, ...] = ()


def read_rows(
    feed: Feed, parts: Sequence[bytes], source_name: str, codes: Codes, corrections: Sequence[Correction] = ()
) -> Reading:
    """Parse, map and sort the rows of a batch, with the repairs on record on top. Pure.

    Raises FeedChanged when the batch is not as agreed, or a repair fits it no more.
    """
    spec = feed.spec
    wanted: dict[str, frozenset[str]] = {}
    for record in spec.records.values():
        wanted[record.rows] = wanted.get(record.rows, frozenset()) | columns_used(record)
    parsed = parse_batch(spec.source.format, unpacked(feed, parts), name_parts(feed, source_name), wanted)
    check_decoding(parsed, wanted)
    parsed = correct_rows(parsed, corrections, wanted)
    found, alarms, notes = [], [], []
    for name in [name for name in SCHEMAS if name in spec.records]:
        record, rows = spec.records[name], parsed.rows[spec.records[name].rows]
        mapped, rows_found, odd = read_place(name, record, rows, codes)
        found.append(rows_found)
        alarms += [f"{name}: {alarm}" for alarm in (*mapped.alarms, *odd)]
        notes += [f"{name}: {note}" for note in mapped.notes]
    return Reading(tuple(found), parsed, tuple(alarms), tuple(notes))


def unpacked(feed: Feed, parts: Sequence[bytes]) -> Sequence[bytes]:
    """What the formats read; the archive keeps the packed bytes. Raises FeedChanged F016."""
    source = feed.spec.source
    if not isinstance(source, SftpSource) or source.packed is None:
        return parts
    return [unpack(source.packed, b"".join(parts), holds_sheet=isinstance(source.format, SheetFormat))]


def check_decoding(parsed: Parsed, wanted: Mapping[str, frozenset[str]]) -> None:
    """Raises FeedChanged F017 when one row in ten shows that its Chinese was decoded wrongly before it was sent.

    One row alone is turned down by itself (L114), and so are a few among many.
    """
    for place, rows in parsed.rows.items():
        garbled, looked = count_garbled(rows.frame.select(name for name in rows.own if name in wanted.get(place, ())))
        if garbled >= GARBLED_AT_LEAST and garbled >= GARBLED_SHARE * looked:
            raise FeedChanged(
                f"{garbled} of {looked} rows looked at hold Chinese that was decoded wrongly", code="F017"
            )


def name_parts(feed: Feed, source_name: str) -> Mapping[str, str]:
    """The parts of a file's name by the agreed pattern; empty for feeds that are no files."""
    source = feed.spec.source
    return parts_of_name(source, source_name) if isinstance(source, SftpSource) else {}


def parts_of_name(source: SftpSource, source_name: str) -> Mapping[str, str]:
    """The parts of a dropped file's name. Raises FeedChanged F008 for a name that has them not."""
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
