"""The banks' files, byte by byte as the partners' interfaces say, and the faults that they can have."""

import re
from collections.abc import Iterator

import pytest

from simulators.bankfiles import COLUMNS, ENCODING
from simulators.drops import FAULTS, Drop, drops_of, extra_drop
from simulators.projects import BANKS, Bank
from simulators.sm3 import sm3_hex
from simulators.world import City

CITY = City(scale=0.1)
HAIDAI, WENHE = BANKS["haidai"], BANKS["wenhe"]
WIDTHS = {"ACCT": 313, "TXN": 294, "PAYR": 185}
HEADS = {"ACCT": 73, "TXN": 73, "PAYR": 73 + 94}
AMOUNT = {"ACCT": "balance", "TXN": "amount", "PAYR": "amount"}


def kind_of(drop: Drop) -> str:
    return drop.name.split("_")[2]


def text_of(drop: Drop) -> str:
    assert drop.content is not None
    return drop.content.decode(ENCODING)


def haidai_rows(drop: Drop) -> list[list[str]]:
    """The detail rows, cut at bars that are not escaped."""
    lines = text_of(drop).split("\r\n")[1:-2]
    return [[cell.replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)] for line in lines]


def wenhe_rows(drop: Drop) -> Iterator[dict[str, str]]:
    assert drop.content is not None
    for line in drop.content.split(b"\n")[1:-2]:
        place, cells = 7, {}
        for name, width in COLUMNS[kind_of(drop)]:
            cells[name] = line[place : place + width].decode(ENCODING).rstrip(" ")
            place += width
        yield cells


@pytest.fixture(scope="module")
def drops() -> list[Drop]:
    return [drop for bank in BANKS.values() for drop in drops_of(City(), bank, 0.02)]


def test_a_day_has_twenty_good_files(drops: list[Drop]) -> None:
    """Ten per bank, named as agreed."""
    assert len(drops) == len({drop.name for drop in drops}) == 20
    for drop in drops:
        assert re.fullmatch(r"(313|402)_370900_(ACCT|TXN|PAYR)_20261123_\d{4}_v1\.txt", drop.name)
        assert drop.fault is None


def test_the_same_city_gives_the_same_bytes(drops: list[Drop]) -> None:
    """Whatever order it is asked in."""
    again = {drop.name: drop.content for bank in (WENHE, HAIDAI) for drop in drops_of(City(), bank, 0.02)}
    assert again == {drop.name: drop.content for drop in drops}


def test_flag_and_digest_describe_the_data(drops: list[Drop]) -> None:
    """Bytes and detail rows; SM3 of the bytes."""
    for drop in drops:
        assert drop.content is not None
        rows = len(text_of(drop).splitlines()) - 2
        assert drop.flag == f"{len(drop.content)}|{rows}"
        assert drop.digest == sm3_hex(drop.content)


def test_wenhe_lines_have_their_width_in_bytes(drops: list[Drop]) -> None:
    """Also with four-byte characters and with bad rows."""
    for drop in (d for d in drops if d.bank is WENHE):
        assert drop.content is not None
        head, *details, trailer, rest = drop.content.split(b"\n")
        kind = kind_of(drop)
        assert (len(head), len(trailer), rest) == (HEADS[kind], 24, b"")
        assert {len(line) for line in details} == {WIDTHS[kind]}


def test_haidai_lines_have_their_columns(drops: list[Drop]) -> None:
    """Bars inside a value are escaped, so that the columns stay as many."""
    for drop in (d for d in drops if d.bank is HAIDAI):
        kind = kind_of(drop)
        lines = text_of(drop).split("\r\n")
        assert lines[-1] == ""
        assert len(lines[0].split("|")) == (17 if kind == "PAYR" else 12)
        assert {len(row) for row in haidai_rows(drop)} == {len(COLUMNS[kind]) + 2}
    assert any("\\|" in text_of(drop) for drop in drops)


@pytest.mark.parametrize("share", [0.0, 0.02])
def test_totals_reconcile_with_the_ledger(share: float) -> None:
    """Header and trailer equal what the ledger knows, unreadable amounts included."""
    for drop in drops_of(CITY, HAIDAI, share):
        header, trailer = (text_of(drop).split("\r\n")[i].split("|") for i in (0, -2))
        lines = [sent for sent in drop.sent if sent.kind != "payroll_batch"]
        assert header[6:8] == trailer[1:3]
        assert int(trailer[1]) == len(lines)
        assert round(float(trailer[2]) * 100) == sum(sent.fen or 0 for sent in lines)
        if share == 0:
            place = 2 + [name for name, _ in COLUMNS[kind_of(drop)]].index(AMOUNT[kind_of(drop)])
            assert sum(round(float(row[place]) * 100) for row in haidai_rows(drop)) == sum(s.fen or 0 for s in lines)


