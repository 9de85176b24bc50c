"""Every feed of the registry through the whole exchange: its partner's real server, the hub, every receiver, and the answer back.

Judged by what is true of the simulated city and by the partners' own ledgers. A mapping without a partner or sample fails here.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509 import load_pem_x509_certificate
from round_trip import MAPPINGS, Hub, connections, find_connections
from sealed_tables import clear_numbers, dump

from hub import bootstrap, pipeline
from hub.archive import Archive
from hub.feed import CallReport, FileReport, SftpSource
from hub.migrations import migrate
from hub.model import BatchState, Stage
from hub.pipeline import House
from hub.registry import read_registry
from hub.samples import check_sample
from hub.store import deliveries
from hub.store.database import open_database, working
from launcher.hiding_places import SAMPLES, read_tables
from launcher.leaks import Canaries, Leak, search
from launcher.postgres import EmbeddedPostgres
from launcher.summary import Summary, sum_up_ledgers
from schemas.catalogue import SCHEMAS
from schemas.personal import PERSONAL_SCHEMAS, number_kind, personal_columns
from simulators.pgp import has_gpg
from simulators.running import running

REGISTRY = read_registry(MAPPINGS)
OPENPGP = {
    name
    for name, feed in REGISTRY.feeds.items()
    if isinstance(feed.spec.source, SftpSource) and feed.spec.source.encrypted == "openpgp"
}
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def exchanged(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """One day of all partners, exchanged in full: everything in, to every receiver, every answer back."""
    assert postgres.create_database("every_feed")
    engine = open_database(postgres.url("every_feed"))
    migrate(engine)
    house = House(engine, Archive(tmp_path_factory.mktemp("archive")), REGISTRY, bootstrap.open_containers())
    with (
        running(tmp_path_factory.mktemp("partners"), mirrored="all", scale=0.5, latency=0, rate=1000) as up,
        pytest.MonkeyPatch.context() as patch,
    ):
        known = connections(up.addresses) | find_connections(up.addresses)
        patch.setattr(bootstrap, "find_connection", known.__getitem__)
        up.control.drop_day()
        hub = Hub(house, up)
        hub.take_in(REGISTRY.feeds)
        deliver_everywhere(hub)
        for feed_id in REGISTRY.feeds:
            hub.tell(feed_id, Stage.OUTCOME)
        for feed_id in pipeline.feeds_owed(house):
            hub.conclude(feed_id)
        yield hub
    engine.dispose()


@pytest.fixture(autouse=True)
def skip_what_needs_gpg(request: pytest.FixtureRequest) -> None:
    """A partner that encrypts by OpenPGP sends nothing where gpg is not installed."""
    params = getattr(request.node, "callspec", None)
    if not has_gpg() and params is not None and params.params.get("feed_id") in OPENPGP:
        pytest.skip("gpg is not installed (Debian: apt install gnupg)")


def deliver_everywhere(hub: Hub, seconds: float = 120) -> None:
    """Submit and ask until every receiver has answered everything."""
    until = time.monotonic() + seconds
    waiting = set(REGISTRY.receivers)
    while waiting:
        for name in sorted(waiting):
            receives, receiver = REGISTRY.receives(name), bootstrap.open_receiver(REGISTRY, name)
            pipeline.deliver_waiting(hub.house, name, receives, receiver)
            pipeline.collect_receipts(hub.house, name, receives, receiver)
            with working(hub.house.engine) as work:
                if not deliveries.waiting_count(work, name)[0]:
                    waiting.discard(name)
        assert time.monotonic() < until, f"no final answer of {waiting}"
    pipeline.mark_delivered(hub.house)


@pytest.fixture(scope="module")
def summary(exchanged: Hub) -> Summary:
    """Every count of the hub held against every ledger."""
    return sum_up_ledgers(exchanged.house.engine, REGISTRY, exchanged.up.control.ledger())


@pytest.mark.parametrize("feed_id", REGISTRY.feeds)
def test_feed(exchanged: Hub, summary: Summary, feed_id: str) -> None:
    """Sent = stored + rejected to the row and the fen; every bad row has the code it must get; no alarm; its partner was told."""
    assert [gap for gap in summary.gaps if gap.startswith(f"{feed_id} ")] == []
    assert any(line.first == feed_id for line in summary.intake)
    found = exchanged.batches(feed_id)
    assert found
    assert {batch.state for batch in found} <= {BatchState.REPORTED, BatchState.HELD}
    expected = exchanged.up.control.spoiled(feed_id)
    assert sorted(codes_of(exchanged, feed_id)) == sorted(row["code"] for row in expected) or not expected
    told = exchanged.ask("select message from alarm where feed_id = :feed", feed=feed_id)
    assert [row.message for row in told if "neither takes nor ignores" in row.message] == []


def codes_of(hub: Hub, feed_id: str) -> Iterator[str]:
    """The first reason of each rejected row of a mirrored feed."""
    sql = (
        "select distinct schema_name, row_no, reasons from rejection join batch using (batch_id) where feed_id = :feed"
    )
    for row in hub.ask(sql, feed=feed_id):
        reasons: list[dict[str, Any]] = row.reasons if isinstance(row.reasons, list) else json.loads(row.reasons)
        yield reasons[0]["code"]


@pytest.mark.parametrize("name", REGISTRY.receivers)
def test_receiver(summary: Summary, name: str) -> None:
    """Owed = accepted + refused, and what it accepted stands in its own ledger once, row by row and fen by fen."""
    assert [gap for gap in summary.gaps if gap.startswith(f"{name} ")] == []
    assert any(line.first == name and line.rows[1] for line in summary.delivery)


def test_everything_adds_up_and_every_schema_was_exchanged(summary: Summary) -> None:
    """No gap anywhere, and no schema that no feed of the day brought."""
    assert summary.gaps == []
    assert {line.second for line in summary.intake} == set(SCHEMAS)


def test_partners_know_us_by_what_was_agreed(exchanged: Hub) -> None:
    """By their own ledgers: every call to the bureau came with our certificate, to one insurer with a token, to another signed."""
    papers = {name: Path(exchanged.up.addresses["tls"], f"{name}.pem").read_bytes() for name in ("hub", "hub_signing")}
    known = {name: load_pem_x509_certificate(pem).fingerprint(SHA256()).hex() for name, pem in papers.items()}
    ways = {
        "bureau": ("certificate", known["hub"]),
        "daizong": ("token", exchanged.up.addresses["daizong"]["sender_code"]),
        "yishan": ("signature", known["hub_signing"]),
    }
    for partner, way in ways.items():
        found = exchanged.up.control.callers(partner)
        assert [(one["kind"], one["name"]) for one in found] == [way]
        assert found[0]["calls"] >= exchanged.up.control.ledger()["received"][partner]["calls"] > 0


def test_no_number_of_a_person_stands_in_any_table(exchanged: Hub) -> None:
    """Of all kinds of record: documents, cards, accounts and telephones of the day, searched for in every column."""
    numbers, companies = set[str](), set[str]()
    for schema in PERSONAL_SCHEMAS:
        for record in exchanged.opened(schema):
            numbers |= {record[column] for column in personal_columns(schema) if number_kind(column) and record[column]}
    for row in exchanged.ask("select distinct account_no as no from record.special_account union select payer_account_no "
                             "from record.payroll_batch union select account_no from record.account_txn"):  # fmt: skip
        companies.add(row.no)
    assert len(numbers) > 3000
    tables = dump(exchanged.house.engine)
    assert list(clear_numbers(tables, numbers - companies)) == []


def test_no_form_of_a_persons_number_stands_in_any_table(exchanged: Hub) -> None:
    """Every number that any partner made: coded, in part, masked, or as a bare digest; in PostgreSQL's own samples too."""
    persons = exchanged.up.control.persons()
    assert min(len(numbers) for numbers in persons.values()) > 200
    address = exchanged.house.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    canaries, found, searched = Canaries(persons), list[Leak](), set[str]()
    for table, data in read_tables(address):
        searched.add(table.partition(":")[2])
        found += search(data, table, canaries)
    assert found == []
    assert {"record.payroll_line", "hub.rejection", "hub.exchange_entry", "hub.told_call", SAMPLES} <= searched


