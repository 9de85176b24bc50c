"""Sealed fields on a real PostgreSQL: a day leaves no person's number in clear, and everything that needs one still has it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa
from round_trip import Hub, Typed
from sealed_tables import clear_numbers, clear_texts, dump

from hub import pipeline
from hub.errors import HubError, KeysUnusable, NotAllowed, SealBroken
from hub.migrations import migrate
from hub.pipeline import House
from hub.sealing import SUITES
from hub.store import keys, reveals
from hub.store.database import open_database, rows_of, working
from hub.store.places import PLACES, record_place
from hub.store.sealed import open_columns
from schemas.personal import PERSONAL_SCHEMAS, number_kind, personal_columns
from simulators.drops import extra_drop
from simulators.projects import BANKS
from simulators.world import City

FILLED = ("account_txn", "clue", "payroll_line")
"""What of the personal records the first ten feeds bring."""


@pytest.fixture(scope="module")
def day(hub: Hub) -> Hub:
    """A whole day, answered and told."""
    hub.up.control.drop_day()
    hub.run()
    return hub


@pytest.fixture(scope="module")
def persons(day: Hub) -> tuple[set[str], set[str]]:
    """Numbers and names of the day, from the opened records, the rejected rows, and the partners' own side."""
    numbers: set[str] = set()
    names: set[str] = set()
    for schema in FILLED:
        for record in day.opened(schema):
            for column in personal_columns(schema):
                if record[column]:
                    (numbers if number_kind(column) else names).add(record[column])
    clues = City(scale=0.1).clues
    numbers |= {number for clue in clues for number in (clue.phone, clue.id_no)}
    names |= {clue.reporter for clue in clues}
    return numbers, {name for name in names if "公司" not in name}


def test_no_number_or_name_of_a_person_stands_in_any_table(day: Hub, persons: tuple[set[str], set[str]]) -> None:
    """Not in a record, a rejected row, a report, an answer, an identity or a note; thousands of numbers, all columns."""
    numbers, names = persons
    tables = dump(day.house.engine)
    assert len(numbers) > 300
    assert len(names) > 100
    assert len(tables) > 400
    assert list(clear_numbers(tables, numbers)) == []
    assert list(clear_texts(tables, names)) == []


def test_the_search_itself_finds_what_is_in_clear(day: Hub, persons: tuple[set[str], set[str]]) -> None:
    """A number or a name put into a table is noticed, in a text, in JSON and in bytes."""
    numbers, names = persons
    number, name = min(numbers), min(names)
    tables = {
        "text": f"x {number} {name}",
        "json": f'{{"a": "{number}", "b": "{name}"}}',
        "bytes": f"\0{number}\0{name}",
    }
    assert list(clear_numbers(tables, numbers)) == list(tables)
    assert list(clear_texts(tables, names)) == list(tables)


def test_the_tables_themselves_take_nothing_in_clear(day: Hub) -> None:
    """Neither a text nor bytes that are no envelope."""
    for value in ("'370102199001011234'", r"'\x3337303130323139393030313031313233343132333435363738'", r"'\x'"):
        with pytest.raises(HubError, match="did not take it"), working(day.house.engine) as work:
            work.execute(sa.text(f"update record.payroll_line set id_no = {value}"))


@pytest.mark.parametrize("schema", FILLED)
def test_a_number_leads_to_its_records(day: Hub, schema: str) -> None:
    """By the blind index, however it is written; names are not searched."""
    records = [record for record in day.opened(schema, "where is_current order by record_id limit 20")]
    with working(day.house.engine) as work:
        for record in records:
            for column in record_place(schema).indexed:
                if record[column]:
                    asked = f" {record[column][:6]}-{record[column][6:]}".lower()
                    found = {(one.schema, one.column, one.record_key) for one in reveals.find_records(work, asked)}
                    assert (schema, column, record["record_key"]) in found
        assert reveals.find_records(work, "370102199001010000") == []


def test_what_receivers_hold_is_what_was_sent_to_them_in_clear(day: Hub) -> None:
    """The envelopes are opened on the way out: the province has every worker's own number."""
    found = day.opened("payroll_line", "where is_current limit 1")[0]
    with working(day.house.engine) as work:
        sql = "select count(*) as n from delivery where schema_name = 'payroll_line' and state = 'accepted'"
        assert rows_of(work, sql)[0].n > 50
    assert len(found["id_no"]) == 18


def test_an_envelope_moved_to_another_row_is_noticed(day: Hub) -> None:
    """By nobody but the hub: the table takes it, and opening says which column, without a value."""
    place = record_place("payroll_line")
    with working(day.house.engine) as work:
        one, other = rows_of(work, f"select {place.row} as row, id_no, card_no from record.payroll_line limit 2")
        for moved in ([other.id_no], [one.card_no]):
            with pytest.raises(SealBroken) as broken:
                open_columns(work, place, [one.row], {"id_no": moved})
            assert broken.value.code == "S052"
            assert "record.payroll_line.id_no" in str(broken.value)


def test_the_same_day_again_is_nothing_new(day: Hub) -> None:
    """Digests are of what was said, not of how it was sealed: another key makes no new version."""
    before = [row.n for name in FILLED for row in day.ask(f"select count(*) as n from record.{name}")]
    pipeline.rotate_key(day.house, "王工")
    day.ask("update batch set state = 'fetched' where state in ('stored', 'delivered', 'reported') returning 1")
    for feed_id in day.house.registry.feeds:
        day.store(feed_id)
    assert [row.n for name in FILLED for row in day.ask(f"select count(*) as n from record.{name}")] == before