def test_balances_continue_from_movement_to_movement() -> None:
    """Per account: balance before and movement give balance after; the last one is the stated balance."""
    balances: dict[str, int] = {}
    drops = {kind_of(drop): drop for drop in drops_of(CITY, WENHE, 0) if kind_of(drop) != "PAYR"}
    for row in wenhe_rows(drops["TXN"]):
        signed = int(row["amount"]) * (1 if row["direction"] == "C" else -1)
        before = balances.get(row["account_no"])
        assert before is None or before + signed == int(row["balance_after"])
        balances[row["account_no"]] = int(row["balance_after"])
    stated = {row["account_no"]: int(row["balance"]) for row in wenhe_rows(drops["ACCT"])}
    assert balances.items() <= stated.items()


def test_bad_rows_are_about_the_share_and_of_many_kinds(drops: list[Drop]) -> None:
    """Two in a hundred lines; the ledger names each; payroll headers stay good."""
    lines = [sent for drop in drops for sent in drop.sent if sent.kind == "payroll_line"]
    bad = [sent.bad for sent in lines if sent.bad]
    assert 90 <= len(bad) <= 110
    assert len(set(bad)) >= 14
    assert not [s for drop in drops for s in drop.sent if s.kind == "payroll_batch" and s.bad]


def test_bad_rows_look_as_the_ledger_says(drops: list[Drop]) -> None:
    """A few kinds, seen in the bytes."""
    seen = {}
    for drop in (d for d in drops if d.bank is HAIDAI and kind_of(d) == "PAYR"):
        rows = haidai_rows(drop)
        for sent in (s for s in drop.sent if s.bad):
            seen[sent.bad] = (rows[sent.place - 1], rows[sent.place - 2])
    assert seen["amount_comma"][0][9] == "1,234.50"
    assert seen["amount_full_width"][0][9] == "１２３"
    assert seen["mojibake"][0][4].startswith("锟斤拷")
    assert seen["impossible_date"][0][12].startswith("20260230")
    assert len(seen["id_15"][0][6]) == 15
    assert seen["duplicate_serial"][0][3] == seen["duplicate_serial"][1][3]


def test_accounts_with_movements_are_never_bad(drops: list[Drop]) -> None:
    """Else their movements would wait for them forever."""
    bad = {s.key for d in drops for s in d.sent if s.kind == "special_account" and s.bad}
    moved = {row["account_no"] for d in drops if d.bank is WENHE and kind_of(d) == "TXN" for row in wenhe_rows(d)}
    assert bad
    assert not bad & moved


@pytest.mark.parametrize("bank", BANKS.values(), ids=lambda bank: bank.partner)
@pytest.mark.parametrize("kind", ["ACCT", "TXN", "PAYR"])
def test_an_extra_file_may_be_good(bank: Bank, kind: str) -> None:
    """It continues the numbers of the day."""
    drop = extra_drop(CITY, bank, kind, 1, None)
    assert drop.name not in {other.name for other in drops_of(CITY, bank, 0)}
    assert drop.content is not None
    assert drop.sent


@pytest.mark.parametrize("bank", BANKS.values(), ids=lambda bank: bank.partner)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_file_can_be_bad_as_a_whole(bank: Bank, fault: str) -> None:
    """Each fault shows in content, digest or flag, and in nothing else."""
    good, bad = (extra_drop(CITY, bank, "PAYR", 1, wish) for wish in (None, fault))
    assert good.content is not None
    assert bad.name == good.name
    if fault == "flag_without_file":
        assert bad.content is None
        return
    assert bad.content is not None
    assert (bad.content != good.content) is (fault != "wrong_digest")
    assert (sm3_hex(bad.content) != bad.digest) is (fault == "wrong_digest")
    if fault in ("wrong_amount", "wrong_totals"):
        differing = [a != b for a, b in zip(bad.content.splitlines(), good.content.splitlines(), strict=True)]
        assert differing == [False] * (len(differing) - 1) + [True]
    if fault == "undecodable":
        with pytest.raises(UnicodeDecodeError):
            bad.content.decode(ENCODING)
