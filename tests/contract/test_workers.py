"""Two workers at the same work, and workers that die between two durable states: every effect happens once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any

import pytest
from round_trip import PROVINCE, Hub, at_once, effects

from connectors.open_api import OpenApiReceiver
from hub import bootstrap, pipeline
from hub.archive import Archive
from hub.errors import PartnerUnavailable
from hub.model import BatchState, ReceiptAnswer, Stage
from hub.pipeline import House
from hub.store import batches
from hub.store.database import open_database
from simulators.drops import extra_drop
from simulators.projects import BANKS
from simulators.world import City

CITY = City(7, 0.1)
FEED = "haidai_payrolls"
_extras = count(1)


@pytest.fixture
def name(hub: Hub) -> str:
    """A good payroll file of forty lines, dropped for this test."""
    drop = extra_drop(CITY, BANKS["haidai"], "PAYR", 70 + next(_extras), None)
    assert drop.content is not None
    return hub.up.control.drop("haidai", f"in/{CITY.day:%Y%m%d}/{drop.name}", drop.content)


@pytest.fixture
def second(hub: Hub) -> Iterator[House]:
    """Another worker's house: the same database and archive by connections of its own."""
    engine = open_database(hub.house.engine.url.render_as_string(hide_password=False))
    yield House(engine, Archive(hub.house.archive.folder), hub.house.registry)
    engine.dispose()


def line_effects(hub: Hub, name: str) -> list[Mapping[str, Any]]:
    """The province's effects of the lines of this file."""
    keys = {
        row.record_key
        for row in hub.ask(
            "select record_key from record.payroll_line join batch using (batch_id) where source_name like :name",
            name=f"%/{name}",
        )
    }
    assert len(keys) == 40
    return [effect for effect in hub.up.control.effects("payroll_line") if effect["record_key"] in keys]


def each_has_one_effect(hub: Hub, name: str) -> None:
    """Created or refused once; never known already, never corrected."""
    found = line_effects(hub, name)
    assert len(found) == 40
    for effect in found:
        assert (effect["created"] + effect["refused"], effect["existing"], effect["corrected"]) == (1, 0, 0)


def test_two_fetching_the_same_file_make_one_batch(hub: Hub, second: House, name: str) -> None:
    """The same bytes under the same name are one batch, whoever brings them."""

    def fetch(house: House) -> None:
        with bootstrap.open_connector(hub.feed(FEED)) as connector:
            pipeline.fetch_feed(house, hub.feed(FEED), connector)

    assert at_once(lambda: fetch(hub.house), lambda: fetch(second)) == []
    assert len([batch for batch in hub.batches() if batch.source_name.endswith(name)]) == 1
    assert hub.batch(name).state is BatchState.FETCHED


def test_two_storing_the_same_batch_write_it_once(hub: Hub, second: House, name: str) -> None:
    """The second waits for the first and finds it done."""
    hub.fetch(FEED)
    batch_id = hub.batch(name).batch_id
    errors = at_once(
        lambda: pipeline.store_batch(hub.house, hub.feed(FEED), batch_id),
        lambda: pipeline.store_batch(second, hub.feed(FEED), batch_id),
    )
    assert errors == []
    rows = hub.ask("select stored_rows from tally where batch_id = :id and schema_name = 'payroll_line'", id=batch_id)
    assert [row.stored_rows for row in rows] == [40]
    stored = hub.ask(
        "select count(*) as n, max(version) as v from record.payroll_line where batch_id = :id", id=batch_id
    )
    assert (stored[0].n, stored[0].v) == (40, 1)