@pytest.mark.parametrize("feed_id", REGISTRY.feeds)
def test_every_feed_has_a_sample_that_says_what_is_expected(feed_id: str) -> None:
    """The partner's own masked sample, read by its mapping, gives the records and rejections of expected.json."""
    assert check_sample(MAPPINGS, REGISTRY.feed(feed_id), REGISTRY.codes) == []


@pytest.mark.parametrize("feed_id", [name for name, feed in REGISTRY.feeds.items() if feed.spec.report])
def test_who_is_told_hears_of_every_row(exchanged: Hub, feed_id: str) -> None:
    """Each stage that the mapping reports was sent for each batch of the feed."""
    stages = {
        stage
        for stage, report in REGISTRY.feed(feed_id).spec.report.items()
        if isinstance(report, FileReport | CallReport)
    }
    sql = """select distinct stage from report join batch using (batch_id) where feed_id = :feed and report.digest <> ''"""
    assert {row.stage for row in exchanged.ask(sql, feed=feed_id)} == stages


def test_the_registry_holds_every_mapping() -> None:
    """No file of mappings/ is left out for a problem."""
    assert REGISTRY.problems == ()
    files = {path.stem for path in Path(MAPPINGS).glob("*.yaml")} - {"partners"}
    assert files == set(REGISTRY.feeds)
