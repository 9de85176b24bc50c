"""Files that are wrong as a whole: the bank reads why in Chinese, the province hears nothing, the next good file goes on."""

from __future__ import annotations

import os
from itertools import count
from pathlib import Path

import pytest
from round_trip import Hub, return_lines

from hub.digest import sm3_hex
from hub.model import BatchState, Stage
from hub.reasons import reason
from simulators.drops import extra_drop
from simulators.projects import BANKS
from simulators.world import City

CITY = City(7, 0.1)
DAY = f"in/{CITY.day:%Y%m%d}"
EXPECTED = {
    "truncated": "F007",
    "wrong_totals": "F002",
    "wrong_amount": "F003",
    "wrong_digest": "F001",
    "undecodable": "F005",
    "empty": "F009",
    "other_columns": "F008",
    "wrong_sender": "F010",
    "utf8": "F005",
}
_extras = count(50)


def payroll(bank: str) -> bytes:
    """A good payroll file of the bank that no other test uses."""
    content = extra_drop(CITY, BANKS[bank], "PAYR", next(_extras), None).content
    assert content is not None
    return content


def name_of(bank: str, number: int) -> str:
    return f"{BANKS[bank].bank3}_370900_PAYR_{CITY.day:%Y%m%d}_{number:04d}_v1.txt"


def at_province(hub: Hub) -> dict[str, int]:
    """How many payrolls and lines the province has ever heard of."""
    received = hub.up.control.ledger()["received"]["province"]
    return {
        schema: sum(received.get(schema, {}).get(word, 0) for word in ("created", "corrected", "refused", "waiting"))
        for schema in ("payroll_batch", "payroll_line")
    }


def ret(hub: Hub, bank: str, name: str) -> list[str]:
    """The first line of a file's RET_, which must be whole."""
    lines = return_lines(hub.up, bank, f"RET_{name}")
    assert lines, f"{name} was never answered"
    checks = hub.up.control.ledger()["received"][bank]["ret"][f"RET_{name}"]
    assert checks["digest_ok"]
    assert checks["flag_ok"]
    return lines[0]


@pytest.mark.parametrize("fault", EXPECTED)
@pytest.mark.parametrize("bank", BANKS)
def test_a_bad_file_is_answered_and_the_next_one_goes_on(bank: str, fault: str, hub: Hub) -> None:
    """Held with the right file code; nothing of it reaches the province."""
    before, name = at_province(hub), hub.up.control.drop_extra(bank, "PAYR", fault)
    good = hub.up.control.drop_extra(bank, "PAYR", None)
    hub.run([f"{bank}_payrolls"])
    batch, first, lines = hub.batch(name), ret(hub, bank, name), 40
    if (bank, fault) == ("wenhe", "undecodable"):  # only the line that is broken: widths find the next one again
        lines += 39
        assert batch.state is BatchState.REPORTED
        assert first[2:7] == ["PARTIAL", "40", "39", "1", "0000"]
        assert return_lines(hub.up, bank, f"RET_{name}")[1][2:] == ["L116", reason("L116").zh]
    else:
        assert (batch.state, batch.hold_code) == (BatchState.HELD, EXPECTED[fault])
        assert first[:3] == ["R", name, "REJECTED"]
        assert first[6] == EXPECTED[fault]
        assert reason(EXPECTED[fault]).zh in first[7]
        assert reason(EXPECTED[fault]).fix_zh in first[7]
        assert not return_lines(hub.up, bank, f"FIN_{name}")
        assert hub.ask("select 1 from tally where batch_id = :id", id=batch.batch_id) == []
    assert ret(hub, bank, good)[2:8] == ["ACCEPTED", "40", "40", "0", "0000", "全部接收"]
    assert return_lines(hub.up, bank, f"FIN_{good}")
    assert at_province(hub)["payroll_line"] == before["payroll_line"] + lines


@pytest.mark.parametrize("kind", ["ACCT", "TXN"])
@pytest.mark.parametrize("bank", BANKS)
def test_files_of_the_other_kinds_are_held_too(bank: str, kind: str, hub: Hub) -> None:
    """Accounts and movements by the same rules."""
    feed_id = f"{bank}_{'accounts' if kind == 'ACCT' else 'txns'}"
    name = hub.up.control.drop_extra(bank, kind, "wrong_amount")
    hub.run([feed_id])
    assert ret(hub, bank, name)[2:7:4] == ["REJECTED", "F003"]


@pytest.mark.parametrize("bank", BANKS)
def test_a_flag_without_its_file_is_seen_once_and_the_late_file_is_taken(bank: str, hub: Hub) -> None:
    """There are no bytes to hold: an alarm says so, once; when the data come, they go through."""
    name = hub.up.control.drop_extra(bank, "PAYR", "flag_without_file")
    for _ in range(2):
        hub.run([f"{bank}_payrolls"])
    assert len([alarm for alarm in hub.alarms() if "F015" in alarm and name in alarm]) == 1
    hub.up.control.drop(bank, f"{DAY}/{name}", payroll(bank))
    hub.run([f"{bank}_payrolls"])
    assert ret(hub, bank, name)[2] == "ACCEPTED"


