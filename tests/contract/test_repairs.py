"""Repairs: a rejected row that two people put right goes on without its file, once, and stays repaired."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from round_trip import PROVINCE, Hub, effects, return_lines

from hub import pipeline
from hub.errors import NotAllowed
from hub.model import Batch, BatchState
from simulators.drops import extra_drop
from simulators.projects import BANKS
from simulators.world import City

CITY = City(7, 0.1)
FEED = "haidai_payrolls"
_extras = count(1)


def drop(hub: Hub, change: Callable[[bytes], bytes]) -> Batch:
    """A payroll file of forty lines, changed, all the way to its answers."""
    made = extra_drop(CITY, BANKS["haidai"], "PAYR", 500 + next(_extras), None)
    assert made.content is not None
    name = hub.up.control.drop("haidai", f"in/{CITY.day:%Y%m%d}/{made.name}", change(made.content))
    hub.run([FEED])
    assert hub.batch(name).state is BatchState.REPORTED
    return hub.batch(name)


def spoil_cards(content: bytes) -> bytes:
    """A figure too many before the card numbers of lines 1 and 2."""
    return re.sub(rb"\|(6\d{15,18})\|", rb"|1\1|", content, count=2)


def cards(hub: Hub, batch: Batch) -> list[str]:
    """The right card numbers of lines 1 and 2."""
    content = hub.house.archive.read(batch.parts[0]).decode("gb18030")
    return [found[1:] for found in re.findall(r"\|(16\d{15,18})\|", content)]


def file_name(batch: Batch) -> str:
    return batch.source_name.rpartition("/")[2]


def line_of(hub: Hub, batch: Batch, no: int) -> list[str]:
    """What FIN_ says of a line."""
    return next(line for line in return_lines(hub.up, "haidai", f"FIN_{file_name(batch)}")[1:] if line[0] == str(no))


def tally(hub: Hub, batch: Batch, schema: str = "payroll_line") -> Any:
    return hub.ask("select * from tally where batch_id = :id and schema_name = :s", id=batch.batch_id, s=schema)[0]


def created(hub: Hub, schema: str = "payroll_line") -> int:
    received = hub.up.control.ledger()["received"][PROVINCE].get(schema, {})
    return sum(received.get(word, 0) for word in ("created", "refused"))


def ask(hub: Hub, batch: Batch, wanted: dict[str, dict[str, str]], by: str = "王科长") -> int:
    return pipeline.ask_repair(hub.house, batch.batch_id, wanted, by, "银行来电更正").repair_id


@pytest.fixture
def batch(hub: Hub) -> Batch:
    """A reported batch with two rejected lines."""
    return drop(hub, spoil_cards)


def test_a_repaired_row_goes_on_without_its_file(hub: Hub, batch: Batch) -> None:
    """Nothing happens before the second person approves; then one line goes out, its fen moves, and the bank reads so once."""
    before, sent, old = effects(hub.up), created(hub), tally(hub, batch)
    assert line_of(hub, batch, 1)[1] == "REJECTED"
    repair_id = ask(hub, batch, {"1": {"卡号": cards(hub, batch)[0]}})
    hub.run([FEED])
    assert effects(hub.up) == before
    assert pipeline.approve_repair(hub.house, repair_id, "李科长") == batch.batch_id
    hub.run([FEED])
    assert created(hub) == sent + 1
    assert line_of(hub, batch, 1)[1] == "ACCEPTED"
    assert line_of(hub, batch, 2)[1] == "REJECTED"
    new = tally(hub, batch)
    assert (new.fetched_rows, new.fetched_fen) == (old.fetched_rows, old.fetched_fen)
    assert (new.stored_rows, new.rejected_rows) == (old.stored_rows + 1, old.rejected_rows - 1)
    assert new.stored_fen - old.stored_fen == old.rejected_fen - new.rejected_fen > 0
    ledger = hub.up.control.ledger()["received"]["haidai"]
    assert ledger["fin"][f"FIN_{file_name(batch)}"]["versions"] == 2
    assert ledger["ret"][f"RET_{file_name(batch)}"]["versions"] == 2
    assert return_lines(hub.up, "haidai", f"RET_{file_name(batch)}")[0][3:6] == ["40", "39", "1"]
    [kept] = hub.ask("select * from repair_row where repair_id = :id", id=repair_id)
    assert kept.before_digest != kept.after_digest
    assert {why["code"] for why in kept.reasons} <= {"L102", "L103", "L111"}


def test_a_replay_neither_undoes_nor_doubles_a_repair(hub: Hub, batch: Batch) -> None:
    """The bytes are read again and the correction stands on top again: same account, same ledgers."""
    pipeline.approve_repair(hub.house, ask(hub, batch, {"1": {"卡号": cards(hub, batch)[0]}}), "李科长")
    hub.run([FEED])
    before, account = effects(hub.up), tally(hub, batch)
    for _ in range(2):
        pipeline.replay_batch(hub.house, batch.batch_id)
        hub.run([FEED])
        assert effects(hub.up) == before
        assert tally(hub, batch) == account
    assert line_of(hub, batch, 1)[1] == "ACCEPTED"


def test_a_row_that_is_still_bad_is_not_written_and_says_every_reason(hub: Hub, batch: Batch) -> None:
    """Codes and columns, never the values."""
    wrong = {"卡号": "12", "证件号码": "37090219900101"}
    with pytest.raises(NotAllowed) as caught:
        ask(hub, batch, {"1": wrong})
    assert caught.value.code == "S042"
    assert "卡号" in str(caught.value)
    assert "证件号码" in str(caught.value)
    assert not any(value in str(caught.value) for value in wrong.values())
    assert hub.ask("select 1 from repair where batch_id = :id", id=batch.batch_id) == []


@pytest.mark.parametrize("by", ["王科长", " 王科长 ", "王 科长", ""])
def test_nobody_approves_what_they_asked_for_themselves(hub: Hub, batch: Batch, by: str) -> None:
    """However the name is written; nothing takes effect."""
    repair_id, before = ask(hub, batch, {"1": {"卡号": cards(hub, batch)[0]}}), effects(hub.up)
    with pytest.raises(NotAllowed) as caught:
        pipeline.approve_repair(hub.house, repair_id, by)
    assert caught.value.code == "S041"
    hub.run([FEED])
    assert effects(hub.up) == before
    assert [row.state for row in hub.ask("select state from repair where repair_id = :id", id=repair_id)] == ["waiting"]


def test_two_approvals_at_once_take_effect_once(hub: Hub, batch: Batch) -> None:
    """The second sees what the first decided; the province gets the line once."""
    repair_id, sent = ask(hub, batch, {"2": {"卡号": cards(hub, batch)[1]}}), created(hub)
    outcomes: list[object] = []
    ready = threading.Barrier(2)

    def approve(by: str) -> None:
        ready.wait()
        try:
            outcomes.append(pipeline.approve_repair(hub.house, repair_id, by))
        except NotAllowed as error:
            outcomes.append(error)

    threads = [threading.Thread(target=approve, args=(by,)) for by in ("李科长", "张科长")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(type(one).__name__ for one in outcomes) == ["NotAllowed", "int"]
    hub.run([FEED])
    assert created(hub) == sent + 1
    assert tally(hub, batch).stored_rows == 39


def test_a_declined_repair_comes_to_nothing(hub: Hub, batch: Batch) -> None:
    """It cannot be approved afterwards, and its row may be repaired by another."""
    wanted = {"1": {"卡号": cards(hub, batch)[0]}}
    repair_id, before = ask(hub, batch, wanted), effects(hub.up)
    with pytest.raises(NotAllowed, match="waits for row"):
        ask(hub, batch, wanted)
    pipeline.decline_repair(hub.house, repair_id, "王科长")
    with pytest.raises(NotAllowed, match="declined already"):
        pipeline.approve_repair(hub.house, repair_id, "李科长")
    hub.run([FEED])
    assert effects(hub.up) == before
    assert ask(hub, batch, wanted) > repair_id


def test_many_rows_of_one_cause_are_one_repair(hub: Hub, batch: Batch) -> None:
    """Both lines in one commit; afterwards neither is rejected and neither can be repaired again."""
    wanted = {str(no): {"卡号": card} for no, card in enumerate(cards(hub, batch), 1)}
    pipeline.approve_repair(hub.house, ask(hub, batch, wanted), "李科长")
    hub.run([FEED])
    assert (tally(hub, batch).stored_rows, tally(hub, batch).rejected_rows, tally(hub, batch).rejected_fen) == (
        40,
        0,
        0,
    )
    assert return_lines(hub.up, "haidai", f"RET_{file_name(batch)}")[0][2] == "ACCEPTED"
    with pytest.raises(NotAllowed, match="no rejected row 1"):
        ask(hub, batch, wanted)


def test_an_amount_that_breaks_the_files_own_total_is_refused(hub: Hub, batch: Batch) -> None:
    """What the file declares of itself stays as it is declared."""
    with pytest.raises(NotAllowed) as caught:
        ask(hub, batch, {"1": {"卡号": cards(hub, batch)[0], "实发金额": "1.00"}})
    assert caught.value.code == "S043"


def test_a_row_must_not_take_the_place_of_another(hub: Hub, batch: Batch) -> None:
    """With the number of line 7 both would be the same line of the payroll."""
    with pytest.raises(NotAllowed) as caught:
        ask(hub, batch, {"1": {"卡号": cards(hub, batch)[0], "行号": "7"}})
    assert caught.value.code == "S042"


@pytest.mark.parametrize(
    ("no", "cells", "said"),
    [
        ("7", {"卡号": "6"}, "no rejected row 7"),
        ("1", {"没有": "6"}, "没有"),
        ("1", {}, "nothing is said"),
        ("x", {"卡号": "6"}, "row x"),
    ],
)
def test_what_cannot_be_repaired_is_said(hub: Hub, batch: Batch, no: str, cells: dict[str, str], said: str) -> None:
    """A good row, a column that is not there, no column at all, no such row."""
    with pytest.raises(NotAllowed, match=said):
        ask(hub, batch, {no: cells})


def test_a_line_that_could_not_be_cut_is_repaired_by_giving_its_cells(hub: Hub) -> None:
    """L115: a separator inside a name; its amount was nowhere to be read and is now."""

    def cut(content: bytes) -> bytes:
        lines = content.split(b"\r\n")
        cells = lines[3].split(b"|")
        lines[3] = b"|".join([*cells[:4], cells[4] + b"|x", *cells[5:]])
        return b"\r\n".join(lines)

    batch = drop(hub, cut)
    text = hub.house.archive.read(batch.parts[0]).decode("gb18030").split("\r\n")[3].split("|")
    columns = (
        "标识 序号 工资批次号 行号 姓名 证件类型 证件号码 卡号 联行号 实发金额 发放结果 失败代码 发放时间 银行流水号"
    )
    cells = dict(zip(columns.split(), [*text[:5], *text[6:]], strict=True))
    assert tally(hub, batch).unread_fen > 0
    with pytest.raises(NotAllowed) as caught:
        ask(hub, batch, {"3": {**cells, "实发金额": "1.00"}})
    assert caught.value.code == "S043"
    pipeline.approve_repair(hub.house, ask(hub, batch, {"3": cells}), "李科长")
    hub.run([FEED])
    assert line_of(hub, batch, 3)[1] in ("ACCEPTED", "REFUSED")
    assert (tally(hub, batch).stored_rows, tally(hub, batch).unread_fen, tally(hub, batch).rejected_fen) == (40, 0, 0)


def test_a_files_head_is_repaired_and_its_lines_follow_by_themselves(hub: Hub) -> None:
    """The province gave the lines up (R002) because the payroll was rejected here; once it has it, they go out once more, and
    the bank reads the new outcome once."""

    def spoil_head(content: bytes) -> bytes:
        head = content.splitlines()[0]
        return content.replace(head, head[:-1] + (b"0" if head[-1:] != b"0" else b"1"))

    batch = drop(hub, spoil_head)
    good = extra_drop(CITY, BANKS["haidai"], "PAYR", 500, None).content
    assert good is not None
    states = (
        "select state, count(*) as n from delivery where batch_id = :id and schema_name = 'payroll_line' group by 1"
    )
    assert {row.state: row.n for row in hub.ask(states, id=batch.batch_id)} == {"refused": 40}
    right = hub.ask("select distinct employer_uscc from record.payroll_batch limit 1")[0].employer_uscc
    pipeline.approve_repair(hub.house, ask(hub, batch, {"0": {"用工企业信用代码": right}}), "李科长")
    hub.run([FEED])
    assert pipeline.wake_children(hub.house) in (0, 39, 40)
    hub.run([FEED])
    assert pipeline.wake_children(hub.house) == 0
    told = return_lines(hub.up, "haidai", f"FIN_{file_name(batch)}")[1:]
    parent = hub.ask(
        "select state from delivery where batch_id = :id and schema_name = 'payroll_batch'", id=batch.batch_id
    )
    if parent[0].state == "accepted":
        assert sum(line[1] == "ACCEPTED" for line in told) >= 38
    assert tally(hub, batch, "payroll_batch").rejected_rows == 0


def test_no_value_stands_in_any_log(hub: Hub, batch: Batch, caplog: pytest.LogCaptureFixture) -> None:
    """Neither what stood there nor what stands there now."""
    right = cards(hub, batch)[0]
    with caplog.at_level(logging.DEBUG):
        pipeline.approve_repair(hub.house, ask(hub, batch, {"1": {"卡号": right}}), "李科长")
        hub.run([FEED])
    assert "repaired" in caplog.text
    assert right not in caplog.text


CALLED = {
    "json": ("bureau_permits", "bureau", "contractPriceWan", "permitNo", ("project", "permit")),
    "soap": ("daizong_guarantees", "daizong", "InsuredAmount", "GuaranteeNo", ("guarantee",)),
}


@pytest.mark.parametrize("kind", CALLED)
def test_a_row_of_a_call_is_repaired_and_its_partner_hears_of_it(hub: Hub, kind: str) -> None:
    """A member of JSON, an element of XML. When the partner sends the bad row once more it is no news, and nothing goes back."""
    feed, partner, column, word, schemas = CALLED[kind]
    hub.run([feed])
    sql = """select distinct batch_id, printed_no, source_key ->> :word as key from rejection join batch using (batch_id)
             where feed_id = :feed and reasons -> 0 ->> 'column' = :column and jsonb_array_length(reasons) = 1"""
    [row] = hub.ask(sql, feed=feed, column=column, word=word)
    batch = next(one for one in hub.batches(feed) if one.batch_id == row.batch_id)
    others = len(hub.ask("select 1 from rejection where batch_id = :id", id=batch.batch_id)) - len(schemas)
    sent = [created(hub, schema) for schema in schemas]
    told = len([one for one in hub.up.control.statuses(partner) if one["item"] == row.key])
    pipeline.approve_repair(hub.house, ask(hub, batch, {row.printed_no: {column: "120.5"}}), "李科长")
    hub.run([feed])
    assert [created(hub, schema) for schema in schemas] == [number + 1 for number in sent]
    assert len(hub.ask("select 1 from rejection where batch_id = :id", id=batch.batch_id)) == others
    assert len([one for one in hub.up.control.statuses(partner) if one["item"] == row.key]) == told + 1
    before = effects(hub.up)["received"]
    hub.ask("delete from feed_cursor where feed_id = :feed returning 1", feed=feed)
    hub.run([feed])
    assert effects(hub.up)["received"] == before
