"""Keys change while everybody works: no row is refused, none becomes unreadable, and a destroyed key takes its values with it."""

from __future__ import annotations

import re
import threading
import time
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
import sqlalchemy as sa
from round_trip import PROVINCE, Hub, Typed

from hub import pipeline
from hub.errors import HubError, KeysUnusable
from hub.model import BatchState, Stage
from hub.sealing import DESTROYED
from hub.store import keys, resealing
from hub.store.database import open_database, rows_of, working
from hub.store.places import PLACES
from simulators.drops import extra_drop
from simulators.projects import BANKS
from simulators.world import City

CITY = City(7, 0.1)
FEED = "haidai_payrolls"
_extras = count(1)


def drop(hub: Hub, spoiled: int = 0) -> str:
    """A payroll file of forty lines, so many of them with a bad card number."""
    made = extra_drop(CITY, BANKS["haidai"], "PAYR", 500 + next(_extras), None)
    assert made.content is not None
    content = re.sub(rb"\|(6\d{15,18})\|", rb"|1\1|", made.content, count=spoiled) if spoiled else made.content
    return hub.up.control.drop("haidai", f"in/{CITY.day:%Y%m%d}/{made.name}", content)


def states(hub: Hub) -> dict[int, str]:
    with working(hub.house.engine) as work:
        return {row.key: row.state for row in keys.list_keys(work)}


def under(hub: Hub, key_id: int) -> dict[str, int]:
    with working(hub.house.engine) as work:
        return resealing.count_under(work, key_id)


def test_a_key_is_there_when_it_is_needed_and_one_is_active(hub: Hub, typed: Typed) -> None:
    """Nobody makes it; the list says so."""
    drop(hub, spoiled=2)
    hub.run([FEED])
    assert states(hub) == {1: "active"}
    code, out, _ = typed("keys")
    assert (code, "active" in out, "hub" in out) == (0, True, True)
    assert under(hub, 1)["record.payroll_line"] == 38
    assert under(hub, 1)["rejection"] == 2


