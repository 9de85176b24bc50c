"""The exchange log on a real PostgreSQL: appended with the facts, changed by nobody, true to what was exchanged."""

from __future__ import annotations

import json
import re
import shutil
import stat
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from round_trip import Hub, Typed, at_once, effects

from hub import backup, bootstrap, cli, exchange_log, pipeline, upkeep
from hub.digest import sm3_hex
from hub.errors import HubError, NotAllowed, PartnerUnavailable
from hub.exchange_log.forms import digest_of_facts
from hub.exchange_log.signing import ED25519, SM2, Ed25519Signer, Signer, Sm2Signer
from hub.exchange_log.verify_exchange import Altered, check_log, check_proof, key_id, read_anchors
from hub.migrations import migrate
from hub.pipeline import House, by_hand
from hub.pipeline.recording import payload_digest
from hub.registry import read_registry
from hub.store import deliveries
from hub.store import exchange_log as kept
from hub.store.database import open_database, rows_of, working
from hub.store.deliveries import Submission
from schemas.catalogue import SCHEMAS

DIGEST = "5" * 64


@pytest.fixture
def signer() -> Signer:
    return Ed25519Signer(*Ed25519Signer.make())


@pytest.fixture
def empty(empty_database: Callable[[], str]) -> Iterator[sa.Engine]:
    """A database with tables and nothing in them."""
    engine = open_database(empty_database())
    migrate(engine)
    yield engine
    engine.dispose()


def append(engine: sa.Engine, *subjects: str) -> None:
    """Entries in one commit."""
    with working(engine) as work:
        for subject in subjects:
            kept.append(work, "held", subject, batch_id=1, digest=DIGEST, code="F014")


def numbered(engine: sa.Engine) -> list[tuple[int | None, str]]:
    """Number and subject of every entry, in the order of the log."""
    with working(engine) as work:
        found = rows_of(work, "select entry_no, subject from exchange_entry order by entry_no, entry_id")
    return [(row.entry_no, row.subject) for row in found]


def check(engine: sa.Engine, *signers: Signer) -> int:
    """Verify what would be exported, by these keys; how many entries."""
    keys = {key_id(one.suite, one.public): (one.suite, one.public) for one in signers}
    with working(engine) as work:
        return check_log(exchange_log.export_log(work), keys, {}).entries


CHANGES = (
    "update {table} set {column} = {column}",
    "update {table} set {column} = null",
    "delete from {table}",
    "truncate {table} cascade",
)
COLUMNS = {"exchange_entry": "digest", "exchange_block": "root", "exchange_key": "suite", "exchange_anchor": "hash"}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("table", COLUMNS)
def test_the_database_itself_refuses_every_change(empty: sa.Engine, signer: Signer, table: str, change: str) -> None:
    """Of sealed entries, blocks, keys and anchors; also a change that changes nothing."""
    append(empty, "a", "b")
    exchange_log.seal(empty, signer)
    with working(empty) as work:
        block = kept.last_block(work)
        assert block is not None
        kept.add_anchor(work, block, ["here"])
    with pytest.raises(HubError, match="did not take it"), working(empty) as work:
        work.execute(sa.text(change.format(table=table, column=COLUMNS[table])))
    assert check(empty, signer) == 2


@pytest.mark.parametrize(
    "change",
    ["digest = repeat('0', 64)", "entry_no = 7, kind = 'closed'", "at = now()", "facts = '{}'", "entry_no = null"],
)
def test_an_entry_that_waits_can_be_numbered_and_nothing_else(empty: sa.Engine, change: str) -> None:
    """The sealer's one right."""
    append(empty, "a")
    with pytest.raises(HubError, match="did not take it"), working(empty) as work:
        work.execute(sa.text(f"update exchange_entry set {change}"))
    with pytest.raises(HubError, match="did not take it"), working(empty) as work:
        work.execute(sa.text("delete from exchange_entry"))
    assert numbered(empty) == [(None, "a")]


def test_a_number_is_given_once(empty: sa.Engine, signer: Signer) -> None:
    """Not even the sealer takes it back."""
    append(empty, "a")
    exchange_log.seal(empty, signer)
    for number in ("2", "null", "1"):
        with pytest.raises(HubError, match="did not take it"), working(empty) as work:
            work.execute(sa.text(f"update exchange_entry set entry_no = {number}"))


