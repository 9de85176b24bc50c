"""A row that makes the mapping or a check itself fail is turned down alone, under L126; everything else goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from engine_rows import haidai_payroll, payroll_line

from hub.errors import FeedChanged
from hub.feed import Feed, FieldSpec
from hub.model import Sorted
from hub.pipeline import poison, read_rows
from hub.registry import read_registry

REGISTRY = read_registry(Path(__file__).parents[3] / "mappings", "haidai_payrolls")
NAME = "in/20261123/313_370900_PAYR_20261123_0001_v1.txt"


def strict_feed() -> Feed:
    """A mapping whose expression of SQL raises over a text that is no number, instead of giving nothing."""
    feed = REGISTRY.feed("haidai_payrolls")
    record = feed.spec.records["payroll_line"]
    fields = {**record.fields, "line_no": FieldSpec.model_validate({"sql": "CAST(行号 AS BIGINT)"})}
    records = {**feed.spec.records, "payroll_line": record.model_copy(update={"fields": fields})}
    return feed.model_copy(update={"spec": feed.spec.model_copy(update={"records": records})})


def read(feed: Feed, *odd: int, count: int = 40) -> tuple[Sorted, tuple[str, ...]]:
    """A file of so many lines, those with these numbers written so that the mapping fails over them."""
    lines = [payroll_line(行号="x" if no in odd else str(no), 实发金额="1.00") for no in range(1, count + 1)]
    reading = read_rows(feed, [haidai_payroll(*lines, total=f"{count}.00")], NAME, REGISTRY.codes)
    return {found.schema: found for found in reading.found}["payroll_line"], reading.alarms


@pytest.mark.parametrize("odd", [(1,), (40,), (7, 8, 31), tuple(range(2, 41, 2))])
def test_only_the_rows_that_fail_are_turned_down(odd: tuple[int, ...]) -> None:
    """By number, with the row kept beside the reason; the alarm says which, and no value."""
    found, alarms = read(strict_feed(), *odd)
    assert found.records.height == 40 - len(odd)
    assert [int(no) for no in found.rejections["#no"]] == list(odd)
    assert {why["code"] for row in found.rejections["#reasons"] for why in row} == {"L126"}
    assert all('"行号":"x"' in row for row in found.rejections["#row"])
    [alarm] = [one for one in alarms if "L126" in one]
    assert alarm.startswith(f"payroll_line: rows {', '.join(map(str, odd))} could not be processed")


def test_a_file_without_such_a_row_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is read in halves, and nothing is alarmed, when nothing fails."""
    calls: list[int] = []
    real = poison.sort_rows

    def counting(*words: Any) -> Sorted:
        calls.append(1)
        return real(*words)

    monkeypatch.setattr(poison, "sort_rows", counting)
    found, alarms = read(strict_feed())
    assert (found.records.height, found.rejections.height, len(calls)) == (40, 0, 2)
    assert not [one for one in alarms if "L126" in one]


def test_rows_turned_down_by_a_rule_stay_beside_those(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the file's order; so do lines that could not be cut."""
    real = poison.sort_rows

    def failing(name: str, record: Any, mapped: Any, rows: Any) -> Sorted:
        if name == "payroll_line" and "毒" in rows.frame["姓名"].to_list():
            raise ZeroDivisionError("毒")
        return real(name, record, mapped, rows)

    monkeypatch.setattr(poison, "sort_rows", failing)
    lines = [payroll_line(行号=str(no), 姓名="毒" if no == 2 else "张三") for no in range(1, 5)]
    lines[2]["卡号"] = "1"
    lines[3]["姓名"] = "张|三"
    reading = read_rows(
        REGISTRY.feed("haidai_payrolls"), [haidai_payroll(*lines, total="20000.00")], NAME, REGISTRY.codes
    )
    found = {one.schema: one for one in reading.found}["payroll_line"]
    told = [(row["#no"], row["#reasons"][0]["code"]) for row in found.rejections.iter_rows(named=True)]
    assert [no for no, _ in told] == ["2", "3", "4"]
    assert (told[0][1], told[2][1]) == ("L126", "L115")
    assert found.records["#no"].to_list() == ["1"]
    assert not any("毒" in alarm for alarm in reading.alarms)


def test_what_fails_without_any_row_is_no_rows_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake in the program is raised as it is; nobody's rows are turned down for it."""

    def broken(*_: Any) -> Sorted:
        raise ZeroDivisionError

    monkeypatch.setattr(poison, "sort_rows", broken)
    with pytest.raises(ZeroDivisionError):
        read(REGISTRY.feed("haidai_payrolls"))


def test_too_many_such_rows_are_for_a_person(monkeypatch: pytest.MonkeyPatch) -> None:
    """The batch is held: something is wrong with all of it."""
    monkeypatch.setattr(poison, "MOST_POISON", 5)
    with pytest.raises(FeedChanged, match="more than 5 rows cannot be processed") as caught:
        read(strict_feed(), *range(1, 11))
    assert caught.value.code == "F008"