def test_values_are_masked_and_shown_to_whoever_says_why(day: Hub, typed: Typed) -> None:
    """Masked without a word; in clear with name and reason, which are kept; to others not at all."""
    record = day.opened("payroll_line", "where is_current and id_type = '01' limit 1")[0]
    key, id_no = record["record_key"], record["id_no"]
    code, out, _ = typed("reveal", "payroll_line", key)
    assert (code, id_no in out, f"{id_no[:4]}**********{id_no[-4:]}" in out) == (0, False, True)
    assert f"{record['worker_name'][0]}***" in out
    assert f"{record['card_no'][:6]}" in out
    assert typed("reveal", "payroll_line", key, "--by", "王科长")[0] == 2
    assert typed("reveal", "payroll_line", key, "--by", " ", "--reason", "x")[0] == 2
    assert typed("reveal", "payroll_line", "nobody/1/1")[0] == 2
    assert typed("reveal", "permit", key)[0] == 2
    code, out, _ = typed(
        "reveal", "payroll_line", key, "--column", "id_no", "--by", "王科长", "--reason", "〔2026〕7号核查"
    )
    assert (code, id_no in out, record["card_no"] in out) == (0, True, False)
    code, out, _ = typed("reveals")
    assert (code, id_no in out) == (0, False)
    assert all(word in out for word in ("王科长", "〔2026〕7号核查", key, "id_no"))
    assert key in typed("find", id_no)[1]


def test_a_rejected_row_is_shown_as_it_came_to_whoever_says_why(day: Hub, typed: Typed) -> None:
    """The partner's own columns; masked otherwise."""
    sql = "select batch_id, printed_no from rejection where schema_name = 'payroll_line' and printed_no <> '' limit 1"
    [row] = day.ask(sql)
    clear = typed("reveal", row.batch_id, row.printed_no, "--by", "王科长", "--reason", "银行来电")[1]
    hidden = typed("reveal", row.batch_id, row.printed_no)[1]
    assert "卡号" in clear
    assert "***" not in clear
    assert "***" in hidden


@pytest.mark.parametrize("suite", SUITES)
def test_a_hub_of_either_suite_seals_in_it(
    suite: str, empty_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The setting chooses; the first key fixes the suite of the index, and a later key may be of the other."""
    monkeypatch.setenv("HUB_SUITE", suite)
    engine = open_database(empty_database())
    migrate(engine)
    with working(engine) as work:
        keys.sealing_key(work)
        assert [(row.key, row.suite, row.state) for row in keys.list_keys(work)] == [(1, suite, "active")]
    other = next(name for name in SUITES if name != suite)
    monkeypatch.setenv("HUB_SUITE", other)
    with working(engine) as work:
        keys.make_key(work, "王工")
        assert [(row.suite, row.state) for row in keys.list_keys(work)] == [(suite, "open-only"), (other, "active")]
        assert rows_of(work, "select suite from index_root")[0].suite == suite
    engine.dispose()


@pytest.fixture
def another_engine(day: Hub) -> Iterator[sa.Engine]:
    """The same database, opened by a process that has read no root yet."""
    engine = open_database(day.house.engine.url.render_as_string(hide_password=False))
    yield engine
    engine.dispose()


@pytest.mark.parametrize("name", ["HUB_KEK", "HUB_INDEX_ROOT"])
def test_another_root_is_told_before_anything_is_written(
    another_engine: sa.Engine, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A worker with the wrong key refuses work; it neither makes a key of its own nor reads rubbish."""
    monkeypatch.setenv(name, "ab" * 32)
    with pytest.raises(KeysUnusable) as wrong, working(another_engine) as work:
        keys.check_roots(work)
    assert wrong.value.code == "S051"
    assert "ab" * 8 not in str(wrong.value)
    needs = keys.sealing_key if name == "HUB_KEK" else keys.blind_index
    with pytest.raises(KeysUnusable), working(another_engine) as work:
        needs(work)


def test_every_personal_schema_is_among_the_places(house: House) -> None:
    """What a schema calls L4 is sealed; nobody can forget it."""
    assert {place.table for place in PLACES} >= {f"record.{schema}" for schema in PERSONAL_SCHEMAS}
    assert all(place.columns for place in PLACES)
    with pytest.raises(NotAllowed):
        pipeline.rotate_key(house, "  ")


def test_a_record_that_was_tampered_with_goes_nowhere_and_its_neighbours_go(day: Hub) -> None:
    """Two cards changed places in the database: both records are set aside (R005), the others of their submission are sent."""
    made = extra_drop(City(7, 0.1), BANKS["haidai"], "PAYR", 900, None)
    assert made.content is not None
    name = day.up.control.drop("haidai", f"in/{City(7, 0.1).day:%Y%m%d}/{made.name}", made.content)
    day.take_in(["haidai_payrolls"])
    batch_id = day.batch(name).batch_id
    day.ask(
        """update record.payroll_line as r set card_no = o.card_no from record.payroll_line as o
               where r.batch_id = :id and o.batch_id = :id and (r.row_no, o.row_no) in ((3, 4), (4, 3)) returning 1""",
        id=batch_id,
    )
    day.deliver()
    sql = """select t.code, count(*) as n from delivery as d join receipt as t using (delivery_id)
             where d.batch_id = :id and d.schema_name = 'payroll_line' group by 1"""
    codes = {row.code: row.n for row in day.ask(sql, id=batch_id)}
    assert codes["R005"] == 2
    assert sum(codes.values()) == 40
    assert any("SealBroken" in sentence for sentence in day.alarms())
    pipeline.rotate_key(day.house, "王工")
    with pytest.raises(SealBroken, match="2 were changed or moved"):
        pipeline.reseal(day.house)
    sql = """select count(*) as n from record.payroll_line
             where sealed_key <> (select key_id from data_key where state = 'active')"""
    assert day.ask(sql)[0].n == 2
