"""What a receiver reads: every recipe of writing, exactly, and null stays null."""

from typing import Any

import pytest

from hub.errors import MappingInvalid
from hub.feed import FieldSpec
from hub.writing import RECIPES, typed_rows, write_rows
from schemas.catalogue import SCHEMAS

MOMENT = "2026-11-23T08:05:09+08:00"
CASES: list[tuple[str, str, Any, str, Any]] = [
    ("project", "contract_amount_fen", 123456, "yuan", "1234.56"),
    ("project", "contract_amount_fen", 5, "yuan", "0.05"),
    ("project", "contract_amount_fen", 0, "yuan", "0.00"),
    ("special_account", "balance_fen", -5, "yuan", "-0.05"),
    ("special_account", "balance_fen", -123456, "yuan", "-1234.56"),
    ("project", "contract_amount_fen", 9007199254740993, "yuan", "90071992547409.93"),
    ("project", "contract_amount_fen", 1234567890, "wan", "1234.56789"),
    ("project", "contract_amount_fen", 1, "wan", "0.000001"),
    ("project", "contract_amount_fen", 10_000_000, "wan", "10"),
    ("project", "contract_amount_fen", 0, "wan", "0"),
    ("project", "contract_amount_fen", 123, "fen", "123"),
    ("project", "start_on", "2026-01-02", "date %Y%m%d", "20260102"),
    ("account_txn", "txn_at", MOMENT, "time %Y-%m-%d %H:%M:%S", "2026-11-23 08:05:09"),
    ("account_txn", "txn_at", "2026-11-23T00:05:09+00:00", "time %H", "08"),
    ("account_txn", "txn_at", MOMENT, "iso_time", MOMENT),
    ("account_txn", "txn_at", MOMENT, "epoch_ms", "1795392309000"),
    ("payroll_batch", "pay_month", "2026-01", "month %Y%m", "202601"),
    ("guarantee", "rate_ppm", 15000, "share", "0.015"),
    ("guarantee", "rate_ppm", 1_000_000, "share", "1"),
    ("project", "is_gov_invest", True, "boolean", "true"),
    ("project", "is_gov_invest", False, "boolean", "false"),
]


@pytest.mark.parametrize(("schema", "column", "value", "recipe", "text"), CASES)
def test_a_recipe_writes_exactly(schema: str, column: str, value: Any, recipe: str, text: str) -> None:
    """The text as it goes out; without a value there is none."""
    frame = typed_rows(SCHEMAS[schema], [{column: value}, {}])
    fields = {"theirs": FieldSpec.model_validate({"from": column, "as": recipe})}
    assert write_rows(fields, frame, {}) == [{"theirs": text}, {"theirs": None}]


def test_every_recipe_has_a_case() -> None:
    """None is left to luck."""
    assert {case[3].split()[0] for case in CASES} == set(RECIPES)


def test_the_other_words_write_too() -> None:
    """from, const, first_of, codes and sql; numbers and yes or no without a recipe stay what they are."""
    records = [
        {"status": "003", "name": "甲", "pay_day": 5, "is_gov_invest": True, "owner_uscc": "U"},
        {"status": "004", "owner_name": "乙", "is_gov_invest": False},
    ]
    says: dict[str, Any] = {
        "state": {"from": "status", "codes": "states"},
        "day": "pay_day",
        "gov": "is_gov_invest",
        "govWord": {"from": "is_gov_invest", "codes": "yes"},
        "fixed": {"const": "1"},
        "who": {"first_of": ["name", "owner_name"]},
        "both": {"sql": "name || '-' || owner_uscc"},
    }
    fields = {name: FieldSpec.model_validate(spec) for name, spec in says.items()}
    codes = {"states": {"003": "在建", "004": "完工"}, "yes": {"true": "Y", "false": "N"}}
    assert write_rows(fields, typed_rows(SCHEMAS["project"], records), codes) == [
        {"state": "在建", "day": 5, "gov": True, "govWord": "Y", "fixed": "1", "who": "甲", "both": "甲-U"},
        {"state": "完工", "day": None, "gov": False, "govWord": "N", "fixed": "1", "who": "乙", "both": None},
    ]


def test_a_word_the_table_does_not_know_is_never_left_out() -> None:
    """The mapping is wrong, and says so; the value itself is not told."""
    frame = typed_rows(SCHEMAS["project"], [{"status": "003"}])
    fields = {"state": FieldSpec.model_validate({"from": "status", "codes": "states"})}
    with pytest.raises(MappingInvalid, match="table states lacks a word that member state"):
        write_rows(fields, frame, {"states": {"004": "完工"}})


def test_a_moment_nobody_can_read_is_never_left_out() -> None:
    """An offset with seconds, as clocks had before 1901."""
    with pytest.raises(MappingInvalid, match="nobody can write"):
        typed_rows(SCHEMAS["account_txn"], [{"txn_at": "1900-01-01T08:05:43+08:05:43"}])


@pytest.mark.parametrize("column", ["start_on", "contract_sign_on"])
def test_a_date_nobody_can_read_is_never_left_out(column: str) -> None:
    """And it is not quoted: it may be somebody's birth date."""
    with pytest.raises(MappingInvalid, match="has a form that nobody can write"):
        typed_rows(SCHEMAS["project"], [{column: "23.11.2026"}])


def test_what_cannot_be_written_is_not_quoted() -> None:
    """An expression that stops at some value stops the submission, with a word that holds nothing of the row."""
    frame = typed_rows(SCHEMAS["project"], [{"name": "张三的工程"}])
    with pytest.raises(MappingInvalid) as error:
        write_rows({"theirs": FieldSpec(sql="cast(name as int)")}, frame, {})
    assert "张三" not in str(error.value)


def test_constants_alone_are_written_for_every_record() -> None:
    """Also where no member is taken from the record."""
    frame = typed_rows(SCHEMAS["project"], [{}, {}])
    assert (
        write_rows({"kind": FieldSpec(const="1"), "name": FieldSpec(const="x")}, frame, {})
        == [{"kind": "1", "name": "x"}] * 2
    )
