"""The whole way there and back: every row and every fen is accounted for at each hop, by the partners' own ledgers."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from round_trip import PROVINCE, Hub, effects

from hub import bootstrap, pipeline
from hub.model import Stage
from simulators.running import Running

BANKS = ("haidai", "wenhe")


@pytest.fixture(scope="module")
def exchanged(hub: Hub) -> Hub:
    """One day dropped, fetched, delivered and reported."""
    hub.up.control.drop_day()
    hub.run()
    return hub


@pytest.fixture(scope="module")
def sent(exchanged: Hub) -> Mapping[str, Any]:
    found: Mapping[str, Any] = exchanged.up.control.ledger()["sent"]
    return found


@pytest.fixture(scope="module")
def received(exchanged: Hub) -> Mapping[str, Any]:
    found: Mapping[str, Any] = exchanged.up.control.ledger()["received"]
    return found


def test_every_feed_sent_something(exchanged: Hub, sent: Mapping[str, Any]) -> None:
    """The comparison below leaves no feed out."""
    assert set(sent) == set(exchanged.house.registry.feeds)
    assert all(feed["rows"] > 0 for feed in sent.values())


def test_every_row_and_fen_sent_is_stored_or_rejected(exchanged: Hub, sent: Mapping[str, Any]) -> None:
    """Sent = fetched - unchanged = stored + rejected, in rows and in fen, for each schema of each feed."""
    tallies = exchanged.tallies()
    for feed_id, feed in sent.items():
        for schema, told in feed["by_kind"].items():
            tally = tallies[feed_id, schema]
            shown = {name: tally[name] for name in tally if name.endswith(("_rows", "_fen"))}
            assert tally["stored_rows"] + tally["rejected_rows"] == told["rows"], (feed_id, schema, shown)
            assert tally["fetched_rows"] - tally["unchanged_rows"] == told["rows"], (feed_id, schema, shown)
            assert tally["rejected_rows"] == told["bad_rows"], (feed_id, schema, shown)
            assert tally["stored_fen"] + tally["rejected_fen"] == told["fen"], (feed_id, schema, shown)
    assert {key for key in tallies} == {(feed_id, kind) for feed_id, feed in sent.items() for kind in feed["by_kind"]}


def test_every_row_and_fen_stored_is_answered_by_the_province(exchanged: Hub, received: Mapping[str, Any]) -> None:
    """Stored = accepted + refused = what the province's ledger created and refused, in rows and in fen."""
    ours: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for (_, schema), tally in exchanged.tallies().items():
        assert tally["waiting_rows"] == 0
        assert tally["stored_rows"] == tally["accepted_rows"] + tally["refused_rows"], schema
        assert tally["stored_fen"] == tally["accepted_fen"] + tally["refused_fen"], schema
        for name in ("accepted_rows", "accepted_fen", "refused_rows", "refused_fen"):
            ours[schema][name] += tally[name]
    theirs = received[PROVINCE]
    assert set(theirs) == set(ours)
    for schema, ledger in theirs.items():
        given_up = [e for e in exchanged.up.control.effects(schema) if e["status"] == "deferred"]
        assert ours[schema]["accepted_rows"] == ledger["created"], schema
        assert ours[schema]["accepted_fen"] == ledger["created_fen"] == ledger["fen"], schema
        assert ours[schema]["refused_rows"] == len([*given_up, *refused(exchanged.up, schema)]), schema
        assert ours[schema]["refused_fen"] == ledger["refused_fen"] + sum(e["fen"] for e in given_up), schema
        assert ledger["corrected"] == ledger["exists"] == 0, schema


def refused(up: Running, schema: str) -> list[dict[str, Any]]:
    return [effect for effect in up.control.effects(schema) if effect["status"] == "refused"]


@pytest.mark.parametrize("bank", BANKS)
def test_every_bank_file_got_its_return_files(bank: str, exchanged: Hub, received: Mapping[str, Any]) -> None:
    """One RET_ per file and one FIN_ per file that was not held; digest and flag fit, and the counts are those of the hub."""
    names = {batch.source_name.rpartition("/")[2] for batch in exchanged.batches() if batch.feed_id.startswith(bank)}
    held = {
        b.source_name.rpartition("/")[2]
        for b in exchanged.batches()
        if b.state.value == "held" and b.feed_id.startswith(bank)
    }
    ret, fin = received[bank]["ret"], received[bank]["fin"]
    assert {name.removeprefix("RET_") for name in ret} == names
    assert {name.removeprefix("FIN_") for name in fin} == names - held
    for name, line in {**ret, **fin}.items():
        assert line["digest_ok"], name
        assert line["flag_ok"], name
        assert line["versions"] == 1, name
    for name in names - held:
        rows = detail(exchanged, name)
        told = ret[f"RET_{name}"]
        assert (int(told["rows"]), int(told["accepted"]), int(told["bad"])) == rows, name
        assert int(fin[f"FIN_{name}"]["rows"]) == rows[0], name


