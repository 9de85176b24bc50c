"""Incidents on a real PostgreSQL: opened once, told once, closed once, whatever dies or runs twice; by the webhook's own ledger."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from answering import Answer, Asked, answering
from round_trip import at_once

from connectors.signing import digest
from connectors.webhook import Webhook
from hub import exchange_log, watching
from hub.archive import Archive
from hub.errors import HubError, MappingInvalid, PartnerRefused, PartnerUnavailable
from hub.exchange_log.signing import Ed25519Signer
from hub.feed.signing import Signing
from hub.incidents import Expiry
from hub.model import Connection
from hub.pipeline import House
from hub.registry import read_registry
from hub.settings import TIME_ZONE, now
from hub.store import exchange_log as log
from hub.store import incidents
from hub.store import watching as facts
from hub.store.database import rows_of, working

MAPPINGS = Path(__file__).parents[2] / "mappings"
TUESDAY = datetime(2026, 11, 24, 12, tzinfo=TIME_ZONE)
EVENING = TUESDAY.replace(hour=21)
TABLES = ("notice", "incident", "watched_feed", "watching", "unread_file", "expiry", "report", "tally", "batch")
SIGNER = Ed25519Signer(*Ed25519Signer.make())
OK = Answer(b"ok", media="text/plain")


@pytest.fixture
def house(engine: sa.Engine, tmp_path: Path) -> House:
    """A hub that knows the feeds of one bank and has seen nothing yet."""
    with working(engine) as work:
        for table in TABLES:
            work.execute(sa.text(f"delete from {table}"))
    return House(engine, Archive(tmp_path), read_registry(MAPPINGS, "haidai_*", "province"))


def ask(house: House, sql: str, **values: Any) -> list[Any]:
    with working(house.engine) as work:
        return [tuple(row) for row in rows_of(work, sql, **values)]


def do(house: House, sql: str, **values: Any) -> None:
    with working(house.engine) as work:
        work.execute(sa.text(sql), values)


def know_feeds(house: House, looked_at: datetime, since: datetime = TUESDAY - timedelta(days=60)) -> None:
    """Every feed is known for long and was looked at then; the hub watches since."""
    with working(house.engine) as work:
        facts.resume(work, since, 1)
        facts.watch_feeds(work, house.registry.feeds.keys(), since)
        for feed_id in house.registry.feeds:
            facts.note_look(work, feed_id, looked_at, [])
    do(house, "update watching set resumed_at = :since, watched_at = :at", since=since, at=looked_at)


def add_batch(house: House, feed_id: str, at: datetime, state: str = "reported", **more: Any) -> int:
    """A batch that was fetched, read and acknowledged then."""
    sql = """insert into batch (feed_id, source_name, digest, state, parts, mapping_digest, hub_version, fetched_at, read_at,
                                changed_at, hold_code, printed_rows)
             values (:feed_id, cast(:at as text), gen_random_uuid(), :state, '{}', '', '', :at, :at, :at, :hold_code, :rows)
             returning batch_id"""
    values = {"hold_code": None, "rows": None, **more}
    with working(house.engine) as work:
        batch_id = int(rows_of(work, sql, feed_id=feed_id, at=at, state=state, **values)[0].batch_id)
    do(house, "insert into report values (:id, 'intake', '', 0, :at)", id=batch_id, at=at)
    return batch_id


def all_came(house: House, at: datetime) -> None:
    for feed_id in house.registry.feeds:
        add_batch(house, feed_id, at)


def open_now(house: House) -> list[tuple[str, str]]:
    return ask(house, "select kind, subject from incident where closed_at is null order by 1, 2")


def notices(house: House) -> list[tuple[str, str, str]]:
    """All that were ever written, sent or not."""
    sql = "select kind, subject, occasion from notice join incident using (incident_id) order by notice_id"
    return ask(house, sql)


def test_a_late_file_is_one_incident_until_it_comes(house: House) -> None:
    """Evaluated again and again it stays one; the file ends it; the next day's absence is another."""
    know_feeds(house, EVENING)
    add_batch(house, "haidai_accounts", TUESDAY)
    add_batch(house, "haidai_txns", TUESDAY)
    for minutes in (0, 5, 10):
        watching.watch(house, EVENING + timedelta(minutes=minutes))
        assert open_now(house) == [("late", "haidai_payrolls")]
    add_batch(house, "haidai_payrolls", EVENING)
    for minutes in (15, 20):
        watching.watch(house, EVENING + timedelta(minutes=minutes))
        assert open_now(house) == []
    opened_and_closed = [("late", "haidai_payrolls", "opened"), ("late", "haidai_payrolls", "closed")]
    assert notices(house) == opened_and_closed
    tomorrow = EVENING + timedelta(days=1)
    know_feeds(house, tomorrow)
    found = watching.watch(house, tomorrow)
    assert (found.opened, found.closed, found.still_open) == (3, 0, 3)
    assert len(notices(house)) == 5


