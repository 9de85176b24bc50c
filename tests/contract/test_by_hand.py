"""What an officer or an admin does by hand: release, replay, close, resend, and what neither may do."""

from __future__ import annotations

import re
import traceback
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
from round_trip import Hub, effects, other_serials, return_lines

from hub import pipeline
from hub.errors import FeedChanged, HubError, NotAllowed
from hub.model import Batch, BatchState, Stage
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
        lambda: pipeline.close_batch(hub.house, 10**9),
        lambda: pipeline.resend_batch(hub.house, 10**9),
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
    with other_serials(hub) as mended:
        pipeline.replay_batch(mended.house, batch.batch_id)
        mended.run([FEED])
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
    with pytest.raises(HubError, match="changed after it was received"):
        pipeline.replay_batch(hub.house, batch.batch_id)
    assert again(hub, batch).state is BatchState.REPORTED
    place.write_bytes(content)
    pipeline.replay_batch(hub.house, batch.batch_id)
    hub.run([FEED])
    assert again(hub, batch).state is BatchState.REPORTED
    assert effects(hub.up) == before


def ret(hub: Hub, name: str) -> list[str]:
    """The first line of a file's RET_."""
    lines = return_lines(hub.up, "haidai", f"RET_{name}")
    return lines[0] if lines else []


def good(name: str, change: Callable[[bytes], bytes] = lambda content: content) -> bytes:
    """A payroll file of forty lines for this name, which is not dropped yet."""
    made = extra_drop(CITY, BANKS["haidai"], "PAYR", 30 + next(_extras), None)
    assert made.content is not None
    return change(made.content)


def upload(hub: Hub, name: str, content: bytes, day: str = f"{CITY.day:%Y%m%d}") -> str:
    return hub.up.control.drop("haidai", f"in/{day}/{name}", content)


def test_a_closed_batch_takes_nothing_and_stays_closed(hub: Hub) -> None:
    """Settled otherwise: its reason stays readable, nothing goes out, and it is neither replayed nor closed again."""
    batch, before = fails_the_share(hub), lines_at_province(hub)
    pipeline.close_batch(hub.house, batch.batch_id)
    for _ in range(2):
        hub.run([FEED])
    closed = again(hub, batch)
    assert (closed.state, closed.hold_code) == (BatchState.REPORTED, "F013")
    assert lines_at_province(hub) == before
    assert hub.ask("select 1 from tally where batch_id = :id", id=batch.batch_id) == []
    with pytest.raises(NotAllowed, match="settled"):
        pipeline.replay_batch(hub.house, batch.batch_id)
    for act in (pipeline.close_batch, pipeline.resend_batch):
        with pytest.raises(NotAllowed):
            act(hub.house, batch.batch_id)
    with pytest.raises(NotAllowed, match="only an expectation"):
        pipeline.release_batch(hub.house, batch.batch_id, "officer")
    assert again(hub, batch) == closed


def test_only_a_held_batch_can_be_closed(hub: Hub) -> None:
    """What went through is not undone by closing it."""
    name = drop(hub)
    hub.run([FEED])
    with pytest.raises(NotAllowed, match="not held"):
        pipeline.close_batch(hub.house, hub.batch(name).batch_id)
    assert hub.batch(name).state is BatchState.REPORTED


def test_a_batch_closed_before_its_bank_was_told_is_told_as_rejected(hub: Hub) -> None:
    """Never as accepted: nothing of it was taken."""
    name = drop(hub, spoil_cards(12))
    hub.fetch(FEED)
    hub.store(FEED)
    pipeline.close_batch(hub.house, hub.batch(name).batch_id)
    hub.run([FEED])
    assert ret(hub, name)[2:7] == ["REJECTED", "40", "0", "0", "F013"]
    assert hub.up.control.ledger()["received"]["haidai"]["ret"][f"RET_{name}"]["versions"] == 1


def test_a_closed_file_does_not_stand_in_the_way_of_a_good_one(hub: Hub) -> None:
    """It took no effect: neither its name nor its bytes count as used."""
    name = name_for()
    content = good(name)
    upload(hub, name, content[:-5])
    hub.run([FEED])
    pipeline.close_batch(hub.house, hub.batch(name).batch_id)
    upload(hub, name, content)
    hub.run([FEED])
    assert ret(hub, name)[2] == "ACCEPTED"
    assert hub.batch(name).state is BatchState.REPORTED