def test_two_writers_who_commit_out_of_order_lose_nothing(empty: sa.Engine, signer: Signer) -> None:
    """The slow one wrote first and commits last: it comes into a later block, and neither block has a gap."""
    slow = empty.connect()
    transaction = slow.begin()
    kept.append(slow, "held", "slow", batch_id=1)
    append(empty, "quick")
    assert exchange_log.seal(empty, signer) == exchange_log.Sealed(1, 1)
    append(empty, "after")
    kept.append(slow, "held", "slow again", batch_id=1)
    transaction.commit()
    slow.close()
    assert exchange_log.seal(empty, signer) == exchange_log.Sealed(1, 3)
    assert numbered(empty) == [(1, "quick"), (2, "slow"), (3, "after"), (4, "slow again")]
    assert check(empty, signer) == 4


def test_what_is_rolled_back_leaves_no_entry_and_no_gap(empty: sa.Engine, signer: Signer) -> None:
    """Its place in the sequence is lost; its number in the log is not, for it has none."""
    append(empty, "a")

    def fail() -> None:
        with working(empty) as work:
            kept.append(work, "held", "b")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    append(empty, "c")
    exchange_log.seal(empty, signer)
    assert numbered(empty) == [(1, "a"), (2, "c")]
    assert check(empty, signer) == 2


def test_many_writers_and_sealers_at_once_make_one_log(empty: sa.Engine, signer: Signer) -> None:
    """Four write, two seal, all the time; nothing is missing or doubled."""

    def write(name: str) -> Callable[[], None]:
        return lambda: [append(empty, f"{name}{number}") for number in range(40)] and None

    def seal_often() -> None:
        for _ in range(40):
            exchange_log.seal(empty, signer, most=7)

    assert at_once(*(write(name) for name in "abcd"), seal_often, seal_often) == []
    exchange_log.seal(empty, signer, most=7)
    assert check(empty, signer) == 160
    assert len({subject for _, subject in numbered(empty)}) == 160


def test_large_logs_are_closed_in_several_blocks(empty: sa.Engine, signer: Signer) -> None:
    """And nothing is sealed twice, nor an empty block."""
    append(empty, *map(str, range(25)))
    assert exchange_log.seal(empty, signer, most=10) == exchange_log.Sealed(3, 25)
    assert exchange_log.seal(empty, signer) == exchange_log.Sealed(0, 0)


def test_another_key_goes_on_where_the_first_ended(empty: sa.Engine, signer: Signer) -> None:
    """Of another suite even; both are needed to verify, and both are kept."""
    other = Sm2Signer(*Sm2Signer.make())
    for one in (signer, other):
        append(empty, "a")
        exchange_log.seal(empty, one)
    assert check(empty, signer, other) == 2
    assert exchange_log.verify_log(empty, {}).blocks == 2
    with working(empty) as work:
        assert [row.suite for row in kept.read_keys(work)] == [ED25519, SM2]


def without_triggers(engine: sa.Engine, *statements: str) -> None:
    """What somebody does who administers the database."""
    with working(engine) as work:
        for statement in (
            "set session_replication_role = replica",
            *statements,
            "set session_replication_role = origin",
        ):
            work.execute(sa.text(statement))


TAMPERING = {
    "an entry edited": ("update exchange_entry set subject = 'z' where entry_no = 2",),
    "its counts edited": ("""update exchange_entry set facts = '{"code": "F013"}' where entry_no = 2""",),
    "its time edited": ("update exchange_entry set at = at + interval '1 microsecond' where entry_no = 2",),
    "an entry deleted": ("delete from exchange_entry where entry_no = 2",),
    "the last entry deleted": ("delete from exchange_entry where entry_no = 6",),
    "two swapped": (
        "update exchange_entry set entry_no = -1 where entry_no = 1",
        "update exchange_entry set entry_no = 1 where entry_no = 2",
        "update exchange_entry set entry_no = 2 where entry_no = -1",
    ),
    "one doubled": (
        """insert into exchange_entry (entry_no, kind, subject, facts) select 7, kind, subject, facts from exchange_entry
           where entry_no = 1""",
    ),
    "a block deleted": ("delete from exchange_block where block_no = 1",),
    "a block's root edited": ("update exchange_block set root = repeat('0', 64) where block_no = 2",),
    "a block's hash edited": ("update exchange_block set hash = repeat('0', 64) where block_no = 1",),
    "a key exchanged": ("update exchange_key set public_key = repeat('0', 64)",),
}


