"""Every row becomes a record or a rejection with all its reasons, and every fen is on one side."""

import json
from typing import Any

import polars as pl
import pytest
from engine_rows import CARD, ID_NO, haidai_payroll, payroll_line, read_file

from hub.feed import RecordSpec
from hub.mapping import map_rows
from hub.model import Rows, Sorted
from hub.registry import Registry
from hub.validation import sort_rows
from schemas.catalogue import SCHEMAS

FIELDS: dict[str, Any] = {
    "channel": {"const": "nat"},
    "channel_serial_no": "编号",
    "received_at": {"from": "时间", "as": "time %Y-%m-%d %H:%M:%S"},
    "reporter_name": "姓名",
    "reporter_phone": "电话",
    "domain": {"from": "领域", "codes": "domain"},
    "area_code": "区划",
    "arrears_people": "人数",
    "arrears_fen": {"from": "金额", "as": "yuan"},
    "summary": "内容",
    "source_updated_at": {"from": "更新", "as": "epoch_ms"},
}
GOOD = {
    "编号": "C1", "时间": "2026-11-20 10:11:12", "姓名": "张三", "电话": "13900000000", "领域": "工程",
    "区划": "370902001", "人数": "1", "金额": "100.00", "内容": "没有发工资", "更新": "1763604672000",
}  # fmt: skip
CODES = {"domain": {"工程": "construction"}}
HAIDAI = "313_370902_PAYR_20261123_0001_v1.txt"


def sort(*changes: dict[str, str | None], repeats: str = "reject", broken: pl.DataFrame | None = None) -> Sorted:
    """Good clues, each with some cells changed, through mapping and schema."""
    record = RecordSpec.model_validate({"rows": "rows", "key": {"code": "编号"}, "fields": FIELDS, "repeats": repeats})
    data = [{"#part": 0, "#line": no, "#no": str(no), **GOOD, **change} for no, change in enumerate(changes, 1)]
    schema: dict[str, Any] = {"#part": pl.Int32, "#line": pl.Int32, "#no": pl.String} | dict.fromkeys(GOOD, pl.String)
    rows = Rows(pl.DataFrame(data, schema=schema), tuple(GOOD), frozenset(), broken)
    return sort_rows("clue", record, map_rows(record, SCHEMAS["clue"], rows, CODES), rows)


def reasons(found: Sorted) -> dict[int, set[tuple[str, str, str]]]:
    """Field, column and code of every reason by line."""
    lines = zip(found.rejections["#line"].to_list(), found.rejections["#reasons"].to_list(), strict=True)
    return {line: {(r["field"], r["column"], r["code"]) for r in each} for line, each in lines}


def test_a_good_row_is_a_record_with_everything_the_store_needs() -> None:
    """Its business key, its digest, its fen, its place and its own text."""
    record = sort({}).records.row(0, named=True)
    assert record["#record_key"] == "nat/C1"
    assert record["#fen"] == record["arrears_fen"] == 10_000
    assert (record["#part"], record["#line"], record["#no"]) == (0, 1, "1")
    assert json.loads(record["#key"]) == {"code": "C1"}
    assert json.loads(record["#row"]) == GOOD
    assert len(record["#digest"]) == 64


# cells changed, reasons expected
BAD: list[tuple[dict[str, str | None], set[tuple[str, str, str]]]] = [
    ({"姓名": ""}, {("reporter_name", "姓名", "L101")}),
    ({"姓名": "\u3000"}, {("reporter_name", "姓名", "L101")}),
    ({"姓名": "张\x00三"}, {("reporter_name", "姓名", "L118")}),
    ({"姓名": "张\r三"}, {("reporter_name", "姓名", "L118")}),
    ({"姓名": "锟斤拷"}, {("reporter_name", "姓名", "L114")}),
    ({"姓名": "\ue000\ue001"}, {("reporter_name", "姓名", "L114")}),
    ({"电话": "1390000000"}, {("reporter_phone", "电话", "L102")}),
    ({"领域": "其他"}, {("domain", "领域", "L108")}),
    ({"领域": None}, {("domain", "领域", "L101")}),
    ({"区划": "371202001"}, {("area_code", "区划", "L113")}),
    ({"人数": "一"}, {("arrears_people", "人数", "L102")}),
    ({"人数": "0"}, {("arrears_people", "人数", "L111")}),
    ({"金额": "1,000.00"}, {("arrears_fen", "金额", "L109")}),
    ({"金额": "-1"}, {("arrears_fen", "金额", "L111")}),
    ({"金额": "999999999999"}, {("arrears_fen", "金额", "L111")}),
    ({"时间": "2026-11-24 00:00:00"}, {("received_at", "时间", "L107")}),
    ({"时间": "2026-02-30 00:00:00"}, {("received_at", "时间", "L110")}),
    ({"时间": "-2026-02-03 00:00:00"}, {("received_at", "时间", "L110")}),
    ({"编号": None}, {("channel_serial_no", "编号", "L101")}),
    ({"编号": "C/1"}, {("channel_serial_no", "编号", "L102")}),
    (
        {"姓名": "", "电话": "1", "领域": "x", "金额": "１", "时间": "昨天", "内容": None},
        {
            ("reporter_name", "姓名", "L101"), ("reporter_phone", "电话", "L102"), ("domain", "领域", "L108"),
            ("arrears_fen", "金额", "L109"), ("received_at", "时间", "L110"), ("summary", "内容", "L101"),
        },
    ),
]  # fmt: skip