@pytest.mark.parametrize("at_once", [False, True])
def test_a_corrected_file_settles_the_held_one(hub: Hub, at_once: bool) -> None:
    """The next version of a name, in a later fetch or in the same one; the bank reads REJECTED for the first."""
    first, before = name_for(), lines_at_province(hub)
    content = good(first)
    upload(hub, first, spoil_cards(12)(content))
    if not at_once:
        hub.run([FEED])
        assert hub.batch(first).state is BatchState.HELD
    second = first.replace("_v1", "_v2")
    upload(hub, second, content)
    hub.run([FEED])
    settled = hub.batch(first)
    assert (settled.state, settled.hold_code) == (BatchState.REPORTED, "F013")
    assert ret(hub, first)[2:7:4] == ["REJECTED" if at_once else "HELD", "F013"]
    assert ret(hub, second)[2] == "ACCEPTED"
    assert not return_lines(hub.up, "haidai", f"FIN_{first}")
    assert lines_at_province(hub) == before + 40
    with pytest.raises(NotAllowed, match="settled"):
        pipeline.replay_batch(hub.house, settled.batch_id)


def test_only_a_later_version_of_the_same_file_settles_a_held_one(hub: Hub) -> None:
    """Another number is another file, and what is held after it came is not settled by what came before."""
    batch = fails_the_share(hub)
    other = drop(hub)
    hub.run([FEED])
    assert hub.batch(other).state is BatchState.REPORTED
    assert again(hub, batch).state is BatchState.HELD
    earlier = name_for()
    content = good(earlier)
    upload(hub, earlier, content)
    hub.run([FEED])
    later = upload(hub, earlier.replace("_v1", "_v2"), spoil_cards(12)(content))
    hub.run([FEED])
    pipeline.replay_batch(hub.house, hub.batch(earlier).batch_id)
    hub.run([FEED])
    assert hub.batch(later).state is BatchState.HELD


def test_a_name_without_a_day_settles_nothing_of_another_day(hub: Hub) -> None:
    """Where the day stands in the folder alone, today's file is no correction of yesterday's."""
    path = hub.house.registry.folder / f"{FEED}.yaml"
    text, name = path.read_text("utf-8"), name_for()
    path.write_text(text.replace("{type}_{date}_{seq}", "{type}_{seq}_{part}").replace("@date", "20261123"), "utf-8")
    try:
        registry = read_registry(path.parent)
        assert registry.problems == ()
        other = Hub(type(hub.house)(hub.house.engine, hub.house.archive, registry), hub.up)
        name = name.replace(f"{CITY.day:%Y%m%d}", "0001")
        content = good(name, lambda text: text.replace(f"{CITY.day:%Y%m%d}".encode(), b"20261123"))
        upload(other, name, spoil_cards(12)(content), "20261122")
        other.run([FEED])
        held = other.batch(name)
        assert (held.state, held.hold_code) == (BatchState.HELD, "F013")
        upload(other, name, content, "20261123")
        other.run([FEED])
    finally:
        path.write_text(text, "utf-8")
    assert again(hub, held).state is BatchState.HELD
    assert hub.batch(name).state is BatchState.REPORTED


def orphans(hub: Hub) -> tuple[str, bytes]:
    """A file whose lines the province gave up because their payroll never came: its head is rejected by us."""
    name = name_for()
    content = good(name)
    head = content.splitlines()[0]
    upload(hub, name, content.replace(head, head[:-1] + (b"0" if head[-1:] != b"0" else b"1")))
    hub.run([FEED])
    lines = [line for line in return_lines(hub.up, "haidai", f"FIN_{name}")[1:] if line[0] != "0"]
    assert {line[1] for line in lines} == {"REFUSED"}
    assert {line[3] for line in lines} <= {"R002", "2003"}  # the province refuses one record in a hundred on its own
    return name, content


def test_refused_records_are_sent_again_after_their_parent_came(hub: Hub) -> None:
    """All forty are taken now, each once; the bank's FIN_ is put anew, and there is nothing left to send."""
    name, content = orphans(hub)
    upload(hub, name.replace("_v1", "_v2"), content)
    hub.run([FEED])
    assert lines_of(hub, name) == {"refused": 40}
    assert pipeline.resend_batch(hub.house, hub.batch(name).batch_id) == 40
    assert hub.batch(name).state is BatchState.STORED
    hub.run([FEED])
    assert hub.batch(name).state is BatchState.REPORTED
    told = return_lines(hub.up, "haidai", f"FIN_{name}")
    accepted = lines_of(hub, name)["accepted"]
    assert accepted >= 38
    assert sum(line[1] == "ACCEPTED" for line in told[1:]) == accepted
    versions = hub.up.control.ledger()["received"]["haidai"]
    assert (versions["fin"][f"FIN_{name}"]["versions"], versions["ret"][f"RET_{name}"]["versions"]) == (2, 1)
    if accepted == 40:
        with pytest.raises(NotAllowed, match="nothing of batch"):
            pipeline.resend_batch(hub.house, hub.batch(name).batch_id)


def lines_of(hub: Hub, name: str) -> dict[str, int]:
    """The deliveries of a file's own lines by state."""
    sql = """select delivery.state, count(*) as n from delivery join batch using (batch_id)
             where source_name like :name and schema_name = 'payroll_line' group by 1"""
    return {row.state: row.n for row in hub.ask(sql, name=f"%/{name}")}