def test_the_database_refuses_a_second_open_incident(house: House) -> None:
    """Whoever forgets the lock still cannot open two."""
    sql = "insert into incident (kind, subject, level, detail, opened_at) values ('late', 'x', 1, '{}', now())"
    do(house, sql)
    with pytest.raises(HubError, match="UniqueViolation"):
        do(house, sql)
    do(house, "update incident set closed_at = now()")
    do(house, sql)


def test_two_evaluations_at_once_open_and_close_once(house: House) -> None:
    """They take turns: eight of them leave one incident and one notice of each feed, and one recovery."""
    know_feeds(house, EVENING)
    eight: list[Callable[[], object]] = [lambda: watching.watch(house, EVENING)] * 8
    assert at_once(*eight) == []
    late = [("late", feed_id) for feed_id in sorted(house.registry.feeds)]
    assert open_now(house) == late
    assert sorted(notices(house)) == [(*one, "opened") for one in late]
    all_came(house, EVENING)
    assert at_once(*eight) == []
    assert open_now(house) == []
    assert sorted(notices(house)) == sorted((*one, occasion) for one in late for occasion in ("opened", "closed"))


def test_an_evaluation_reads_its_facts_in_its_turn(house: House) -> None:
    """While another is under way it waits, and then judges by what is so after that one: old facts undo nothing."""
    know_feeds(house, EVENING)
    waiting = "select 1 from pg_locks where locktype = 'advisory' and not granted"
    second = threading.Thread(target=lambda: watching.watch(house, EVENING))
    with working(house.engine) as work:
        incidents.take_turn(work)
        second.start()
        while second.is_alive() and not rows_of(work, waiting):
            second.join(0.05)
        all_came(house, EVENING - timedelta(minutes=1))
    second.join()
    assert (open_now(house), notices(house)) == ([], [])