@pytest.mark.parametrize(("change", "expected"), BAD)
def test_a_bad_row_is_told_every_reason_once(
    change: dict[str, str | None], expected: set[tuple[str, str, str]]
) -> None:
    """In the partner's own column names; an unreadable mandatory field is not blamed for being empty as well."""
    found = sort({}, change | {"编号": change.get("编号", "C2")})
    assert reasons(found) == {2: expected}
    assert len(found.rejections["#reasons"].to_list()[0]) == len(expected)
    assert found.records["#line"].to_list() == [1]


def test_unreadable_optional_fields_reject_their_row_too() -> None:
    """Nothing is silently made empty."""
    assert reasons(sort({"人数": "1.5"})) == {1: {("arrears_people", "人数", "L102")}}


def test_rows_do_not_disturb_each_other() -> None:
    """Each line has its own verdict, in the order of the lines."""
    found = sort(
        {"编号": "C1"}, {"编号": "C2", "姓名": None}, {"编号": "C3"}, {"编号": "C4", "金额": "x", "姓名": None}
    )
    assert found.records["channel_serial_no"].to_list() == ["C1", "C3"]
    assert found.rejections["#line"].to_list() == [2, 4]
    assert {line: len(each) for line, each in reasons(found).items()} == {2: 1, 4: 2}


def test_the_first_of_two_rows_with_one_key_stands() -> None:
    """The later ones are L105, whatever they say."""
    found = sort({"金额": "1"}, {"金额": "2"}, {"编号": "C2"}, {"金额": "1"})
    assert found.records["arrears_fen"].to_list() == [100, 10_000]
    assert reasons(found) == {line: {("channel_serial_no", "编号", "L105")} for line in (2, 4)}
    assert found.rejections["#fen"].to_list() == [200, 100]


def test_rows_without_a_key_are_no_copies_of_each_other() -> None:
    """They lack the key, which is reason enough."""
    found = sort({"编号": None}, {"编号": ""})
    assert reasons(found) == {line: {("channel_serial_no", "编号", "L101")} for line in (1, 2)}


def test_last_wins_keeps_the_last_and_counts_the_others_with_their_fen() -> None:
    """A page given twice, or a row that moved to a later page."""
    found = sort({"金额": "1"}, {"编号": "C2", "金额": "4"}, {"金额": "2"}, {"金额": "3"}, repeats="last_wins")
    assert found.records.select("channel_serial_no", "arrears_fen").rows() == [("C2", 400), ("C1", 300)]
    assert (found.repeated_rows, found.repeated_fen) == (2, 300)
    assert found.rejections.is_empty()


def test_last_wins_keeps_every_row_without_a_key() -> None:
    """Each is rejected by itself."""
    found = sort({"编号": None}, {"编号": None}, repeats="last_wins")
    assert (found.rejections.height, found.repeated_rows) == (2, 0)


def test_fen_of_rejected_rows_are_counted_where_they_can_be_read() -> None:
    """An illegible amount counts nought here; the file's own total has it."""
    found = sort({"编号": "C1"}, {"编号": "C2", "姓名": None, "金额": "7"}, {"编号": "C3", "金额": "七"})
    assert found.rejections["#fen"].to_list() == [700, 0]
    assert found.records["#fen"].sum() == 10_000


