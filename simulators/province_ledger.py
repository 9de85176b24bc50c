"""What the province has on file: every record's effect, decided by the rules of the contract.

A record is created once, corrected by a higher version with other content, and otherwise known already; parents come
first.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from simulators.journal import EffectLedger

MONEY: Mapping[str, str] = {
    "enterprise": "registered_capital_fen",
    "project": "contract_amount_fen",
    "service_project": "contract_amount_fen",
    "permit": "contract_price_fen",
    "project_party": "",
    "worker": "",
    "labor_contract": "wage_fen",
    "worker_employment": "",
    "attendance_summary": "",
    "site_media_ref": "",
    "site_activity": "",
    "progress_settlement": "output_fen",
    "special_account": "balance_fen",
    "account_txn": "amount_fen",
    "payroll_batch": "total_fen",
    "payroll_line": "net_fen",
    "guarantee": "amount_fen",
    "guarantee_event": "amount_fen",
    "guarantee_claim": "claim_fen",
    "clue": "arrears_fen",
    "clue_step": "solved_fen",
    "warning": "",
    "warning_step": "",
    "credit_eval": "",
    "credit_record": "amount_fen",
    "credit_list": "",
    "credit_use": "",
    "notification": "",
    "correction_request": "",
}
"""The amount that is added up for each kind of record; empty where there is none."""
# Child schema -> parent schema and the fields that both carry.
PARENTS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "project_party": ("project", ("permit_no", "contractor_uscc")),
    "worker": ("project", ("permit_no", "contractor_uscc")),
    "attendance_summary": ("worker", ("permit_no", "contractor_uscc", "worker_no")),
    "site_media_ref": ("project", ("permit_no", "contractor_uscc")),
    "site_activity": ("project", ("permit_no", "contractor_uscc")),
    "progress_settlement": ("project", ("permit_no", "contractor_uscc")),
    "account_txn": ("special_account", ("bank3_code", "account_no")),
    "payroll_line": ("payroll_batch", ("bank3_code", "batch_no")),
    "guarantee_event": ("guarantee", ("insurer_uscc", "guarantee_no")),
    "guarantee_claim": ("guarantee", ("insurer_uscc", "guarantee_no")),
    "clue_step": ("clue", ("channel", "channel_serial_no")),
    "warning_step": ("warning", ("rule_code", "subject_kind", "subject_no", "period")),
}
_OWN_KEY = {parent: fields for parent, fields in PARENTS.values()}
_TABLES = """
create table if not exists submissions (
    serial text primary key, batch_key text unique, schema text, records integer, digest text, due_at real,
    failed integer, result text, times integer);
create table if not exists effects (
    schema text, record_key text, status text, platform_id text, version integer, digest text, family text,
    fen integer, created_fen integer, created integer, corrected integer, existing integer, refused integer,
    deferred integer, idempotency_key text, primary key (schema, record_key));
create index if not exists effects_family on effects (schema, family, status);
"""
ACCEPTED, REFUSED, DEFERRED = "accepted", "refused", "deferred"


@dataclass(frozen=True)
class Verdict:
    """What the province answers about one record, and which counter that moves."""

    code: str
    message: str
    counter: str


_CREATED = Verdict("0", "成功", "created")
_CORRECTED = Verdict("0", "更正成功", "corrected")
_EXISTS = Verdict("1086", "数据已存在", "existing")
_REFUSED = Verdict("2003", "参数值不正确", "refused")
_DEFERRED = Verdict("3001", "上级数据尚未入库，请稍后报送", "deferred")


def is_refused(record_key: str) -> bool:
    """Whether the province's own check refuses this record: about 1 in 100, by a digest of the key."""
    return int(sha256(record_key.encode()).hexdigest()[:8], 16) % 100 == 0


def platform_id(schema: str, record_key: str) -> str:
    """The province's number of a record, the same for every version of it."""
    return "SD" + sha256(f"{schema}/{record_key}".encode()).hexdigest()[:18].upper()


