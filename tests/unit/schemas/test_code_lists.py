"""Tables in mappings/codes lead from a partner's code to a word the schemas know."""

import csv
from pathlib import Path

import pytest

import mappings
from schemas import areas
from schemas.codes import CODE_LISTS, YES_NO

CODES = Path(mappings.__file__).parent / "codes"
OUTCOMES = {"stored", "accepted", "refused", "rejected"}
YES_NO_TABLES = {"yes_no_zh", "one_zero", "yn"}
LIST_OF_TABLE = {
    "daizong_event_type": "guarantee_event_type",
    "nat_domain": "domain",
    "nat_entry_form": "clue_entry_form",
}


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def leads_outwards(path: Path) -> bool:
    """A table for replies turns our outcome into the partner's word."""
    return {row["code"] for row in rows(path)} <= OUTCOMES


def words(table: str) -> dict[str, str]:
    if table in YES_NO_TABLES:
        return YES_NO
    return CODE_LISTS[LIST_OF_TABLE.get(table) or (table if table in CODE_LISTS else table.partition("_")[2])]


TABLES = sorted(path for path in CODES.glob("*.csv") if path.stem != "areas")
INWARDS = [path for path in TABLES if not leads_outwards(path)]


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_a_table_has_the_agreed_form(path: Path) -> None:
    """Header, unique codes, a value and a label for readers."""
    assert path.read_text(encoding="utf-8").splitlines()[0] == "code,value,label"
    codes = [row["code"] for row in rows(path)]
    assert len(codes) == len(set(codes))
    assert all(row["label"] and row["value"] for row in rows(path))


@pytest.mark.parametrize("path", INWARDS, ids=lambda path: path.stem)
def test_a_table_leads_to_our_words_only(path: Path) -> None:
    """A partner's code never becomes a word the schemas do not know."""
    assert {row["value"] for row in rows(path)} <= set(words(path.stem))


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
