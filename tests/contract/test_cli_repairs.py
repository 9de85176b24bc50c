"""The commands of repair and replay as an officer types them: what they print, what they return, and what they never print."""

from __future__ import annotations

import re
from itertools import count
from pathlib import Path

import pytest
from round_trip import Hub, Typed

from hub.settings import today
from simulators.drops import extra_drop
from simulators.projects import BANKS
from simulators.world import City

CITY = City(7, 0.1)
FEED = "haidai_payrolls"
_extras = count(1)
BY = ("--by", "王科长", "--reason", "银行来电更正")


@pytest.fixture
def spoiled(hub: Hub) -> tuple[int, list[str]]:
    """A batch with bad card numbers in lines 1 and 2, and the right ones."""
    made = extra_drop(CITY, BANKS["haidai"], "PAYR", 600 + next(_extras), None)
    assert made.content is not None
    right = [found.decode() for found in re.findall(rb"\|(6\d{15,18})\|", made.content)[:2]]
    content = re.sub(rb"\|(6\d{15,18})\|", rb"|1\1|", made.content, count=2)
    name = hub.up.control.drop("haidai", f"in/{CITY.day:%Y%m%d}/{made.name}", content)
    hub.run([FEED])
    return hub.batch(name).batch_id, right


def test_one_officer_asks_and_another_approves(typed: Typed, hub: Hub, spoiled: tuple[int, list[str]]) -> None:
    """The list shows who and why; values only to whoever asks for them."""
    batch_id, right = spoiled
    code, out, err = typed("repair", batch_id, 1, "--set", f"卡号={right[0]}", *BY)
    assert (code, err) == (0, "")
    number = int(re.search(r"hub approve (\d+)", out).group(1))  # type: ignore[union-attr]
    assert right[0] not in out
    code, out, _ = typed("repairs", "--state", "waiting")
    assert code == 0
    assert re.search(rf"^  {number} .*waiting.*王科长.*银行来电更正.*卡号", out, re.MULTILINE)
    assert right[0] not in typed("repairs", number)[1]
    assert typed("repairs", number, "--values")[0] == 2
    assert right[0] in typed("repairs", number, "--values", "--by", "李科长", "--reason", "批准前核对")[1]
    assert "批准前核对" in typed("reveals")[1]
    code, _, err = typed("approve", number, "--by", "王科长")
    assert (code, err.startswith("hub: S041 须由另一人批准")) == (2, True)
    code, out, _ = typed("approve", number, "--by", "李科长")
    assert (code, f"repair {number} took effect" in out) == (0, True)
    code, _, err = typed("approve", number, "--by", "李科长")
    assert (code, "effective already, decided by 李科长" in err) == (2, True)
    hub.run([FEED])


def test_many_rows_come_from_a_table(typed: Typed, hub: Hub, spoiled: tuple[int, list[str]], tmp_path: Path) -> None:
    """Numbers in the first column; a declined repair leaves everything as it was."""
    batch_id, right = spoiled
    table = tmp_path / "改正.csv"
    table.write_text(f"序号,卡号,姓名\n1,{right[0]},\n2,{right[1]},\n", "utf-8-sig")
    code, out, _ = typed("repair", batch_id, "--csv", table, *BY)
    assert (code, "（2 行，卡号）" in out, right[0] in out) == (0, True, False)
    number = int(re.search(r"hub approve (\d+)", out).group(1))  # type: ignore[union-attr]
    assert typed("approve", number, "--by", "李科长", "--decline")[0] == 0
    assert hub.ask("select rejected_rows from tally where batch_id = :id and schema_name = 'payroll_line'", id=batch_id)[
        0
    ].rejected_rows == 2  # fmt: skip
    for text in ("序号\n1\n", "序号,卡号\n1,6\n1,6\n", "序号,卡号\n1\n", "\xff"):
        table.write_bytes(text.encode("latin-1" if text == "\xff" else "utf-8"))
        code, _, err = typed("repair", batch_id, "--csv", table, *BY)
        assert (code, err.count("\n")) == (2, 1)


@pytest.mark.parametrize(
    "words", [("repair", 1), ("repair", 1, 1, "--set", "卡号"), ("repair", 1, 1, "--set", "卡号=1", "--set", "卡号=2")]
)
def test_a_repair_that_says_nothing_is_refused(typed: Typed, words: tuple[object, ...]) -> None:
    """One line, and what is missing."""
    code, out, err = typed(*words, *BY)
    assert (code, out, err.count("\n")) == (2, "", 1)


