"""The checker: the invariants of the exchange, evaluated from the books of those who send and those who receive.

The hub's tables are the second side only: what the hub believes must be what the others have written down, row by row.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hub.archive import Archive
from hub.digest import sm3_hex
from hub.errors import HubError
from simulators.ledger import CONCLUSION

from .privacy import Secrets
from .stand import BANK, RECEIVERS, Stand

KEYED = frozenset({"inspection", "province", "taian"})
"""Receivers that know a repeated submission by its key: to them nothing may ever look like a second sending."""
EFFECTIVE = frozenset({"created", "corrected"})
STAGES: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "bureau": (("已建档", "未建档"),),
    "daizong": (("ACCEPTED", "REFUSED", "RETURNED"),),
    "nat": (("202", "203"), ("已入库", "未入库")),
}
"""What each web partner is told about a row, in the order in which it must be told."""


@dataclass(frozen=True)
class Violation:
    """A promise that was not kept, and of what."""

    invariant: str
    words: str

    def __str__(self) -> str:
        return f"{self.invariant}: {self.words}"


@dataclass
class Allowed:
    """What a scenario makes happen that would be wrong otherwise: decisions by hand, a state that was lost."""

    released: set[str] = field(default_factory=set)
    closed: set[str] = field(default_factory=set)
    resent: set[str] = field(default_factory=set)
    repaired: set[str] = field(default_factory=set)
    """Files of which one line was put right by hand."""
    unwritable: set[str] = field(default_factory=set)
    """Keys of records that no receiver's form can hold."""
    concluded: set[str] = field(default_factory=set)
    """Serial numbers of the national platform's clues that the inspection has concluded."""
    known_again: bool = False
    """Receivers may be sent what they have, as after a restore; it must still take effect once."""
    told_again: set[str] = field(default_factory=set)
    """Files whose return file may have changed its words."""


