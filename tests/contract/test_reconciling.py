"""A day held against the other side's own books: a clean one agrees; books that were tampered with are listed line by line."""

from __future__ import annotations

import contextlib
import csv
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from receivers_served import Served, serving
from round_trip import FIRST_FEEDS, MAPPINGS, PROVINCE, Hub, connections

from connectors.open_api import OpenApiReceiver
from connectors.statements import read_statement
from hub import bootstrap, cli, pipeline
from hub.errors import FeedChanged, MappingInvalid, PartnerRefused, PartnerUnavailable
from hub.model import BatchState, Notice
from hub.reconciliation import FILE, Reconciled, Side, State
from hub.settings import today
from simulators.running import Running
from simulators.world import City

CITY = City(7, 0.1)
INSPECTION = "inspection"
Tampered = Callable[[], contextlib.AbstractContextManager[sqlite3.Connection]]


@pytest.fixture(scope="module")
def mappings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first ten feeds, the province, and a receiver that answers at once."""
    folder = tmp_path_factory.mktemp("hub") / "mappings"
    shutil.copytree(MAPPINGS, folder)
    for path in (*folder.glob("*.yaml"), *folder.glob("receivers/*.yaml"), *folder.glob("statements/*.yaml")):
        if path.stem not in (*FIRST_FEEDS, PROVINCE, INSPECTION, "partners", "haidai", "wenhe"):
            path.unlink()
            continue
        text = path.read_text("utf-8").replace("  connector: sftp\n", "  connector: sftp\n  look_back_days: 36500\n")
        path.write_text(
            text.replace("delayed_seconds: 2", "delayed_seconds: 1").replace(
                "delayed_at_most: 4", "delayed_at_most: 1"
            ),
            "utf-8",
        )
    return folder


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("receivers")) as found:
        yield found


@pytest.fixture(scope="module")
def exchanged(hub: Hub, up: Running, served: Served) -> Iterator[Hub]:
    """One day there and back, with both receivers; the connections of both stay known."""
    known = {**connections(up.addresses), f"{INSPECTION}_receiver": served.connection(INSPECTION)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bootstrap, "find_connection", known.__getitem__)
        up.control.drop_day()
        hub.take_in(hub.house.registry.feeds)
        hub.deliver()
        send(hub, INSPECTION)
        yield hub


def send(hub: Hub, name: str) -> None:
    """Everything that waits for a receiver, to its last answer."""
    receives, receiver = hub.house.registry.receives(name), bootstrap.open_receiver(hub.house.registry, name)
    while pipeline.deliver_waiting(hub.house, name, receives, receiver):
        pipeline.collect_receipts(hub.house, name, receives, receiver)
    pipeline.mark_delivered(hub.house)


@pytest.fixture
def books(exchanged: Hub, served: Served) -> Callable[[str], contextlib.AbstractContextManager[sqlite3.Connection]]:
    """Opens a partner's own ledger, to write in it; afterwards it is as it was."""
    root = Path(exchanged.up.addresses["sftp"]["users"]["wenhe"]["root"]).parents[1]
    paths = {INSPECTION: served.state / f"{INSPECTION}.receiver.sqlite"}

    @contextlib.contextmanager
    def opened(name: str) -> Iterator[sqlite3.Connection]:
        with contextlib.closing(sqlite3.connect(paths.get(name, root / f"{name}.sqlite"), isolation_level=None)) as db:
            db.row_factory = sqlite3.Row
            tables = ("effects", "sent_on") if name in (PROVINCE, INSPECTION) else ("sent", "files")
            before = {table: [tuple(row) for row in db.execute(f"select * from {table}")] for table in tables}
            yield db
            for table, rows in before.items():
                db.execute(f"delete from {table}")
                db.executemany(f"insert into {table} values ({', '.join('?' * len(rows[0]))})", rows)

    return opened


def reconcile(hub: Hub, name: str, side: Side = "receiver") -> Reconciled:
    return bootstrap.reconcile_side(hub.house, name, side, today() if side == "receiver" else CITY.day)


def seen(found: Reconciled) -> set[tuple[str, str, str]]:
    return {(d.kind.value, d.schema, d.key) for d in found.differences}


