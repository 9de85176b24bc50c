"""Two ways to write one letter become one, in names and in codes each in its way; wrong decoding is seen and stops a batch."""

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from engine_rows import ID_NO

from hub.errors import FeedChanged
from hub.feed import RecordSpec
from hub.mapping import map_rows
from hub.model import Parsed, Rows
from hub.pipeline.reading import check_decoding
from hub.text import OLD_LETTERS, UNREADABLE, count_garbled, is_mojibake, with_real_letters
from schemas.catalogue import SCHEMAS

TWO_BYTES = ["a8bc", *(f"a6{t}" for t in ("d9", "da", "db", "dc", "dd", "de", "df", "ec", "ed", "f3")),
             *(f"fe{t}" for t in ("51", "52", "53", "59", "61", "66", "67", "6c", "6d", "76", "7e", "90", "91", "a0"))]  # fmt: skip


def rows_of(*texts: str | None, name: str = "a") -> Rows:
    """One column of text."""
    frame = pl.DataFrame({name: texts}, schema={name: pl.String}).with_row_index("#line", offset=1)
    place = [
        pl.lit(0).cast(pl.Int32).alias("#part"),
        pl.col("#line").cast(pl.Int32),
        pl.col("#line").cast(pl.String).alias("#no"),
    ]
    return Rows(frame.select(*place, name), (name,))


def read(schema: str, field: str, spec: Any, *texts: str | None) -> tuple[list[tuple[Any, Any]], tuple[str, ...]]:
    """What a field becomes of the texts: value and code; and the notes."""
    record = RecordSpec.model_validate({"rows": "x", "fields": {field: spec}})
    mapped = map_rows(record, SCHEMAS[schema], rows_of(*texts), {"sides": {"1": "in"}})
    return mapped.frame.select(field, f"!{field}").rows(), mapped.notes


PAID_AT = dt.datetime(2026, 11, 23, 9, 5, 3, tzinfo=ZoneInfo("Asia/Shanghai"))


@pytest.mark.parametrize("code", TWO_BYTES)
def test_what_python_reads_as_a_private_letter_becomes_a_real_one(code: str) -> None:
    """The 25 codes in which its table is that of 2000."""
    private = bytes.fromhex(code).decode("gb18030")
    assert "\ue000" <= private <= "\uf8ff"
    assert not "\ue000" <= OLD_LETTERS[private] <= "\uf8ff"


def test_the_real_letters_are_those_of_the_standard() -> None:
    """A few by hand; the vertical full stop and comma stand the other way round than in Unicode."""
    raw = bytes.fromhex("fe59fe66fea0fe51a8bca6daa6db").decode("gb18030")
    assert "".join(OLD_LETTERS[letter] for letter in raw) == "\u9fb4\u9fb6\u9fbb\U00020087\u1e3f\ufe12\ufe11"
    assert len(set(OLD_LETTERS.values())) == len(OLD_LETTERS) == 92


@pytest.mark.parametrize(("real", "private"), [("㭎", "\ue82d"), ("䶮", "\ue863"), ("龴", "\ue81e"), ("𠂇", "\ue816")])
def test_one_name_from_two_sources_is_one_text(real: str, private: str) -> None:
    """As GB18030, and as a partner sends it whose own tables are those of GBK."""
    twins = pl.DataFrame({"name": [f"王{real}", f"王{private}"]}).select(with_real_letters(pl.col("name"))).to_series()
    assert twins.to_list() == [f"王{real}"] * 2
    found, notes = read("payroll_line", "worker_name", "a", f"王{real}", f"王{private}")
    assert found == [(f"王{real}", None)] * 2
    assert notes == ("1 cells held letters of the old private area and were folded",)


def test_private_letters_that_nobody_knows_stay() -> None:
    """For the schema to turn down."""
    assert read("payroll_line", "worker_name", "a", "王\ue001")[0] == [("王\ue001", None)]


@pytest.mark.parametrize(
    ("schema", "field", "spec", "text", "value"),
    [
        ("payroll_line", "line_no", "a", "１２", 12),
        ("payroll_line", "paid_at", {"from": "a", "as": "time %Y%m%d%H%M%S"}, "２０２６１１２３０９０５０３", PAID_AT),
        ("payroll_line", "id_no", {"from": "a", "as": "upper"}, "３７０９ｘ", "3709X"),
        ("payroll_line", "id_no", {"from": "a", "as": "upper"}, ID_NO.lower(), ID_NO),
        ("account_txn", "direction", {"from": "a", "codes": "sides"}, "１", "in"),
        ("payroll_line", "card_no", "a", "６２１", "621"),
        ("payroll_line", "worker_name", "a", "Ａ（王）", "Ａ（王）"),
        ("account_txn", "summary", "a", "第１批", "第１批"),
    ],
)
def test_full_width_is_folded_in_codes_and_numbers_and_kept_in_names(
    schema: str, field: str, spec: Any, text: str, value: Any
) -> None:
    """And the count says so."""
    found, notes = read(schema, field, spec, text)
    assert found == [(value, None)]
    is_folded = value != text and not text.isascii()
    assert notes == (
        ("1 cells held full-width digits or letters where codes or numbers belong and were folded",)
        if is_folded
        else ()
    )


