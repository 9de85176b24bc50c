"""A hub between the simulated partners, driven verb by verb as Airflow's tasks drive it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from hub import bootstrap, pipeline
from hub.feed import Feed
from hub.model import Batch, BatchState, Connection, Stage
from hub.pipeline import House
from hub.registry import read_registry
from hub.store import batches, deliveries, questions
from hub.store.database import rows_of, working
from hub.store.places import record_place
from hub.store.sealed import open_columns
from simulators.running import Running

PROVINCE = "province"
FIRST_FEEDS = ("bureau_approvals", "bureau_permits", "daizong_guarantees", "haidai_accounts", "haidai_payrolls", "haidai_txns",
               "nat_clues", "wenhe_accounts", "wenhe_payrolls", "wenhe_txns")  # fmt: skip
"""The feeds of the partners that were simulated by hand; tests of the exchange itself need no more of them."""
MAPPINGS = Path(__file__).parents[2] / "mappings"
Typed = Callable[..., tuple[int, str, str]]
"""Types a command; gives its exit code and what stands on screen and on standard error."""
RECEIVES = read_registry(MAPPINGS).receives(PROVINCE)


def connections(addresses: Mapping[str, Any]) -> dict[str, Connection]:
    """The connections an admin would enter for these partners."""
    bureau, nat, daizong, province = (addresses[name] for name in ("bureau", "nat", "daizong", "province"))
    found = [
        Connection(
            "bureau_api", bureau["url"], password=bureau["api_key"], extra={"header": "X-Api-Key", **bureau["tls"]}
        ),
        Connection("nat_api", nat["url"], password=nat["token"], extra={"prefix": "Bearer ", **nat["tls"]}),
        Connection("daizong_soap", daizong["url"], None, daizong["sender_code"], daizong["password"], daizong["tls"]),
        Connection("province_api", province["url"], None, province["appid"], province["appsecret"], province["tls"]),
        *(bank_connection(addresses, bank) for bank in addresses["sftp"]["users"]),
    ]
    return {connection.name: connection for connection in found}


@contextmanager
def other_serials(hub: Hub) -> Iterator[Hub]:
    """A hub whose mapping of payrolls takes the line number for the bank's serial: every line says something else than before."""
    path = hub.house.registry.folder / "haidai_payrolls.yaml"
    text = path.read_text("utf-8")
    other = text.replace("bank_serial_no: 银行流水号", "bank_serial_no: 行号")
    path.write_text(
        other.replace('area6_code: "@area"\nexpect', 'area6_code: "@area"\n    ignore: [银行流水号]\nexpect'), "utf-8"
    )
    try:
        registry = read_registry(path.parent)
        assert registry.problems == ()
        yield Hub(replace(hub.house, registry=registry), hub.up)
    finally:
        path.write_text(text, "utf-8")


def bank_connection(addresses: Mapping[str, Any], bank: str) -> Connection:
    """A bank's login at the simulated SFTP server."""
    sftp = addresses["sftp"]
    password = sftp["users"][bank]["password"]
    return Connection(f"{bank}_sftp", sftp["host"], sftp["port"], bank, password, {"host_key": sftp["host_key"]})


