"""Mirrored partners as a process: one SFTP server, one web port, and ledgers that agree with what the hub fetches."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

from connectors.open_api import OpenApiReceiver
from connectors.rest import RestConnector
from connectors.sftp import SftpConnector
from connectors.soap import SoapConnector
from hub.feed import CallReport, Feed, FileReport, RestSource, SftpSource
from hub.model import Connection, Fetched
from hub.pipeline.reading import read_rows
from hub.registry import read_registry
from simulators.mirror import house
from simulators.mirror.check import check_feed, open_stock
from simulators.mirror.plain import PROFILES, MirrorError, read_plan
from simulators.mirror.stock import Stock
from simulators.running import Running, running

MAPPINGS = Path(__file__).parents[3] / "mappings"
REGISTRY = read_registry(MAPPINGS)
PROFILED = sorted(yaml.safe_load(PROFILES.read_text("utf-8"))["feeds"])
DAY = date(2026, 11, 23)
RECEIVERS = ("housing", "trading", "fagai", "bureau")
SOME = {"trading", "fagai", "bureau", "window", "housing", "mengshan", "yishan", "nat", "province", "weihe", "laoshan"}


@pytest.fixture(scope="session")
def true_stock() -> Stock:
    """The real truth behind the real mappings."""
    return open_stock(read_plan(MAPPINGS), 7, 1, 0.1, DAY)


@pytest.mark.parametrize("feed_id", PROFILED)
def test_every_mapping_reads_what_its_partner_means(true_stock: Stock, feed_id: str, tmp_path: Path) -> None:
    """Each field of each record of each feed, each spoiled row's code, each fen."""
    mirrored = true_stock.plan.feeds[feed_id]
    found = check_feed(true_stock, mirrored, REGISTRY.feed(feed_id), REGISTRY.codes, tmp_path / "ledger")
    assert not found.difference
    assert found.records > 0


def test_an_account_with_movements_stays_good() -> None:
    """Its movements would wait for it at the receiver forever."""
    stock = open_stock(read_plan(MAPPINGS), 7, 3, 0.5, DAY)
    feeds = stock.plan.feeds
    accounts = [record for row in stock.rows(feeds["laoshan_accounts"]) for record in row.records]
    used = {record.values["account_no"] for row in stock.rows(feeds["laoshan_txns"]) for record in row.records}
    assert used
    assert not [record for record in accounts if record.bad and record.values["account_no"] in used]


@pytest.fixture(scope="module")
def mirrored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Some partners of every kind, and three receivers, after their day's files."""
    names = ",".join(sorted(SOME))
    with running(tmp_path_factory.mktemp("mirror"), mirrored=names, scale=0.5, bad_share=0.1) as up:
        up.control.drop_day()
        yield up


def fetched(up: Running, feed: Feed) -> list[Fetched]:
    """What the hub's connector brings by the connection that the simulators announce."""
    source = feed.spec.source
    told = up.addresses["connections"][source.connection]
    connection = Connection(
        source.connection, told["host"], told.get("port"), told["login"], told["password"], told["extra"]
    )
    if isinstance(source, SftpSource):
        with SftpConnector(connection, source) as files:
            found = list(files.fetch(None, frozenset()))
    elif isinstance(source, RestSource):
        found = list(RestConnector(connection, source).fetch(None, frozenset()))
    else:
        found = list(SoapConnector(connection, source, MAPPINGS / "wsdl" / source.wsdl).fetch(None, frozenset()))
    assert all(isinstance(one, Fetched) and one.fault is None for one in found)
    return [one for one in found if isinstance(one, Fetched)]


def test_the_ledger_agrees_with_what_the_hub_fetches(mirrored: Running) -> None:
    """Rows, bad rows and their codes, feed by feed."""
    counted: dict[str, dict[str, list[int]]] = {}
    for feed_id in [name for name in PROFILED if REGISTRY.feed(name).spec.partner in SOME]:
        codes: list[str] = []
        for batch in fetched(mirrored, REGISTRY.feed(feed_id)):
            for one in read_rows(REGISTRY.feed(feed_id), batch.parts, batch.name, REGISTRY.codes).found:
                count = counted.setdefault(feed_id, {}).setdefault(one.schema, [0, 0])
                count[0] += one.records.height + one.rejections.height
                count[1] += one.rejections.height
                codes += [reason["code"] for reasons in one.rejections["#reasons"].to_list() for reason in reasons]
        assert sorted(codes) == sorted(row["code"] for row in mirrored.control.spoiled(feed_id))
    sent = mirrored.control.ledger()["sent"]
    for feed_id, schemas in counted.items():
        told = {kind: [found["rows"], found["bad_rows"]] for kind, found in sent[feed_id]["by_kind"].items()}
        assert told == schemas, feed_id
    assert len(counted) > 12


def test_nobody_s_name_hides_another(mirrored: Running) -> None:
    """A mirrored partner beside the one of the same name; a receiver has a name of its own."""
    received = mirrored.control.ledger()["received"]
    assert "told" not in received["province"]
    assert received["province_mirror"]["told"] == 0
    assert {"accepted", "ret_files"} <= received["nat"].keys()
    assert "housing_receiver" in received
    mirrored.control.fault("nat_sftp", "refuse_logins", 1)
    mirrored.control.fault("nat", "error_5xx", 1)
    mirrored.control.fault("window", "429", 1)
    url = mirrored.addresses["mirror"]["url"] + "/window/ycsl/bzj/cx"
    assert mirrored.web("mirror").get(url, timeout=5).status_code == 429
    mirrored.control.clear_faults()


