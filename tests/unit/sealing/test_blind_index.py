"""Blind indexes: however a number is written it has one index, and without the root nobody has any."""

from __future__ import annotations

import polars as pl
import pytest
from stdnum.cn import ric

from hub.sealing import KINDS, SUITES, BlindIndex, Root, keyed_digests, normalise

ROOT = Root(bytes(range(32)))


@pytest.mark.parametrize(
    ("kind", "written", "plain"),
    [("document", "37010219900101123x", "37010219900101123X"),
     ("document", "３７０１０２１９９００１０１１２３Ｘ", "37010219900101123X"),
     ("document", " 370102-19900101 123X ", "37010219900101123X"),
     ("document", "370102900101123", "37010219900101123" + ric.calc_check_digit("37010219900101123" + "0")),
     ("document", "e12345678", "E12345678"),
     ("card", "6222 0212 3456 7890", "6222021234567890"),
     ("account", "1602-0101-0402-2000", "1602010104022000"),
     ("phone", "+86 138-0000-1234", "13800001234"),
     ("phone", "008613800001234", "13800001234"),
     ("phone", "8613800001234", "13800001234"),
     ("phone", "0531-86012345", "053186012345"),
     ("phone", "(0531)86012345", "053186012345")],
)  # fmt: skip
def test_a_number_has_one_way_of_writing(kind: str, written: str, plain: str) -> None:
    """Width, case, separators and old forms make no other number."""
    assert normalise(kind, pl.Series([written])).to_list() == [plain]


def test_equal_numbers_meet_and_others_do_not() -> None:
    """Whatever stands beside them; nothing has no index; sixteen bytes each."""
    index = BlindIndex(ROOT, SUITES["sm"])
    found = index.index_many("document", pl.Series(["37010219900101123x", None, "37010219900101123Ｘ", "E1"])).to_list()
    assert found[0] == found[2] != found[3]
    assert found[1] is None
    assert {len(one) for one in found if one is not None} == {16}
    assert index.index_many("card", pl.Series([], dtype=pl.String)).to_list() == []


def test_the_same_digits_of_another_kind_root_or_suite_do_not_meet() -> None:
    """A phone that reads like an account says nothing about it."""
    made = [
        one
        for root in (ROOT, Root(bytes(32)))
        for suite in SUITES.values()
        for one in BlindIndex(root, suite).candidates("13800001234").values()
    ]
    assert len(set(made)) == 4 * len(KINDS)


def test_keyed_digests_keep_equality_and_need_the_root() -> None:
    """The same content has the same digest still; nobody else can try contents out."""
    one, other, again = keyed_digests(ROOT, ["a", "b", "a"])
    assert one == again != other
    assert keyed_digests(Root(bytes(32)), ["a"]) != [one]
    assert len(one) == 64
