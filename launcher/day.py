"""Let one day happen on a stand, watch until it has settled, and take stock of what a repetition must not change."""

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from hub.store import progress
from hub.store.database import working
from launcher.stand import Stand

PATIENCE_SECONDS = 900.0
CALLS_AT_ONCE = 4
FILE_CONNECTOR = "sftp"
DOOR = "/exchange/v1"
Say = Callable[[str], None]


def let_the_day_happen(stand: Stand, say: Say, *, again: bool = False, patience: float = PATIENCE_SECONDS) -> bool:
    """Drop the banks' files, let partners knock, trigger what no event starts (everything, when the day happens `again`), wait
    until every batch is answered and told of. Returns whether it settled in time.
    """
    wait_for_dags(stand, seconds=max(120, patience / 8))
    stand.simulators.drop_day()
    knocked = feeds_knocked_for(stand)
    started = [
        name
        for name, feed in stand.registry.feeds.items()
        if name not in knocked and (again or feed.spec.source.connector != FILE_CONNECTOR)
    ]
    runs = knock(stand, knocked)
    with ThreadPoolExecutor(CALLS_AT_ONCE) as calls:
        runs |= dict(zip(started, calls.map(stand.client.trigger, started), strict=True))
    return watch(stand, say, runs, patience)


def feeds_knocked_for(stand: Stand) -> list[str]:
    """The feeds of partners who tell the hub by themselves when something is ready."""
    return [
        name
        for name, feed in stand.registry.feeds.items()
        if f"AIRFLOW_CONN_{feed.spec.partner.upper()}_DOOR" in stand.environment
    ]


def knock(stand: Stand, feeds: Iterable[str]) -> dict[str, str]:
    """Let each feed's partner knock for it; the DAG runs that were started by it."""
    runs = {}
    for feed_id in feeds:
        partner = stand.registry.feed(feed_id).spec.partner
        told = stand.simulators.knock(partner, f"{stand.airflow.url}{DOOR}", feed_id)
        if told["code"] != "0":
            raise ValueError(f"the door turned {partner} away: {told['code']} {told['message_en']}")
        if told["look"] == "started":
            runs[feed_id] = f"knock__{told['number']}"
    return runs


def wait_for_dags(stand: Stand, seconds: float = 120) -> None:
    """Wait until Airflow knows a DAG for every feed and has switched it on."""
    deadline = time.monotonic() + seconds
    while missing := set(stand.registry.feeds) - {dag["dag_id"] for dag in stand.client.dags() if not dag["is_paused"]}:
        if time.monotonic() > deadline:
            raise TimeoutError(f"Airflow has no DAG for {', '.join(sorted(missing))}")
        time.sleep(0.5)


def watch(stand: Stand, say: Say, runs: dict[str, str], patience: float = PATIENCE_SECONDS) -> bool:
    """Say how far it is whenever that changes, until all has settled; `runs` are DAG runs to wait for as well."""
    deadline, shown = time.monotonic() + patience, ""
    while time.monotonic() < deadline:
        settled, line = look(stand)
        if settled:  # a question about each run is asked late: Airflow has better things to do before
            runs = {name: run for name, run in runs.items() if not is_over(stand, name, run)}
        if line != shown:
            say(line)
            shown = line
        if settled and not runs:
            return True
        time.sleep(2)
    return False


def is_over(stand: Stand, dag_id: str, run_id: str) -> bool:
    return stand.client.run(dag_id, run_id)["state"] in ("success", "failed")


def look(stand: Stand) -> tuple[bool, str]:
    """Whether every dropped file has arrived and every batch is told of or held, and one line on how far it is."""
    with working(stand.database) as work:
        now = progress.read_progress(work)
    sent = stand.simulators.ledger()["sent"].values()
    files = sum(facts["good_files"] + len(facts["spoiled_files"]) for facts in sent)
    line = (
        f"文件 files {now.files}/{files} · 批次 batches {now.batches} · 入库 stored {now.stored:,} · 退回 rejected {now.rejected:,}"
        f" · 接收方答复 answered {now.answered:,}/{now.answered + now.waiting:,}"
        f" · 已回传 reported {now.reported}/{now.batches} · 结论待告知 conclusions to tell {now.concluding} · 扣留 held {now.held}"
    )
    settled = now.reported + now.held == now.batches and not now.untold and not now.concluding
    return settled and now.files == files, line


def take_stock(stand: Stand) -> dict[str, Any]:
    """Our counts and every receiver's effects; `batches` may grow, by fetches that say nothing new."""
    with working(stand.database) as work:
        ours = progress.read_effects(work)
    received = stand.simulators.ledger()["received"]
    theirs = {
        partner: {name: value for name, value in found.items() if name not in ("calls", "repeated")}
        for partner, found in received.items()
    }
    return {**ours, "received": theirs}


def differences(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """What a repetition changed that it should not have."""
    return [name for name in after if name != "batches" and after[name] != before[name]]


def started_by_event(stand: Stand) -> dict[str, int]:
    """How many runs of each file feed a dropped file started, rather than the clock or a person."""
    files = [name for name, feed in stand.registry.feeds.items() if feed.spec.source.connector == FILE_CONNECTOR]
    return {name: sum(run["run_type"] == "asset_triggered" for run in stand.client.runs(name)) for name in files}
