"""What a simulated receiver has on file: every record's effect, decided once, whatever dialect it came in."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from simulators.journal import EffectLedger

_TABLES = """
create table if not exists submissions (
    serial text primary key, batch_key text unique, schema text, records integer, due_at real, failed integer,
    result text, times integer);
create table if not exists effects (
    schema text, record_key text, status text, remote_id text, version integer, digest text, fen integer,
    created_fen integer, created integer, corrected integer, existing integer, refused integer, deferred integer,
    primary key (schema, record_key));
"""
CREATED, CORRECTED, EXISTING, REFUSED, DEFERRED = "created", "corrected", "existing", "refused", "deferred"
_STATUS = {CREATED: "accepted", CORRECTED: "accepted", REFUSED: "refused", DEFERRED: "deferred"}


@dataclass(frozen=True)
class Row:
    """One record as the receiver read it: its three technical members, what it says, and its amount."""

    key: str
    record_key: str
    version: int
    content: Mapping[str, Any]
    fen: int

    @property
    def digest(self) -> str:
        """A digest of what the record says."""
        return sha256(json.dumps(self.content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


@dataclass(frozen=True)
class Decided:
    """What became of a row, and the receiver's own number of the record, where it is on file."""

    key: str
    what: str
    remote_id: str | None


def is_refused(receiver: str, record_key: str) -> bool:
    """Whether this receiver's own check refuses the record: about 1 in 100, by a digest."""
    return int(sha256(f"{receiver}/{record_key}".encode()).hexdigest()[:8], 16) % 100 == 0


class PlatformLedger(EffectLedger):
    """One receiver's memory."""

    def __init__(self, path: Path, receiver: str) -> None:
        super().__init__(path, _TABLES)
        self.receiver = receiver

    def remote_id(self, schema: str, record_key: str) -> str:
        """This receiver's number of a record, the same for every version of it."""
        digest = sha256(f"{self.receiver}/{schema}/{record_key}".encode()).hexdigest()
        return self.receiver[:2].upper() + digest[:16].upper()

    def submit(
        self, batch_key: str, schema: str, rows: Sequence[Row], due_at: float, *, fail: bool, defer: bool
    ) -> tuple[str, list[Decided]]:
        """Take rows in; gives serial code and decisions. The same batch key gives the same of both and nothing else."""
        found = self.db.execute("select * from submissions where batch_key = ?", (batch_key,)).fetchone()
        if found:
            self.db.execute("update submissions set times = times + 1 where batch_key = ?", (batch_key,))
            return str(found["serial"]), _read(found["result"])
        serial = sha256(f"{self.receiver}/{batch_key}".encode()).hexdigest()[:24]
        with self.all_or_nothing():
            decided = [] if fail else [self._decide(schema, row, defer) for row in rows]
            result = json.dumps([[one.key, one.what, one.remote_id] for one in decided])
            values = (serial, batch_key, schema, len(rows), due_at, fail, result)
            self.db.execute("insert into submissions values (?, ?, ?, ?, ?, ?, ?, 1)", values)
        return serial, decided

    def find(self, batch_key: str) -> tuple[str, list[Decided]] | None:
        """Serial code and decisions of the submission with this key, or None."""
        found = self.db.execute("select * from submissions where batch_key = ?", (batch_key,)).fetchone()
        return (str(found["serial"]), _read(found["result"])) if found else None

    def submission(self, serial: str) -> tuple[float, bool, list[Decided]] | None:
        """When a submission is answered, whether it failed as a whole, and what was decided; or None."""
        found = self.db.execute("select * from submissions where serial = ?", (serial,)).fetchone()
        return (found["due_at"], bool(found["failed"]), _read(found["result"])) if found else None

    def _decide(self, schema: str, row: Row, defer: bool) -> Decided:
        place = (schema, row.record_key)
        known = self.db.execute("select * from effects where schema = ? and record_key = ?", place).fetchone()
        what = self._judge(row, known, defer)
        self.note_decision(schema, row.record_key, row.version, what)
        remote_id = self.remote_id(schema, row.record_key)
        if known is None:
            self.db.execute("insert into effects values (?, ?, '', ?, 0, '', 0, 0, 0, 0, 0, 0, 0)", (*place, remote_id))
        self.db.execute(f"update effects set {what} = {what} + 1 where schema = ? and record_key = ?", place)
        self.note_sent_on(*place)
        if what != EXISTING:
            values = (_STATUS[what], row.version, row.digest, row.fen)
            set_all = (
                "update effects set status = ?, version = ?, digest = ?, fen = ? where schema = ? and record_key = ?"
            )
            self.db.execute(set_all, values + place)
        if what == CREATED:
            self.db.execute("update effects set created_fen = fen where schema = ? and record_key = ?", place)
        return Decided(row.key, what, remote_id if what in (CREATED, CORRECTED, EXISTING) else None)

    def _judge(self, row: Row, known: Mapping[str, Any] | None, defer: bool) -> str:
        if is_refused(self.receiver, row.record_key):
            return REFUSED
        if known is not None and known["status"] == "accepted":
            return CORRECTED if row.version > known["version"] and row.digest != known["digest"] else EXISTING
        return DEFERRED if defer else CREATED

    def received(self) -> dict[str, dict[str, int]]:
        """Effects per schema; `fen` is what stands on file now, `created_fen` what was first accepted."""
        query = """select schema, sum(created) as created, sum(corrected) as corrected, sum(existing) as "exists",
            sum(status = 'refused') as refused, sum(status = 'deferred') as waiting, sum(created_fen) as created_fen,
            sum(iif(status = 'refused', fen, 0)) as refused_fen, sum(iif(status = 'accepted', fen, 0)) as fen
            from effects group by schema"""
        rows = (dict(row) for row in self.db.execute(query))
        return {row.pop("schema"): row for row in rows}

    def effects(self, schema: str) -> list[dict[str, Any]]:
        """The effects of one schema, record by record."""
        query = "select * from effects where schema = ? order by record_key"
        return [dict(row) for row in self.db.execute(query, (schema,))]


def _read(result: str) -> list[Decided]:
    return [Decided(*one) for one in json.loads(result)]
