"""Every recipe reads what is written exactly, and what it cannot read exactly is null: it never guesses."""

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.recipes import RECIPES, find_recipe

SHANGHAI = ZoneInfo("Asia/Shanghai")
FEN = st.integers(min_value=-(10**14) + 1, max_value=10**14 - 1)


def read(words: str, *texts: str | None) -> list[Any]:
    """What a recipe makes of some texts."""
    recipe, argument = find_recipe(words)
    frame = pl.DataFrame({"text": texts}, schema={"text": pl.String})
    found = frame.select(recipe.read(pl.col("text"), argument)).to_series()
    assert found.dtype == recipe.dtype
    return found.to_list()


def at(*parts: int) -> dt.datetime:
    """A Shanghai time."""
    return dt.datetime(*parts, tzinfo=SHANGHAI)  # type: ignore[arg-type, misc]


GOOD: list[tuple[str, str, Any]] = [
    ("yuan", "0", 0),
    ("yuan", "-0.00", 0),
    ("yuan", "1", 100),
    ("yuan", "1.5", 150),
    ("yuan", "0.29", 29),  # 28 when read as a binary fraction
    ("yuan", "-0.01", -1),
    ("yuan", "0005000.00", 500_000),
    ("yuan", "999999999999.99", 99_999_999_999_999),
    ("money_wan", "1", 1_000_000),
    ("money_wan", "0.000001", 1),
    ("money_wan", "-0.5", -500_000),
    ("money_wan", "860.123456", 860_123_456),
    ("money_wan", "123456789012.123456", 123_456_789_012_123_456),
    ("fen", "000000000000123", 123),
    ("fen", "-00000000000123", -123),
    ("fen", "999999999999999999", 999_999_999_999_999_999),
    ("ppm", "0.0125", 12_500),
    ("ppm", "1", 1_000_000),
    ("ppm", "0.000001", 1),
    ("percent", "1.5", 15_000),
    ("percent", "1.5%", 15_000),
    ("percent", "100%", 1_000_000),
    ("percent", "0.0001%", 1),
    ("permille", "15‰", 15_000),
    ("permille", "0.5", 500),
    ("yuan_commas", "1,234.50", 123_450),
    ("yuan_commas", "1234.5", 123_450),
    ("yuan_commas", "-1,234,567", -123_456_700),
    ("yuan_commas", "0.05", 5),
    ("integer", "-007", -7),
    ("boolean", "true", True),
    ("boolean", "false", False),
    ("date %Y%m%d", "20260203", dt.date(2026, 2, 3)),
    ("date %Y%m%d", "20240229", dt.date(2024, 2, 29)),
    ("date %Y-%m-%d", "2026-02-03", dt.date(2026, 2, 3)),
    ("date %Y%m%d", "99991231", dt.date(9999, 12, 31)),  # the schema decides that this is no day
    ("time %Y%m%d%H%M%S", "20260203000000", at(2026, 2, 3)),
    ("time %Y%m%d%H%M%S", "20261123235959", at(2026, 11, 23, 23, 59, 59)),
    ("time %Y-%m-%d %H:%M:%S", "2026-02-03 01:02:03", at(2026, 2, 3, 1, 2, 3)),
    ("iso_time", "2026-02-03T01:02:03+08:00", at(2026, 2, 3, 1, 2, 3)),
    ("iso_time", "2026-02-02T17:02:03Z", at(2026, 2, 3, 1, 2, 3)),
    ("iso_time", "2026-02-02T12:02:03-05:00", at(2026, 2, 3, 1, 2, 3)),
    ("iso_time", "2026-02-03T01:02:03.5+08:00", at(2026, 2, 3, 1, 2, 3, 500_000)),
    ("iso_time", "2026-02-03T01:02:03.1234567+08:00", at(2026, 2, 3, 1, 2, 3, 123_456)),
    ("epoch_ms", "1767225600000", at(2026, 1, 1, 8)),
    ("epoch_ms", "1767225600001", at(2026, 1, 1, 8, 0, 0, 1000)),
    ("month %Y%m", "202602", "2026-02"),
    ("month %Y-%m", "2026-02", "2026-02"),
    ("upper", "91370902ma000000x1", "91370902MA000000X1"),
]

