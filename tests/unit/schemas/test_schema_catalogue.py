"""The catalogue knows every schema's facts, and a reason for every way in which a row can fail."""

import datetime as dt
import re
import time

import dataframely as dy
import polars as pl
import pytest
from schema_rows import GOOD, frame
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable, MetaData, Table

from hub.reasons import reason
from schemas import checks
from schemas.catalogue import CODE_OF_CHECK, SCHEMAS, explain, failure_names
from schemas.codes import CODE_LISTS
from schemas.shared import Shared

PERSONAL = {
    "enterprise": {"legal_person_name", "legal_person_id_no", "phone"},
    "project": {"labour_officer_name", "labour_officer_phone"},
    "project_party": {"manager_name", "manager_id_no", "manager_phone"},
    "worker": {"worker_name", "id_no", "phone", "card_no"},
    "labor_contract": {"worker_name", "id_no"},
    "worker_employment": {"worker_name", "id_no"},
    "clue_step": {"operator_name"},
    "warning_step": {"operator_name"},
    "credit_list": {"person_name"},
    "notification": {"phone"},
    "account_txn": {"opposite_name", "opposite_account_no"},
    "payroll_line": {"worker_name", "id_no", "card_no"},
    "clue": {"reporter_name", "reporter_id_no", "reporter_phone", "summary"},
}


@pytest.mark.parametrize(("name", "schema"), SCHEMAS.items())
def test_the_facts_of_a_schema_agree_with_its_columns(name: str, schema: type[Shared]) -> None:
    """Class-level facts are not taken for columns, and name columns that exist."""
    assert schema.business_key == tuple(schema.primary_key())
    assert not schema.money or schema.columns()[schema.money].dtype == pl.Int64
    assert schema.area in ("area_code", "area6_code")
    assert not schema.columns()[schema.area].nullable
    assert schema.label
    assert schema.label_en
    assert schema.source
    assert not {"label", "money", "area", "parents", "source", "rule_reasons", "document"} & set(schema.column_names())


def test_parents_come_before_their_children() -> None:
    """Delivery in catalogue order never sends a child first, and a child carries its parent's whole key."""
    order = list(SCHEMAS)
    for name, schema in SCHEMAS.items():
        for parent in schema.parents:
            assert order.index(parent) < order.index(name)
            assert set(SCHEMAS[parent].business_key) <= set(schema.column_names())


@pytest.mark.parametrize(("name", "schema"), SCHEMAS.items())
def test_every_column_is_labelled(name: str, schema: type[Shared]) -> None:
    """A Chinese label, an English meaning; money says its unit, codes their list, personal data their level."""
    for column, spec in schema.columns().items():
        facts = spec.metadata or {}
        assert re.search(r"[\u4e00-\u9fff]", facts["label"]), column
        assert spec.description, column
        assert (facts.get("unit") == "分") == column.endswith("_fen"), column
        assert (facts.get("level") == "L4") == (column in PERSONAL.get(name, set())), column
        assert facts.get("code_list", "areas") in {*CODE_LISTS, "areas"}, column


@pytest.mark.parametrize(("name", "schema"), SCHEMAS.items())
def test_no_failure_is_unexplained(name: str, schema: type[Shared]) -> None:
    """Every failure dataframely can report leads to a field of the schema and a line code of the catalogue."""
    for failure in failure_names(schema):
        field, code = explain(schema, failure)
        assert field in schema.column_names(), failure
        assert reason(code).level == "line", failure


def test_no_check_is_explained_that_does_not_exist() -> None:
    """The table of check names and each schema's rules hold nothing that is gone."""
    names = {name for schema in SCHEMAS.values() for name in failure_names(schema)}
    assert set(CODE_OF_CHECK) == {name.partition("|")[2] for name in names if "|" in name} - {"dtype"}
    for schema in SCHEMAS.values():
        assert set(schema.rule_reasons) == {n for n in failure_names(schema) if "|" not in n} - {"primary_key"}


def test_a_schema_can_be_extended_with_a_column() -> None:
    """Validation adds a row number to tell copies apart; the facts are inherited."""
    tracked = type("Tracked", (SCHEMAS["clue"],), {"row_no": dy.UInt32(primary_key=True)})
    assert "row_no" in tracked.column_names()
    assert tracked.label == "欠薪线索"


@pytest.mark.parametrize(("name", "schema"), SCHEMAS.items())
def test_a_schema_becomes_a_table(name: str, schema: type[Shared]) -> None:
    """PostgreSQL gets dates, times with zone and 64-bit money."""
    table = Table(name, MetaData(), *schema.to_sqlalchemy_columns(postgresql.dialect()))
    ddl = str(CreateTable(table).compile(dialect=postgresql.dialect()))
    assert not schema.money or f"{schema.money} BIGINT" in ddl
    times = [column for column, spec in schema.columns().items() if isinstance(spec.dtype, pl.Datetime)]
    assert all(f"{column} TIMESTAMP WITH TIME ZONE" in ddl for column in times)


def test_checks_read_the_clock_when_they_are_evaluated(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that runs over midnight does not keep yesterday's date."""
    assert SCHEMAS["permit"].filter(frame("permit", {})).failure.counts() == {}
    monkeypatch.setattr(checks, "today", lambda: dt.date(2026, 3, 1))
    assert "issue_on|check__not_future" in SCHEMAS["permit"].filter(frame("permit", {})).failure.counts()


def test_two_hundred_thousand_lines_take_less_than_two_seconds() -> None:
    """All checks of the largest schema are vectorised; the limit leaves room for a slow machine."""
    lines = frame("payroll_line", GOOD["payroll_line"])
    many = pl.concat([lines] * 200_000, rechunk=True).with_columns(line_no=pl.int_range(1, 200_001, dtype=pl.Int32))
    start = time.perf_counter()
    result = SCHEMAS["payroll_line"].filter(many)
    assert time.perf_counter() - start < 2
    assert result.result.height == 200_000