def test_a_crash_before_the_commit_leaves_neither_incident_nor_notice(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next evaluation opens and tells all of them."""
    know_feeds(house, EVENING)
    opened = []

    def die_at_the_second(*words: Any) -> None:
        opened.append(words)
        if len(opened) == 2:
            raise RuntimeError("killed")
        original(*words)

    original = incidents.open_incident
    monkeypatch.setattr(incidents, "open_incident", die_at_the_second)
    with pytest.raises(RuntimeError, match="killed"):
        watching.watch(house, EVENING)
    assert (open_now(house), notices(house)) == ([], [])
    monkeypatch.undo()
    watching.watch(house, EVENING)
    assert len(notices(house)) == 3


def test_each_notice_reaches_the_webhook_once_and_the_opening_first(house: House) -> None:
    """By the receiving side's own ledger; a second sender finds nothing left."""
    know_feeds(house, EVENING)
    watching.watch(house, EVENING)
    with answering(lambda _: OK) as (address, asked):
        webhook = Webhook(Connection("notice_webhook", address, password="secret", extra={"prefix": "Bearer "}))
        senders: list[Callable[[], object]] = [lambda: watching.send_notices(house, webhook)] * 4
        assert at_once(*senders) == []
        all_came(house, EVENING)
        watching.watch(house, EVENING)
        assert watching.send_notices(house, webhook) == 3
        assert watching.send_notices(house, webhook) == 0
    bodies = [json.loads(one.body) for one in asked]
    assert len(bodies) == 6
    assert len({one.headers["Idempotency-Key"] for one in asked}) == 6
    assert {one.headers["Authorization"] for one in asked} == {"Bearer secret"}
    told = {
        body["subject"]: [one["occasion"] for one in bodies if one["subject"] == body["subject"]] for body in bodies
    }
    assert told == {feed_id: ["opened", "closed"] for feed_id in house.registry.feeds}
    assert bodies[0]["text"].startswith("【新事件】文件未按时到达 haidai_")
    assert bodies[0]["dueAt"] == "2026-11-24T20:00:00+08:00"


def test_a_notice_whose_sender_died_goes_out_again_under_its_key(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Posted, and killed before the commit: at least once, and the other side can tell that it is the same."""
    know_feeds(house, EVENING)
    add_batch(house, "haidai_accounts", TUESDAY)
    add_batch(house, "haidai_txns", TUESDAY)
    watching.watch(house, EVENING)

    def die(*_: object) -> None:
        raise RuntimeError("killed")

    with answering(lambda _: OK) as (address, asked):
        webhook = Webhook(Connection("notice_webhook", address))
        monkeypatch.setattr(incidents, "mark_sent", die)
        with pytest.raises(RuntimeError, match="killed"):
            watching.send_notices(house, webhook)
        monkeypatch.undo()
        assert watching.send_notices(house, webhook) == 1
        assert watching.send_notices(house, webhook) == 0
    assert len(asked) == 2
    assert len({one.headers["Idempotency-Key"] for one in asked}) == 1
    assert asked[0].body == asked[1].body


def test_a_webhook_that_is_down_gets_everything_later_and_in_order(house: House) -> None:
    """Nothing is lost, nothing overtakes: the recovery waits for the opening that could not be told."""
    know_feeds(house, EVENING)
    watching.watch(house, EVENING)
    up = False

    def answer(_: Asked) -> Answer:
        return OK if up else Answer(b"", 503)

    with answering(answer) as (address, asked):
        webhook = Webhook(Connection("notice_webhook", address))
        with pytest.raises(PartnerUnavailable, match="503"):
            watching.send_notices(house, webhook)
        assert len(asked) == 3  # one that fails keeps no other back
        all_came(house, EVENING)
        watching.watch(house, EVENING)
        up = True
        assert watching.send_notices(house, webhook) == 0  # put off, and the recoveries wait for them
        later = datetime.now(TIME_ZONE) + timedelta(hours=2)
        assert watching.send_notices(house, webhook, later) == 6
    occasions = [json.loads(one.body)["occasion"] for one in asked[3:]]
    assert sorted(occasions) == ["closed"] * 3 + ["opened"] * 3
    for feed_id in house.registry.feeds:
        mine = [json.loads(one.body)["occasion"] for one in asked[3:] if json.loads(one.body)["subject"] == feed_id]
        assert mine == ["opened", "closed"]


def test_without_a_webhook_the_log_is_told(house: House, caplog: pytest.LogCaptureFixture) -> None:
    """One line for each notice, once."""
    know_feeds(house, EVENING)
    watching.watch(house, EVENING)
    assert (watching.send_notices(house, None), watching.send_notices(house, None)) == (3, 0)
    lines = [record.getMessage() for record in caplog.records if record.getMessage().startswith("notice ")]
    assert len(lines) == 3
    assert all("文件未按时到达 haidai_" in line and "file has not come in time" in line for line in lines)


@pytest.mark.parametrize("algorithm", ["hmac_sha256", "hmac_sm3"])
def test_a_signed_notice_proves_its_sender_and_its_moment(algorithm: str) -> None:
    """The secret is not sent; moment and body are signed together. A refusal is no success."""
    with answering(lambda asked: OK if asked.path == "/here" else Answer(b"", 403)) as (address, asked):
        extra = {"signed": algorithm}
        Webhook(Connection("notice_webhook", f"{address}/here", password="secret", extra=extra)).post("k", {"a": "一"})
        with pytest.raises(PartnerRefused):
            Webhook(Connection("notice_webhook", address, password="secret", extra=extra)).post("k", {})
    [one, _] = asked
    signing = Signing.model_validate({"text": "{body}", "algorithm": algorithm, "name": "s", "place": "headers"})
    text = f"{one.headers['X-Hub-Timestamp']}.{one.body.decode()}"
    assert one.headers["X-Hub-Signature"] == digest(signing, "secret", text)
    assert "Authorization" not in one.headers
    with pytest.raises(MappingInvalid, match="signed is one of"):
        Webhook(Connection("notice_webhook", address, extra={"signed": "md5"}))


def test_what_gets_worse_is_told_once_more_and_ends_once(house: House) -> None:
    """Thirty days before, seven days before, after; renewed, both incidents are over."""
    with working(house.engine) as work:
        ends = Expiry("haidai_sftp", "expires", TUESDAY + timedelta(days=30))
        facts.note_expiries(work, [ends], {"haidai_sftp"}, TUESDAY)
    do(house, "update watched_feed set looked_at = null")
    for days in (0, 1, 23, 24, 30, 31):
        watching.watch(house, TUESDAY + timedelta(days=days))
    subject = "haidai_sftp expires"
    assert notices(house) == [
        ("expiring", subject, "opened"),
        ("expiring", subject, "worsened"),
        ("expired", subject, "opened"),
    ]
    renewed = Connection("haidai_sftp", extra={"expires": "2028-01-01"})
    assert watching.note_expiries(house, [renewed], ["haidai_sftp"]) == 1
    watching.watch(house, TUESDAY + timedelta(days=32))
    assert open_now(house) == []
    assert sorted(notices(house)[3:]) == [("expired", subject, "closed"), ("expiring", subject, "closed")]


def test_an_expiry_that_cannot_be_read_is_said_and_hides_no_other(house: House) -> None:
    """A wrong date is not the same as none."""
    wrong = Connection("haidai_sftp", extra={"expires": "next spring"})
    good = Connection("province_api", extra={"expires": "2027-03-31"})
    with pytest.raises(MappingInvalid, match="connection haidai_sftp: expires is not a day such as"):
        watching.note_expiries(house, [wrong, good], ["haidai_sftp", "province_api"])
    assert ask(house, "select connection, what, expires_at::text from expiry") == [
        ("province_api", "expires", "2027-03-31 23:59:59+08")
    ]
    watching.note_expiries(house, [Connection("province_api")], ["province_api"])
    assert ask(house, "select 1 from expiry") == []


def test_a_mapping_that_broke_ends_no_incident(house: House, tmp_path: Path) -> None:
    """Nobody knows whether the file came; mended, it is judged again."""
    know_feeds(house, EVENING)
    watching.watch(house, EVENING)
    folder = tmp_path / "mappings"
    folder.mkdir()
    (folder / "codes").symlink_to(MAPPINGS / "codes")
    for name in ("partners.yaml", "haidai_accounts.yaml", "haidai_txns.yaml"):
        (folder / name).write_bytes((MAPPINGS / name).read_bytes())
    (folder / "haidai_payrolls.yaml").write_text("title: [\n", "utf-8")
    broken = House(house.engine, house.archive, read_registry(folder))
    all_came(house, EVENING)
    watching.watch(broken, EVENING + timedelta(minutes=5))
    assert open_now(house) == [("late", "haidai_payrolls")]
    watching.watch(house, EVENING + timedelta(minutes=5))
    assert open_now(house) == []


# state, hold code, does it count as an arrival, what is open besides
ARRIVALS = [
    ("fetched", None, True, []),
    ("reported", None, True, []),
    ("held", "F003", True, [("held", "haidai_payrolls")]),
    ("held", "F004", False, [("held", "haidai_payrolls")]),
    ("reported", "F004", False, []),
]


@pytest.mark.parametrize(("state", "hold_code", "counts", "besides"), ARRIVALS)
def test_what_counts_as_an_arrival(
    house: House, state: str, hold_code: str | None, counts: bool, besides: list[tuple[str, str]]
) -> None:
    """A held file has come; the same bytes under another name have not."""
    know_feeds(house, EVENING)
    add_batch(house, "haidai_accounts", TUESDAY)
    add_batch(house, "haidai_txns", TUESDAY)
    add_batch(house, "haidai_payrolls", EVENING - timedelta(minutes=30), state, hold_code=hold_code)
    watching.watch(house, EVENING)
    assert open_now(house) == [*besides, *([] if counts else [("late", "haidai_payrolls")])]


def test_a_small_day_is_told_and_ends_with_a_normal_one(house: House) -> None:
    """Rows are those of the files, those the hub knew already among them."""
    know_feeds(house, EVENING)
    tally = """insert into tally values (:id, 'special_account', :rows, 0, 0, 0, 0, 0, :rows, 0, 0)"""
    for days, rows in ((7, 100), (6, 100), (5, 100), (4, 100), (1, 100), (0, 20)):
        batch_id = add_batch(house, "haidai_accounts", TUESDAY - timedelta(days=days))
        do(house, tally, id=batch_id, rows=rows)
    for feed_id in ("haidai_payrolls", "haidai_txns"):
        add_batch(house, feed_id, TUESDAY)
    watching.watch(house, EVENING)
    assert open_now(house) == [("small", "haidai_accounts")]
    assert ask(house, "select detail from incident") == [({"rows": 20, "median": 100},)]
    do(house, tally, id=add_batch(house, "haidai_accounts", EVENING), rows=70)
    watching.watch(house, EVENING)
    assert open_now(house) == []


def test_an_unacknowledged_batch_is_an_incident_until_its_partner_is_told(house: House) -> None:
    """Fetched and never read, or read and never told: after an hour somebody looks."""
    know_feeds(house, TUESDAY, since=TUESDAY - timedelta(hours=3))
    batch_id = add_batch(house, "haidai_payrolls", TUESDAY - timedelta(minutes=61), "fetched")
    watching.watch(house, TUESDAY)
    assert open_now(house) == [("unacknowledged", "haidai_payrolls")]
    do(house, "update batch set state = 'stored', read_at = :at", at=TUESDAY - timedelta(minutes=90))
    do(house, "delete from report")
    watching.watch(house, TUESDAY)
    assert [one[0] for one in open_now(house)] == ["stuck", "unacknowledged"]
    do(house, "insert into report values (:id, 'intake', '', 0, :at)", id=batch_id, at=TUESDAY)
    do(house, "update batch set state = 'reported'")
    watching.watch(house, TUESDAY)
    assert open_now(house) == []
    assert [occasion for *_, occasion in notices(house)] == ["opened", "opened", "closed", "closed"]


def test_a_log_that_is_not_sealed_is_an_incident_until_it_is(house: House) -> None:
    """Ten minutes after the oldest entry, told once, and once when its block is closed; a hub that stood still is not late."""
    moment = now()
    know_feeds(house, moment)
    exchange_log.seal(house.engine, SIGNER)
    with working(house.engine) as work:
        log.append(work, "closed", "haidai_payrolls", batch_id=7)
        log.append(work, "closed", "haidai_payrolls", batch_id=8)

    def watch_log(minutes: float) -> list[tuple[str, str, str]]:
        do(house, "update watching set watched_at = :at", at=moment + timedelta(minutes=minutes))
        watching.watch(house, moment + timedelta(minutes=minutes))
        return [one for one in notices(house) if one[0] == "unsealed"]

    assert watch_log(9) == []
    assert watch_log(11) == watch_log(16) == [("unsealed", "exchange_log", "opened")]
    assert ask(house, "select detail from incident where kind = 'unsealed'") == [({"entries": 2},)]
    exchange_log.seal(house.engine, SIGNER)
    assert watch_log(21) == [("unsealed", "exchange_log", "opened"), ("unsealed", "exchange_log", "closed")]
    with working(house.engine) as work:
        log.append(work, "closed", "haidai_payrolls", batch_id=9)
    do(house, "update watching set watched_at = :at, resumed_at = :at", at=moment + timedelta(days=1))
    watching.watch(house, moment + timedelta(days=1, minutes=5))
    assert [one for one in open_now(house) if one[0] == "unsealed"] == []