@pytest.mark.parametrize("bank", BANKS)
def test_a_name_used_again_for_other_content_is_held(bank: str, hub: Hub) -> None:
    """F006; what came first under the name stays what it is."""
    name = name_of(bank, 901)
    hub.up.control.drop(bank, f"{DAY}/{name}", payroll(bank))
    place = Path(hub.up.addresses["sftp"]["users"][bank]["root"]) / DAY / name
    os.utime(place, (1_700_000_000, 1_700_000_000))  # SFTP tells whole seconds: the next upload is in another one
    hub.run([f"{bank}_payrolls"])
    first, before = hub.batch(name), at_province(hub)
    hub.up.control.drop(bank, f"{DAY}/{name}", payroll(bank))
    hub.run([f"{bank}_payrolls"])
    assert ret(hub, bank, name)[2:7:4] == ["REJECTED", "F006"]
    assert at_province(hub) == before
    assert next(b for b in hub.batches() if b.batch_id == first.batch_id).state is BatchState.REPORTED


@pytest.mark.parametrize("bank", BANKS)
def test_the_same_content_under_another_name_is_held(bank: str, hub: Hub) -> None:
    """F004: the wages would be paid twice on paper."""
    content = payroll(bank)
    hub.up.control.drop(bank, f"{DAY}/{name_of(bank, 902)}", content)
    hub.run([f"{bank}_payrolls"])
    before = at_province(hub)
    hub.up.control.drop(bank, f"{DAY}/{name_of(bank, 903)}", content)
    hub.run([f"{bank}_payrolls"])
    assert ret(hub, bank, name_of(bank, 903))[2:7:4] == ["REJECTED", "F004"]
    assert at_province(hub) == before


@pytest.mark.parametrize("bank", BANKS)
def test_the_same_file_uploaded_again_is_nothing_new(bank: str, hub: Hub) -> None:
    """Same name, same bytes, another time."""
    content, name = payroll(bank), name_of(bank, 904)
    for _ in range(2):
        hub.up.control.drop(bank, f"{DAY}/{name}", content)
        hub.run([f"{bank}_payrolls"])
    assert len([b for b in hub.batches() if b.source_name.endswith(name)]) == 1
    assert hub.up.control.ledger()["received"][bank]["ret"][f"RET_{name}"]["versions"] == 1


@pytest.mark.parametrize("bank", BANKS)
@pytest.mark.parametrize("mended", ["digest", "flag"])
def test_a_digest_or_flag_mended_beside_the_same_data_lets_the_batch_go_on(bank: str, mended: str, hub: Hub) -> None:
    """Held with F001 or F007 first; then the same bytes are taken without being sent again."""
    content, name = payroll(bank), name_of(bank, 905 if mended == "digest" else 906)
    place = Path(hub.up.addresses["sftp"]["users"][bank]["root"]) / DAY / name
    hub.up.control.drop(
        bank, f"{DAY}/{name}", content, digest="wrong" if mended == "digest" else "", flag=mended == "digest"
    )
    if mended == "flag":
        place.with_name(f"{name}.ok").write_text(f"{len(content) + 1}|40")
    before = at_province(hub)
    for _ in range(2):
        hub.run([f"{bank}_payrolls"])
    assert ret(hub, bank, name)[2:7:4] == ["REJECTED", "F001" if mended == "digest" else "F007"]
    assert at_province(hub) == before
    place.with_name(f"{name}.sm3").write_text(f"{sm3_hex(content)}  {name}\n")
    place.with_name(f"{name}.ok").write_text(f"{len(content)}|40")
    for _ in range(2):
        hub.run([f"{bank}_payrolls"])
    assert ret(hub, bank, name)[2] == "ACCEPTED"
    assert at_province(hub)["payroll_line"] == before["payroll_line"] + 40
    assert hub.batch(name).state is BatchState.REPORTED
    versions = hub.up.control.ledger()["received"][bank]["ret"][f"RET_{name}"]["versions"]
    assert versions == 2


@pytest.mark.parametrize("bank", BANKS)
def test_a_corrected_file_under_the_same_name_is_taken_after_a_held_one(bank: str, hub: Hub) -> None:
    """The held one took no effect, so nothing is overwritten; it waits for nobody any more."""
    content, name = payroll(bank), name_of(bank, 907)
    hub.up.control.drop(bank, f"{DAY}/{name}", content[:-5])
    hub.run([f"{bank}_payrolls"])
    held, before = hub.batch(name), at_province(hub)
    assert held.state is BatchState.HELD
    hub.up.control.drop(bank, f"{DAY}/{name}", content)
    hub.run([f"{bank}_payrolls"])
    assert ret(hub, bank, name)[2] == "ACCEPTED"
    assert at_province(hub)["payroll_line"] == before["payroll_line"] + 40
    assert next(b for b in hub.batches() if b.batch_id == held.batch_id).state is not BatchState.HELD


@pytest.mark.parametrize("bank", BANKS)
def test_a_held_file_is_looked_at_without_end_and_told_of_once(bank: str, hub: Hub) -> None:
    """Polling a held file again and again writes no second return file."""
    name = hub.up.control.drop_extra(bank, "PAYR", "truncated")
    for _ in range(3):
        hub.run([f"{bank}_payrolls"])
    assert hub.up.control.ledger()["received"][bank]["ret"][f"RET_{name}"]["versions"] == 1
    assert not [b for b in hub.batches() if b.state is BatchState.FETCHED]
    assert hub.tell(f"{bank}_payrolls", Stage.INTAKE) == 0