NO_AMOUNT = (
    "", ".", ".5", "5.", "-", "--1", "+5", " +5", " 5", "5 ", "5\n", "1,234.00", "1，234.00", "￥100", "100元", "１２３",
    "٣٤", "1e5", "1E5", "NaN", "Infinity", "-Infinity", "1_000", "0x10", "1.2.3", "1-2", "(5.00)", "3.70102E+17", "一百",
    "\x005", "−5",
)  # fmt: skip
BAD: list[tuple[str, str]] = [
    *[(recipe, text) for recipe in ("yuan", "money_wan", "fen", "ppm", "integer") for text in NO_AMOUNT],
    *[(recipe, text) for recipe in ("percent", "permille", "yuan_commas") for text in NO_AMOUNT if text != "1,234.00"],
    ("percent", "1,234.00"),
    ("percent", "1.5%%"),
    ("percent", "1.5 %"),
    ("percent", "%"),
    ("percent", "1.5‰"),
    ("percent", "0.00001"),
    ("permille", "1.5%"),
    ("permille", "0.0001"),
    ("yuan_commas", "1,23.00"),
    ("yuan_commas", "1234,567"),
    ("yuan_commas", ",123"),
    ("yuan_commas", "1,234,"),
    ("yuan_commas", "1,234.005"),
    ("yuan", "1.005"),
    ("yuan", "1.000"),
    ("yuan", "1234567890123"),
    ("money_wan", "1.1234567"),
    ("fen", "1.0"),
    ("fen", "1000000000000000000"),
    ("ppm", "0.0000001"),
    ("ppm", "1.25%"),
    ("integer", "1.0"),
    ("boolean", "True"),
    ("boolean", "1"),
    ("boolean", "是"),
    ("date %Y-%m-%d", "2026-2-3"),
    ("date %Y-%m-%d", "2026-02-30"),
    ("date %Y-%m-%d", "2026-13-01"),
    ("date %Y-%m-%d", "0000-00-00"),
    ("date %Y-%m-%d", "2026/01/01"),
    ("date %Y-%m-%d", "2026/1/1"),
    ("date %Y-%m-%d", "2026-02-03 "),
    ("date %Y-%m-%d", "2026-02-03 00:00:00"),
    ("date %Y-%m-%d", "20260203"),
    ("date %Y-%m-%d", "-2026-02-03"),
    ("date %Y-%m-%d", "+12026-02-03"),
    ("time %Y-%m-%d %H:%M:%S", "-2026-02-03 01:02:03"),
    ("month %Y-%m", "-2026-02"),
    ("month %Y%m", "000001"),
    ("date %Y%m%d", "2026-02-03"),
    ("date %Y%m%d", "20260230"),
    ("date %Y%m%d", "20250229"),
    ("date %Y%m%d", "20261301"),
    ("date %Y%m%d", "00000000"),
    ("date %Y%m%d", "202623"),
    ("date %Y%m%d", "41000"),
    ("date %Y%m%d", "２０２６０２０３"),
    ("time %Y%m%d%H%M%S", "20260203"),
    ("time %Y%m%d%H%M%S", "2026020301020"),
    ("time %Y%m%d%H%M%S", "20260203240000"),
    ("time %Y%m%d%H%M%S", "20260203236000"),
    ("time %Y%m%d%H%M%S", "20260203235960"),
    ("time %Y%m%d%H%M%S", "00000000000000"),
    ("time %Y%m%d%H%M%S", "19860504023000"),  # the hour that summer time left out
    ("time %Y-%m-%d %H:%M:%S", "2026-02-03T01:02:03"),
    ("time %Y-%m-%d %H:%M:%S", "2026-2-3 1:2:3"),
    ("iso_time", "2026-02-03T01:02:03"),
    ("iso_time", "2026-02-03"),
    ("iso_time", "2026-02-03 01:02:03+08:00"),
    ("iso_time", "2026-02-03T01:02:03+0800"),
    ("iso_time", "2026-02-30T01:02:03Z"),
    ("iso_time", "2026-02-03T24:00:00Z"),
    ("iso_time", "2026-02-03T01:02:60Z"),
    ("iso_time", "2026-02-03T01:02:03+99:99"),
    ("iso_time", "2026-02-03T01:02:03 +08:00"),
    ("iso_time", " 2026-02-03T01:02:03Z"),
    ("iso_time", "2026-02-03T01:02:03Z\n"),
    ("iso_time", "2026-2-3T1:2:3+08:00"),
    ("iso_time", "226-02-03T01:02:03Z"),
    ("iso_time", "-2026-02-03T01:02:03Z"),
    ("epoch_ms", "17672256000"),  # seconds and a digit
    ("epoch_ms", "-1767225600000"),
    ("epoch_ms", "1767225600000.0"),
    ("epoch_ms", "1.767e12"),
    ("month %Y%m", "202613"),
    ("month %Y%m", "202600"),
    ("month %Y%m", "2026-02"),
    ("month %Y%m", "20260201"),
    ("month %Y-%m", "2026-2"),
    ("month %Y-%m", "2026年2月"),
]


