"""The six words of a mapping, what a type reads by itself, and what happens to columns nobody spoke of."""

import json
from typing import Any

import polars as pl
import pytest

from hub.errors import FeedChanged
from hub.feed import RecordSpec
from hub.mapping import Mapped, columns_used, default_recipe, map_rows
from hub.model import Rows
from schemas.catalogue import SCHEMAS

CODES = {"sides": {"1": "in", "2": "out"}, "yes_no": {"是": "true", "否": "false"}, "nothing": {}}


def rows_of(*rows: dict[str, str | None], framing: frozenset[str] = frozenset()) -> Rows:
    """Rows of text with all their columns their own."""
    names = tuple(dict.fromkeys(name for row in rows for name in row))
    schema: dict[str, Any] = {"#part": pl.Int32, "#line": pl.Int32, "#no": pl.String} | dict.fromkeys(names, pl.String)
    data = [{"#part": 0, "#line": no, "#no": str(no), **row} for no, row in enumerate(rows, 1)]
    return Rows(pl.DataFrame(data, schema=schema), names, framing)


def mapped(
    schema: str, rows: Rows, *, key: dict[str, str] | None = None, ignore: tuple[str, ...] = (), **fields: Any
) -> Mapped:
    """Rows through a record's mapping of these fields."""
    record = RecordSpec.model_validate({"rows": "x", "key": key or {}, "fields": fields, "ignore": ignore})
    return map_rows(record, SCHEMAS[schema], rows, CODES)


def field(
    spec: Any, *texts: str | None, schema: str = "account_txn", name: str = "summary"
) -> list[tuple[Any, str | None]]:
    """What one field becomes of the column ``a``: value and code, row by row."""
    frame = mapped(schema, rows_of(*({"a": text, "b": "B"} for text in texts)), **{name: spec}).frame
    return frame.select(name, f"!{name}").rows()


def test_plain_text_means_from() -> None:
    """The shortest form of a field."""
    assert field("a", "x") == field({"from": "a"}, "x") == [("x", None)]


@pytest.mark.parametrize("text", [None, "", " ", "\t ", "\u3000", " \u3000\u00a0 "])
def test_a_blank_cell_is_null_whatever_it_is_blank_with(text: str | None) -> None:
    """Full-width spaces too; and nothing is wrong with it until the schema says so."""
    assert field("a", text) == [(None, None)]
    assert field({"from": "a", "as": "yuan"}, text, name="amount_fen") == [(None, None)]
    assert field({"from": "a", "codes": "sides"}, text, name="direction") == [(None, None)]


def test_cells_are_trimmed_at_both_ends_and_nowhere_else() -> None:
    """Filling is taken off, spaces inside stay."""
    assert field("a", "\u3000买买提 江 ") == [("买买提 江", None)]
    assert field({"from": "a", "as": "yuan"}, " 1.00\u3000", name="amount_fen") == [(100, None)]


def test_const_is_the_same_for_every_row() -> None:
    """No column is needed."""
    assert field({"const": "x"}, "1", None) == [("x", None), ("x", None)]


def test_first_of_takes_the_first_column_that_is_not_blank() -> None:
    """Blank is the same as absent."""
    spec = {"first_of": ["a", "b"]}
    assert field(spec, "x", " ", None) == [("x", None), ("B", None), ("B", None)]


def test_codes_turn_their_code_into_our_word() -> None:
    """A code that is in no line of the table is L108, not passed through; full-width digits are digits."""
    spec = {"from": "a", "codes": "sides"}
    assert field(spec, "1", " 2 ", "3", "in", "１", name="direction") == [
        ("in", None), ("out", None), (None, "L108"), (None, "L108"), ("in", None),
    ]  # fmt: skip
    assert field({"from": "a", "codes": "nothing"}, "1", name="direction") == [(None, "L108")]


def test_codes_may_lead_to_a_boolean() -> None:
    """The table's word is read as the type of the field."""
    spec = {"from": "a", "codes": "yes_no"}
    assert field(spec, "是", "否", "Y", schema="permit", name="is_revoked") == [
        (True, None),
        (False, None),
        (None, "L108"),
    ]


def test_as_reads_with_a_recipe_and_names_its_code() -> None:
    """Amounts L109, dates L110, other forms L102."""
    assert field({"from": "a", "as": "yuan"}, "1,00", name="amount_fen") == [(None, "L109")]
    assert field({"from": "a", "as": "date %Y%m%d"}, "20260230", schema="permit", name="issue_on") == [(None, "L110")]
    assert field({"from": "a", "as": "ppm"}, "1 %", schema="guarantee", name="rate_ppm") == [(None, "L102")]


