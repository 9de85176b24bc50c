"""The commands of repair and replay as an officer types them: what they print, what they return, and what they never print."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest
from round_trip import Hub

from hub import cli
from hub.bootstrap import open_house
from hub.settings import today
from simulators.drops import extra_drop
from simulators.projects import BANKS
from simulators.world import City

CITY = City(7, 0.1)
FEED = "haidai_payrolls"
_extras = count(1)
Typed = Callable[..., tuple[int, str, str]]
BY = ("--by", "王科长", "--reason", "银行来电更正")


@pytest.fixture
def typed(hub: Hub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Typed]:
    """Types a command; gives its exit code and what stands on screen and on standard error."""
    monkeypatch.setenv("HUB_DATABASE_URL", hub.house.engine.url.render_as_string(hide_password=False))
    monkeypatch.setenv("HUB_ARCHIVE", str(hub.house.archive.folder))
    open_house.cache_clear()

    def run(*words: object) -> tuple[int, str, str]:
        code = cli.main([str(word) for word in words])
        said = capsys.readouterr()
        return code, said.out, said.err

    yield run
    open_house.cache_clear()


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
    assert right[0] in typed("repairs", number, "--values")[1]
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
    assert (code, "of 2 rows (卡号)" in out) == (0, True)
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
    code, out, _ = typed("replay", *period, "--preview")
    assert code == 0
    assert re.search(rf"^  {spoiled[0]}\s+payroll_line\s+0\s+0\s+38\s+0\s+0\s+2\s", out, re.MULTILINE)
    assert "nothing was written" in out
    code, out, _ = typed("replay", *period, "--go", "--state", "reported")
    assert code == 0
    assert re.search(r"replay \d+ begins", out)
    assert f"batch {spoiled[0]}  read" in out
    assert typed("replay", spoiled[0])[0] == 0


@pytest.mark.parametrize(
    "words",
    [
        ("replay",),
        ("replay", "--feed", FEED, "--from", "2026-01-01", "--to", "2026-01-02"),
        ("replay", "--feed", FEED, "--from", "2026-01-01", "--to", "2026-01-02", "--go", "--preview"),
        ("replay", 1, "--go"),
        ("replay", "--feed", "nobody", "--from", "2026-01-01", "--to", "2026-01-02", "--go"),
        ("resend",),
        ("resend", "--receiver", "nobody"),
        ("backfill", FEED, "--from", "2026-01-01", "--to", "2026-01-02"),
        ("backfill", "nobody", "--from", "2026-01-01", "--to", "2026-01-02", "--go"),
        ("drop", "province", *BY),
    ],
)
def test_what_is_not_said_clearly_is_refused(typed: Typed, words: tuple[object, ...]) -> None:
    """Nobody replays, sends or drops by a slip of the finger."""
    code, out, err = typed(*words)
    assert (code, out, err.count("\n")) == (2, "", 1)


def test_what_is_refused_goes_out_by_code_and_what_moved_is_listed(
    typed: Typed, spoiled: tuple[int, list[str]]
) -> None:
    """How many; and that nothing moved."""
    code, out, _ = typed("resend", spoiled[0], "--code", "L999")
    assert (code, out.startswith("0 records go out")) == (0, True)
    assert typed("moved")[1].endswith("0 records moved away from a receiver that has them\n")
    code, out, _ = typed("backfill", FEED, "--from", "2025-01-01", "--to", "2025-01-02", "--preview")
    assert (code, "0 files, 0 of them read already" in out) == (0, True)
