"""What a simulator sent and received, kept in SQLite so that it survives a restart.

Invariant checkers read it: effects are recorded at the first time only, repeats are counted beside them.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from hashlib import sha256
from pathlib import Path
from typing import Any

from simulators.spoil import REASONS

_TABLES = """
create table if not exists sent (
    feed text, kind text, file text, key text, place integer, fen integer, bad text, times integer,
    primary key (feed, kind, file, key, place));
create table if not exists files (name text primary key, feed text, fault text, digest text, dropped_at text);
create table if not exists calls (
    call integer primary key, at text, what text, idempotency_key text, digest text, outcome text);
create table if not exists answers (idempotency_key text primary key, digest text, answer text);
create table if not exists sent_on (schema text, record_key text, day text, primary key (schema, record_key));
create index if not exists sent_on_day on sent_on (day);
create table if not exists callers (kind text, name text, calls integer, primary key (kind, name));
create table if not exists statuses (
    item text, status text, detail text, times integer, first_at text, primary key (item, status));
"""
_SHANGHAI = timezone(timedelta(hours=8))

CONCLUSION = "conclusion "
"""How the status of a clue begins that tells how it ended: then which answer it is, then the partner's own word."""


@dataclass(frozen=True)
class Sent:
    """One row as it went out: one per kind of record it stands for; `place` tells equal keys apart."""

    feed: str
    kind: str
    key: str
    place: int
    fen: int | None
    bad: str | None
    file: str = ""