def test_a_batch_without_its_answers_is_not_sent_again(hub: Hub) -> None:
    """What is still on its way would go out twice."""
    name = drop(hub)
    hub.fetch(FEED)
    hub.store(FEED)
    with pytest.raises(NotAllowed, match="only an answered batch"):
        pipeline.resend_batch(hub.house, hub.batch(name).batch_id)
    hub.run([FEED])
    assert hub.batch(name).state is BatchState.REPORTED


def test_a_refused_record_that_was_corrected_since_is_not_sent_again(hub: Hub) -> None:
    """An old version after the new one would take the correction back."""
    name, content = orphans(hub)
    corrected = content.replace(b"|S||", b"|R|9001|")
    assert corrected != content
    upload(hub, name.replace("_v1", "_v2"), corrected)
    hub.run([FEED])
    superseded = content.count(b"|S||")
    before = effects(hub.up)["received"]["province"]["payroll_line"]
    old = hub.batch(name).batch_id
    sql = """select count(*) as n from record.payroll_line as r where batch_id = :id and not is_current"""
    assert hub.ask(sql, id=old)[0].n == superseded
    if superseded == 40:
        with pytest.raises(NotAllowed, match="nothing of batch"):
            pipeline.resend_batch(hub.house, old)
    else:
        assert pipeline.resend_batch(hub.house, old) == 40 - superseded
    hub.run([FEED])
    after = effects(hub.up)["received"]["province"]["payroll_line"]
    assert after["exists"] == before["exists"]


def test_a_mapping_that_is_broken_takes_no_word_back(hub: Hub) -> None:
    """Accepted, then read again by a mapping that cannot: what was exchanged stays, and so does what the bank was told."""
    path = hub.house.registry.folder / f"{FEED}.yaml"
    text, name = path.read_text("utf-8"), drop(hub)
    hub.run([FEED])
    place = Path(hub.up.addresses["sftp"]["users"]["haidai"]["root"]) / f"out/{CITY.day:%Y%m%d}/RET_{name}"
    first = place.read_bytes()
    assert ret(hub, name)[2] == "ACCEPTED"
    path.write_text(text.replace("单位: {equals: yuan", "单位: {equals: fen"), "utf-8")
    try:
        broken = Hub(type(hub.house)(hub.house.engine, hub.house.archive, read_registry(path.parent)), hub.up)
        assert broken.house.registry.problems == ()
        with pytest.raises(FeedChanged):
            pipeline.replay_batch(broken.house, hub.batch(name).batch_id)
        broken.take_in([FEED])
    finally:
        path.write_text(text, "utf-8")
    assert hub.batch(name).state is BatchState.REPORTED
    assert place.read_bytes() == first
    pipeline.replay_batch(hub.house, hub.batch(name).batch_id)
    hub.run([FEED])
    assert place.read_bytes() == first
    assert hub.batch(name).state is BatchState.REPORTED


def test_what_is_decided_while_a_report_goes_out_is_not_forgotten(hub: Hub) -> None:
    """A batch that is read again between the report and its note is reported again."""
    name = drop(hub)
    hub.take_in([FEED])
    hub.deliver()
    batch = hub.batch(name)
    assert batch.state is BatchState.DELIVERED

    class Deciding:
        def put(self, path: str, data: bytes, still_ours: Callable[[], None]) -> None:
            pipeline.replay_batch(hub.house, batch.batch_id)

    pipeline.report_batch(hub.house, hub.feed(FEED), batch, Stage.OUTCOME, Deciding())
    assert again(hub, batch).state is BatchState.STORED
    hub.run([FEED])
    assert again(hub, batch).state is BatchState.REPORTED


@pytest.mark.parametrize(("old", "new", "held"), [
    (b"|S||", b"|S|\x00|", None),
    (b"D|1|", b"D|\x001|", None),
    (b"|40|", b"|4\x000|", "F002"),
])  # fmt: skip
def test_a_nul_in_a_file_stops_neither_the_file_nor_its_feed(
    hub: Hub, old: bytes, new: bytes, held: str | None
) -> None:
    """In a cell, in a line number, in the head: PostgreSQL keeps none, and the next file goes on."""
    name = drop(hub, lambda content: content.replace(old, new, 1))
    hub.run([FEED])
    batch = hub.batch(name)
    assert (batch.state, batch.hold_code) == (BatchState.HELD if held else BatchState.REPORTED, held)
    if held:
        assert batch.hold_message == "the file declares no number of detail lines and has 40"
    other = drop(hub)
    hub.run([FEED])
    assert hub.batch(other).state is BatchState.REPORTED


def test_what_the_database_says_of_a_row_is_not_repeated(hub: Hub) -> None:
    """Its own words quote the row, and they would stand in every log."""
    for sql in ("select 1 where 'wang'::int = 1", "select 1 from nobody"):
        with pytest.raises(HubError) as caught:
            hub.ask(sql)
        assert "wang" not in "".join(traceback.format_exception(caught.value))