@pytest.mark.parametrize("name", [PROVINCE, INSPECTION])
def test_a_clean_day_with_a_receiver_agrees(exchanged: Hub, name: str) -> None:
    """Not one difference, and the sums are those of its own ledger."""
    found = reconcile(exchanged, name)
    assert found.differences == ()
    assert found.state is State.AGREED
    assert found.theirs == found.ours
    assert found.ours.rows >= 3


def test_the_sums_are_those_of_the_receivers_ledger(exchanged: Hub) -> None:
    """Rows and fen of every kind of record."""
    ledger = exchanged.up.control.ledger()["received"][PROVINCE].values()
    found = reconcile(exchanged, PROVINCE)
    assert found.theirs is not None
    assert found.theirs.rows == sum(one["created"] for one in ledger)
    assert found.theirs.fen == sum(one["fen"] for one in ledger)


@pytest.mark.parametrize(("name", "schema"), [(PROVINCE, "account_txn"), (INSPECTION, "clue")])
def test_tampered_books_of_a_receiver_are_listed_line_by_line(
    exchanged: Hub, books: Any, name: str, schema: str
) -> None:
    """One record gone, one amount changed, one status turned, one version later, one stranger: five lines and no other."""
    changes = {"other_amount": "fen = fen + 1", "other_status": "status = 'refused'", "other_version": "version = 9"}
    with books(name) as db:
        sql = "select record_key from effects where schema = ? and status = 'accepted' order by record_key limit 4"
        gone, *kept = (row["record_key"] for row in db.execute(sql, (schema,)))
        facts = [row["name"] for row in db.execute("pragma table_info(effects)")][2:]
        copied = f"select schema, 'stranger', {', '.join(facts)} from effects where schema = ? and record_key = ?"
        db.execute(f"insert into effects {copied}", (schema, gone))
        copied = "select schema, 'stranger', day from sent_on where schema = ? and record_key = ?"
        db.execute(f"insert into sent_on {copied}", (schema, gone))
        db.execute("delete from effects where schema = ? and record_key = ?", (schema, gone))
        expected = {("missing_there", schema, gone), ("missing_here", schema, "stranger")}
        for (kind, change), key in zip(changes.items(), kept, strict=False):
            db.execute(f"update effects set {change} where schema = ? and record_key = ?", (schema, key))
            expected.add((kind, schema, key))
        assert len(expected) >= 4
        found = reconcile(exchanged, name)
        assert seen(found) == expected
        assert found.state is State.DIFFERS
        assert seen(reconcile(exchanged, name)) == seen(found)
        rows = exchanged.ask(
            "select kind from difference join reconciliation using (reconciliation_id) where partner = :p", p=name
        )
        assert len(rows) == len(expected)
    assert reconcile(exchanged, name).state is State.AGREED
    assert exchanged.ask("select count(*) as n from reconciliation where partner = :p", p=name)[0].n == 1
    assert exchanged.ask("select count(*) as n from difference join reconciliation using (reconciliation_id) where partner = :p",
                         p=name)[0].n == 0  # fmt: skip


def test_what_a_receiver_lost_is_sent_again_and_nothing_else(exchanged: Hub, books: Any) -> None:
    """Under the key it had; one it still has would be told as existing. Then the day agrees, and the bank hears nothing new."""
    with books(PROVINCE) as db:
        sql = "select record_key, created from effects where schema = 'account_txn' and status = 'accepted' order by 1 limit 2"
        gone = [row["record_key"] for row in db.execute(sql)]
        for key in gone:
            db.execute("delete from effects where schema = 'account_txn' and record_key = ?", (key,))
        before = {row["record_key"]: dict(row) for row in db.execute("select * from effects")}
        keys = {row.record_key: row.idempotency_key for row in
                exchanged.ask("select record_key, idempotency_key from delivery where record_key = any(:k)", k=gone)}  # fmt: skip
        found = reconcile(exchanged, PROVINCE)
        assert pipeline.resend_missing(exchanged.house, found) == 2
        exchanged.deliver()
        after = {row["record_key"]: dict(row) for row in db.execute("select * from effects")}
        assert set(after) - set(before) == set(gone)
        assert all(after[key] == before[key] for key in before)
        assert {key: after[key]["idempotency_key"] for key in gone} == keys
        assert all((after[key]["created"], after[key]["existing"]) == (1, 0) for key in gone)
        assert reconcile(exchanged, PROVINCE).state is State.AGREED
        assert pipeline.resend_missing(exchanged.house, found) == 0 or exchanged.deliver() is None
    assert not exchanged.ask("select 1 from batch where state = 'stored' and feed_id = 'haidai_txns'")


