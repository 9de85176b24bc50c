"""The conservation ledger on real tables: a clean day has no gap; whatever goes missing holds the batch, and nothing goes out."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import count
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa
from round_trip import Hub, Typed, return_lines

from hub import pipeline
from hub.conservation import gaps_of
from hub.errors import NotAllowed
from hub.model import Batch, BatchState, Fetched, Stage
from hub.pipeline import poison
from hub.store import batches, deliveries, records
from hub.store.database import working
from hub.validation import sort_rows
from simulators.drops import extra_drop
from simulators.projects import BANKS
from simulators.world import City

CITY = City(7, 0.1)
FEED = "haidai_payrolls"
DAY = f"in/{CITY.day:%Y%m%d}"
_extras = count(1)
Break = Callable[[pytest.MonkeyPatch], None]


@pytest.fixture(scope="module")
def exchanged(hub: Hub) -> Hub:
    """One day there and back, nothing of it spoiled on our side."""
    hub.up.control.drop_day()
    hub.run()
    return hub


def drop(hub: Hub) -> str:
    made = extra_drop(CITY, BANKS["haidai"], "PAYR", 500 + next(_extras), None)
    assert made.content is not None
    hub.up.control.drop("haidai", f"{DAY}/{made.name}", made.content)
    return made.name


def gaps(hub: Hub, batch: Batch) -> list[str]:
    return [gap.step for gap in gaps_of(pipeline.balance_of(hub.house, [batch.batch_id]))]


def test_a_clean_day_balances_at_every_hop(exchanged: Hub) -> None:
    """Every batch that was read, from the partner's own totals to what it was told; held ones were not read."""
    read = [batch for batch in exchanged.batches() if batch.state is not BatchState.HELD]
    hops = pipeline.balance_of(exchanged.house, [batch.batch_id for batch in read])
    assert gaps_of(hops) == []
    assert {hop.step for hop in hops} == {
        "declared", "read", "recorded", "rejected", "unchanged", "owed", "answered", "told",
    }  # fmt: skip
    declared = sum(hop.came.rows for hop in hops if hop.step == "declared")
    sent = exchanged.up.control.ledger()["sent"]
    files = [feed for feed_id, feed in sent.items() if feed_id.startswith(("haidai", "wenhe"))]
    assert declared >= sum(feed["rows"] for feed in files)


def lose_a_record(patch: pytest.MonkeyPatch) -> None:
    """The last record is not written."""
    write = records._write_versions
    patch.setattr(
        records, "_write_versions", lambda work, batch, schema, fresh: write(work, batch, schema, fresh.head(-1))
    )


def lose_a_row(patch: pytest.MonkeyPatch) -> None:
    """A row is neither record nor rejection."""

    def sort(*words: Any) -> Any:
        found = sort_rows(*words)
        return type(found)(found.schema, found.records.head(-1), found.rejections)

    patch.setattr(poison, "sort_rows", sort)


def lose_a_fen(patch: pytest.MonkeyPatch) -> None:
    """One amount is written a fen short."""
    write = records._write_versions

    def short(work: Any, batch: int, schema: str, fresh: pl.DataFrame) -> None:
        write(work, batch, schema, fresh.with_row_index("n").with_columns(
            pl.col("#fen") - (pl.col("n") == 0).cast(pl.Int64)).drop("n"))  # fmt: skip

    patch.setattr(records, "_write_versions", short)


def owe_nobody(patch: pytest.MonkeyPatch) -> None:
    """Records are written and no delivery."""
    patch.setattr(deliveries, "add_deliveries", lambda *words: None)


def reject_without_reason(patch: pytest.MonkeyPatch) -> None:
    """A row is turned down and nobody says why."""

    def sort(*words: Any) -> Any:
        found = sort_rows(*words)
        moved = found.records.tail(1)
        reasons = pl.Series("#reasons", [[]] * moved.height, dtype=found.rejections.schema["#reasons"])
        more = moved.with_columns(reasons).select(found.rejections.columns)
        return type(found)(found.schema, found.records.head(-1), pl.concat([found.rejections, more]))

    patch.setattr(poison, "sort_rows", sort)


@pytest.mark.parametrize("broken", [lose_a_record, lose_a_row, lose_a_fen, owe_nobody, reject_without_reason])
def test_a_broken_store_holds_the_batch_and_nothing_goes_out(exchanged: Hub, broken: Break) -> None:
    """F019 in the same commit: no record, no delivery; the bank reads HELD. Mended and replayed, everything is there."""
    name = drop(exchanged)
    before = exchanged.up.control.ledger()["received"]["province"]
    exchanged.fetch(FEED)
    with pytest.MonkeyPatch.context() as patch:
        broken(patch)
        assert exchanged.store(FEED) == [BatchState.HELD]
    batch = exchanged.batch(name)
    assert batch.hold_code == "F019"
    for table in ("record.payroll_line", "delivery", "tally", "routing", "rejection"):
        assert exchanged.ask(f"select 1 from {table} where batch_id = :id limit 1", id=batch.batch_id) == [], table
    exchanged.deliver()
    exchanged.tell(FEED, Stage.INTAKE)
    assert exchanged.tell(FEED, Stage.OUTCOME) == 0
    assert exchanged.up.control.ledger()["received"]["province"] == before
    [told] = return_lines(exchanged.up, "haidai", f"RET_{name}")
    assert (told[2], told[6]) == ("HELD", "F019")
    pipeline.replay_batch(exchanged.house, batch.batch_id)
    exchanged.run([FEED])
    assert exchanged.batch(name).state is BatchState.REPORTED
    assert gaps(exchanged, exchanged.batch(name)) == []
    assert (
        exchanged.ask("select count(*) as n from record.payroll_line where batch_id = :id", id=batch.batch_id)[0].n
        == 40
    )


