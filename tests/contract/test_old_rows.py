"""A database from before the step: what stood in clear is sealed in the commit that takes it, and is the same afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.command import upgrade
from sealed_tables import clear_numbers, clear_texts, dump

from hub.digest import sm3_hex
from hub.migrations import migrate
from hub.sealing import keyed_digests
from hub.store import crosswalk, keys, repairs, reveals
from hub.store.database import open_database, rows_of, working

ID_NO, OLD_ID_NO, CARD, NAME = "370102199001011231", "370102900101123", "6222020000000000018", "欧阳测"
BEFORE = "0010"
ENVELOPE = "batch_id, part_no, row_no, printed_no, source_key, record_key, version, content_digest, fen"
LINE = f"""insert into record.payroll_line ({ENVELOPE}, bank3_code, batch_no, line_no, worker_name, id_type, id_no, card_no,
             net_fen, result, pay_month, permit_no, area6_code)
           values (1, 0, :n, :n, '{{}}', '313/a/' || :n, 1, :digest, 1, '313', 'a', :n, :name, '01', :id_no, :card, 1, 'success',
             '2026-10', 'p', '370900')"""
OTHERS = (
    """insert into batch (feed_id, source_name, digest, state, parts, mapping_digest, hub_version)
       values ('any_feed', 'x', 'x', 'stored', '{}', '', '')""",
    f"""insert into rejection (batch_id, schema_name, part_no, row_no, printed_no, source_key, fen, source_row, row_digest, reasons)
        values (1, 'payroll_line', 0, 9, '9', '{{}}', 1, '{{"证号": "{ID_NO}", "空": null}}', 'r', '[]')""",
    "insert into repair (batch_id, state, reason, asked_by, decided_by) values (1, 'effective', 'x', 'a', 'b')",
    f"""insert into repair_row (repair_id, place, part_no, row_no, printed_no, corrections, before_digest, after_digest, reasons)
        values (1, 'detail', 0, 9, '9', '{{"卡号": "{CARD}"}}', '', '', '[]')""",
    f"""insert into told_call (batch_id, stage, call_key, rows, row_count)
        values (1, 'intake', 'k', '[{{"name": "{NAME}"}}]', 1)""",
    f"insert into identity (kind, anchor) values ('worker', '01 {ID_NO}'), ('worker', '01 {OLD_ID_NO}'), ('enterprise', 'u')",
    f"""insert into id_crosswalk (hub_id, id_kind, id_value, schema_name, batch_id)
        values (1, 'card_no', '{CARD}', 'x', 1), (2, 'card_no', '{CARD}', 'x', 1), (2, 'worker_no', 'p u W1', 'x', 1)""",
)


@pytest.fixture(scope="module")
def old(empty_database: Callable[[], str]) -> Iterator[sa.Engine]:
    """A database one step back, with rows in clear, brought to the newest step."""
    engine = open_database(empty_database())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(command, "upgrade", lambda config, _: upgrade(config, BEFORE))
        migrate(engine)
    with working(engine) as work:
        for statement in OTHERS:
            work.execute(sa.text(statement.replace(":", r"\:")))
        for n in range(1, 8):
            values = {"n": n, "digest": sm3_hex(b"%d" % n), "name": NAME, "id_no": ID_NO, "card": CARD}
            work.execute(sa.text(LINE), values)
    migrate(engine)
    yield engine
    engine.dispose()


def test_nothing_of_it_stands_in_clear(old: sa.Engine) -> None:
    """In no column, and nothing is left of where it was put aside."""
    tables = dump(old)
    assert list(clear_numbers(tables, {ID_NO, OLD_ID_NO, CARD})) == []
    assert list(clear_texts(tables, {NAME})) == []
    assert not [column for column in tables if column.endswith(".clear")]


def test_every_value_is_what_it_was(old: sa.Engine) -> None:
    """Records, rejected rows, repairs; required columns are required again, digests are keyed."""
    with working(old) as work:
        shown = {one.column: one.value for one in reveals.values_of_record(work, "payroll_line", "313/a/3")}
        assert shown == {"worker_name": NAME, "id_no": ID_NO, "card_no": CARD}
        assert [(one.column, one.value) for one in reveals.values_of_row(work, 1, "9")] == [
            ("空", None),
            ("证号", ID_NO),
        ]
        assert [one.cells for one in repairs.effective_corrections(work, 1)] == [{"卡号": CARD}]
        assert len(reveals.find_records(work, CARD)) == 7
        digest = rows_of(work, "select content_digest from record.payroll_line where row_no = 3")[0].content_digest
        assert [digest] == keyed_digests(keys.checked_root(work), [sm3_hex(b"3")])
        sql = """select column_name from information_schema.columns where table_schema = 'record' and is_nullable = 'NO'
                 and table_name = 'payroll_line' and column_name in ('worker_name', 'id_no', 'card_no')"""
        assert len(rows_of(work, sql)) == 3


def test_a_worker_under_two_ways_of_writing_is_one_now(old: sa.Engine) -> None:
    """Fifteen and eighteen digits were two workers before; both numbers lead to the one, with all it was called."""
    with working(old) as work:
        for number in (ID_NO, OLD_ID_NO, CARD, "W1"):
            rows = crosswalk.find_things(work, number)
            assert {row.hub_id for row in rows} == {1}
            assert sorted(row.id_kind for row in rows) == ["card_no", "document", "worker_no"]
        hidden = crosswalk.numbers_behind(work, rows)
        assert sorted(hidden.values()) == [f"01 {ID_NO}", CARD]


def test_taking_the_step_again_changes_nothing(old: sa.Engine) -> None:
    """Nothing is sealed twice."""
    before = dump(old)
    migrate(old)
    assert dump(old) == before