@pytest.mark.parametrize(("words", "text", "value"), GOOD)
def test_text_is_read_exactly(words: str, text: str, value: Any) -> None:
    """What is written in the agreed form becomes exactly that value."""
    assert read(words, text) == [value]


@pytest.mark.parametrize(("words", "text"), BAD)
def test_other_text_is_never_guessed_at(words: str, text: str) -> None:
    """What is not in the agreed form is null, however clear it looks to a person."""
    assert read(words, text) == [None]


def test_good_and_bad_texts_in_one_column_do_not_disturb_each_other() -> None:
    """A bad cell costs its own row only."""
    assert read("yuan", "1.00", "1,0", None, "2.00") == [100, None, None, 200]
    assert read("date %Y%m%d", "20260203", "2026-2-3", "20260204") == [dt.date(2026, 2, 3), None, dt.date(2026, 2, 4)]


@pytest.mark.parametrize(
    "words", ["yuan", "fen", "ppm", "boolean", "date %Y%m%d", "iso_time", "epoch_ms", "month %Y%m"]
)
def test_no_rows_and_no_text_are_no_error(words: str) -> None:
    """An empty column and a column of nulls have the recipe's type."""
    assert read(words) == []
    assert read(words, None) == [None]


@given(FEN)
def test_any_amount_in_yuan_comes_back_to_the_fen(fen: int) -> None:
    """Money is never a binary fraction."""
    sign = "-" if fen < 0 else ""
    assert read("yuan", f"{sign}{abs(fen) // 100}.{abs(fen) % 100:02d}") == [fen]


@given(FEN)
def test_any_amount_in_wan_comes_back_to_the_fen(fen: int) -> None:
    """万元 with six decimals is exact to the fen, with and without its trailing zeros."""
    sign = "-" if fen < 0 else ""
    text = f"{sign}{abs(fen) // 10**6}.{abs(fen) % 10**6:06d}"
    assert read("money_wan", text, text.rstrip("0").rstrip(".")) == [fen, fen]


@given(FEN, st.integers(min_value=15, max_value=18))
def test_any_amount_in_filled_fen_comes_back(fen: int, width: int) -> None:
    """Wenhe fills with zeros behind the sign."""
    assert read("fen", f"{fen:0{width}d}") == [fen]


@given(st.datetimes(dt.datetime(1992, 1, 1), dt.datetime(2099, 12, 31)).map(lambda time: time.replace(microsecond=0)))
def test_any_shanghai_time_comes_back_in_every_form(time: dt.datetime) -> None:
    """The same moment in three notations."""
    moment = time.replace(tzinfo=SHANGHAI)
    assert read("time %Y%m%d%H%M%S", f"{time:%Y%m%d%H%M%S}") == [moment]
    assert read("iso_time", moment.isoformat()) == [moment]
    assert read("epoch_ms", str(int(moment.timestamp()) * 1000)) == [moment]


def test_the_hour_that_summer_time_gave_twice_is_the_earlier_one() -> None:
    """Shanghai had summer time until 1991; the offset shows which of the two hours was taken."""
    (found,) = read("time %Y%m%d%H%M%S", "19860914013000")
    assert found.utcoffset() == dt.timedelta(hours=9)


def test_recipes_are_found_by_name_and_argument() -> None:
    """A missing or needless argument and an unknown name are told apart."""
    assert find_recipe("date %Y %m") == (RECIPES["date"], "%Y %m")
    with pytest.raises(KeyError):
        find_recipe("dates %Y")
    with pytest.raises(ValueError, match="needs argument"):
        find_recipe("date")
    with pytest.raises(ValueError, match="takes no argument"):
        find_recipe("yuan 2")