def test_two_storing_two_versions_of_the_same_lines_keep_them_in_order(hub: Hub, second: House) -> None:
    """One writer per schema: both versions stand, numbered one and two."""
    drop = extra_drop(CITY, BANKS["haidai"], "PAYR", 70 + next(_extras), None)
    assert drop.content is not None
    corrected = drop.content.replace(b"|F|0003|", b"|U|0001|").replace(b"|S||", b"|R||")
    assert corrected != drop.content
    for text, name in ((drop.content, drop.name), (corrected, drop.name.replace("_v1", "_v2"))):
        hub.up.control.drop("haidai", f"in/{CITY.day:%Y%m%d}/{name}", text)
    ids = hub.fetch(FEED)[-2:]
    errors = at_once(*(
        lambda house=house, batch_id=batch_id: pipeline.store_batch(house, hub.feed(FEED), batch_id)  # type: ignore[misc]
        for house, batch_id in zip((hub.house, second), reversed(ids), strict=True)
    ))  # fmt: skip
    assert errors == []
    sql = """select record_key, array_agg(version order by version) as versions, count(*) filter (where is_current) as n
             from record.payroll_line where batch_id = any(:ids) group by record_key"""
    for row in hub.ask(sql, ids=ids):
        assert row.n <= 1
        assert row.versions in ([1], [2], [1, 2])


def test_two_delivering_send_each_record_once(hub: Hub, second: House, name: str) -> None:
    """Each claims what the other has not; the province's ledger shows one effect per record."""
    hub.fetch(FEED)
    hub.store(FEED)
    receives = hub.house.registry.receives(PROVINCE).model_copy(update={"max_batch": 7})

    def deliver(house: House) -> None:
        receiver = bootstrap.open_receiver(hub.house.registry, PROVINCE)
        pipeline.deliver_waiting(house, PROVINCE, receives, receiver)
        pipeline.collect_receipts(house, PROVINCE, receives, receiver)

    assert at_once(lambda: deliver(hub.house), lambda: deliver(second)) == []
    hub.deliver()
    found = line_effects(hub, name)
    assert [e["created"] + e["refused"] for e in found] == [1] * 40
    assert [e["existing"] for e in found] == [0] * 40


def test_two_collecting_write_each_receipt_once(hub: Hub, second: House, name: str) -> None:
    """The same answers read twice at once."""
    hub.fetch(FEED)
    hub.store(FEED)
    hub.submit()
    receives = hub.house.registry.receives(PROVINCE)

    def collect(house: House) -> None:
        pipeline.collect_receipts(house, PROVINCE, receives, bootstrap.open_receiver(hub.house.registry, PROVINCE))

    assert at_once(lambda: collect(hub.house), lambda: collect(second)) == []
    hub.deliver()
    sql = """select count(*) as receipts from delivery join receipt using (delivery_id) join batch using (batch_id)
             where source_name like :name and schema_name = 'payroll_line' and outcome in ('accepted', 'refused')"""
    assert hub.ask(sql, name=f"%/{name}")[0].receipts == 40


def test_two_reporting_leave_one_return_file(hub: Hub, second: House, name: str) -> None:
    """The same file placed twice at once is one version."""
    hub.fetch(FEED)
    hub.store(FEED)

    def tell(house: House) -> None:
        feed = hub.feed(FEED)
        with bootstrap.open_connector(feed) as connector:
            pipeline.report_batch(house, feed, hub.batch(name), Stage.INTAKE, connector)

    errors = at_once(lambda: tell(hub.house), lambda: tell(second))
    assert [error for error in errors if not isinstance(error, PartnerUnavailable)] == []
    hub.tell(FEED, Stage.INTAKE)
    told = hub.up.control.ledger()["received"]["haidai"]["ret"][f"RET_{name}"]
    assert (told["versions"], told["digest_ok"], told["flag_ok"]) == (1, True, True)


class Dying(OpenApiReceiver):
    """A receiver whose worker dies right after the province has answered the n-th submission."""

    left = 0

    def submit(self, schema: str, batch_key: str, records: Sequence[Mapping[str, Any]]) -> str | list[ReceiptAnswer]:
        serial = super().submit(schema, batch_key, records)
        if self.left == 0:
            raise KeyboardInterrupt
        self.left -= 1
        return serial

    def poll(self, serial_code: str) -> list[ReceiptAnswer] | None:
        super().poll(serial_code)
        raise KeyboardInterrupt


@pytest.fixture
def dying(hub: Hub) -> Dying:
    return Dying(bootstrap.find_connection("province_api"), hub.house.registry.receives(PROVINCE), {})