class Ledger:
    """One simulator's memory."""

    def __init__(self, path: Path, more_tables: str = "") -> None:
        self.db = sqlite3.connect(path, isolation_level=None)
        self.db.row_factory = sqlite3.Row
        self.db.execute("pragma journal_mode=wal")
        self.db.execute("pragma synchronous=normal")
        self.db.executescript(_TABLES + more_tables)

    def close(self) -> None:
        """Let go of the file."""
        self.db.close()

    @contextmanager
    def all_or_nothing(self) -> Iterator[None]:
        """One transaction."""
        self.db.execute("begin immediate")
        try:
            yield
        except BaseException:
            self.db.execute("rollback")
            raise
        self.db.execute("commit")

    def note_sent(self, rows: Iterable[Sent]) -> None:
        """Count rows as served once more."""
        values = [(r.feed, r.kind, r.file, r.key, r.place, r.fen, r.bad) for r in rows]
        with self.all_or_nothing():
            self.db.executemany(
                "insert into sent values (?, ?, ?, ?, ?, ?, ?, 1) on conflict do update set times = times + 1", values
            )

    def note_file(self, name: str, feed: str, fault: str | None, digest: str) -> None:
        """Remember a dropped file; a file is dropped once."""
        self.db.execute("insert or ignore into files values (?, ?, ?, ?, ?)", (name, feed, fault, digest, now_text()))

    def has_file(self, name: str) -> bool:
        """Whether this file was dropped before."""
        return self.db.execute("select 1 from files where name = ?", (name,)).fetchone() is not None

    def note_call(self, what: str, key: str, body: bytes, outcome: str) -> None:
        """Remember a call, answered or not."""
        values = (now_text(), what, key, sha256(body).hexdigest(), outcome)
        self.db.execute("insert into calls (at, what, idempotency_key, digest, outcome) values (?, ?, ?, ?, ?)", values)

    def note_caller(self, kind: str, name: str) -> None:
        """Count a call that came with this certificate, token or signature."""
        sql = "insert into callers values (?, ?, 1) on conflict do update set calls = calls + 1"
        self.db.execute(sql, (kind, name))

    def callers(self) -> list[dict[str, Any]]:
        """With what the calls came, and how many of them."""
        return [dict(row) for row in self.db.execute("select kind, name, calls from callers order by kind, name")]

    def first_answer(self, key: str) -> Any:
        """The answer given when this key was first used, or None."""
        row = self.db.execute("select answer from answers where idempotency_key = ?", (key,)).fetchone()
        return json.loads(row["answer"]) if row else None

    def note_answer(self, key: str, body: bytes, answer: Any) -> None:
        """Remember the first answer to a key."""
        values = (key, sha256(body).hexdigest(), json.dumps(answer, ensure_ascii=False))
        self.db.execute("insert or ignore into answers values (?, ?, ?)", values)

    def note_status(self, item: str, status: str, detail: Any) -> None:
        """Record a status of an item: an effect the first time, a repeat afterwards."""
        values = (item, status, json.dumps(detail, ensure_ascii=False), now_text())
        self.db.execute(
            "insert into statuses values (?, ?, ?, 1, ?) on conflict do update set times = times + 1", values
        )

    def note_sent_on(self, schema: str, record_key: str) -> None:
        """Remember, for a receiver's statement, that this record was sent today, in Shanghai."""
        values = (schema, record_key, datetime.now(_SHANGHAI).date().isoformat())
        self.db.execute("insert into sent_on values (?, ?, ?) on conflict do update set day = excluded.day", values)

    def effects_of_day(self, day: date) -> list[dict[str, Any]]:
        """A receiver's effects of the records that were last sent on this day."""
        query = "select effects.* from effects join sent_on using (schema, record_key) where day = ? order by schema, record_key"
        return [dict(row) for row in self.db.execute(query, (day.isoformat(),))]

    def files(self) -> list[dict[str, Any]]:
        """Every dropped file, oldest first: its name, feed, fault and digest, and per kind how many rows and fen stood in it."""
        query = "select file, kind, count(*) as rows, coalesce(sum(fen), 0) as fen, count(bad) as bad_rows from sent group by 1, 2"
        held: dict[str, dict[str, Any]] = {}
        for row in self.db.execute(query):
            counts = {"rows": row["rows"], "fen": row["fen"], "bad_rows": row["bad_rows"]}
            held.setdefault(row["file"], {})[row["kind"]] = counts
        files = self.db.execute("select * from files order by rowid")
        return [{**dict(row), "by_kind": held.get(row["name"], {})} for row in files]

    def count_statuses(self, status: str) -> int:
        """How many items have had this status."""
        return int(self.db.execute("select count(*) from statuses where status = ?", (status,)).fetchone()[0])

    def returns(self) -> dict[str, int]:
        """Calls, effects and repeated effects of everything that came back."""
        effective, told = self.db.execute("select count(*), coalesce(sum(times), 0) from statuses").fetchone()
        calls = self.db.execute("select count(*) from calls").fetchone()[0]
        return {"calls": calls, "effective": effective, "repeated": told - effective}

    def statuses(self) -> list[dict[str, Any]]:
        """Every status that came back, for tests."""
        found = self.db.execute("select rowid as seq, * from statuses order by rowid").fetchall()
        return [{**dict(row), "detail": json.loads(row["detail"])} for row in found]

    def sent_summary(self) -> dict[str, dict[str, Any]]:
        """Per feed: rows, fen, kinds, bad rows; files with a fault as a whole are counted separately."""
        feeds = {row[0] for row in self.db.execute("select feed from sent union select feed from files")}
        return {feed: self._sent_of(feed) for feed in sorted(feeds)}

    def spoiled(self, feed: str) -> list[dict[str, Any]]:
        """Every bad record of a feed's good files, with the reason code it must be turned down with."""
        found = self.db.execute(
            "select kind, file, key, place, sent.fen, bad from sent left join files on files.name = sent.file "
            "where sent.feed = ? and bad is not null and fault is null order by file, place, kind, key",
            (feed,),
        )
        return [{**dict(row), "code": REASONS.get(row["bad"], "")} for row in found]

    def _sent_of(self, feed: str) -> dict[str, Any]:
        source = "from sent left join files on files.name = sent.file where sent.feed = ?"
        good, spoiled = f"{source} and fault is null", f"{source} and fault is not null"
        by_kind = {
            kind: {"rows": rows, "fen": fen, "bad_rows": bad}
            for kind, rows, fen, bad in self.db.execute(
                f"select kind, count(*), coalesce(sum(fen), 0), count(bad) {good} group by kind order by kind", (feed,)
            )
        }
        # A row that stands for two kinds of record is still one row; a file's header is none.
        row = f"{good} and kind not in ('project', 'payroll_batch')"
        rows, fen = self.db.execute(f"select count(*), coalesce(sum(fen), 0) {row}", (feed,)).fetchone()
        distinct = (
            f"select bad, count(distinct file || key || place) {good} and bad is not null group by bad order by bad"
        )
        bad_kinds = dict(self.db.execute(distinct, (feed,)).fetchall())
        lost = self.db.execute(
            f"select count(*), coalesce(sum(sent.fen), 0) {spoiled} and kind <> 'payroll_batch'", (feed,)
        ).fetchone()
        names = [r[0] for r in self.db.execute("select name from files where feed = ? and fault is not null", (feed,))]
        good_files = self.db.execute("select count(*) from files where feed = ? and fault is null", (feed,)).fetchone()[
            0
        ]
        return {
            "good_files": good_files, "rows": rows, "fen": fen,
            "by_kind": by_kind, "bad_rows": sum(bad_kinds.values()), "bad_kinds": bad_kinds,
            "spoiled_files": sorted(names), "spoiled_rows": lost[0], "spoiled_fen": lost[1],
        }  # fmt: skip


def count_concluded(ledger: Ledger) -> dict[str, int]:
    """How many clues the partner knows the end of; nothing while there is none."""
    sql = "select count(distinct item), count(*) from statuses where status like ?"
    clues, conclusions = ledger.db.execute(sql, (f"{CONCLUSION}%",)).fetchone()
    return {"concluded": clues, "conclusions": conclusions} if conclusions else {}


def now_text() -> str:
    return datetime.now().astimezone().isoformat(timespec="milliseconds")
