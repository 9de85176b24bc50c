"""The `hub` command as an admin types it: what it prints, what it returns, and that no error of a library reaches the screen."""

from __future__ import annotations

import getpass
import re
from collections.abc import Callable
from datetime import timedelta
from itertools import count

import pytest
from round_trip import Hub, Typed

from hub import bootstrap
from hub.bootstrap import open_house
from hub.errors import ConnectionMissing
from hub.model import BatchState, Connection, Notice
from hub.settings import now
from hub.store import batches, watching
from hub.store.database import working
from simulators.drops import extra_drop
from simulators.projects import BANKS
from simulators.world import City

CITY = City(7, 0.1)
FEED = "haidai_payrolls"
_extras = count(1)


def test_incidents_are_found_listed_and_told(
    typed: Typed, hub: Hub, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """`hub watch` looks and tells, `hub incidents` says what to do and names the files, `--all` what is over."""

    def find(name: str) -> Connection:
        if name == "notice_webhook":
            raise ConnectionMissing(name)
        return Connection(name, "http://127.0.0.1", extra={"expires": "2020-01-01"} if name == "nat_api" else {})

    monkeypatch.setattr(bootstrap, "find_connection", find)
    code, out, err = typed("watch")
    assert (code, err) == (0, "")
    assert out == "2 opened, 0 closed, 2 open now, 2 notices sent; `hub incidents`\n"
    with working(hub.house.engine) as work:
        watching.note_look(work, FEED, now() - timedelta(hours=2), [Notice("F018", "", "in/20261124/x.txt", True)])
    typed("watch")
    code, out, _ = typed("incidents")
    assert code == 0
    assert re.search(r"expired +\S+ \S+ +open +证书或密钥已到期 nat_api expires（时限 2020-01-01 23:59 due）", out)
    assert "→ 立即更换 / renew it at once" in out
    assert re.search(r"\S+ \S+  F018 有数据文件而无标志文件  'in/20261124/x\.txt'", out)
    with working(hub.house.engine) as work:
        watching.note_look(work, FEED, now(), [])
    assert typed("watch")[1].startswith("0 opened, 1 closed, 2 open now, 1 notices sent")
    assert "unacknowledged" not in typed("incidents")[1]
    assert "unacknowledged" in typed("incidents", "--all")[1]
    assert "x.txt" not in caplog.text


def drop(hub: Hub, spoiled: int = 0) -> str:
    """A payroll file of forty lines, so many of them with a bad card number."""
    made = extra_drop(CITY, BANKS["haidai"], "PAYR", 200 + next(_extras), None)
    assert made.content is not None
    content = re.sub(rb"\|(6\d{15,18})\|", rb"|1\1|", made.content, count=spoiled) if spoiled else made.content
    return hub.up.control.drop("haidai", f"in/{CITY.day:%Y%m%d}/{made.name}", content)


def test_without_words_the_help_is_shown(typed: Typed) -> None:
    """Every command with what it does."""
    code, out, err = typed()
    assert (code, err) == (2, "")
    for word in (
        "check",
        "try",
        "feeds",
        "batches",
        "batch",
        "row",
        "alarms",
        "incidents",
        "watch",
        "release",
        "close",
        "replay",
        "resend",
    ):
        assert re.search(rf"^ +{word}\s+[A-Z]", out, re.MULTILINE), word  # a long name has a line of its own


def test_an_error_is_one_line_with_code_name_and_message(typed: Typed) -> None:
    """S004 in both languages, then what was asked and what to do."""
    for words in (("batch", 10**9), ("row", 10**9, 1), ("replay", 10**9), ("close", 10**9), ("resend", 10**9)):
        code, out, err = typed(*words)
        assert (code, out) == (2, "")
        assert re.fullmatch(r"hub: S004 当前状态不允许 / Not allowed in this state: there is no batch .+\n", err)


def test_a_held_batch_is_found_explained_and_released(typed: Typed, hub: Hub) -> None:
    """From `hub batches held` to `hub release`, with the officer's name."""
    batch_id = held(hub)
    code, out, _ = typed("batches", "held")
    assert (code, f"{batch_id}  held" in out, "F013" in out) == (0, True, True)
    code, out, _ = typed("batch", batch_id)
    assert code == 0
    assert "被扣留 F013" in out
    code, out, _ = typed("release", batch_id, "--by", "王科长")
    assert (code, f"batch {batch_id} is stored" in out) == (0, True)
    assert "由 王科长 放行" in typed("batch", batch_id)[1]
    hub.run([FEED])


def held(hub: Hub) -> int:
    name = drop(hub, 12)
    hub.run([FEED])
    assert hub.batch(name).state is BatchState.HELD
    return hub.batch(name).batch_id


def test_a_closed_batch_says_so_and_is_refused_a_replay(typed: Typed, hub: Hub) -> None:
    """Its reason stays readable; nothing is changed by asking again."""
    batch_id = held(hub)
    code, out, _ = typed("close", batch_id)
    assert (code, out) == (0, f"batch {batch_id} is closed; nothing of it was taken\n")
    assert "settled otherwise, nothing of it was taken" in typed("batch", batch_id)[1]
    code, _, err = typed("replay", batch_id, "--go")
    assert (code, "settled" in err) == (2, True)


def test_a_replay_that_is_held_again_says_why(typed: Typed, hub: Hub) -> None:
    """With another exit code than success."""
    code, out, _ = typed("replay", held(hub), "--go")
    assert (code, "F013" in out) == (1, True)


def test_a_row_is_traced_to_its_receipt_and_its_return_files(typed: Typed, hub: Hub) -> None:
    """By the number the bank printed, with or without noughts; the head is row 0. Values of the row are not shown."""
    name = drop(hub, 1)
    hub.run([FEED])
    batch_id = hub.batch(name).batch_id
    for no in (40, "0040"):
        code, out, _ = typed("row", batch_id, no)
        assert code == 0
        assert [line for line in out.splitlines() if line in HEADS] == HEADS[:1] + HEADS[3:]
        assert "province" in out
        assert "payroll_line" in out
    values = hub.opened("payroll_line", "where batch_id = :id", id=batch_id)
    assert not [row[name] for row in values for name in ("worker_name", "id_no", "card_no") if row[name] in out]
    assert "payroll_batch" in typed("row", batch_id, 0)[1]
    code, out, _ = typed("row", batch_id, 1)
    assert (code, "L1" in out, "rejections" in out, "receipts" in out) == (0, True, True, False)
    code, _, err = typed("row", batch_id, 41)
    assert (code, "has no row with the number 41" in err) == (2, True)


HEADS = ["records", "rejections", "repetitions", "deliveries", "receipts", "reports"]


def test_a_row_that_repeats_names_the_batch_it_came_in_first(typed: Typed, hub: Hub) -> None:
    """The next version of a file says most of it again."""
    made = extra_drop(CITY, BANKS["haidai"], "PAYR", 200 + next(_extras), None)
    assert made.content is not None
    for name, content in ((made.name, made.content), (made.name.replace("_v1", "_v2"), made.content + b"\r\n")):
        hub.up.control.drop("haidai", f"in/{CITY.day:%Y%m%d}/{name}", content)
        hub.run([FEED])
    first, second = hub.batch(made.name), hub.batch(made.name.replace("_v1", "_v2"))
    _, out, _ = typed("row", second.batch_id, 7)
    assert "repetitions" in out
    assert re.search(rf"payroll_line .* {first.batch_id}$", out, re.MULTILINE)


def test_resending_says_how_many_go_out(typed: Typed, hub: Hub) -> None:
    """Or that there is nothing to send."""
    name = drop(hub)
    hub.run([FEED])
    batch_id = hub.batch(name).batch_id
    refused = hub.ask("select count(*) as n from delivery where batch_id = :id and state = 'refused'", id=batch_id)[0].n
    code, out, err = typed("resend", batch_id, "--go")
    if refused:
        assert (code, f"{refused} records go out with the next run" in out) == (0, True)
    else:
        assert (code, out, "nothing of batch" in err) == (2, "", True)


def test_an_alarm_is_said_once_a_day_and_listed(typed: Typed, hub: Hub) -> None:
    """A flood is read by nobody; another sentence, another feed and another day are said."""
    said = [("a", "odd"), ("a", "odd"), ("a", "other"), ("b", "odd")]
    for feed_id, message in said:
        with working(hub.house.engine) as work:
            batches.raise_alarm(work, feed_id, None, message)
    count_of = "select count(*) as n from alarm where feed_id in ('a', 'b')"
    assert hub.ask(count_of)[0].n == 3
    hub.ask("update alarm set raised_at = raised_at - interval '25 hours' where feed_id = 'a' returning 1")
    with working(hub.house.engine) as work:
        batches.raise_alarm(work, "a", None, "odd")
    assert hub.ask(count_of)[0].n == 4
    code, out, _ = typed("alarms", "--last", 2)
    assert code == 0
    assert [line.split()[-1] for line in out.splitlines()[-2:]] == ["odd", "odd"]


def test_clues_that_wait_are_listed_and_the_late_ones_by_themselves(typed: Typed, hub: Hub) -> None:
    """Each under its channel's number, with its day and the working days it is late; nobody's name."""
    hub.fetch("nat_clues")
    hub.store("nat_clues")
    hub.ask(
        "update record.clue set received_at = timestamptz '2020-01-02', due_on = null where record_id % 2 = 0 returning 1"
    )
    hub.ask("update record.clue set due_on = date '2099-01-05' where record_id % 2 = 1 returning 1")
    rows = hub.ask("select channel_serial_no, record_id % 2 = 0 as is_late from record.clue")
    code, every, _ = typed("clues")
    _, late, _ = typed("clues", "--overdue")
    assert code == 0
    assert {row.is_late for row in rows} == {True, False}
    for row in rows:
        assert row.channel_serial_no in every
        assert (row.channel_serial_no in late) == row.is_late
    assert not [row for row in hub.opened("clue") if row["reporter_name"] in every]
    assert "2020-02-06" in late


def test_lists_are_as_long_as_asked(typed: Typed, hub: Hub) -> None:
    """Newest last."""
    held(hub)
    held(hub)
    assert len(typed("batches", "--last", 1)[1].splitlines()) == 2


BAD_ADDRESSES = {
    "no address": "",
    "nonsense": "not an address",
    "another database": "postgres://u:secret@127.0.0.1/x",
    "a port that is none": "postgresql://u:secret@127.0.0.1:port/x",
    "nobody there": "postgresql://u:secret@127.0.0.1:1/x",
}


@pytest.mark.parametrize("case", BAD_ADDRESSES)
@pytest.mark.parametrize("command", ["batches", "migrate"])
def test_a_database_that_cannot_be_reached_is_one_line(
    typed: Typed, monkeypatch: pytest.MonkeyPatch, case: str, command: str
) -> None:
    """Never a traceback, and never the password."""
    monkeypatch.setenv("HUB_DATABASE_URL", BAD_ADDRESSES[case])
    open_house.cache_clear()
    code, out, err = typed(command)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("hub: S00")
    assert "secret" not in err


def test_a_database_without_tables_says_what_to_type(
    typed: Typed, monkeypatch: pytest.MonkeyPatch, empty_database: Callable[[], str]
) -> None:
    """`hub migrate` first; afterwards the list is empty."""
    monkeypatch.setenv("HUB_DATABASE_URL", empty_database())
    open_house.cache_clear()
    code, _, err = typed("batches")
    assert (code, "run `hub migrate` first" in err) == (2, True)
    assert typed("migrate")[0] == 0
    assert typed("batches")[0] == 0


def test_a_number_no_batch_can_have_is_one_line(typed: Typed) -> None:
    """Larger than the database counts."""
    code, _, err = typed("batch", 10**30)
    assert (code, err.count("\n")) == (2, 1)


def test_a_user_without_a_name_can_type_commands(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    """Containers may run under a number that is in no list of users."""

    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 50000")

    monkeypatch.setattr(getpass, "getuser", nobody)
    assert typed("feeds")[0] == 0
