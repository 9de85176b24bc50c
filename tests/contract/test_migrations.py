"""The tables that the migrations build, held against the schemas they are for."""

from __future__ import annotations

import threading
from collections.abc import Callable

import polars as pl
import pytest
import sqlalchemy as sa
from alembic import command
from alembic.command import upgrade

from hub.errors import HubError
from hub.migrations import migrate
from hub.store.database import open_database, rows_of, working
from hub.store.deliveries import ENVELOPE
from schemas.catalogue import SCHEMAS
from schemas.personal import PERSONAL_SCHEMAS, number_kind, personal_columns

TYPES = {
    pl.String: {"text"},
    pl.Int64: {"bigint"},
    pl.Int32: {"integer"},
    pl.Boolean: {"boolean"},
    pl.Date: {"date"},
    pl.Datetime: {"timestamp with time zone"},
}


def columns(engine: sa.Engine, schema: str, table: str) -> dict[str, tuple[str, bool]]:
    """Type and nullability of each column, in order."""
    sql = """select column_name, data_type, is_nullable = 'YES' as nullable from information_schema.columns
             where table_schema = :schema and table_name = :table order by ordinal_position"""
    with working(engine) as work:
        return {r.column_name: (r.data_type, r.nullable) for r in rows_of(work, sql, schema=schema, table=table)}


def everything(engine: sa.Engine) -> list[tuple[object, ...]]:
    """Every column of every table, and how far the migrations have come."""
    sql = """select table_schema, table_name, column_name, data_type, is_nullable from information_schema.columns
             where table_schema in ('hub', 'record') order by 1, 2, ordinal_position"""
    with working(engine) as work:
        steps = rows_of(work, "select version_num from hub.alembic_version")
        return [*map(tuple, rows_of(work, sql)), *map(tuple, steps)]


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_record_table_has_exactly_its_schemas_columns(name: str, engine: sa.Engine) -> None:
    """Names in order, nullability, and a type that holds what the schema holds; the envelope beside them."""
    found = columns(engine, "record", name)
    assert set(ENVELOPE) - ({"sealed_key"} if name not in PERSONAL_SCHEMAS else set()) <= set(found)
    personal = personal_columns(name)
    indexes = {f"{column}_index": column for column in personal if number_kind(column)}
    own = {column: what for column, what in found.items() if column not in ENVELOPE and column not in indexes}
    wanted = SCHEMAS[name].columns()
    assert list(own) == list(wanted)
    assert set(indexes) <= set(found)
    for column, what in wanted.items():
        assert own[column][0] in ({"bytea"} if column in personal else TYPES[what.dtype.base_type()]), column
        assert own[column][1] == what.nullable, column


def test_there_is_a_table_for_each_schema_and_no_other(engine: sa.Engine) -> None:
    """A schema without a table would fail at night."""
    with working(engine) as work:
        found = rows_of(work, "select table_name from information_schema.tables where table_schema = 'record'")
    assert {row.table_name for row in found} == set(SCHEMAS)


@pytest.mark.parametrize("name", SCHEMAS)
def test_one_version_of_a_business_key_stands_once(name: str, engine: sa.Engine) -> None:
    """The database itself refuses a second copy."""
    sql = """select array_agg(a.attname::text order by a.attname) as columns
             from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = any(i.indkey)
             where i.indrelid = cast(:table as regclass) and i.indisunique and not i.indisprimary group by i.indexrelid"""
    with working(engine) as work:
        found = [row.columns for row in rows_of(work, sql, table=f"record.{name}")]
    assert ["record_key", "version"] in found


def test_migrating_twice_changes_nothing(engine: sa.Engine) -> None:
    """The second time there is nothing to do."""
    before = everything(engine)
    migrate(engine)
    assert everything(engine) == before


def test_two_at_once_give_one_set_of_tables(empty_database: Callable[[], str], engine: sa.Engine) -> None:
    """Whoever comes second waits and finds the work done."""
    url, errors = empty_database(), list[Exception]()
    engines = [open_database(url) for _ in range(4)]
    start = threading.Barrier(len(engines))

    def work(mine: sa.Engine) -> None:
        start.wait()
        try:
            migrate(mine)
        except (HubError, sa.exc.SQLAlchemyError) as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(mine,)) for mine in engines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert everything(engines[0]) == everything(engine)
    for mine in engines:
        mine.dispose()


def test_a_house_with_records_takes_the_step(
    empty_database: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Guarantees that came before the word `purpose` secured wages; accounts keep their permit; later rows must say it."""
    old = open_database(empty_database())
    monkeypatch.setattr(command, "upgrade", lambda config, _: upgrade(config, "0001"))
    migrate(old)
    guarantee = """insert into record.guarantee (batch_id, part_no, row_no, printed_no, source_key, record_key, version,
        content_digest, fen, insurer_uscc, guarantee_no, type, applicant_uscc, beneficiary_org, permit_no, contract_amount_fen,
        amount_fen, valid_from_on, valid_to_on, is_irrevocable, is_on_demand, status, area_code)
        values (1, 1, 1, '1', '{}', 'a/b', :version, '', 1, 'a', 'b', 'surety_insurance', 'c', 'd', 'e', 1,
        1, '2026-01-01', '2026-12-31', true, true, 'active', '370902001')"""
    with working(old) as work:
        work.execute(sa.text(guarantee), {"version": 1})
    monkeypatch.undo()
    migrate(old)
    with working(old) as work:
        assert [r.purpose for r in rows_of(work, "select purpose from record.guarantee")] == ["wage_deposit"]
    with pytest.raises((HubError, sa.exc.IntegrityError)), working(old) as work:
        work.execute(sa.text(guarantee), {"version": 2})
    old.dispose()