def test_a_quarter_later_the_next_writer_makes_the_next_key(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once, however many ask; what was sealed before is read as ever."""
    before = hub.opened("payroll_line", "order by record_id")
    day = keys.today().replace(year=keys.today().year + 1)
    monkeypatch.setattr(keys, "today", lambda: day)
    drop(hub)
    hub.take_in([FEED])
    assert states(hub) == {1: "open-only", 2: "active"}
    with working(hub.house.engine) as work:
        assert keys.make_key(work, "x", only_for_a_new_quarter=True) is None
    monkeypatch.undo()
    drop(hub)
    hub.take_in([FEED])
    assert states(hub) == {1: "open-only", 2: "active"}, "a clock that goes back makes no key"
    assert hub.opened("payroll_line", "order by record_id")[: len(before)] == before


def test_rotation_under_load_refuses_and_loses_no_row(hub: Hub) -> None:
    """One worker stores files while another rotates and seals anew all the time, rows of other files at the same moment."""
    files = [drop(hub, spoiled=1) for _ in range(12)]
    hub.fetch(FEED)
    errors: list[Exception] = []
    done = threading.Event()

    def store() -> None:
        try:
            while not done.is_set():
                hub.store(FEED)
                hub.ask("update batch set state = 'fetched' where feed_id = :feed and batch_id % 5 = 0 and state = 'stored' "
                        "returning 1", feed=FEED)  # fmt: skip
        except Exception as error:
            errors.append(error)

    worker = threading.Thread(target=store)
    worker.start()
    rotations, resealed, until = 0, 0, time.monotonic() + 25
    while time.monotonic() < until and worker.is_alive():
        pipeline.rotate_key(hub.house, "王工")
        resealed += pipeline.reseal(hub.house)
        rotations += 1
    done.set()
    worker.join(60)
    assert errors == []
    assert rotations >= 5
    assert resealed > 500
    hub.store(FEED)
    assert {hub.batch(name).state for name in files} == {BatchState.STORED}
    rows = hub.ask("select sum(stored_rows)::int as stored, sum(rejected_rows)::int as rejected from tally join batch "
                   "using (batch_id) where schema_name = 'payroll_line' and source_name = any(:names)",
                   names=[hub.batch(name).source_name for name in files])  # fmt: skip
    assert (rows[0].stored, rows[0].rejected) == (12 * 39, 12)
    opened = hub.opened("payroll_line")
    assert len(opened) >= 12 * 39
    assert all(len(row["id_no"]) >= 8 and row["card_no"] for row in opened)
    pipeline.reseal(hub.house)
    [active] = [key_id for key_id, state in states(hub).items() if state == "active"]
    assert {key_id for key_id in states(hub) if under(hub, key_id)} == {active}


def test_resealing_goes_on_where_it_ended_and_changes_nothing_else(hub: Hub) -> None:
    """Stopped after some rows the rest lies under the old key; versions, digests and indexes stay."""
    facts = "select record_id, version, content_digest, is_current, id_no_index, card_no_index from record.payroll_line order by 1"
    before, [old] = hub.ask(facts), [key_id for key_id, state in states(hub).items() if state == "active"]
    pipeline.rotate_key(hub.house, "王工")
    assert pipeline.reseal(hub.house, most=1) > 0
    left = under(hub, old)
    assert pipeline.reseal(hub.house) == sum(left.values())
    assert under(hub, old) == {}
    assert pipeline.reseal(hub.house) == 0
    assert hub.ask(facts) == before


def test_a_row_that_somebody_holds_is_passed_over(hub: Hub) -> None:
    """Never waited for: no writer and no resealer can block each other for good."""
    pipeline.rotate_key(hub.house, "王工")
    with working(hub.house.engine) as work:
        rows_of(work, "select 1 from record.payroll_line where record_id % 2 = 0 for update")
        pipeline.reseal(hub.house)
    old = hub.ask("select count(*) filter (where record_id % 2 = 0) as even, count(*) as n from record.payroll_line "
                  "where sealed_key <> (select key_id from data_key where state = 'active')")[0]  # fmt: skip
    assert old.even == old.n > 0
    pipeline.reseal(hub.house)


def test_a_key_in_use_is_not_destroyed_and_nobody_is_cut_off(hub: Hub, typed: Typed) -> None:
    """The active one never, an old one not while rows lie under it; a writer that began under it is waited for."""
    [active] = [key_id for key_id, state in states(hub).items() if state == "active"]
    code, _, err = typed("keys", "destroy", active, "--by", "王工", "--reason", "x")
    assert (code, err.startswith("hub: S054")) == (2, True)
    pipeline.rotate_key(hub.house, "王工")
    code, _, err = typed("keys", "destroy", active, "--by", "王工", "--reason", "x")
    assert (code, "rows of record.payroll_line" in err) == (2, True)
    assert typed("keys", "destroy", active)[0] == 2
    assert typed("keys", "destroy", 1_000_000, "--by", "王工", "--reason", "x")[0] == 2
    pipeline.reseal(hub.house)
    order: list[str] = []
    with working(hub.house.engine) as work:
        mine = rows_of(work, "select key_id from data_key where key_id = :id for key share", id=active)
        assert mine
        other = threading.Thread(
            target=lambda: (pipeline.destroy_key(hub.house, active, "王工", "期满"), order.append("destroyed"))
        )
        other.start()
        time.sleep(0.5)
        order.append("committed")
    other.join(30)
    assert order == ["committed", "destroyed"]
    assert states(hub)[active] == "destroyed"
    assert all(len(row["id_no"]) >= 8 for row in hub.opened("payroll_line"))


def test_a_destroyed_key_takes_its_values_and_nothing_crashes(hub: Hub, typed: Typed) -> None:
    """They are shown as destroyed; a record that is owed with one is set aside, its neighbours go out; other data are untouched."""
    hub.run([FEED])
    name = drop(hub, spoiled=1)
    hub.fetch(FEED)
    hub.store(FEED)
    batch_id = hub.batch(name).batch_id
    [lost] = [key_id for key_id, state in states(hub).items() if state == "active"]
    pipeline.rotate_key(hub.house, "王工")
    spared = hub.ask("select record_id from record.payroll_line where batch_id = :id order by 1 limit 5", id=batch_id)
    resealed = _reseal_only(hub, [row.record_id for row in spared])
    assert resealed == 5
    rows = pipeline.destroy_key(hub.house, lost, "王工", "演练", with_values=True)
    assert rows > 30
    values = [
        row["id_no"] for row in hub.opened("payroll_line", "where batch_id = :id order by record_id", id=batch_id)
    ]
    assert [value == DESTROYED for value in values] == [False] * 5 + [True] * 34
    key = hub.ask(
        "select record_key from record.payroll_line where batch_id = :id order by record_id desc limit 1", id=batch_id
    )
    code, out, _ = typed("reveal", "payroll_line", key[0].record_key)
    assert (code, "已销毁 destroyed" in out) == (0, True)
    assert typed("row", batch_id, 39)[0] == 0
    assert typed("find", values[0])[0] == 0
    hub.tell(FEED, Stage.INTAKE)
    hub.deliver()
    sql = """select t.code, count(*) as n from delivery as d join receipt as t using (delivery_id)
             where d.batch_id = :id and d.schema_name = 'payroll_line' and d.receiver = :receiver group by 1"""
    codes = {row.code: row.n for row in hub.ask(sql, id=batch_id, receiver=PROVINCE)}
    assert codes["R005"] == 34
    assert sum(codes.values()) == 39
    code, out, _ = typed("keys")
    assert (code, "演练" in out) == (0, True)
    drop(hub)
    hub.run([FEED])
    pipeline.reseal(hub.house)


def test_a_call_that_waits_is_never_destroyed(hub: Hub) -> None:
    """What is to be told lies under a key as well; it is told first."""
    with working(hub.house.engine) as work:
        batch_id = hub.batches()[0].batch_id
        key = keys.sealing_key(work).key_id
        sql = """insert into told_call (batch_id, stage, call_key, rows, sealed_key, row_count)
                 values (:id, 'intake', 'k', null, :key, 0)"""
        work.execute(sa.text(sql), {"id": batch_id, "key": key})
    pipeline.rotate_key(hub.house, "王工")
    with pytest.raises(HubError, match="1 calls"):
        pipeline.destroy_key(hub.house, key, "王工", "x", with_values=True)
    hub.ask("delete from told_call where call_key = 'k' returning 1")


def test_another_key_encryption_key_takes_over_while_both_are_known(
    hub: Hub, keys_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before and after, whoever knows both works; afterwards the new one is enough, and the old one opens nothing."""
    old, new = (keys_folder / "kek").read_text(), "5a" * 32
    url = hub.house.engine.url.render_as_string(hide_password=False)
    monkeypatch.setenv("HUB_KEK", new)
    monkeypatch.setenv("HUB_KEK_OLD", old)
    both = replace(hub.house, engine=open_database(url))
    before = replace(hub, house=both).opened("payroll_line", "order by record_id")
    assert before == hub.opened("payroll_line", "order by record_id")
    standing = [key_id for key_id, state in states(hub).items() if state != "destroyed"]
    assert pipeline.rewrap_keys(both) == len(standing)
    assert pipeline.rewrap_keys(both) == 0
    assert replace(hub, house=both).opened("payroll_line", "order by record_id") == before
    monkeypatch.delenv("HUB_KEK_OLD")
    alone = replace(hub.house, engine=open_database(url))
    assert replace(hub, house=alone).opened("payroll_line", "order by record_id") == before
    monkeypatch.delenv("HUB_KEK")
    gone = replace(hub.house, engine=open_database(url))
    with pytest.raises(KeysUnusable):
        replace(hub, house=gone).opened("payroll_line", "order by record_id")
    for house in (both, alone, gone):
        house.engine.dispose()


def _reseal_only(hub: Hub, record_ids: list[int]) -> int:
    """Bring a few records under the active key."""
    [place] = [place for place in PLACES if place.table == "record.payroll_line"]
    with working(hub.house.engine) as work:
        return resealing.reseal_some(work, place, (record_ids[0] - 1,), len(record_ids)).sealed