def test_a_clean_day_with_a_bank_agrees(exchanged: Hub) -> None:
    """Every file it says it dropped: rows, amount and digest. Without a statement the day is open."""
    assert reconcile(exchanged, "wenhe", "origin").state is State.OPEN
    exchanged.up.control.drop_statement("wenhe")
    found = reconcile(exchanged, "wenhe", "origin")
    assert (found.state, found.differences) == (State.AGREED, ())
    sent = exchanged.up.control.ledger()["sent"]
    assert found.theirs is not None
    assert found.theirs.fen == sum(feed["fen"] for name, feed in sent.items() if name.startswith("wenhe"))


def test_a_statement_is_no_file_that_nobody_agreed_on(exchanged: Hub) -> None:
    """It lies beside the data; whoever looks for strays there knows it."""
    name = exchanged.up.control.drop_statement("wenhe")
    with bootstrap.open_connector(exchanged.feed("wenhe_accounts")) as connector:
        notices = [one for one in connector.fetch(None, frozenset()) if isinstance(one, Notice)]
    assert not [one for one in notices if name in one.message]


def test_a_held_file_is_a_difference(exchanged: Hub) -> None:
    """Haidai's one spoiled file: the bank says that it sent it, we have taken nothing of it."""
    exchanged.up.control.drop_statement("haidai")
    held = [
        b.source_name.rpartition("/")[2] for b in exchanged.batches("haidai_payrolls") if b.state is BatchState.HELD
    ]
    assert len(held) == 1
    assert seen(reconcile(exchanged, "haidai", "origin")) == {("other_status", FILE, held[0])}


def test_tampered_books_of_a_bank_are_listed_file_by_file(exchanged: Hub, books: Any) -> None:
    """A file it says it sent and we never saw, one it denies, another amount, another count, other bytes."""
    with books("wenhe") as db:
        names = [row["name"] for row in db.execute("select name from files where feed like 'wenhe_%' order by name")]
        denied, longer, dearer = names
        unseen = longer.replace("_v1", "_v7")
        db.execute("delete from files where name = ?", (denied,))
        db.execute("update sent set fen = fen + 1 where file = ? and kind = 'account_txn' and place = 1", (dearer,))
        db.execute("insert into sent values ('wenhe_payrolls', 'payroll_line', ?, 'x', 999, 0, null, 1)", (longer,))
        db.execute("update files set digest = ? where name = ?", ("0" * 64, longer))
        db.execute("insert into files values (?, 'wenhe_txns', null, ?, '')", (unseen, "1" * 64))
        db.execute("insert into sent values ('wenhe_txns', 'account_txn', ?, 'x', 1, 5, null, 1)", (unseen,))
        exchanged.up.control.drop_statement("wenhe")
        assert seen(reconcile(exchanged, "wenhe", "origin")) == {
            ("missing_there", FILE, denied),
            ("other_amount", FILE, dearer),
            ("other_rows", FILE, longer),
            ("other_content", FILE, longer),
            ("missing_here", FILE, unseen),
        }
    exchanged.up.control.drop_statement("wenhe")
    assert reconcile(exchanged, "wenhe", "origin").state is State.AGREED


def test_a_spoiled_statement_proves_nothing(exchanged: Hub) -> None:
    """Its digest or its own total is wrong: said with its code, and what was found before stays."""
    name = exchanged.up.control.drop_statement("wenhe")
    root = Path(exchanged.up.addresses["sftp"]["users"]["wenhe"]["root"])
    path = root / "in" / f"{CITY.day:%Y%m%d}" / name
    content, beside = path.read_bytes(), path.with_name(path.name + ".sm3")
    digest = beside.read_bytes()
    beside.write_text("0" * 64)
    with pytest.raises(FeedChanged, match="digest"):
        reconcile(exchanged, "wenhe", "origin")
    beside.write_bytes(digest)
    assert reconcile(exchanged, "wenhe", "origin").state is State.AGREED
    assert path.read_bytes() == content