class Checker:
    """Judges one stand again and again; what was looked at before is not looked at once more where it cannot change."""

    def __init__(self, stand: Stand) -> None:
        self.stand, self.allowed = stand, Allowed()
        self.journals: dict[str, list[dict[str, Any]]] = {name: [] for name in RECEIVERS}
        self.shown: Counter[str] = Counter()
        self._answered: set[str] = set()
        self._log_at = 0
        self._secrets = Secrets(stand)

    def judge(self) -> list[Violation]:
        """Every violation that there is now."""
        for name, journal in self.journals.items():
            journal += self.stand.control.journal(partner_of(name), journal[-1]["seq"] if journal else 0)
        ledger = self.stand.control.ledger()
        files = self.stand.control.files(BANK)
        told = {partner: self.stand.control.statuses(partner) for partner in STAGES}
        found = [*self._files(files), *self._web_rows(ledger), *self._effects(), *self._amounts(ledger)]
        found += [*self._told(ledger, told), *self._returned(files, ledger), *self._order(told)]
        found += [*self._standing(), *self._archive(files), *self._lost(), *self._private(), *self._logged()]
        return found

    def _files(self, files: Sequence[Mapping[str, Any]]) -> Iterator[Violation]:
        """I1, I2 and I10 for each file: every line and fen is stored, rejected or unchanged, or all of it is held."""
        rows = self.stand.ask(
            """select regexp_replace(source_name, '.*/', '') as name, batch_id, state, hold_code, schema_name as kind,
                      fetched_rows as rows, fetched_fen as fen, rejected_rows as bad_rows
               from batch left join tally using (batch_id) where feed_id like %s order by batch_id""", f"{BANK}_%"
        )  # fmt: skip
        alarms = " ".join(row.message for row in self.stand.ask("select message from alarm"))
        batches: dict[str, list[Any]] = defaultdict(list)
        for row in rows:
            batches[row.name].append(row)
        for file in files:
            yield from self._file(file, batches.get(file["name"], []), alarms)
        for name in batches.keys() - {file["name"] for file in files}:
            yield Violation("I1", f"{name} was never dropped")

    def _file(self, file: Mapping[str, Any], rows: Sequence[Any], alarms: str) -> Iterator[Violation]:
        name, fault = file["name"], file["fault"]
        if fault == "flag_without_file":
            if name not in alarms:
                yield Violation("I10", f"{name} has a flag and no data, and nobody was told")
            return
        if len({row.batch_id for row in rows}) != 1:
            yield Violation("I7", f"{name} is {len({row.batch_id for row in rows})} batches")
            return
        is_taken = fault is None or name in self.allowed.released
        if is_taken and rows[0].state != "reported":
            yield Violation("I10", f"{name} is {rows[0].state} ({rows[0].hold_code})")
        if not is_taken and (rows[0].hold_code is None or any(row.kind for row in rows)):
            yield Violation("I1", f"{name} is {rows[0].state} although it is bad as a whole")
        if is_taken:
            mended = {"payroll_line": 1} if name in self.allowed.repaired else {}
            ours = {
                row.kind: {"rows": row.rows, "fen": row.fen, "bad_rows": row.bad_rows + mended.get(row.kind, 0)}
                for row in rows
            }
            if ours != file["by_kind"]:
                yield Violation("I1", f"{name}: {file['by_kind']} were sent and {ours} came in")

    def _web_rows(self, ledger: Mapping[str, Any]) -> Iterator[Violation]:
        """I1 and I2 for rows that are served by call: what was served came in, once, good or bad."""
        sql = """select feed_id, schema_name as kind, sum(stored_rows)::bigint as stored, sum(rejected_rows)::bigint as bad,
                        sum(stored_fen + rejected_fen)::bigint as fen from tally join batch using (batch_id) group by 1, 2"""
        ours = {(row.feed_id, row.kind): (row.stored, row.bad, row.fen) for row in self.stand.ask(sql)}
        for feed_id, facts in ledger["sent"].items():
            if feed_id.startswith(BANK):
                continue
            for kind, sent in facts["by_kind"].items():
                theirs = (sent["rows"] - sent["bad_rows"], sent["bad_rows"], sent["fen"])
                if sent["rows"] and ours.get((feed_id, kind)) != theirs:
                    yield Violation(
                        "I1", f"{feed_id} {kind}: {theirs} were served and {ours.get((feed_id, kind))} came in"
                    )

    def _effects(self) -> Iterator[Violation]:
        """I3: what we call accepted or refused, the receiver decided so, once; and it decided nothing we know nothing of."""
        sql = """select receiver, schema_name, record_key, version, state, batch_id,
                        (select code from receipt where receipt.delivery_id = delivery.delivery_id
                         order by receipt_id desc limit 1) as code from delivery"""
        owed = {(row.receiver, row.schema_name, row.record_key, row.version): row for row in self.stand.ask(sql)}
        resent = self._batches_of(self.allowed.resent)
        decided: dict[tuple[str, str, str, int], Counter[str]] = defaultdict(Counter)
        for receiver, journal in self.journals.items():
            for one in journal:
                decided[receiver, one["schema"], one["record_key"], one["version"]][one["what"]] += 1
        for key, row in owed.items():
            what, receiver = decided.get(key, Counter()), key[0]
            effects, words = sum(what[name] for name in EFFECTIVE), f"{key[0]} {key[1]} of batch {row.batch_id}"
            if (
                row.state == "accepted"
                and effects != 1
                and not (effects == 0 and what["existing"] and self.allowed.known_again)
            ):
                yield Violation("I3", f"{words} is accepted and had {effects} effects ({dict(what)})")
            is_said = what["refused"] or what["deferred"]  # or given up: no parent
            if row.state == "refused" and (effects or not (is_said or self._is_unwritable(key[2], row.code))):
                yield Violation("I3", f"{words} is refused and the receiver says {dict(what)}")
            if receiver in KEYED and not self.allowed.known_again:
                if what["existing"]:
                    yield Violation("I3", f"{words} was sent again under another key ({dict(what)})")
                if what["refused"] > 1 and row.batch_id not in resent:
                    yield Violation("I3", f"{words} was refused and sent again ({dict(what)})")
        for key in decided.keys() - owed.keys():
            yield Violation("I3", f"{key[0]} has a {key[1]} that nobody owes it")

    def _is_unwritable(self, record_key: str, code: str) -> bool:
        return code == "R005" and record_key in self.allowed.unwritable

    def _batches_of(self, names: set[str]) -> set[int]:
        sql = "select batch_id from batch where regexp_replace(source_name, '.*/', '') = any(%s)"
        return {row.batch_id for row in self.stand.ask(sql, list(names))}

    def _amounts(self, ledger: Mapping[str, Any]) -> Iterator[Violation]:
        """I2 on the way out: the fen on file at each receiver are those of the newest versions it accepted."""
        sql = """select receiver, schema_name, sum(fen)::bigint as fen from (
                    select distinct on (receiver, schema_name, record_key) receiver, schema_name, fen from delivery
                    where state = 'accepted' order by receiver, schema_name, record_key, version desc) as newest
                 group by receiver, schema_name"""
        for row in self.stand.ask(sql):
            theirs = ledger["received"][partner_of(row.receiver)].get(row.schema_name, {}).get("fen")
            if theirs != row.fen:
                yield Violation("I2", f"{row.receiver} {row.schema_name}: {row.fen} fen accepted, {theirs} on file")

    def _told(self, ledger: Mapping[str, Any], told: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[Violation]:
        """I4 for calls: each row is told one word of each stage, once."""
        for partner, statuses in told.items():
            by_item: dict[str, Counter[str]] = defaultdict(Counter)
            for one in statuses:
                by_item[one["item"]][one["status"]] += one["times"]
            for item, words in by_item.items():
                if problem := _contradiction(partner, words):
                    yield Violation("I4", f"{partner} {item}: {problem} {dict(words)}")
            concluded = {item for item, words in by_item.items() if any(map(_is_conclusion, words))}
            if partner == "nat" and (wrong := concluded ^ self.allowed.concluded & self._clues()):
                yield Violation(
                    "I4", f"what {len(wrong)} clues came to was not told, or told though they are not concluded"
                )
            served = _items_served(partner, ledger["sent"])
            if len(by_item) != served:
                yield Violation("I4", f"{partner} served {served} rows and was told about {len(by_item)}")

    def _clues(self) -> set[str]:
        """The clues that came in and were good."""
        return {row.serial for row in self.stand.ask("select distinct channel_serial_no as serial from record.clue")}

    def _returned(self, files: Sequence[Mapping[str, Any]], ledger: Mapping[str, Any]) -> Iterator[Violation]:
        """I4 and I10 for files: RET_ for each, FIN_ for each that was taken; whole, and in one version."""
        back, allowed, woken = ledger["received"][BANK], self.allowed, self._woken()
        for file in files:
            name, fault = file["name"], file["fault"]
            if fault == "flag_without_file":
                continue
            again = name in allowed.told_again | allowed.released | allowed.closed | allowed.repaired | woken
            yield from _return_file(back["ret"].get(f"RET_{name}"), f"RET_{name}", again)
            if fault is None or name in self.allowed.released:
                yield from _return_file(back["fin"].get(f"FIN_{name}"), f"FIN_{name}", again)
                yield from self._every_line(name, file["by_kind"].get("payroll_line", {}).get("rows", 0))
            elif f"FIN_{name}" in back["fin"]:
                yield Violation("I4", f"FIN_{name} was put although nothing of the file was taken")

    def _woken(self) -> set[str]:
        """Files with a record whose parent came after all: the bank is told so."""
        sql = """select distinct regexp_replace(source_name, '.*/', '') as name
                 from waking join delivery using (delivery_id) join batch using (batch_id)"""
        return {row.name for row in self.stand.ask(sql)}

    def _standing(self) -> Iterator[Violation]:
        """I4 for files, in the folder itself: what stands there is what was noted last."""
        sql = """select distinct on (batch_id, stage) regexp_replace(source_name, '.*/', '') as name, stage, report.digest
                 from report join batch using (batch_id) where report.digest <> '' and feed_id like %s
                 order by batch_id, stage, sent_at desc"""
        for row in self.stand.ask(sql, f"{BANK}_%"):
            name = f"{'RET' if row.stage == 'intake' else 'FIN'}_{row.name}"
            path = self.stand.returned_file(name)
            if not path.exists():
                yield Violation("I4", f"{name} is noted as put and does not stand there")
                continue
            content = path.read_bytes()
            if sm3_hex(content) != row.digest:
                yield Violation("I4", f"{name} stands there otherwise than it was noted last")
            beside = [path.with_name(f"{path.name}{end}") for end in (".sm3", ".ok")]
            said = [one.read_text().replace("|", " ").split()[0] if one.exists() else None for one in beside]
            if said != [sm3_hex(content), str(len(content))]:
                yield Violation("I4", f"{name} has another digest or flag beside it, or none")

    def _every_line(self, name: str, rows: int) -> Iterator[Violation]:
        if name in self._answered:
            return
        lines = (self.stand.control.return_file(BANK, f"FIN_{name}") or "").splitlines()[1:]
        numbers = Counter(line.split("|")[0] for line in lines)
        if sorted(number for number in map(int, numbers) if number > 0) != list(range(1, rows + 1)):
            yield Violation("I4", f"FIN_{name} answers {len(numbers)} of {rows} lines")
        self._answered.add(name)

    def _order(self, told: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[Violation]:
        """I5: at a receiver no version follows a newer one; to a partner no earlier stage follows a later one."""
        for receiver, journal in self.journals.items():
            newest: dict[tuple[str, str], int] = {}
            for one in journal:
                if self.allowed.known_again and one["what"] == "existing":
                    continue
                place = one["schema"], one["record_key"]
                if one["version"] < newest.get(place, 0):
                    yield Violation(
                        "I5", f"{receiver} {one['schema']}: version {one['version']} came after {newest[place]}"
                    )
                newest[place] = max(newest.get(place, 0), one["version"])
        for partner, statuses in told.items():
            reached: dict[str, int] = {}
            for said in statuses:
                stage = _stage_of(partner, said["status"])
                if stage < reached.get(said["item"], 0):
                    yield Violation("I5", f"{partner} {said['item']}: {said['status']} came after a later stage")
                reached[said["item"]] = max(stage, reached.get(said["item"], 0))

    def at_death(self) -> list[Violation]:
        """I6 as it must hold at every moment, also when a worker has just died: what the database names was kept before."""
        found, there = list[Violation](), set[str]()
        for path in self.stand.archive.glob("??/*"):
            if "." not in path.name:
                there.add(path.name)
                if not self._holds(path):
                    found.append(Violation("I6", f"archived {path.name} is not what was received"))
        for row in self.stand.ask("select batch_id, parts from batch"):
            if lost := set(row.parts) - there:
                found.append(Violation("I6", f"batch {row.batch_id}: {len(lost)} parts are not in the archive"))
        return found

    def _holds(self, path: Path) -> bool:
        """Whether an archived file opens and is what its name says."""
        try:
            return sm3_hex(Archive(self.stand.archive).read(path.name)) == path.name
        except HubError:
            return False

    def _archive(self, files: Sequence[Mapping[str, Any]]) -> Iterator[Violation]:
        """I6: every kept object is what its name says, and what the bank wrote is among them."""
        yield from self.at_death()
        there = {path.name for path in self.stand.archive.glob("??/*")}
        for file in files:
            if file["fault"] is None and file["digest"] not in there:
                yield Violation("I6", f"{file['name']} is not in the archive as it was dropped")

    def _logged(self) -> Iterator[Violation]:
        """The exchange log has one entry for each batch that was fetched, each report that went out, each act; its seals fit."""
        sql = """select 'batch ' || batch_id as what from batch where (
                    select count(*) from exchange_entry as e where e.kind = 'fetched' and e.batch_id = batch.batch_id) <> 1
                 union all
                 select 'report of batch ' || batch_id from report where digest <> '' and not exists (
                    select 1 from exchange_entry as e where e.kind = 'told' and e.batch_id = report.batch_id)
                 union all
                 select 'act ' || audit_id from audit_entry where (
                    select count(*) from exchange_entry as e where e.kind = 'audited' and e.facts ->> 'audit' = audit_id::text) <> 1
                 union all
                 select 'act ' || (e.facts ->> 'audit') from exchange_entry as e where e.kind = 'audited' and not exists (
                    select 1 from audit_entry where audit_id::text = e.facts ->> 'audit')
                 union all
                 select e.kind || ' batch ' || e.batch_id || ', by nobody' from exchange_entry as e
                 where e.kind in ('released', 'closed') and not exists (
                    select 1 from audit_entry where act in ('release', 'close') and what = 'batch ' || e.batch_id)"""
        for row in self.stand.ask(sql):
            yield Violation("LOG", f"the exchange log is not right about {row.what}")
        if said := self.stand.log_fault():
            yield Violation("LOG", said)

    def _lost(self) -> Iterator[Violation]:
        """I7: nothing is left on the way once all has come to rest."""
        if left := self.stand.unsettled():
            yield Violation("I7", f"{left} batches, records or submissions are left undone")
        sql = """select feed_id, count(*) as n from batch left join tally using (batch_id)
                 where state = 'reported' and hold_code is null and schema_name is null group by 1"""
        for row in self.stand.ask(sql):
            yield Violation("I7", f"{row.n} batches of {row.feed_id} are reported and were never read")

    def _private(self) -> Iterator[Violation]:
        """I9: no name, identity number, card or telephone number of a person in what workers wrote."""
        if not self.stand.log.exists():
            return
        with self.stand.log.open(encoding="utf-8", errors="replace") as paper:
            paper.seek(self._log_at)
            text = paper.read()
            self._log_at = paper.tell()
        for what in self._secrets.shown_in(text):
            yield Violation("I9", f"a worker's log shows {what}")


def partner_of(receiver: str) -> str:
    """The name under which the partners' control knows a receiver."""
    return receiver if receiver == "province" else f"{receiver}_receiver"


def _contradiction(partner: str, words: Counter[str]) -> str | None:
    for place, stage in enumerate(STAGES[partner]):
        said = {word: words[word] for word in stage if words[word]}
        if any(times > 1 for times in said.values()):
            return "told twice"
        if len(said) > 1:
            return "told two things"
        if not said and not (place and words["203"]):
            return "not told to the end"
    if sum(times for word, times in words.items() if _is_conclusion(word)) > 1:
        return "its conclusion told twice"
    return None


def _is_conclusion(status: str) -> bool:
    return status.startswith(CONCLUSION)


def _stage_of(partner: str, status: str) -> int:
    """How late in the life of a row it is told this; a conclusion comes last."""
    stages = enumerate(STAGES[partner])
    return len(STAGES[partner]) if _is_conclusion(status) else next(at for at, words in stages if status in words)


def _items_served(partner: str, sent: Mapping[str, Any]) -> int:
    kinds = {"bureau": [("bureau_permits", "project")], "nat": [("nat_clues", "clue")]}
    kinds["daizong"] = [("daizong_guarantees", "guarantee"), ("daizong_guarantees", "guarantee_event")]
    return sum(sent.get(feed, {}).get("by_kind", {}).get(kind, {}).get("rows", 0) for feed, kind in kinds[partner])


def _return_file(line: Mapping[str, Any] | None, name: str, again: bool) -> Iterator[Violation]:
    if line is None:
        yield Violation("I10", f"{name} never came")
        return
    if not (line["digest_ok"] and line["flag_ok"]):
        yield Violation("I4", f"{name} does not fit its digest or flag")
    if line["versions"] > 1 and not again:
        yield Violation("I4", f"{name} came in {line['versions']} versions")