def test_sql_is_one_expression_over_columns() -> None:
    """Its text is trimmed like any other."""
    assert field({"sql": "CONCAT(a, '-', b)"}, "x") == [("x-B", None)]
    assert field({"sql": "CASE WHEN a = '1' THEN b ELSE ' ' END"}, "1", "2") == [("B", None), (None, None)]


def test_whole_numbers_and_booleans_have_one_natural_reading() -> None:
    """Everything else must be named in the mapping."""
    assert field("a", "007", "1.0", "99999999999", schema="payroll_line", name="line_no") == [
        (7, None), (None, "L102"), (None, "L102"),
    ]  # fmt: skip
    assert field("a", "true", "1", schema="permit", name="is_revoked") == [(True, None), (None, "L102")]
    assert [default_recipe(kind) for kind in (pl.String(), pl.Date(), pl.Int32(), pl.Boolean())] == [
        None, None, "integer", "boolean",
    ]  # fmt: skip


def test_a_field_without_a_mapping_is_null_in_its_own_type() -> None:
    """The schema decides whether that is allowed."""
    frame = mapped("permit", rows_of({"a": "x"}), scale="a").frame
    assert frame.schema["issue_on"] == pl.Date
    assert frame["issue_on"].to_list() == [None]
    assert "!issue_on" not in frame.columns


@pytest.mark.parametrize(
    ("spec", "used"),
    [
        ("a", {"a"}),
        ({"from": "../a"}, {"../a"}),
        ({"first_of": ["a", "@area"]}, {"a", "@area"}),
        ({"sql": "CONCAT(a, UPPER(b))"}, {"a", "b"}),
        ({"const": "a"}, set()),
    ],
)
def test_a_mapping_knows_the_columns_it_reads(spec: Any, used: set[str]) -> None:
    """The key's columns are among them."""
    record = RecordSpec.model_validate({"rows": "x", "key": {"theirs": "k"}, "fields": {"summary": spec}})
    assert columns_used(record) == used | {"k"}


def test_a_missing_column_of_a_mandatory_field_refuses_the_batch() -> None:
    """F008: a column was renamed, and every row would be rejected for it."""
    with pytest.raises(FeedChanged, match="column 金额 is in none of the rows; field amount_fen needs it") as error:
        mapped("account_txn", rows_of({"a": "x"}), amount_fen={"from": "金额", "as": "yuan"})
    assert error.value.code == "F008"


def test_a_missing_column_of_an_optional_field_is_an_alarm() -> None:
    """The rows are good without it."""
    found = mapped("account_txn", rows_of({"a": "x"}), summary="摘要", txn_no="a")
    assert found.alarms == ("column 摘要 is in none of the rows",)
    assert found.frame["summary"].to_list() == [None]


def test_a_missing_column_of_a_key_is_an_alarm() -> None:
    """The partner must be told its own name of the row."""
    found = mapped("account_txn", rows_of({"a": "x"}), key={"no": "k"}, txn_no="a")
    assert found.alarms == ("column k is in none of the rows",)


def test_a_column_nobody_spoke_of_is_an_alarm() -> None:
    """Neither taken nor ignored nor read by the format: the partner has changed something."""
    rows = rows_of({"a": "x", "b": "y", "mark": "D", "new": "z"}, framing=frozenset({"mark"}))
    found = mapped("account_txn", rows, ignore=("b",), txn_no="a")
    assert found.alarms == ("column new came and the mapping neither takes nor ignores it",)


def test_no_rows_raise_no_alarm() -> None:
    """A quiet day has no columns to miss."""
    found = mapped("account_txn", rows_of(), amount_fen={"from": "金额", "as": "yuan"}, summary="摘要")
    assert found.alarms == ()
    assert found.frame.is_empty()
    assert found.frame.schema["amount_fen"] == pl.Int64


def test_the_partners_key_and_the_row_are_kept_as_text() -> None:
    """Untrimmed, as they came, for the way back and for the clerk."""
    frame = mapped("account_txn", rows_of({"a": ' x"', "b": None}), key={"no": "a"}, txn_no="a").frame
    assert json.loads(frame["#key"][0]) == {"no": ' x"'}
    assert json.loads(frame["#row"][0]) == {"a": ' x"', "b": None}
    assert mapped("account_txn", rows_of({"a": "x"}), txn_no="a").frame["#key"].to_list() == ["{}"]


def test_columns_of_the_parent_are_read_and_are_not_the_rows_own() -> None:
    """They stand in the parent's own record."""
    rows = rows_of({"a": "x"})
    with_parent = Rows(rows.frame.with_columns(pl.lit("313").alias("../bank")), rows.own)
    found = mapped("account_txn", with_parent, bank3_code="../bank", txn_no="a")
    assert found.frame["bank3_code"].to_list() == ["313"]
    assert found.alarms == ()
    assert json.loads(found.frame["#row"][0]) == {"a": "x"}