@pytest.mark.parametrize("after", [0, 1])
def test_dying_between_submitting_and_noting_it_doubles_nothing(hub: Hub, dying: Dying, name: str, after: int) -> None:
    """The next worker asks under the same key and gets the same serial code."""
    hub.fetch(FEED)
    hub.store(FEED)
    dying.left = after
    with pytest.raises(KeyboardInterrupt):
        pipeline.deliver_waiting(hub.house, PROVINCE, hub.house.registry.receives(PROVINCE), dying)
    assert hub.ask("select 1 from submission where serial_code is null and answered_at is null")
    hub.deliver()
    each_has_one_effect(hub, name)


def test_dying_between_the_answer_and_noting_it_doubles_nothing(hub: Hub, dying: Dying, name: str) -> None:
    """It is asked after again; the answer is the same."""
    hub.fetch(FEED)
    hub.store(FEED)
    hub.submit()
    with pytest.raises(KeyboardInterrupt):
        pipeline.collect_receipts(hub.house, PROVINCE, hub.house.registry.receives(PROVINCE), dying)
    hub.deliver()
    each_has_one_effect(hub, name)


def test_dying_between_archive_and_database_loses_nothing(hub: Hub, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bytes are kept, the batch is not yet: the next fetch makes it."""

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(batches, "add_batch", die)
    with pytest.raises(KeyboardInterrupt):
        hub.fetch(FEED)
    monkeypatch.undo()
    hub.run([FEED])
    each_has_one_effect(hub, name)


def test_dying_while_storing_leaves_the_batch_fetched(hub: Hub, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Records, rejections and deliveries are one commit with the state: all or none."""

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    hub.fetch(FEED)
    monkeypatch.setattr(batches, "write_tally", die)
    with pytest.raises(KeyboardInterrupt):
        hub.store(FEED)
    monkeypatch.undo()
    batch = hub.batch(name)
    assert batch.state is BatchState.FETCHED
    assert hub.ask("select 1 from record.payroll_line where batch_id = :id", id=batch.batch_id) == []
    hub.run([FEED])
    each_has_one_effect(hub, name)


@pytest.mark.parametrize("stage", list(Stage))
def test_dying_between_a_report_and_noting_it_tells_nothing_twice(
    hub: Hub, name: str, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The return file is put again under its name with its content: one version."""

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    hub.fetch(FEED)
    hub.store(FEED)
    if stage is Stage.OUTCOME:
        hub.tell(FEED, Stage.INTAKE)
        hub.deliver()
    monkeypatch.setattr(batches, "write_report", die)
    with pytest.raises(KeyboardInterrupt):
        hub.tell(FEED, stage)
    monkeypatch.undo()
    hub.run([FEED])
    received = hub.up.control.ledger()["received"]["haidai"]
    assert received["ret"][f"RET_{name}"]["versions"] == 1
    assert received["fin"][f"FIN_{name}"]["versions"] == 1


def test_dying_between_a_call_and_noting_it_tells_nothing_twice(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Statuses by call go out again under the same key, which the partner knows."""
    feeds = ("bureau_permits", "daizong_guarantees", "nat_clues")

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    for feed_id in feeds:
        hub.fetch(feed_id)
        hub.store(feed_id)
    monkeypatch.setattr(batches, "write_report", die)
    with pytest.raises(KeyboardInterrupt):
        hub.tell("nat_clues", Stage.INTAKE)
    monkeypatch.undo()
    hub.tell("nat_clues", Stage.INTAKE)
    hub.deliver()
    for feed_id in feeds:
        monkeypatch.setattr(batches, "write_report", die)
        with pytest.raises(KeyboardInterrupt):
            hub.tell(feed_id, Stage.OUTCOME)
        monkeypatch.undo()
        hub.tell(feed_id, Stage.OUTCOME)
    for partner in ("bureau", "daizong", "nat"):
        told = hub.up.control.statuses(partner)
        assert told
        assert {status["times"] for status in told} == {1}, partner
    before = effects(hub.up)["received"]
    hub.run(feeds)
    assert effects(hub.up)["received"] == before
