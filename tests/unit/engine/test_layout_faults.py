"""A mapping that speaks of columns its layout does not have, or forgets one, is named when it is read."""

from typing import Any

import pytest

from hub.feed import FeedSpec
from hub.registry.layouts import column_faults, layout_faults

SHEET = {"type": "sheet", "columns": ["no", "name", "sum"], "trailer": "合计", "line": "no",
         "totals": {"amount": "sum", "of": "sum", "as": "yuan"}}  # fmt: skip
LINES = {
    "type": "delimited",
    "separator": ",",
    "header": {"columns": ["day"]},
    "detail": {"columns": ["no", "name", "sum"]},
    "trailer": {"columns": ["rows", "total"]},
    "totals": {"rows": "rows", "amount": "total", "of": "sum", "as": "yuan"},
}
TAKEN = {"line_no": "no", "worker_name": "name", "net_fen": {"from": "sum", "as": "yuan"}, "batch_no": "@batch"}


def faults(form: dict[str, Any], rows: str = "detail", **fields: Any) -> list[str]:
    """Place and cause of each fault of a feed with one record."""
    source = {"connector": "sftp", "connection": "a", "files": "in/*", "name": "{batch}.x", "format": form}
    record = {"rows": rows, "fields": {name: spec for name, spec in (TAKEN | fields).items() if spec is not None}}
    spec = FeedSpec.model_validate(
        {"title": "x", "partner": "a", "schedule": "* * * * *", "source": source, "records": {"payroll_line": record}}
    )
    found = [*column_faults(spec, "payroll_line", spec.records["payroll_line"]), *layout_faults(spec)]
    return [f"{'.'.join(map(str, place))}: {cause}" for place, cause in found]


def test_a_sheet_or_lines_without_marks_may_be_right() -> None:
    """Totals of a sheet stand under a column of data; those of lines stand at one end."""
    assert faults(SHEET) == []
    assert faults(LINES, pay_month="../day") == []
    assert faults({"type": "json"}, rows="a/b") == []


CASES = [
    (SHEET, {"net_fen": None}, "records.payroll_line.ignore: column sum is neither taken nor ignored"),
    (SHEET, {"worker_name": "payee"}, "records.payroll_line.fields: column payee is not in the agreed layout"),
    (SHEET, {"worker_name": "../name"}, "records.payroll_line.fields: column ../name is not in the agreed layout"),
    (SHEET, {"batch_no": "@number"}, "records.payroll_line.fields: column @number is not in the agreed layout"),
    (SHEET | {"trailer": None}, {}, "source.format.totals.amount: column sum is not in the agreed layout"),
    (SHEET | {"line": "place"}, {}, "source.format.line: column place is not in the agreed layout"),
    (SHEET | {"columns": ["no", "name", "sum", "sum"]}, {}, "source.format.columns: column sum stands twice"),
    (
        SHEET | {"totals": {"amount": "sum", "of": "sum", "as": "ppm"}},
        {},
        "source.format.totals.as: totals are read as one of yuan",
    ),
    (LINES | {"totals": {"rows": "count"}}, {}, "source.format.totals.rows: column count is not in the agreed layout"),
    (
        LINES | {"agreed": {"rows": {"equals": "1", "else": "F010"}}},
        {},
        "source.format.agreed.rows: column rows is not in",
    ),
    (LINES, {"net_fen": None}, "records.payroll_line.ignore: column sum is neither taken nor ignored"),
    ({"type": "json"}, {"batch_no": "@number"}, "records.payroll_line.fields: @number is no part of a file name"),
]


@pytest.mark.parametrize(("form", "fields", "cause"), CASES, ids=[case[2] for case in CASES])
def test_a_fault_is_named_by_its_place(form: dict[str, Any], fields: dict[str, Any], cause: str) -> None:
    """Place and cause."""
    assert any(found.startswith(cause) for found in faults(form, **fields)), faults(form, **fields)


def test_rows_of_a_sheet_are_detail() -> None:
    """It has no header to take rows from."""
    assert faults(SHEET, rows="header") == ["records.payroll_line.rows: rows of a sheet are detail"]