@pytest.mark.parametrize("how", TAMPERING)
def test_whoever_goes_behind_the_triggers_is_found(empty: sa.Engine, signer: Signer, how: str) -> None:
    """By the seals, whatever was altered."""
    for subjects in ("abc", "def"):
        append(empty, *subjects)
        exchange_log.seal(empty, signer)
    without_triggers(empty, *TAMPERING[how])
    with pytest.raises(Altered):
        exchange_log.verify_log(empty, {})


def test_the_command_says_what_does_not_fit(
    empty: sa.Engine,
    signer: Signer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """0 for a log that fits, 1 for one that was altered; no anchors yet are no fault."""
    monkeypatch.setenv("HUB_DATABASE_URL", empty.url.render_as_string(hide_password=False))
    monkeypatch.setenv("HUB_ANCHORS", str(tmp_path / "nowhere"))
    append(empty, "a", "b")
    exchange_log.seal(empty, signer)
    assert cli.main(["log", "verify"]) == 0
    without_triggers(empty, TAMPERING["an entry edited"][0])
    assert cli.main(["log", "verify"]) == 1
    assert "被改动 / one of its entries was altered" in capsys.readouterr().err


@pytest.mark.parametrize(
    "statement",
    [
        "delete from exchange_block",
        "update exchange_block set sealed_at = sealed_at + interval '1 second'",
        "update exchange_entry set entry_no = 3 where entry_no is null",
    ],
)
def test_nothing_is_built_on_an_end_that_was_changed(empty: sa.Engine, signer: Signer, statement: str) -> None:
    """The sealer stops, loudly, until somebody has looked."""
    append(empty, "a")
    exchange_log.seal(empty, signer)
    append(empty, "b")
    without_triggers(empty, statement)
    with pytest.raises(HubError, match="hub log verify") as error:
        exchange_log.seal(empty, signer)
    assert error.value.code == "S062"


class Web:
    """A web address that takes anchors, or not."""

    def __init__(self) -> None:
        self.is_away, self.posted = False, list[tuple[str, Mapping[str, object]]]()

    def post(self, key: str, message: Mapping[str, object]) -> None:
        if self.is_away:
            raise PartnerUnavailable("away")
        self.posted.append((key, message))


def test_the_newest_block_goes_out_once(empty: sa.Engine, signer: Signer, tmp_path: Path) -> None:
    """Into the folder and to the web address; what went out shows an end that was cut off afterwards."""
    web = Web()
    assert exchange_log.put_anchor(empty, tmp_path / "anchors", web) is None
    for subject in "ab":
        append(empty, subject)
        exchange_log.seal(empty, signer)
    block = exchange_log.put_anchor(empty, tmp_path / "anchors", web)
    assert block is not None
    assert exchange_log.put_anchor(empty, tmp_path / "anchors", web) is None
    [file] = (tmp_path / "anchors").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) & 0o077 == 0
    assert read_anchors([tmp_path / "anchors"]) == {2: block.hash}
    [(_, message)] = web.posted
    assert (message["block"], message["hash"]) == (2, block.hash)
    assert exchange_log.verify_log(empty, read_anchors([tmp_path / "anchors"])).anchors == 1
    without_triggers(empty, "delete from exchange_anchor", "delete from exchange_block where block_no = 2",
                     "delete from exchange_entry where entry_no = 2")  # fmt: skip
    assert exchange_log.verify_log(empty, {}).entries == 1
    with pytest.raises(Altered, match="cut off"):
        exchange_log.verify_log(empty, read_anchors([tmp_path / "anchors"]))


def test_an_anchor_that_did_not_get_there_goes_out_the_next_time(
    empty: sa.Engine, signer: Signer, tmp_path: Path
) -> None:
    """The file lies there already, and is the same."""
    web = Web()
    web.is_away = True
    append(empty, "a")
    exchange_log.seal(empty, signer)
    with pytest.raises(PartnerUnavailable):
        exchange_log.put_anchor(empty, tmp_path, web)
    web.is_away = False
    [file] = tmp_path.iterdir()
    file.write_bytes(b"half")  # as a run leaves it that ends while it writes
    block = exchange_log.put_anchor(empty, tmp_path, web)
    assert block is not None
    assert (len(web.posted), read_anchors([tmp_path])) == (1, {1: block.hash})


