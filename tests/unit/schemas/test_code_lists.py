"""Tables in mappings/codes lead from a partner's code to a word the schemas know."""

import csv
from functools import cache
from pathlib import Path

import polars as pl
import pytest
import yaml

import mappings
from schemas import areas
from schemas.catalogue import SCHEMAS
from schemas.codes import CODE_LISTS, YES_NO

CODES = Path(mappings.__file__).parent / "codes"
OUTCOMES = {"stored", "accepted", "refused", "rejected"}


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def leads_outwards(path: Path) -> bool:
    """A table for replies turns our outcome into the partner's word."""
    return {row["code"] for row in rows(path)} <= OUTCOMES


@cache
def uses() -> dict[str, set[tuple[str, str]]]:
    """The fields that each table fills, by the mappings."""
    found: dict[str, set[tuple[str, str]]] = {}
    for path in CODES.parent.glob("*.yaml"):
        feed = yaml.safe_load(path.read_text(encoding="utf-8"))
        for name, record in (feed.get("records") or {}).items():
            for field, spec in record["fields"].items():
                if isinstance(spec, dict) and "codes" in spec:
                    found.setdefault(spec["codes"], set()).add((name, field))
    return found


def words(name: str, field: str) -> set[str] | None:
    """What a field may hold; None where it is no code."""
    column = SCHEMAS[name].columns()[field]
    if column.dtype == pl.Boolean:
        return set(YES_NO)
    listed = (column.metadata or {}).get("code_list")
    return set(CODE_LISTS[listed]) if listed in CODE_LISTS else None


TRANSLATIONS = sorted(
    path for path in CODES.glob("*.csv") if "value" in path.read_text(encoding="utf-8").split("\n")[0]
)
REFERENCES = sorted(set(CODES.glob("*.csv")) - set(TRANSLATIONS) - {CODES / "areas.csv"})
INWARDS = [path for path in TRANSLATIONS if not leads_outwards(path)]


@pytest.mark.parametrize("path", TRANSLATIONS, ids=lambda path: path.stem)
def test_a_table_has_the_agreed_form(path: Path) -> None:
    """Header, unique codes, a value and a label for readers."""
    assert path.read_text(encoding="utf-8").splitlines()[0] == "code,value,label"
    codes = [row["code"] for row in rows(path)]
    assert len(codes) == len(set(codes))
    assert all(row["label"] and row["value"] for row in rows(path))


@pytest.mark.parametrize("path", REFERENCES, ids=lambda path: path.stem)
def test_a_reference_table_has_codes_and_labels(path: Path) -> None:
    """Header, unique codes, a label for readers."""
    assert path.read_text(encoding="utf-8").splitlines()[0] == "code,label"
    codes = [row["code"] for row in rows(path)]
    assert len(codes) == len(set(codes))
    assert all(row["label"].strip() == row["label"] != "" for row in rows(path))


@pytest.mark.parametrize("path", INWARDS, ids=lambda path: path.stem)
def test_a_table_leads_to_our_words_only(path: Path) -> None:
    """A partner's code never becomes a word that the field it fills does not know."""
    for name, field in uses().get(path.stem, set()):
        known = words(name, field)
        assert known is None or {row["value"] for row in rows(path)} <= known, (name, field)


@pytest.mark.parametrize(
    ("table", "code_list"),
    [("project_category",) * 2, ("project_status",) * 2, ("id_type",) * 2, ("guarantee_type",) * 2],
)
def test_a_list_that_is_kept_as_a_translation_leads_to_itself(table: str, code_list: str) -> None:
    """The printed codes of these lists are our words; codes.py reads them from the table."""
    assert {row["code"]: row["value"] for row in rows(CODES / f"{table}.csv")} == {w: w for w in CODE_LISTS[code_list]}


@pytest.mark.parametrize(
    ("code_list", "size", "example"),
    [
        ("work_type", 38, ("1000", "其他")),
        ("party_type", 12, ("009", "总承包")),
        ("ethnic", 56, ("56", "基诺族")),
        ("warning_rule", 25, ("W25", "举报投诉多发或线索逾期")),
        ("clue_result", 10, ("10", "涉嫌犯罪移送")),
    ],
)
def test_a_published_list_is_whole(code_list: str, size: int, example: tuple[str, str]) -> None:
    """As many entries as the standard has."""
    assert len(CODE_LISTS[code_list]) == size
    assert CODE_LISTS[code_list][example[0]] == example[1]


def test_the_data_sets_are_the_records_and_are_named_alike() -> None:
    """A correction request may be about any record but another request."""
    named = {name: schema.label for name, schema in SCHEMAS.items() if name != "correction_request"}
    assert CODE_LISTS["dataset"] == named


def test_no_code_list_is_idle() -> None:
    """Every list is the list of a column."""
    used = {(column.metadata or {}).get("code_list") for s in SCHEMAS.values() for column in s.columns().values()}
    assert set(CODE_LISTS) <= used


def test_the_banks_agree_on_what_moves_money() -> None:
    """Both banks' tables reach every word of the lists they share."""
    for table in ("account_status", "txn_direction", "txn_action", "payroll_result"):
        for bank in ("haidai", "wenhe"):
            assert {row["value"] for row in rows(CODES / f"{bank}_{table}.csv")} == set(CODE_LISTS[table])


def test_shandong_is_whole() -> None:
    """Sixteen cities, 1853 streets, every area inside another one, Laiwu retired."""
    listed = rows(CODES / "areas.csv")
    codes = {row["code"] for row in listed}
    current = [row for row in listed if row["status"] != "retired"]
    assert [sum(row["level"] == level for row in current) for level in ("city", "county", "street")] == [16, 151, 1853]
    assert all(row["parent"] in codes for row in listed if row["level"] != "province")
    assert {row["code"] for row in listed if row["status"] == "retired"} == {"371200", "371202", "371203"}


@pytest.mark.parametrize("code", ["370902", "370900", "370000", "370871"])
def test_a_county_a_city_and_a_zone_may_be_used_with_six_digits(code: str) -> None:
    """A bank's file may be for a whole city."""
    assert code in areas.known_areas(6)


def test_a_retired_area_is_not_known() -> None:
    """Neither as such nor padded."""
    assert "371202" not in areas.known_areas(6)
    assert "371202000" not in areas.known_areas(9)
