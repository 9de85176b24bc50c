"""The tables of a restored hub: which versions it gives, which batches it knows again, which rows it tells no more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import sqlalchemy as sa

from hub.backup.restoring import STEP_UP, version_floor
from hub.errors import PartnerUnavailable
from hub.feed import CallReport, FieldSpec
from hub.model import Journalled, Stage, Told
from hub.pipeline import House
from hub.pipeline.remembering import Remembering, row_digest
from hub.settings import TIME_ZONE, now
from hub.store import restores
from hub.store.database import Work, working

MOMENT = datetime(2026, 11, 23, 8, tzinfo=UTC)
ENTRY = Journalled(7, "haidai_txns", "in/20261123/a.txt", "d" * 64, ("d" * 64,), "m" * 64, "0.1.0", MOMENT)
REPORT = CallReport(call="/x", rows="rows", fields={"status": FieldSpec.model_validate({"from": "outcome"})})
ROWS = [{"no": "1", "status": "已建档"}, {"no": "2", "status": "未建档"}]


@pytest.fixture
def work(house: House) -> Iterator[Work]:
    """A transaction that leaves nothing behind."""
    with working(house.engine) as work:
        yield work
        work.rollback()


def test_versions_of_new_batches_lie_above_every_floor(work: Work) -> None:
    """Those of batches that were brought back, or were not read yet, stay as they were."""
    assert restores.version_floor(work, 7) == 0
    assert restores.recover_batch(work, ENTRY) == 7
    assert restores.recover_batch(work, replace(ENTRY, batch_id=9, source_name="b", hold_code="F001")) == 9
    restores.write_restore(work, "x", MOMENT, 500, [9], 0)
    assert [restores.version_floor(work, n) for n in (6, 7, 8, 9)] == [500, 0, 500, 0]
    restores.write_restore(work, "x", MOMENT, 900, [], 0)
    assert [restores.version_floor(work, n) for n in (7, 8, 9)] == [0, 900, 900]


@pytest.mark.parametrize(
    ("highest", "floor"),
    [
        (0, 217_728_000),
        (217_727_999, 217_728_000),
        (217_728_000, 217_728_000 + STEP_UP),
        (3 * 10**8, 3 * 10**8 + STEP_UP),
    ],
)
def test_the_floor_rises_also_when_the_clock_was_put_back(highest: int, floor: int) -> None:
    """By seconds since 2020, or by a long step above what there is; it fits PostgreSQL's integer until 2088."""
    assert version_floor(datetime(2026, 11, 25, tzinfo=TIME_ZONE), highest) == floor
    assert version_floor(datetime(2088, 1, 1, tzinfo=TIME_ZONE), 0) < 2**31


def test_a_batch_comes_back_as_it_was(work: Work) -> None:
    """Under its own number, with its hold; one that is there is left alone; a number that is taken gives another."""
    held = replace(
        ENTRY, hold_code="F007", hold_message="cut\x00short", stamp_size=3, stamp_modified_at=4, printed_rows=5
    )
    assert restores.recover_batch(work, held) == 7
    assert restores.recover_batch(work, held) is None
    restores.reserve_numbers(work, 40)
    assert restores.recover_batch(work, replace(held, source_name="other")) == 41
    row = work.execute(sa.text("select * from batch where batch_id = 7")).one()
    assert (row.state, row.hold_code, row.read_at, row.fetched_at) == ("held", "F007", MOMENT, MOMENT)
    assert (row.stamp_size, row.stamp_modified_at, row.printed_rows, row.parts) == (3, 4, 5, ["d" * 64])


def test_a_row_told_before_answers_for_one_call_however_often_it_is_tried(work: Work) -> None:
    """A later call with the same row is another telling; another feed or stage knows nothing of it."""
    told = [Told("bureau_permits", Stage.OUTCOME, ("a", "b", "a")), Told("bureau_permits", Stage.OUTCOME, ("b",))]
    assert restores.add_told(work, told) == 2
    assert restores.take_told(work, "bureau_permits", Stage.INTAKE, ["a"], "k1") == frozenset()
    for _ in range(2):
        assert restores.take_told(work, "bureau_permits", Stage.OUTCOME, ["a", "c"], "k1") == {"a"}
    assert restores.take_told(work, "bureau_permits", Stage.OUTCOME, ["a", "b"], "k2") == {"b"}


class Partner:
    """A partner that knows a repeated key, and may hang up after it took a call."""

    def __init__(self) -> None:
        self.taken: dict[str, list[Mapping[str, str]]] = {}
        self.hangs_up = False

    def send(self, report: CallReport, rows: Sequence[Mapping[str, str]], key: str) -> None:
        self.taken.setdefault(key, list(rows))
        if self.hangs_up:
            raise PartnerUnavailable("hung up")


def test_every_row_that_was_told_is_in_the_journal_and_no_other(house: House) -> None:
    """Noted after the partner answered: what nobody answered for is told again."""
    partner, since = Partner(), now()
    caller = Remembering(house, "nat_clues", Stage.INTAKE, partner)
    partner.hangs_up = True
    with pytest.raises(PartnerUnavailable):
        caller.send(REPORT, ROWS, "key")
    assert list(house.archive.told_since(since)) == []
    partner.hangs_up = False
    caller.send(REPORT, ROWS, "key")
    assert list(house.archive.told_since(since)) == [
        Told("nat_clues", Stage.INTAKE, tuple(row_digest(row) for row in ROWS))
    ]
    assert partner.taken == {"key": ROWS}
    written = b"".join(b"".join(house.archive.shelf.chunks(name)) for name in house.archive.journal_names())
    assert not any(row["status"].encode() in written for row in ROWS), "digests, never values"


def test_what_was_told_before_a_restore_is_not_told_again_and_the_rest_is(house: House) -> None:
    """The rest under a key of its own: under the old one the partner would do nothing."""
    with working(house.engine) as work:
        restores.add_told(work, [Told("nat_clues", Stage.OUTCOME, (row_digest(ROWS[0]),))])
    partner = Partner()
    partner.taken["key"] = [ROWS[0]]
    caller = Remembering(house, "nat_clues", Stage.OUTCOME, partner)
    for _ in range(2):
        caller.send(REPORT, ROWS, "key")
    (own_key,) = set(partner.taken) - {"key"}
    assert partner.taken[own_key] == [ROWS[1]]
    caller.send(REPORT, ROWS[:1], "later")
    assert partner.taken["later"] == ROWS[:1], "the same row of a later call is another telling"