def test_statuses_and_return_files_come_back(mirrored: Running) -> None:
    """The hub's connector tells a web partner and a bank, each in its own way."""
    feed = REGISTRY.feed("window_deposits")
    report = feed.spec.report["outcome"]
    assert isinstance(report, CallReport)
    told = mirrored.addresses["connections"]["window_api"]
    connection = Connection("window_api", told["host"], None, told["login"], told["password"], told["extra"])
    row = {"BZJBH": "BH1", "BLJG": next(iter(REGISTRY.codes["window_deposit"].values())), "PTBH": "P1", "YY": ""}
    source = feed.spec.source
    assert isinstance(source, RestSource)
    RestConnector(connection, source).send(report, [row], "key-1")
    assert [one["item"] for one in mirrored.control.statuses("window")] == ["BH1"]

    bank = REGISTRY.feed("laoshan_accounts")
    place = bank.spec.report["intake"]
    assert isinstance(place, FileReport)
    batch = fetched(mirrored, bank)[0]
    name = batch.name.rpartition("/")[2]
    path = place.file.replace("{date}", "20261123").replace("{name}", name)
    login = mirrored.addresses["connections"][bank.spec.source.connection]
    connection = Connection("x", login["host"], login["port"], login["login"], login["password"], login["extra"])
    assert isinstance(bank.spec.source, SftpSource)
    with SftpConnector(connection, bank.spec.source) as files:
        files.put(path, f"R|{name}|ACCEPTED|3|3|0|0000|全部接收\r\n".encode("gb18030"), lambda: None)
    lines: dict[str, Any] = mirrored.control.ledger()["received"]["laoshan"]["ret"]
    assert [(line["status"], line["digest_ok"], line["flag_ok"]) for line in lines.values()] == [
        ("ACCEPTED", True, True)
    ]
    assert mirrored.control.return_file("laoshan", path.rpartition("/")[2]) is not None


def test_receivers_take_records_behind_the_shared_port(mirrored: Running) -> None:
    """Each at the address that the connections say, whatever its dialect."""
    content = {
        "uscc": "91370902MA5000001X", "year": "2026", "enterprise_name": "山东示例", "grade": "A", "score": 90,
        "org_name": "示例局", "published_on": "2026-03-01", "area6_code": "370902", "source_updated_at": None,
    }  # fmt: skip
    keys = {"idempotencyKey": "k-1", "recordKey": "91370902MA5000001X/2026", "version": 1}
    for name in RECEIVERS:
        receives = REGISTRY.receives(name)
        told = mirrored.addresses["connections"][receives.connection]
        connection = Connection("x", told["host"], login=told["login"], password=told["password"], extra=told["extra"])
        receiver = OpenApiReceiver(connection, receives, REGISTRY.codes)
        receiver.submit("credit_eval", "batch-1", [{**keys, **content}])
        assert [one["record_key"] for one in mirrored.control.effects("credit_eval", f"{name}_receiver")] == [
            keys["recordKey"]
        ]


def test_any_bytes_can_be_dropped_but_no_extra_files(mirrored: Running) -> None:
    """With the partner's own digest and flag; files with faults are written by the first two banks only."""
    name = mirrored.control.drop("laoshan", "in/other/x.txt", b"x")
    root = Path(mirrored.addresses["sftp"]["users"]["laoshan"]["root"]) / "in" / "other"
    assert name == "x.txt"
    assert (root / "x.txt").read_bytes() == b"x"
    with pytest.raises(ValueError, match="leaves"):
        mirrored.control.drop("laoshan", "../../x.txt", b"")
    with pytest.raises(ValueError, match="only"):
        mirrored.control.drop_extra("laoshan", "ACCT")


def test_every_connection_is_announced(tmp_path: Path) -> None:
    """One for each feed and each receiver; a second start says the same; the day is dropped once."""
    with running(tmp_path, mirrored="all", scale=0.1) as first:
        connections = first.addresses["connections"]
        names = first.control.drop_day()
        before = first.control.ledger()
    wanted = {REGISTRY.feed(feed_id).spec.source.connection for feed_id in PROFILED}
    assert wanted <= connections.keys()
    receivers = [path for path in (MAPPINGS / "receivers").glob("*.yaml") if path.stem != "province"]
    assert {yaml.safe_load(path.read_text("utf-8"))["connection"] for path in receivers} <= connections.keys()
    with running(tmp_path, mirrored="all", scale=0.1) as second:
        assert second.addresses["connections"] == connections
        assert sorted(second.control.drop_day()) == sorted(names)
        assert second.control.ledger() == before
    assert "unwritten" not in before


def test_only_known_partners_are_mirrored() -> None:
    """A name that nothing is known of is a mistake."""
    with pytest.raises(MirrorError, match="nobody"):
        read_plan(MAPPINGS, "window,nobody")
    assert read_plan(MAPPINGS, "none").feeds == {}


def test_without_gpg_the_others_exchange_all_the_same(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only what is encrypted by OpenPGP is left out, and said to be."""
    plan = read_plan(MAPPINGS)
    monkeypatch.setattr(house.pgp, "has_gpg", lambda: False)
    assert plan.feeds.keys() - house.without_unwritable(plan).feeds.keys() == {"chengshan_payrolls"}
    assert "chengshan_payrolls" in capsys.readouterr().err
    monkeypatch.setattr(house.pgp, "has_gpg", lambda: True)
    assert house.without_unwritable(plan) is plan