def test_still_rejected_names_column_and_code(typed: Typed, spoiled: tuple[int, list[str]]) -> None:
    """And the code's Chinese, not the value."""
    code, _, err = typed("repair", spoiled[0], 1, "--set", "卡号=123", *BY)
    assert code == 2
    assert err.startswith("hub: S042")
    assert "卡号 L1" in err
    assert "123" not in err


def test_a_replay_is_previewed_and_then_gone_through(typed: Typed, spoiled: tuple[int, list[str]]) -> None:
    """A table of what would change; then a line per batch with its place."""
    period = ("--feed", FEED, "--from", today(), "--to", today())
    code, out, _ = typed("replay", *period)
    assert code == 0
    assert typed("replay", *period, "--preview")[1] == out
    assert re.search(rf"^  {spoiled[0]}\s+payroll_line\s+0\s+0\s+38\s+0\s+0\s+2\s", out, re.MULTILINE)
    assert "nothing was written" in out
    code, out, _ = typed("replay", *period, "--go", "--state", "reported")
    assert code == 0
    assert re.search(r"replay \d+ begins", out)
    assert re.search(rf"^  \d+/\d+  {spoiled[0]}  已重放 / read$", out, re.MULTILINE)
    code, out, _ = typed("replay", spoiled[0])
    assert (code, "nothing was written" in out) == (0, True)
    assert typed("replay", spoiled[0], "--go")[0] == 0


@pytest.mark.parametrize(
    "words",
    [
        ("replay",),
        ("replay", "--feed", FEED, "--from", "2026-01-01"),
        ("replay", "--feed", FEED, "--from", "2026-01-02", "--to", "2026-01-01"),
        ("replay", 1, "--feed", FEED, "--from", "2026-01-01", "--to", "2026-01-02", "--go"),
        ("replay", 10**9, "--go"),
        ("replay", "--feed", "nobody", "--from", "2026-01-01", "--to", "2026-01-02", "--go"),
        ("resend",),
        ("resend", "--receiver", "nobody"),
        ("resend", "--code", "2003", "--feed", "nobody"),
        ("resend", "--code", "2003", "--from", "2026-01-02", "--to", "2026-01-01"),
        ("backfill", FEED, "--from", "2026-01-02", "--to", "2026-01-01"),
        ("backfill", "nobody", "--from", "2026-01-01", "--to", "2026-01-02", "--go"),
        ("drop", "province", *BY),
        ("drop", "province", "--go", *BY),
        ("drop", "nobody", *BY),
    ],
)
def test_what_is_not_said_clearly_is_refused(typed: Typed, words: tuple[object, ...]) -> None:
    """Nobody replays, sends or drops by a slip of the finger."""
    code, out, err = typed(*words)
    assert (code, out, err.count("\n")) == (2, "", 1)


def test_what_is_refused_goes_out_by_code_and_what_moved_is_listed(
    typed: Typed, spoiled: tuple[int, list[str]]
) -> None:
    """How many, and nothing before it is said to go; and that nothing moved."""
    code, out, _ = typed("resend", spoiled[0], "--code", "L999")
    assert (code, "0 条记录将再推送" in out, "nothing was written" in out) == (0, True, True)
    code, out, _ = typed("resend", spoiled[0], "--code", "L999", "--go")
    assert (code, "0 records go out" in out) == (0, True)
    assert typed("moved")[1].endswith("0 records moved away from a receiver that has them\n")
    code, out, _ = typed("backfill", FEED, "--from", "2025-01-01", "--to", "2025-01-02")
    assert (code, "0 files, 0 of them read already" in out, "nothing was kept" in out) == (0, True, True)


def test_a_drop_is_shown_before_it_is_done(typed: Typed, hub: Hub, spoiled: tuple[int, list[str]]) -> None:
    """What a receiver without a file is owed, by kind of record; then it is owed nothing more."""
    sql = """insert into delivery (receiver, schema_name, record_id, record_key, version, batch_id, row_no, fen, idempotency_key)
             select 'gone', schema_name, record_id, record_key, version, batch_id, row_no, fen, 'gone' || idempotency_key
             from delivery where batch_id = :id and receiver = 'province' returning 1"""
    owed = len(hub.ask(sql, id=spoiled[0]))
    states = "select distinct state from delivery where receiver = 'gone'"
    code, out, _ = typed("drop", "gone", *BY)
    assert (code, f"{owed} 条记录将撤销" in out, "payroll_line" in out) == (0, True, True)
    assert [row.state for row in hub.ask(states)] == ["waiting"]
    code, out, _ = typed("drop", "gone", *BY, "--go")
    assert (code, f"{owed} records are owed to gone no more" in out) == (0, True)
    assert [row.state for row in hub.ask(states)] == ["withdrawn"]
    assert "0 条记录将撤销" in typed("drop", "gone", *BY)[1]
