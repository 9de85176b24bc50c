"""Repair: rejected rows whose cells a person corrects go on without the whole file, once a second person has approved.

A corrected row is read by the very mapping and checks that turned it down, among all the other rows of its batch.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from hub.corrections import Correction
from hub.errors import FeedChanged, NotAllowed
from hub.feed import Feed, SftpSource
from hub.model import Batch, BatchState
from hub.pipeline.balancing import check_account
from hub.pipeline.guarding import holding_by_hand
from hub.pipeline.house import House, lock_batch, note, read_parts
from hub.pipeline.reading import read_rows
from hub.pipeline.recording import record_account, record_decision
from hub.pipeline.replaying import check_bytes
from hub.pipeline.storing import note_things, owe
from hub.pipeline.weighing import Weighed, weigh_repair
from hub.points import reach
from hub.store import batches, records, repairs
from hub.store.audit import Act, note_act
from hub.store.database import Work, working
from hub.store.repairs import Repair, RepairedRow

Wanted = Mapping[str, Mapping[str, str]]
"""By the number printed on a row, or ``line N``: what its cells should say."""


@dataclass(frozen=True)
class Asked:
    """A repair that waits for a second person: its number, how many rows, and which columns it corrects."""

    repair_id: int
    rows: int
    columns: tuple[str, ...]


def ask_repair(house: House, batch_id: int, wanted: Wanted, by: str, why: str) -> Asked:
    """Write down what should be corrected in rejected rows of a batch, when all of them would be good then.

    Raises NotAllowed: S004 for a row that is not rejected, S042 with every reason when one is still turned down, S043 when the
    file's own total would not fit any more. Nothing is written then.
    """
    if not by.strip() or not why.strip():
        raise NotAllowed("a repair needs the name of who asks for it and a reason")
    with working(house.engine) as work:
        batch, feed = _exchanged(work, house, batch_id)
        rows = [_find(work, feed, batch_id, number, cells) for number, cells in wanted.items()]
        corrections = [row.correction for row in rows]
        spots = [(one.place, *one.spot) for one in corrections]
        if len(set(spots)) < len(spots):
            raise NotAllowed("one row is named twice")
        if taken := repairs.waiting_spots(work, batch_id).intersection(spots):
            raise NotAllowed(f"another repair waits for row {_first(taken)} already; decide about it first")
        weighed = _weigh(work, house, feed, batch, corrections)
        rows = [_with_digests(work, row, weighed) for row in rows]
        repair_id = repairs.add_repair(work, batch_id, by.strip(), why.strip(), rows)
        note_act(work, Act("repair", f"repair {repair_id} of batch {batch_id}, {len(rows)} rows", why.strip()), by)
        reach("repair.asking")
    reach("repair.asked")
    columns = tuple(sorted({name for one in corrections for name in one.cells}))
    note("repair asked", batch=batch_id, repair=repair_id, rows=len(rows))
    return Asked(repair_id, len(rows), columns)


def approve_repair(house: House, repair_id: int, by: str) -> int:
    """Let a repair take effect, in one commit: its rows become records of their batch; returns the batch.

    Raises NotAllowed: S041 for the person who asked, S004 when it was decided already, S042 or S043 when today's mapping would
    not take it; Unbalanced when rows or fen would go missing. Nothing is changed then, and the repair waits on.
    """
    with working(house.engine) as work:
        feed_id = _exchanged(work, house, _batch_of(work, repair_id))[1].feed_id
    with holding_by_hand(house, f"feed/{feed_id}"):
        with working(house.engine) as work:
            batch_id = _take_effect(work, house, repair_id, by)
            reach("repair.writing")
        reach("repair.effective")
    note("repaired", batch=batch_id, repair=repair_id)
    return batch_id


def _take_effect(work: Work, house: House, repair_id: int, by: str) -> int:
    batch, feed = _exchanged(work, house, _batch_of(work, repair_id))
    repair = _waiting(work, repair_id)
    if same_person(repair.asked_by, by):
        raise NotAllowed(f"repair {repair_id} was asked for by the same person; another has to approve", code="S041")
    rows = repairs.rows_of_repair(work, repair_id)
    weighed = _weigh(work, house, feed, batch, [row.correction for row in rows])
    batches.set_state(work, batch.batch_id, BatchState.STORED)
    for schema in weighed.changed:
        _write(work, house, feed, batch, weighed, schema)
    check_account(work, batch.batch_id)
    note_things(work, feed, batch.batch_id, list(weighed.changed))  # last, as in every commit that writes records
    repairs.decide(work, repair_id, "effective", by.strip())
    note_act(work, Act("approve", f"repair {repair_id} of batch {batch.batch_id}"), by)
    record_account(work, "repaired", feed.feed_id, batch.batch_id, repair=repair_id, corrected=len(rows))
    return batch.batch_id


def decline_repair(house: House, repair_id: int, by: str) -> None:
    """A repair comes to nothing; whoever asked may take it back. Raises NotAllowed when it was decided already."""
    with working(house.engine) as work:
        batch = lock_batch(work, _batch_of(work, repair_id))
        _waiting(work, repair_id)
        if not by.strip():
            raise NotAllowed("a decision needs the name of who takes it")
        repairs.decide(work, repair_id, "declined", by.strip())
        note_act(work, Act("approve --decline", f"repair {repair_id} of batch {batch.batch_id}"), by)
        record_decision(work, "declined", batch, repair=repair_id)
        reach("repair.declining")
    reach("repair.declined")


def same_person(one: str, other: str) -> bool:
    """Whether two names are written for one person: width, case and spaces do not make another. Nobody is everybody."""
    names = {"".join(unicodedata.normalize("NFKC", name).casefold().split()) for name in (one, other)}
    return len(names) == 1 or "" in names


def _exchanged(work: Work, house: House, batch_id: int) -> tuple[Batch, Feed]:
    """A batch that was read, and its feed; one that is held or waits to be read has no rejections that stand."""
    batch = lock_batch(work, batch_id)
    if batch.state in (BatchState.FETCHED, BatchState.HELD) or batch.hold_code is not None:
        raise NotAllowed(
            f"batch {batch_id} is {batch.state.value}; only rows of a batch that was stored can be repaired"
        )
    check_bytes(work, batch)
    return batch, house.registry.feed(batch.feed_id)


def _batch_of(work: Work, repair_id: int) -> int:
    batch_id = repairs.batch_of(work, repair_id)
    if batch_id is None:
        raise NotAllowed(f"there is no repair {repair_id}; `hub repairs` lists them")
    return batch_id


def _waiting(work: Work, repair_id: int) -> Repair:
    repair = repairs.lock_repair(work, repair_id)
    assert repair is not None
    if repair.state != "waiting":
        raise NotAllowed(f"repair {repair_id} is {repair.state} already, decided by {repair.decided_by}")
    return repair


def _find(work: Work, feed: Feed, batch_id: int, number: str, cells: Mapping[str, str]) -> RepairedRow:
    """The one rejected row with this number."""
    if not cells:
        raise NotAllowed(f"nothing is said of row {number}")
    found = repairs.find_rejected(work, batch_id, number)
    known = [row for row in found if row.schema_name in feed.spec.records]
    spots = {(feed.spec.records[row.schema_name].rows, row.part_no, row.row_no) for row in known}
    if not spots:
        raise NotAllowed(f"batch {batch_id} has no rejected row {number}; `hub batch {batch_id}` lists them")
    if len(spots) > 1:
        lines = ", ".join(f"line {row_no}" for _, _, row_no in sorted(spots))
        raise NotAllowed(f"{len(spots)} rejected rows have the number {number}: name one of them by its line ({lines})")
    place, part_no, row_no = spots.pop()
    reasons = [
        {"schema": row.schema_name, "column": why["column"], "code": why["code"]}
        for row in known
        for why in row.reasons
    ]
    correction = Correction(place, part_no, row_no, dict(cells))
    return RepairedRow(correction, known[0].printed_no, known[0].row_digest, "", reasons)


def _weigh(work: Work, house: House, feed: Feed, batch: Batch, corrections: Sequence[Correction]) -> Weighed:
    """Read the batch as it stands and as it would be. Raises NotAllowed when the rows are not rejected, or would not be good."""
    known = repairs.effective_corrections(work, batch.batch_id)
    codes = house.registry.codes
    try:
        parts = read_parts(house, feed, batch)
        before = read_rows(feed, parts, batch.source_name, codes, known)
        after = read_rows(feed, parts, batch.source_name, codes, [*known, *corrections])
    except FeedChanged as error:
        raise NotAllowed(f"batch {batch.batch_id} cannot be read so: {error}", code="S042") from error
    rejected = _rejected(work, feed, batch.batch_id, corrections)
    return weigh_repair(feed, before, after, corrections, rejected)


def _rejected(
    work: Work, feed: Feed, batch_id: int, corrections: Sequence[Correction]
) -> dict[str, list[tuple[int, int]]]:
    """For each schema, which of these rows stand as its rejections. Raises NotAllowed for a row that stands as none."""
    found: dict[str, list[tuple[int, int]]] = {}
    for one in corrections:
        schemas = [name for name, record in feed.spec.records.items() if record.rows == one.place]
        mine = [name for name in schemas if "rejected" in repairs.standing_rows(work, batch_id, name, [one.spot])]
        if not mine:
            raise NotAllowed(f"line {one.row_no} of batch {batch_id} is not rejected any more")
        for name in mine:
            found.setdefault(name, []).append(one.spot)
    return found


def _write(work: Work, house: House, feed: Feed, batch: Batch, weighed: Weighed, schema: str) -> None:
    """Write the corrected rows of one schema and move them, with their fen, from what they counted as to what they are."""
    spots, found = weighed.changed[schema]
    stood = repairs.standing_rows(work, batch.batch_id, schema, spots)
    tally = repairs.read_tally(work, batch.batch_id, schema)
    if tally is None:
        raise NotAllowed(f"batch {batch.batch_id} has no account of {schema}; `hub replay {batch.batch_id} --go` first")
    repairs.forget_rows(work, batch.batch_id, schema, spots)
    repairs.forget_account(work, batch.batch_id, schema)
    is_file = isinstance(feed.spec.source, SftpSource)
    written = records.write_rows(work, batch.batch_id, found, answer_every_row=is_file)
    batches.write_tally(work, batch.batch_id, weighed.tally(schema, tally, stood, written))
    owe(work, house.registry, feed, batch.batch_id, schema)


def _with_digests(work: Work, row: RepairedRow, weighed: Weighed) -> RepairedRow:
    after = weighed.row_text(row.correction)
    digest = records.with_digests(work, pl.DataFrame({"#row": [after]}))["#row_digest"].item()
    return RepairedRow(row.correction, row.printed_no, row.before_digest, digest, row.reasons)


def _first(spots: set[tuple[str, int, int]]) -> str:
    return f"line {min(spots)[2]}"