def test_no_row_and_no_fen_is_lost() -> None:
    """Records, rejections and repeats add up to what came."""
    changes = [{"编号": f"C{no % 4}", "金额": str(no), "姓名": None if no % 3 else "张三"} for no in range(1, 21)]
    for repeats in ("reject", "last_wins"):
        found = sort(*changes, repeats=repeats)
        assert found.records.height + found.rejections.height + found.repeated_rows == 20
        fen = found.records["#fen"].sum() + found.rejections["#fen"].sum() + found.repeated_fen
        assert fen == sum(range(1, 21)) * 100


def test_lines_that_could_not_be_cut_are_rejections_among_the_others() -> None:
    """With their whole text and their code, in the order of the file."""
    places = {"#part": pl.Int32, "#line": pl.Int32}
    cut = {"#part": [0], "#line": [2], "#text": ['D|"x'], "#code": ["L115"], "#no": ["2"]}
    found = sort(
        {"姓名": None}, {"编号": "C2"}, {"编号": "C3", "姓名": None}, broken=pl.DataFrame(cut, schema_overrides=places)
    )
    assert found.rejections["#line"].to_list() == [1, 2, 3]
    told = found.rejections.row(1, named=True)
    assert (told["#no"], told["#fen"], json.loads(told["#row"])) == ("2", 0, {"line": 'D|"x'})
    assert told["#reasons"] == [{"field": "", "column": "", "code": "L115"}]


def test_equal_content_has_an_equal_digest() -> None:
    """Whatever its batch, its line, its filling and its time of change."""
    plain, moved = sort({}), sort({"编号": "C0"}, {"更新": "1763604679000", "姓名": " 张三\u3000"})
    assert plain.records["#digest"][0] == moved.records["#digest"][1]
    assert moved.records["source_updated_at"][0] != moved.records["source_updated_at"][1]


@pytest.mark.parametrize("change", [{"姓名": "李四"}, {"金额": "100.01"}, {"人数": None}, {"内容": "没有发工资。"}])
def test_other_content_has_another_digest(change: dict[str, str | None]) -> None:
    """A correction is known by it."""
    assert sort(change).records["#digest"][0] != sort({}).records["#digest"][0]


def test_a_batch_of_nothing_is_sorted_into_nothing() -> None:
    """With all the columns, so that the store need not ask."""
    found = sort()
    assert (found.records.height, found.rejections.height, found.repeated_fen) == (0, 0, 0)
    assert set(sort({}).records.columns) == set(found.records.columns)
    assert set(sort({"姓名": None}).rejections.columns) == set(found.rejections.columns)


def test_the_real_mapping_names_the_banks_own_columns(registry: Registry) -> None:
    """Two bad lines among three, by the numbers the bank printed."""
    lines = [
        payroll_line(),
        payroll_line(行号="2", 证件号码=ID_NO[:-1] + "x", 卡号=CARD[:-1], 实发金额="5,000.00", 发放结果="F"),
        payroll_line(行号="1", 姓名="重复"),
    ]
    found = read_file(
        registry.feeds["haidai_payrolls"], registry.codes, haidai_payroll(*lines, total="15000.00"), HAIDAI
    )
    told = {
        row["#no"]: {(r["column"], r["code"]) for r in row["#reasons"]}
        for row in found["payroll_line"].rejections.iter_rows(named=True)
    }
    assert told == {
        "2": {("证件号码", "L103"), ("卡号", "L103"), ("实发金额", "L109"), ("失败代码", "L101")},
        "3": {("行号", "L105")},
    }
    assert found["payroll_batch"].records.height == 1


def test_a_nul_is_shown_by_its_picture_where_the_row_is_kept() -> None:
    """PostgreSQL keeps no NUL: one bad cell would stop the file it stands in. The value itself is still rejected for it."""
    found = sort({"编号": "C\x001", "姓名": "张\x00三"})
    [row] = found.rejections.iter_rows(named=True)
    assert json.loads(row["#row"])["姓名"] == "张␀三"
    assert json.loads(row["#key"]) == {"code": "C␀1"}
    assert ("reporter_name", "姓名", "L118") in reasons(found)[1]


def test_a_nul_in_a_broken_line_is_shown_by_its_picture_too() -> None:
    """The whole line is kept with its rejection."""
    schema: dict[str, Any] = {
        "#part": pl.Int32,
        "#line": pl.Int32,
        "#no": pl.String,
        "#text": pl.String,
        "#code": pl.String,
    }
    broken = pl.DataFrame([(0, 9, "9", "a\x00|b\\u0000", "L115")], schema=schema, orient="row")
    [row] = sort({}, broken=broken).rejections.iter_rows(named=True)
    assert json.loads(row["#row"]) == {"line": "a␀|b\\u0000"}