def test_an_amount_in_full_width_is_not_read() -> None:
    """Money is written as agreed or not taken."""
    found, _ = read("payroll_line", "net_fen", {"from": "a", "as": "yuan"}, "１２．３０")
    assert found == [(None, "L109")]


def test_what_the_partner_wrote_is_shown_as_it_was_written() -> None:
    """Folding changes what is read, not what is shown of the row or sent back."""
    record = RecordSpec.model_validate({"rows": "x", "key": {"no": "a"}, "fields": {"line_no": "a"}})
    frame = map_rows(record, SCHEMAS["payroll_line"], rows_of("１２"), {}).frame
    assert frame.select("line_no", "#key", "#row").row(0) == (12, '{"no":"１２"}', '{"a":"１２"}')


def test_a_spoiled_cell_is_unreadable_in_every_field() -> None:
    """L102, also where any text would do; it is shown without its mark."""
    for schema, field, spec in (
        ("payroll_line", "worker_name", "a"),
        ("payroll_line", "net_fen", {"from": "a", "as": "yuan"}),
        ("account_txn", "direction", {"from": "a", "codes": "sides"}),
    ):
        assert read(schema, field, spec, UNREADABLE + "#REF!", None)[0] == [(None, "L102"), (None, None)]
    record = RecordSpec.model_validate({"rows": "x", "fields": {"worker_name": "a"}})
    shown = map_rows(record, SCHEMAS["payroll_line"], rows_of(UNREADABLE + "#REF!"), {}).frame["#row"].item()
    assert shown == '{"a":"#REF!"}'


CHINESE = ("张三", "李四", "王五", "泰安市建设集团有限公司", "一二三", "农民工工资专用账户", "（泰山区）岱岳区１号")


@pytest.mark.parametrize("text", CHINESE)
def test_wrong_decoding_is_seen(text: str) -> None:
    """UTF-8 read as GBK, by Python and by Windows, as Latin-1, and replaced letters read once more."""
    raw = text.encode()
    for spoiled in (
        raw.decode("gb18030", "replace"),
        raw.decode("gbk", "replace").replace("\ufffd", "?"),
        raw.decode("latin-1"),
        raw.decode("cp1252", "replace"),
        (b"\xef\xbf\xbd" * 4).decode("gbk"),
    ):
        assert is_mojibake(spoiled), spoiled


@pytest.mark.parametrize(
    "text",
    [
        *(*CHINESE, "农业", "联通", "㭎䶮", "𠮷", "买买提·艾合买提", "滕鑫淼", "灞桥", "濮阳溧水", "锟先生", "？", "№１"),
        *("", "abc", "Ann O'Neil", "café", "10 µm ±2°", "€ 12"),
    ],
)  # fmt: skip
def test_right_text_is_not_taken_for_wrong(text: str) -> None:
    """Rare surnames, signs and Latin letters."""
    assert not is_mojibake(text)


@pytest.mark.parametrize(
    ("bad", "good", "held"),
    [(1, 0, False), (1, 5, False), (2, 18, True), (2, 19, False), (3, 0, True), (40, 10_000, False)],
)
def test_a_tenth_of_the_rows_holds_the_batch(bad: int, good: int, held: bool) -> None:
    """And at least two; fewer are turned down row by row."""
    rows = rows_of(*(["寮犱笁"] * bad), *(["张三"] * good))
    parsed = Parsed({"detail": rows})
    if not held:
        check_decoding(parsed, {"detail": frozenset({"a"})})
        return
    with pytest.raises(FeedChanged) as error:
        check_decoding(parsed, {"detail": frozenset({"a"})})
    assert (error.value.code, "寮犱笁" in str(error.value)) == ("F017", False)
    check_decoding(parsed, {"detail": frozenset({"another column"})})


def test_a_large_batch_is_looked_at_in_steps() -> None:
    """Every so many rows, the same ones each time."""
    frame = pl.DataFrame({"a": ["锟斤拷", "张三"] * 5_000})
    garbled, looked = count_garbled(frame)
    assert (garbled, looked) == count_garbled(frame)
    assert looked == 2_000
    assert count_garbled(pl.DataFrame({"a": ["张三", None]})) == (0, 2)
    assert count_garbled(pl.DataFrame(schema={"a": pl.String})) == (0, 0)


def test_chinese_forms_of_dates_are_read() -> None:
    """By the forms that recipes have anyway."""
    found, _ = read(
        "special_account",
        "open_on",
        {"from": "a", "as": "date %Y年%m月%d日"},
        "2026年11月03日",
        "２０２６年１１月０３日",
    )
    assert found == [(dt.date(2026, 11, 3), None)] * 2