# What follows is told by one whole day of the simulated partners.


@pytest.fixture(scope="module")
def day(hub: Hub, tmp_path_factory: pytest.TempPathFactory) -> Hub:
    """One day exchanged and sealed; the key lies where the commands look for it."""
    hub.up.control.drop_day()
    hub.run()
    return hub


@pytest.fixture
def typing(typed: Typed, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Typed:
    """Commands with a key and a folder of anchors of their own, the same for all tests."""
    folder = tmp_path_factory.getbasetemp() / "exchange_log"
    monkeypatch.setenv("HUB_SEAL_KEY", str(folder / "seal.key"))
    monkeypatch.setenv("HUB_ANCHORS", str(folder / "anchors"))
    monkeypatch.setattr(cli.exchange_log, "open_webhook", lambda: None)
    return typed


def entries(hub: Hub, kind: str) -> list[sa.Row[Any]]:
    return hub.ask("select * from exchange_entry where kind = :kind order by entry_id", kind=kind)


def test_every_fact_of_the_day_has_its_entry(day: Hub) -> None:
    """One for each event, never one for each row."""
    counts = Counter({row.kind: row.count for row in day.ask("select kind, count(*) from exchange_entry group by 1")})
    [facts] = day.ask(
        """select (select count(*) from batch) as fetched, (select count(*) from batch where hold_code is not null) as held,
                  (select count(distinct batch_id) from tally) as stored,
                  (select count(*) from submission where serial_code is not null) as submitted,
                  (select count(*) from submission where answered_at is not null) as answered,
                  (select count(*) from report where digest <> '') as told"""
    )
    assert {kind: counts.pop(kind) for kind in facts._fields} == dict(facts._mapping)
    assert not counts


def test_the_digests_are_those_of_the_archive(day: Hub) -> None:
    """What was fetched lies there under the names that the log holds."""
    for row in entries(day, "fetched"):
        for part in row.facts["parts"]:
            assert sm3_hex(day.house.archive.read(part)) == part
        assert row.digest == (part if len(row.facts["parts"]) == 1 else sm3_hex("\n".join(row.facts["parts"]).encode()))


def test_the_digests_are_those_of_the_return_files_at_the_banks(day: Hub) -> None:
    """Every file there stands in the log, and every file in the log lies there."""
    files = {
        sm3_hex(path.read_bytes())
        for bank in ("haidai", "wenhe")
        for path in Path(day.up.addresses["sftp"]["users"][bank]["root"]).rglob("*")
        if path.is_file() and path.name.startswith(("RET_", "FIN_")) and not path.name.endswith((".ok", ".sm3", ".md5"))
    }
    told = {row.digest for row in entries(day, "told") if row.facts["by"] == "file"}
    assert told == files
    assert len(told) > 10


def test_the_digests_can_be_computed_again_from_the_tables(day: Hub) -> None:
    """Account, payload and receipts: whoever alters them afterwards is found by their entries."""
    with working(day.house.engine) as work:
        for row in entries(day, "stored"):
            assert digest_of_facts(kept.account_of(work, row.batch_id)) == row.digest
        for row in entries(day, "answered"):
            [found] = rows_of(work, "select batch_key from submission where submission_id = :id", id=row.submission_id)
            receipts = kept.receipts_of(work, row.submission_id)
            assert digest_of_facts([found.batch_key, *receipts]) == row.digest
            assert sum(row.facts["records"].values()) == len(receipts)
        row = entries(day, "submitted")[0]
        [found] = rows_of(work, "select * from submission where submission_id = :id", id=row.submission_id)
        submission = Submission(row.submission_id, found.receiver, found.schema_name, found.batch_key, None)
        sql = """select idempotency_key as key from delivery join receipt using (delivery_id)
                 where receipt.submission_id = :id order by delivery_id"""
        keys = [one.key for one in rows_of(work, sql, id=row.submission_id)]
        again = rows_of(work, "select count(*) as n from delivery where submission_id = :id", id=row.submission_id)
        if again[0].n == len(keys):  # none of them was sent once more since
            payload = deliveries.payload_of(work, submission, keys)
            assert payload_digest(submission, payload) == row.digest


def test_the_log_holds_no_personal_data(day: Hub) -> None:
    """No name, number, card or amount of any record that was stored, and no name of a file."""
    with working(day.house.engine) as work:
        exchange_log.seal(day.house.engine, Ed25519Signer(*Ed25519Signer.make()))
        log = b"".join(exchange_log.export_log(work)).decode()
    words = set(re.findall(r'"((?:[^"\\]|\\.)*)"', log))
    held: set[str] = set()
    for name, schema in SCHEMAS.items():
        texts = [column for column, what in schema.columns().items() if str(what.dtype) == "String"]
        for row in day.ask(f"select to_jsonb(r) as r from record.{name} as r"):
            held |= {str(row.r[column]) for column in texts if row.r[column] and len(str(row.r[column])) > 6}
    assert len(held) > 1000
    shown = {json.dumps(value)[1:-1] for value in held}
    assert words & shown == set()
    assert not [value for value in shown if len(value) >= 12 and value in log]
    names = {row.name for row in day.ask("select regexp_replace(source_name, '.*/', '') as name from batch")}
    assert not [name for name in names if name in log]


def test_a_fact_that_is_taken_back_takes_its_entry_along(day: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    """A decision that fails at the last moment stands neither in the tables nor in the log."""
    held = next(batch for batch in day.batches() if batch.state.value == "held")
    before = day.ask("select count(*) as n from exchange_entry")[0].n

    def die(point: str) -> None:
        raise RuntimeError(point)

    monkeypatch.setattr(by_hand, "reach", die)
    with pytest.raises(RuntimeError):
        pipeline.close_batch(day.house, held.batch_id)
    assert day.ask("select count(*) as n from exchange_entry")[0].n == before
    monkeypatch.undo()
    with pytest.raises(NotAllowed):
        pipeline.release_batch(day.house, held.batch_id, "officer")
    pipeline.close_batch(day.house, held.batch_id)
    [closed] = entries(day, "closed")
    assert (closed.batch_id, closed.digest, closed.facts) == (held.batch_id, held.digest, {"code": held.hold_code})


def find_file(hub: Hub, name: str) -> Path:
    """Where it lies at its bank."""
    roots = (Path(hub.up.addresses["sftp"]["users"][bank]["root"]) for bank in ("haidai", "wenhe"))
    return next(path for root in roots for path in root.rglob(name))


def test_the_commands_seal_verify_and_hand_out(day: Hub, typing: Typed, tmp_path: Path) -> None:
    """Everything that a partner needs to verify its return file, and the hub's own look at its log."""
    file = next(row for row in entries(day, "told") if row.facts["by"] == "file" and row.facts["stage"] == "intake")
    code, said, _ = typing("log", "seal")
    assert code == 0, said
    assert typing("log", "anchor")[0] == 0
    code, said, _ = typing("log", "verify")
    assert (code, "1 个锚点" in said) == (0, True)
    assert typing("log")[0] == 0
    code, said, _ = typing("log", "export", "--out", tmp_path / "log")
    assert code == 0
    assert typing("log", "export", "--out", tmp_path / "log")[0] == 2, "nothing is written over"
    assert typing("log", "verifier", "--out", tmp_path / "verify_exchange.py")[0] == 0
    code, said, _ = typing("log", "key", "--out", tmp_path / "keys")
    assert code == 0
    code, said, _ = typing("proof", file.batch_id, "--out", tmp_path)
    assert (code, "有锚点 anchored" in said) == (0, True)
    [proof] = tmp_path.glob("RET_*.proof.json")
    returned = find_file(day, proof.name.removesuffix(".proof.json"))
    keys = dict(
        (key_id(suite, bytes.fromhex(public)), (suite, bytes.fromhex(public)))
        for suite, public in (path.read_text().split() for path in (tmp_path / "keys").iterdir())
    )
    entry, _ = check_proof(proof.read_bytes(), sm3_hex(returned.read_bytes()), keys, {})
    assert entry["batch"] == file.batch_id
    assert datetime.fromisoformat(entry["at"]) < datetime.now(UTC)
    with (tmp_path / "log").open("rb") as lines:
        assert check_log(lines, keys, {}).entries == day.ask("select count(*) as n from exchange_entry")[0].n


def test_a_batch_without_a_return_file_has_no_proof(day: Hub, typing: Typed) -> None:
    """And the command says so."""
    batch = next(batch for batch in day.batches() if batch.feed_id == "bureau_permits")
    code, _, wrong = typing("proof", batch.batch_id)
    assert (code, "no return file" in wrong) == (2, True)


def test_a_second_day_that_says_nothing_new_appends_little(day: Hub) -> None:
    """What changes nothing leaves no entry of its own."""
    before = Counter(row.kind for row in day.ask("select kind from exchange_entry"))
    day.up.control.drop_day()
    day.run()
    after = Counter(row.kind for row in day.ask("select kind from exchange_entry"))
    assert after["told"] == before["told"]
    assert after["submitted"] == before["submitted"]


def test_a_restored_log_is_whole_and_goes_on(
    day: Hub, signer: Signer, empty_database: Callable[[], str], tmp_path: Path
) -> None:
    """It fits as before, says that it was restored, takes no change, and is sealed on; anchors put out since do not fit it."""
    exchange_log.seal(day.house.engine, signer)
    before = exchange_log.verify_log(day.house.engine, {})
    backup.make_backup(day.house.engine, day.house.archive, tmp_path / "backup")
    append(day.house.engine, "what the backup does not know")
    exchange_log.seal(day.house.engine, signer)
    exchange_log.put_anchor(day.house.engine, tmp_path / "anchors", None)
    engine = open_database(empty_database())
    backup.restore_backup(engine, day.house.archive, tmp_path / "backup", "an officer")
    assert exchange_log.verify_log(engine, {}) == before
    exchange_log.seal(engine, signer)
    found = exchange_log.verify_log(engine, {})
    assert (found.blocks, found.entries) == (before.blocks + 1, before.entries + 2)
    with working(engine) as work:
        newest = kept.last_block(work)
        assert newest is not None
        restored, audited = kept.entries_of(work, newest)
    assert audited.kind == "audited"
    assert (restored.kind, restored.subject, set(restored.facts)) == (
        "restored",
        "hub",
        {"backup_at", "batches", "rows"},
    )
    with pytest.raises(HubError, match="did not take it"), working(engine) as work:
        work.execute(sa.text("update exchange_entry set subject = 'x'"))
    with pytest.raises(Altered):
        exchange_log.verify_log(engine, read_anchors([tmp_path / "anchors"]))
    engine.dispose()


def test_a_partner_that_wants_it_finds_the_proof_beside_its_file(
    day: Hub, signer: Signer, mappings: Path, tmp_path: Path
) -> None:
    """Once, after the file was sealed; what the bank counts as its return files is what it was."""
    shutil.copytree(mappings, tmp_path / "mappings")
    mapping, before = tmp_path / "mappings" / "haidai_payrolls.yaml", effects(day.up)
    text, told = mapping.read_text("utf-8"), 'RET_{name}", form'
    mapping.write_text(text.replace(told, 'RET_{name}", proof: "out/{date}/PRF_{name}.json", form'), "utf-8")
    registry = read_registry(tmp_path / "mappings")
    assert registry.problems == ()
    house, feed = House(day.house.engine, day.house.archive, registry), registry.feed("haidai_payrolls")
    assert pipeline.feeds_unproven(day.house) == []
    exchange_log.seal(house.engine, signer)
    assert pipeline.feeds_unproven(house) == ["haidai_payrolls"]
    assert upkeep.untold_partners(house) == ["haidai"]
    files = [batch for batch in day.batches() if batch.feed_id == "haidai_payrolls"]
    with bootstrap.open_connector(feed) as connector:
        assert pipeline.hand_out_proofs(house, feed, connector) == len(files) > 1  # type: ignore[arg-type]
        assert pipeline.hand_out_proofs(house, feed, connector) == 0  # type: ignore[arg-type]
    with working(house.engine) as work:
        keys = {row.key_id: (row.suite, bytes.fromhex(row.public_key)) for row in kept.read_keys(work)}
    for batch in files:
        name = batch.source_name.rpartition("/")[2]
        proof = find_file(day, f"PRF_{name}.json").read_bytes()
        entry, _ = check_proof(proof, sm3_hex(find_file(day, f"RET_{name}").read_bytes()), keys, {})
        assert (entry["batch"], entry["facts"]["stage"]) == (batch.batch_id, "intake")
        assert sm3_hex(proof) in {row.digest for row in entries(day, "proved")}
    assert effects(day.up) == before