def test_a_web_partner_that_gives_no_statement_stays_open(exchanged: Hub) -> None:
    """With what came from it, for whoever calls it up."""
    found = bootstrap.reconcile_side(exchanged.house, "bureau", "origin", today())
    assert (found.state, found.theirs) == (State.OPEN, None)
    assert found.ours.rows > 0


@pytest.mark.parametrize(
    ("tree", "error"),
    [
        ({"data": {"rows": None, "total": 1}}, PartnerRefused),
        ({"data": {"rows": [], "total": "many"}}, PartnerRefused),
        ({"data": {"rows": [], "total": 3}}, PartnerUnavailable),
        ({"data": {"rows": [{"schema": "clue", "recordKey": "k", "version": 1, "status": "odd"}], "total": 1}}, PartnerRefused),
        ({"data": {"rows": [{"schema": "none", "recordKey": "k", "version": 1, "status": "refused"}], "total": 1}}, PartnerRefused),
        ({"data": {"rows": [{"schema": "clue", "recordKey": "k", "status": "accepted"}], "total": 1}}, PartnerRefused),
        ({"data": {"rows": [{"schema": "clue", "recordKey": "k", "version": 1, "status": "accepted", "amountFen": "1.5"}],
                   "total": 1}}, PartnerRefused),
    ],
)  # fmt: skip
def test_a_statement_nobody_agreed_on_is_refused(
    exchanged: Hub, tree: Mapping[str, Any], error: type[Exception]
) -> None:
    """No rows, no total, rows that moved, a strange status, kind, version or amount: nothing is guessed."""
    receives = exchanged.house.registry.receives(PROVINCE)

    class Strange(OpenApiReceiver):
        def ask(self, call: str, asked: Mapping[str, Any]) -> dict[str, Any]:
            return dict(tree)

    with pytest.raises(error):
        read_statement(Strange(bootstrap.find_connection("province_api"), receives, {}), receives, today())


def test_a_receiver_without_statement_is_named(exchanged: Hub) -> None:
    """Its file says nothing of one."""
    receives = exchanged.house.registry.receives(PROVINCE)
    silent = receives.model_copy(update={"style": receives.style.model_copy(update={"statement": None})})
    with pytest.raises(MappingInvalid, match="no statement"):
        read_statement(bootstrap.open_receiver(exchanged.house.registry, PROVINCE), silent, today())


def test_hub_reconcile_writes_page_and_file_and_says_what_differs(
    exchanged: Hub, books: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Exit code 1 and both files while something differs; with --resend it goes out once more, and the day agrees again."""
    monkeypatch.setenv("HUB_DATABASE_URL", exchanged.house.engine.url.render_as_string(hide_password=False))
    monkeypatch.setenv("HUB_ARCHIVE", str(exchanged.house.archive.folder))
    bootstrap.open_house.cache_clear()
    words = ["reconcile", "--day", str(today()), "--partner", PROVINCE, "--out", str(tmp_path)]
    with books(PROVINCE) as db:
        key = db.execute("select record_key from effects where schema = 'clue' and status = 'accepted'").fetchone()[0]
        db.execute("delete from effects where schema = 'clue' and record_key = ?", (key,))
        assert cli.main([*words, "--resend"]) == 1
        out = capsys.readouterr().out
        assert f"! province 对方缺 missing there: clue {key}" in out
        assert "province: 1 条重新推送" in out
        rows = list(csv.reader((tmp_path / f"reconciliation-{today()}.csv").read_text("utf-8-sig").splitlines()))
        assert [row[3:6] for row in rows[1:] if row[1] == PROVINCE] == [["对方缺 missing there", "欠薪线索 clue", key]]
        page = (tmp_path / f"reconciliation-{today()}.html").read_text("utf-8")
        assert "对方缺 missing there" in page
        exchanged.deliver()
        assert cli.main(words) == 0
    assert cli.main([*words[:-4], "--partner", "nobody"]) == 2
    assert cli.main([*words[:2], str(today() - timedelta(days=400)), *words[3:]]) == 0
    bootstrap.open_house.cache_clear()