def detail(hub: Hub, name: str) -> tuple[int, int, int]:
    """Detail rows of a file: all, stored, rejected."""
    found = hub.ask(
        """select fetched_rows, stored_rows, rejected_rows from tally join batch using (batch_id)
           where source_name like :name and schema_name <> 'payroll_batch'""",
        name=f"%/{name}",
    )
    return tuple(found[0])


def test_every_permit_is_filed_or_not(exchanged: Hub) -> None:
    """The bureau heard of each permit and each approval exactly once."""
    told = exchanged.up.control.statuses("bureau")
    assert sorted(status["item"] for status in told) == sorted(keys_sent(exchanged.up, "bureau"))
    assert {status["times"] for status in told} == {1}


def test_every_guarantee_and_event_is_acknowledged(exchanged: Hub) -> None:
    """The insurer heard of each guarantee and each event exactly once."""
    told = exchanged.up.control.statuses("daizong")
    assert sorted(status["item"] for status in told) == sorted(keys_sent(exchanged.up, "daizong"))
    assert {status["times"] for status in told} == {1}


def test_every_clue_is_accepted_and_answered(exchanged: Hub) -> None:
    """Each clue is accepted or returned once; each accepted one gets its feedback once."""
    told = exchanged.up.control.statuses("nat")
    first = [status["item"] for status in told if status["status"] in ("202", "203")]
    accepted = [status["item"] for status in told if status["status"] == "202"]
    feedback = [status["item"] for status in told if status["status"] in ("已入库", "未入库")]
    assert sorted(first) == sorted(keys_sent(exchanged.up, "nat"))
    assert sorted(feedback) == sorted(accepted)
    assert {status["times"] for status in told} == {1}


def keys_sent(up: Running, partner: str) -> set[str]:
    """The numbers under which a web partner sent its rows, from its own ledger."""
    state = Path(up.addresses["sftp"]["users"]["haidai"]["root"]).parents[1]
    with sqlite3.connect(f"file:{state / partner}.sqlite?mode=ro", uri=True) as ledger:
        return {row[0] for row in ledger.execute("select distinct key from sent")}


STEPS: dict[str, Callable[[Hub], object]] = {
    "drop the same day": lambda hub: hub.up.control.drop_day(),
    "fetch": lambda hub: [hub.fetch(feed_id) for feed_id in hub.house.registry.feeds],
    "store": lambda hub: [hub.store(feed_id) for feed_id in hub.house.registry.feeds],
    "store what is stored": lambda hub: [
        pipeline.store_batch(hub.house, hub.feed(batch.feed_id), batch.batch_id) for batch in hub.batches()
    ],
    "acknowledge": lambda hub: [hub.tell(feed_id, Stage.INTAKE) for feed_id in hub.house.registry.feeds],
    "deliver": lambda hub: hub.submit(),
    "collect": lambda hub: hub.collect(),
    "mark delivered": lambda hub: pipeline.mark_delivered(hub.house),
    "report": lambda hub: [hub.tell(feed_id, Stage.OUTCOME) for feed_id in hub.house.registry.feeds],
    "report what is reported": lambda hub: tell_all_again(hub),
}


def tell_all_again(hub: Hub) -> None:
    """Every report of every batch once more, although none is due."""
    for batch in hub.batches():
        feed = hub.feed(batch.feed_id)
        with bootstrap.open_connector(feed) as connector:
            for stage in Stage:
                if batch.state.value == "reported":
                    pipeline.report_batch(hub.house, feed, batch, stage, connector)


def test_each_step_twice_and_the_same_day_twice_change_nothing(exchanged: Hub) -> None:
    """Whatever is repeated, no receiver's ledger shows a second effect and no return file a second version."""
    before, tallies = effects(exchanged.up), stored(exchanged)
    for name, step in STEPS.items():
        for _ in range(2):
            step(exchanged)
        assert effects(exchanged.up) == before, name
    assert stored(exchanged) == tallies


def stored(hub: Hub) -> dict[tuple[str, str], tuple[int, int, int, int]]:
    """What the hub holds; rows fetched again in the overlap count as unchanged and are left out."""
    return {
        key: (tally["stored_rows"], tally["stored_fen"], tally["rejected_rows"], tally["rejected_fen"])
        for key, tally in hub.tallies().items()
    }


def test_the_raw_bytes_are_what_the_banks_dropped(exchanged: Hub) -> None:
    """The archive holds each file to the byte."""
    for bank in BANKS:
        root = Path(exchanged.up.addresses["sftp"]["users"][bank]["root"])
        for batch in (b for b in exchanged.batches() if b.feed_id.startswith(bank)):
            assert exchanged.house.archive.read(batch.parts[0]) == (root / batch.source_name).read_bytes()