TAMPER = {
    "a record is gone": (
        "delete from record.payroll_line where record_id = (select max(record_id) from record.payroll_line where batch_id = :id)",
        "recorded",
    ),
    "an amount has changed": (
        "update record.payroll_line set fen = fen + 1 where record_id = "
        "(select max(record_id) from record.payroll_line where batch_id = :id)",
        "recorded",
    ),
    "a delivery is gone": (
        """with one as (select max(delivery_id) as n from delivery where batch_id = :id),
                r as (delete from receipt where delivery_id = (select n from one))
           delete from delivery where delivery_id = (select n from one)""",
        "answered",
    ),
    "an answer has no receipt": (
        "delete from receipt where delivery_id = (select max(delivery_id) from delivery where batch_id = :id)",
        "answered",
    ),
}


@pytest.mark.parametrize("name", TAMPER)
def test_a_gap_after_storing_keeps_the_batch_from_being_final(exchanged: Hub, name: str) -> None:
    """It is held, its bank hears nothing new, `hub close` does not hide it; a whole batch beside it goes its way."""
    sql, step = TAMPER[name]
    tampered, whole = drop(exchanged), drop(exchanged)
    exchanged.take_in([FEED])
    exchanged.submit()
    exchanged.collect()
    while exchanged.waiting():
        exchanged.submit()
        exchanged.collect()
    batch = exchanged.batch(tampered)
    exchanged.ask(f"with done as ({sql}) select 1" if sql.startswith(("delete", "update")) else f"{sql} returning 1",
                  id=batch.batch_id)  # fmt: skip
    pipeline.mark_delivered(exchanged.house)
    batch = exchanged.batch(tampered)
    assert (batch.state, batch.hold_code) == (BatchState.HELD, "F019")
    assert step in gaps(exchanged, batch)
    assert exchanged.batch(whole).state is BatchState.DELIVERED
    exchanged.run([FEED])
    assert return_lines(exchanged.up, "haidai", f"FIN_{tampered}") == []
    assert return_lines(exchanged.up, "haidai", f"RET_{tampered}")[0][2] == "ACCEPTED"
    assert exchanged.batch(whole).state is BatchState.REPORTED
    with pytest.raises(NotAllowed, match="were stored before it was held"):
        pipeline.close_batch(exchanged.house, batch.batch_id)


def test_hub_balance_shows_the_hops_and_fails_on_a_gap(typed: Typed, exchanged: Hub) -> None:
    """One batch, or a whole day; both languages; exit code 1 names the batch."""
    name = drop(exchanged)
    exchanged.run([FEED])
    batch_id = exchanged.batch(name).batch_id
    code, out, _ = typed("balance", "--batch", batch_id)
    assert code == 0
    assert "入库→应推 stored → owed, or not owed with a reason" in out
    assert "接收 accepted" in out
    assert "1 个批次，0 处缺口 / 1 batches, 0 gaps" in out
    exchanged.ask("with done as (update tally set stored_rows = stored_rows - 1, fetched_rows = fetched_rows - 1 "
                  "where batch_id = :id and schema_name = 'payroll_line') select 1", id=batch_id)  # fmt: skip
    code, out, _ = typed("balance")
    assert code == 1
    assert f"! batch {batch_id} payroll_line 入库→记录表：差 -1 行" in out


def test_ten_absurd_amounts_are_added_up_exactly(exchanged: Hub) -> None:
    """Each is turned down; together they are more fen than 64 bits hold, and nothing wraps round, stops or is held."""
    feed, first = exchanged.feed("bureau_permits"), exchanged.batches("bureau_permits")[0]
    page = json.loads(exchanged.house.archive.read(first.parts[0]))
    rows = page["data"]["rows"][:10]
    for row in rows:
        row["contractPriceWan"] = "999999999999.999999"
    page["data"].update(rows=rows, total=10)
    body = json.dumps(page, ensure_ascii=False).encode()
    digest = exchanged.house.archive.keep(body)
    with working(exchanged.house.engine) as work:
        found = Fetched("pages", [body], printed_rows=10)
        batch_id, _ = batches.add_batch(work, feed.feed_id, found, digest, [digest], feed.digest, "test")
        work.execute(sa.text("update batch set released_by = 'test' where batch_id = :id"), {"id": batch_id})
    assert pipeline.store_batch(exchanged.house, feed, batch_id) is BatchState.STORED
    told = exchanged.ask("select * from tally where batch_id = :id", id=batch_id)
    assert {row.schema_name: row.rejected_fen for row in told} == dict.fromkeys(
        ("project", "permit"), 10 * (10**18 - 1)
    )
    assert gaps(exchanged, exchanged.batches("bureau_permits")[-1]) == []
    assert exchanged.tallies()["bureau_permits", "permit"]["fetched_fen"] > 2**63