@dataclass(frozen=True)
class Hub:
    """The house with its feeds, and the partners it talks to."""

    house: House
    up: Running

    def feed(self, feed_id: str) -> Feed:
        return self.house.registry.feed(feed_id)

    def fetch(self, feed_id: str) -> list[int]:
        """Bring what is new; the ids of the batches that wait to be stored."""
        feed = self.feed(feed_id)
        with bootstrap.open_connector(feed) as connector:
            return pipeline.fetch_feed(self.house, feed, connector)

    def store(self, feed_id: str) -> list[BatchState]:
        """Store every fetched batch of the feed."""
        with working(self.house.engine) as work:
            waiting = batches.batches_in(work, [BatchState.FETCHED], feed_id)
        return [pipeline.store_batch(self.house, self.feed(feed_id), batch.batch_id) for batch in waiting]

    def tell(self, feed_id: str, stage: Stage) -> int:
        """Report every batch that owes a word of this stage; the rows told."""
        waiting = pipeline.batches_to_report(self.house, stage, [feed_id])
        if not waiting:
            return 0
        feed = self.feed(feed_id)
        with bootstrap.open_connector(feed) as connector:
            return sum(pipeline.report_batch(self.house, feed, batch, stage, connector) for batch in waiting)

    def conclude(self, feed_id: str) -> int:
        """Tell the feed's partner what its clues came to; how many."""
        feed = self.feed(feed_id)
        with bootstrap.open_connector(feed) as connector:
            return pipeline.tell_conclusions(self.house, feed, connector)

    def take_in(self, feed_ids: Iterable[str]) -> None:
        """Fetch, store and acknowledge."""
        for feed_id in feed_ids:
            self.fetch(feed_id)
            self.store(feed_id)
            self.tell(feed_id, Stage.INTAKE)

    def submit(self) -> int:
        """Submit what may go to the province now; the records that went out."""
        receives = self.house.registry.receives(PROVINCE)
        receiver = bootstrap.open_receiver(self.house.registry, PROVINCE)
        return pipeline.deliver_waiting(self.house, PROVINCE, receives, receiver)

    def collect(self) -> int:
        """Ask after every open submission once; the submissions still open."""
        receives = self.house.registry.receives(PROVINCE)
        receiver = bootstrap.open_receiver(self.house.registry, PROVINCE)
        return pipeline.collect_receipts(self.house, PROVINCE, receives, receiver)

    def deliver(self, seconds: float = 30) -> None:
        """Submit and ask until the province has answered everything."""
        until = time.monotonic() + seconds
        while True:
            self.submit()
            self.collect()
            if not self.waiting():
                break
            assert time.monotonic() < until, f"{self.waiting()} deliveries are not answered"
            time.sleep(0.1)
        pipeline.mark_delivered(self.house)

    def waiting(self) -> int:
        """Deliveries without a final answer."""
        with working(self.house.engine) as work:
            return deliveries.waiting_count(work, PROVINCE)[0]

    def run(self, feed_ids: Iterable[str] | None = None) -> None:
        """One whole round: everything in, to the province, and its answers back."""
        chosen = list(feed_ids or self.house.registry.feeds)
        self.take_in(chosen)
        self.deliver()
        for feed_id in chosen:
            self.tell(feed_id, Stage.OUTCOME)

    def batches(self, feed_id: str | None = None) -> list[Batch]:
        """Every batch, oldest first."""
        with working(self.house.engine) as work:
            return batches.batches_in(work, list(BatchState), feed_id)

    def batch(self, name: str) -> Batch:
        """The newest batch of a file."""
        return next(batch for batch in reversed(self.batches()) if batch.source_name.endswith(f"/{name}"))

    def tallies(self) -> dict[tuple[str, str], Mapping[str, int]]:
        """Rows and fen at every hop, per feed and schema."""
        with working(self.house.engine) as work:
            found = {(row.feed_id, row.schema_name): dict(row._mapping) for row in questions.count_intake(work)}
            answers = [row for row in questions.count_answers(work) if row.receiver == PROVINCE]
        for row in answers:
            found[row.feed_id, row.schema_name] |= row._mapping
        nothing = {
            f"{what}_{unit}": 0 for what in ("owed", "accepted", "refused", "waiting") for unit in ("rows", "fen")
        }
        return {key: {**nothing, **facts} for key, facts in found.items()}

    def ask(self, sql: str, **values: Any) -> list[sa.Row[Any]]:
        """A question of a test to the hub's own tables."""
        with working(self.house.engine) as work:
            return list(rows_of(work, sql, **values))

    def opened(self, schema: str, sql: str = "", **values: Any) -> list[dict[str, Any]]:
        """Records with their personal columns opened; ``sql`` is what follows `from record.…`."""
        place = record_place(schema)
        with working(self.house.engine) as work:
            found = rows_of(work, f"select *, {place.row} as row from record.{schema} {sql}", **values)
            sealed = {column: [row._mapping[column] for row in found] for column in place.columns}
            texts = open_columns(work, place, [row.row for row in found], sealed)
        return [
            {**row._mapping, **{name: column[number] for name, column in texts.items()}}
            for number, row in enumerate(found)
        ]

    def alarms(self) -> list[str]:
        """Every alarm's sentence."""
        return [row.message for row in self.ask("select message from alarm order by alarm_id")]


def effects(up: Running) -> dict[str, Any]:
    """What every receiver holds, by its own ledger: what must not change when a step runs twice."""
    ledger = up.control.ledger()
    return {"sent": ledger["sent"], "received": ledger["received"]}


def at_once(*works: Callable[[], object]) -> list[Exception]:
    """Run all at the same moment; what went wrong."""
    start, errors = threading.Barrier(len(works)), list[Exception]()

    def run(work: Callable[[], object]) -> None:
        start.wait()
        try:
            work()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


def return_lines(up: Running, bank: str, name: str) -> list[list[str]]:
    """The cells of a return file's lines; empty when the bank has none."""
    text = up.control.return_file(bank, name)
    return [line.split("|") for line in text.splitlines()] if text else []


def find_connections(addresses: Mapping[str, Any]) -> dict[str, Connection]:
    """The connections of mirrored partners and receivers, from Airflow's JSON form."""
    return {
        name: Connection(
            name, facts["host"], facts.get("port"), facts["login"], facts["password"],
            {key: str(value) for key, value in facts["extra"].items()},
        )
        for name, facts in addresses["connections"].items()
    }  # fmt: skip
