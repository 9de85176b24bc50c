"""What an officer or an admin does by hand: release, replay, and what neither may do."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
from round_trip import Hub, effects, return_lines

from hub import pipeline
from hub.errors import NotAllowed
from hub.model import Batch, BatchState
from hub.registry import read_registry
from simulators.drops import extra_drop
from simulators.projects import BANKS
from simulators.world import City

CITY = City(7, 0.1)
FEED = "haidai_payrolls"
_extras = count(1)


def drop(hub: Hub, change: Callable[[bytes], bytes] = lambda content: content, name: str | None = None) -> str:
    """A payroll file of forty lines, changed before it is dropped."""
    made = extra_drop(CITY, BANKS["haidai"], "PAYR", 30 + next(_extras), None)
    assert made.content is not None
    return hub.up.control.drop("haidai", f"in/{CITY.day:%Y%m%d}/{name or made.name}", change(made.content))


def spoil_cards(lines: int) -> Callable[[bytes], bytes]:
    """Break the card numbers of so many lines."""
    return lambda content: re.sub(rb"\|(6\d{15,18})\|", rb"|1\1|", content, count=lines)


def fails_the_share(hub: Hub) -> Batch:
    """A batch held because too many of its rows are turned down."""
    name = drop(hub, spoil_cards(12))
    hub.run([FEED])
    batch = hub.batch(name)
    assert (batch.state, batch.hold_code) == (BatchState.HELD, "F013")
    return batch


def name_of(batch: Batch) -> str:
    return batch.source_name.rpartition("/")[2]


def again(hub: Hub, batch: Batch) -> Batch:
    return next(b for b in hub.batches() if b.batch_id == batch.batch_id)


def lines_at_province(hub: Hub) -> int:
    received = hub.up.control.ledger()["received"]["province"].get("payroll_line", {})
    return sum(received.get(word, 0) for word in ("created", "refused", "waiting"))


def test_too_many_bad_rows_wait_for_an_officer(hub: Hub) -> None:
    """The bank reads HELD, not REJECTED; the province hears nothing."""
    before = lines_at_province(hub)
    batch = fails_the_share(hub)
    first = return_lines(hub.up, "haidai", f"RET_{name_of(batch)}")[0]
    assert (first[2], first[6]) == ("HELD", "F013")
    assert lines_at_province(hub) == before


def test_a_released_batch_goes_on_with_its_good_rows(hub: Hub) -> None:
    """Twenty-eight lines to the province, twelve back to the bank, who decided is kept."""
    batch, before = fails_the_share(hub), lines_at_province(hub)
    pipeline.release_batch(hub.house, batch.batch_id, "officer")
    hub.run([FEED])
    assert again(hub, batch).state is BatchState.REPORTED
    assert again(hub, batch).released_by == "officer"
    assert lines_at_province(hub) == before + 28
    lines = return_lines(hub.up, "haidai", f"RET_{name_of(batch)}")
    assert lines[0][2:7] == ["PARTIAL", "40", "28", "12", "0000"]
    assert len(lines) == 13
    assert len(return_lines(hub.up, "haidai", f"FIN_{name_of(batch)}")) == 41
    assert hub.up.control.ledger()["received"]["haidai"]["ret"][f"RET_{name_of(batch)}"]["versions"] == 2


def test_only_a_held_expectation_can_be_released(hub: Hub) -> None:
    """Neither a batch that is done nor a file that is not as agreed."""
    done = drop(hub)
    hub.run([FEED])
    broken = hub.up.control.drop_extra("haidai", "PAYR", "wrong_amount")
    hub.run([FEED])
    for name, said in ((done, "reported"), (broken, "F003")):
        before = hub.batch(name)
        with pytest.raises(NotAllowed, match=said):
            pipeline.release_batch(hub.house, before.batch_id, "officer")
        assert hub.batch(name) == before


def test_there_is_no_such_batch(hub: Hub) -> None:
    """A slip of the finger changes nothing."""
    for act in (
        lambda: pipeline.release_batch(hub.house, 10**9, "officer"),
        lambda: pipeline.replay_batch(hub.house, 10**9),
    ):
        with pytest.raises(NotAllowed):
            act()


@pytest.mark.parametrize("fault", ["wrong_digest", "same name", "same content"])
def test_a_file_that_reading_cannot_mend_is_not_replayed(hub: Hub, fault: str) -> None:
    """F001, F004 and F006 need another file."""
    if fault == "wrong_digest":
        name = hub.up.control.drop_extra("haidai", "PAYR", "wrong_digest")
    else:
        first, kept = name_for(), list[bytes]()
        drop(hub, lambda content: kept.append(content) or content, first)  # type: ignore[func-returns-value]
        hub.run([FEED])
        name = first if fault == "same name" else name_for()
        # one byte longer, because SFTP tells whole seconds and a size only
        drop(hub, (lambda content: content + b"\r\n") if fault == "same name" else lambda _: kept[0], name)
    hub.run([FEED])
    assert hub.batch(name).state is BatchState.HELD
    with pytest.raises(NotAllowed, match="new file"):
        pipeline.replay_batch(hub.house, hub.batch(name).batch_id)


def name_for() -> str:
    return f"313_370900_PAYR_{CITY.day:%Y%m%d}_{800 + next(_extras):04d}_v1.txt"


def test_replaying_a_reported_batch_changes_nothing(hub: Hub) -> None:
    """Same tallies, same ledgers, no second version of a return file."""
    name = drop(hub, spoil_cards(2))
    hub.run([FEED])
    batch, before, tallies = hub.batch(name), effects(hub.up), hub.tallies()
    pipeline.replay_batch(hub.house, batch.batch_id)
    hub.run([FEED])
    assert again(hub, batch).state is BatchState.REPORTED
    assert effects(hub.up) == before
    assert hub.tallies() == tallies


def test_replaying_an_old_batch_does_not_undo_a_newer_one(hub: Hub) -> None:
    """Version one read again is still older than version two."""
    name, newer = name_for(), list[bytes]()
    drop(hub, lambda content: newer.append(content) or content, name)  # type: ignore[func-returns-value]
    hub.run([FEED])
    corrected = newer[0].replace(b"|S||", b"|R|9001|")
    hub.up.control.drop("haidai", f"in/{CITY.day:%Y%m%d}/{name.replace('_v1', '_v2')}", corrected)
    hub.run([FEED])
    assert hub.batch(name.replace("_v1", "_v2")).state is BatchState.REPORTED
    before = effects(hub.up)
    pipeline.replay_batch(hub.house, hub.batch(name).batch_id)
    hub.run([FEED])
    after = effects(hub.up)
    assert after["received"]["province"] == before["received"]["province"]
    assert after["received"]["haidai"] == before["received"]["haidai"]
    assert [line[0] for line in return_lines(hub.up, "haidai", f"FIN_{name}")[1:]] == [str(n) for n in range(1, 41)]


def test_replaying_after_the_mapping_was_mended_corrects_what_was_sent(hub: Hub) -> None:
    """Each line is corrected once at the province and stands once in tally, RET_ and FIN_."""
    name = drop(hub)
    hub.run([FEED])
    batch, before = hub.batch(name), hub.up.control.ledger()["received"]["province"]["payroll_line"]
    path = hub.house.registry.folder / f"{FEED}.yaml"
    text = path.read_text("utf-8")
    other = text.replace("bank_serial_no: 银行流水号", "bank_serial_no: 行号")
    path.write_text(
        other.replace('area6_code: "@area"\nexpect', 'area6_code: "@area"\n    ignore: [银行流水号]\nexpect'), "utf-8"
    )
    try:
        mended = Hub(type(hub.house)(hub.house.engine, hub.house.archive, read_registry(path.parent)), hub.up)
        assert mended.house.registry.problems == ()
        pipeline.replay_batch(mended.house, batch.batch_id)
        mended.run([FEED])
    finally:
        path.write_text(text, "utf-8")
    after = hub.up.control.ledger()["received"]["province"]["payroll_line"]
    refused = sum(1 for line in return_lines(hub.up, "haidai", f"FIN_{name}")[1:] if line[1] == "REFUSED")
    assert after["corrected"] - before["corrected"] == 40 - refused
    assert after["created"] == before["created"]
    tally = hub.ask("select * from tally where batch_id = :id and schema_name = 'payroll_line'", id=batch.batch_id)[0]
    assert (tally.fetched_rows, tally.stored_rows, tally.rejected_rows, tally.unchanged_rows) == (40, 40, 0, 0)
    lines = return_lines(hub.up, "haidai", f"FIN_{name}")
    assert [line[0] for line in lines[1:]] == [str(number) for number in range(1, 41)]
    assert return_lines(hub.up, "haidai", f"RET_{name}")[0][2:6] == ["ACCEPTED", "40", "40", "0"]


def test_a_held_batch_is_replayed_after_the_mapping_was_mended(hub: Hub) -> None:
    """F008 for a column the mapping did not know; with a mapping that knows it the same bytes go through."""
    path = hub.house.registry.folder / f"{FEED}.yaml"
    text, name = path.read_text("utf-8"), hub.up.control.drop_extra("haidai", "PAYR", "other_columns")
    hub.run([FEED])
    batch, before = hub.batch(name), lines_at_province(hub)
    assert batch.hold_code == "F008"
    path.write_text(text.replace("发放时间, 银行流水号]", "发放时间, 银行流水号, 网点]").replace(
        "      area6_code: \"@area\"\nexpect", "      area6_code: \"@area\"\n    ignore: [网点]\nexpect"), "utf-8")  # fmt: skip
    try:
        mended = Hub(type(hub.house)(hub.house.engine, hub.house.archive, read_registry(path.parent)), hub.up)
        assert mended.house.registry.problems == ()
        pipeline.replay_batch(mended.house, batch.batch_id)
        mended.run([FEED])
    finally:
        path.write_text(text, "utf-8")
    assert again(hub, batch).state is BatchState.REPORTED
    assert lines_at_province(hub) == before + 40


def test_a_changed_archive_is_never_read(hub: Hub) -> None:
    """Bytes that are not what they were are not replayed; the batch stays where it was before."""
    name = drop(hub)
    hub.run([FEED])
    batch = hub.batch(name)
    digest = batch.parts[0]
    place = next(Path(hub.house.archive.folder).rglob(digest))
    content = place.read_bytes()
    place.chmod(0o600)
    place.write_bytes(content + b" ")
    before = effects(hub.up)
    pipeline.replay_batch(hub.house, batch.batch_id)
    with pytest.raises(Exception, match="changed after it was received"):
        hub.run([FEED])
    place.write_bytes(content)
    hub.run([FEED])
    assert again(hub, batch).state is BatchState.REPORTED
    assert effects(hub.up) == before