def content_digest(record: Mapping[str, Any]) -> str:
    """A digest of what the record says, without how it was sent."""
    content = {name: value for name, value in record.items() if name not in ("idempotencyKey", "version")}
    return sha256(json.dumps(content, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


class ProvinceLedger(EffectLedger):
    """The province's memory."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, _TABLES)

    def submit(
        self, batch_key: str, schema: str, records: Sequence[Mapping[str, Any]], due_at: float, fail: bool
    ) -> str:
        """Take a submission in and give its serial code; the same batch key gives the same code and nothing else."""
        found = self.db.execute("select serial from submissions where batch_key = ?", (batch_key,)).fetchone()
        if found:
            self.db.execute("update submissions set times = times + 1 where batch_key = ?", (batch_key,))
            return str(found["serial"])
        serial = sha256(f"serial/{batch_key}".encode()).hexdigest()[:32]
        digest = sha256(json.dumps(records, sort_keys=True).encode()).hexdigest()
        with self.all_or_nothing():
            result = [] if fail else [self._decide(schema, record) for record in records]
            values = (
                serial,
                batch_key,
                schema,
                len(records),
                digest,
                due_at,
                fail,
                json.dumps(result, ensure_ascii=False),
            )
            self.db.execute("insert into submissions values (?, ?, ?, ?, ?, ?, ?, ?, 1)", values)
        return serial

    def submission(self, serial: str) -> Mapping[str, Any] | None:
        """A submission with its result, or None."""
        found = self.db.execute("select * from submissions where serial = ?", (serial,)).fetchone()
        return dict(found) if found else None

    def serial_of(self, batch_key: str) -> str | None:
        """The serial code of the submission with this key, or None."""
        found = self.db.execute("select serial from submissions where batch_key = ?", (batch_key,)).fetchone()
        return str(found["serial"]) if found else None

    def _decide(self, schema: str, record: Mapping[str, Any]) -> dict[str, Any]:
        key = str(record["recordKey"])
        known = self.db.execute("select * from effects where schema = ? and record_key = ?", (schema, key)).fetchone()
        verdict = self._judge(schema, record, dict(known) if known else None)
        self._apply(schema, key, record, verdict)
        self.note_sent_on(schema, key)
        self.note_decision(schema, key, int(record["version"]), verdict.counter)
        is_on_file = verdict in (_CREATED, _CORRECTED, _EXISTS)
        return {
            "idempotencyKey": record["idempotencyKey"],
            "code": verdict.code,
            "message": verdict.message,
            "platformId": platform_id(schema, key) if is_on_file else None,
        }

    def _judge(self, schema: str, record: Mapping[str, Any], known: Mapping[str, Any] | None) -> Verdict:
        if is_refused(str(record["recordKey"])):
            return _REFUSED
        if known and known["status"] == ACCEPTED:
            is_newer = int(record["version"]) > known["version"] and content_digest(record) != known["digest"]
            return _CORRECTED if is_newer else _EXISTS
        return _CREATED if self._has_parent(schema, record) else _DEFERRED

    def _has_parent(self, schema: str, record: Mapping[str, Any]) -> bool:
        if schema not in PARENTS:
            return True
        parent, fields = PARENTS[schema]
        query = "select 1 from effects where schema = ? and family = ? and status = 'accepted' limit 1"
        return self.db.execute(query, (parent, _family(record, fields))).fetchone() is not None

    def _apply(self, schema: str, key: str, record: Mapping[str, Any], verdict: Verdict) -> None:
        self.db.execute(
            "insert or ignore into effects values (?, ?, '', ?, 0, '', '', 0, 0, 0, 0, 0, 0, 0, '')",
            (schema, key, platform_id(schema, key)),
        )
        place = (schema, key)
        self.db.execute(
            f"update effects set {verdict.counter} = {verdict.counter} + 1 where schema = ? and record_key = ?", place
        )
        if verdict is _EXISTS:
            return
        status = {"refused": REFUSED, "deferred": DEFERRED}.get(verdict.counter, ACCEPTED)
        fen = int(record.get(MONEY[schema]) or 0)
        family = _family(record, _OWN_KEY[schema]) if schema in _OWN_KEY else ""
        values = (status, int(record["version"]), content_digest(record), family, fen, record["idempotencyKey"])
        self.db.execute(
            "update effects set status = ?, version = ?, digest = ?, family = ?, fen = ?, idempotency_key = ?"
            " where schema = ? and record_key = ?",
            values + place,
        )
        if verdict is _CREATED:
            self.db.execute("update effects set created_fen = fen where schema = ? and record_key = ?", place)

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


def _family(record: Mapping[str, Any], fields: tuple[str, ...]) -> str:
    return "/".join(str(record.get(name)) for name in fields)
