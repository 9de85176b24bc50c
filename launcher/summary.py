"""What the hub says of every row and fen after a day, held against the partners' own ledgers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from hub.feed import CallReport, Feed, FileReport
from hub.model import Batch, BatchState
from hub.reasons import reason
from hub.registry import Registry
from hub.store import batches, conclusions, questions
from hub.store.database import working
from launcher.stand import Stand
from schemas.catalogue import SCHEMAS

HAND_MADE = frozenset({"bureau", "nat", "daizong"})
"""Web partners whose ledgers count what they were told in words of their own."""


@dataclass(frozen=True)
class Line:
    """What one line of a table says: two words, rows at each hop, fen at each hop, whether all of it is true."""

    first: str
    second: str
    rows: tuple[int, ...]
    fen: tuple[int, ...]
    good: bool


@dataclass
class Summary:
    """Three tables and the sentences that are not true. It balances when there is none."""

    intake: list[Line] = field(default_factory=list)
    delivery: list[Line] = field(default_factory=list)
    returned: list[Line] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)

    def check(self, what: str, ours: object, theirs: object) -> bool:
        """Compare two counts; a difference is kept as a gap."""
        if ours != theirs:
            self.gaps.append(f"{what}: {ours} ≠ {theirs}")
        return ours == theirs


def sum_up(stand: Stand) -> Summary:
    """Ask the hub and the ledgers, and compare."""
    return sum_up_ledgers(stand.database, stand.registry, stand.simulators.ledger())


def sum_up_ledgers(database: sa.Engine, registry: Registry, ledger: Mapping[str, Any]) -> Summary:
    """Compare what the hub's tables say with what the partners' ledgers say."""
    with working(database) as work:
        counts = [dict(row._mapping) for row in questions.count_intake(work)]
        waiting = batches.batches_in(work, [BatchState.HELD])
        reports = {(row.feed_id, row.stage): row for row in questions.count_reports(work)}
        concluded = {row.feed_id: row for row in conclusions.count_conclusions(work)}
    summary = Summary()
    _intake(summary, counts, ledger["sent"])
    _held(summary, waiting, ledger["sent"])
    _delivery(summary, database, registry, ledger["received"])
    _returned(summary, registry, counts, reports, ledger)
    _concluded(summary, registry, concluded, ledger["received"])
    return summary


def _intake(summary: Summary, counts: Sequence[Mapping[str, Any]], sent: Mapping[str, Any]) -> None:
    """Per feed and schema: sent by the partner = fetched = stored + rejected, in rows and in fen."""
    known = {(row["feed_id"], row["schema_name"]): row for row in counts}
    for feed_id, facts in sorted(sent.items()):
        for schema, theirs in facts["by_kind"].items():
            row = known.get((feed_id, schema))
            if row is None:
                summary.check(f"{feed_id} {schema}", 0, theirs["rows"])
                continue
            rows = row["fetched_rows"] - row["unchanged_rows"]
            fen = row["fetched_fen"] - row["unchanged_fen"]
            good = [
                summary.check(f"{feed_id} {schema} rows", rows, theirs["rows"]),
                summary.check(f"{feed_id} {schema} fen", fen, theirs["fen"]),
                summary.check(f"{feed_id} {schema} sorted rows", row["stored_rows"] + row["rejected_rows"], rows),
                summary.check(f"{feed_id} {schema} sorted fen", row["stored_fen"] + row["rejected_fen"], fen),
            ]
            cells = (theirs["rows"], rows, row["stored_rows"], row["rejected_rows"], row["unchanged_rows"])
            money = (theirs["fen"], row["stored_fen"], row["rejected_fen"])
            summary.intake.append(Line(feed_id, schema, cells, money, all(good)))


def _held(summary: Summary, waiting: Sequence[Batch], sent: Mapping[str, Any]) -> None:
    """Files that wait for a person are the files that their sender knows to be bad."""
    for feed_id, facts in sorted(sent.items()):
        names = sorted(batch.source_name.rpartition("/")[2] for batch in waiting if batch.feed_id == feed_id)
        summary.check(f"{feed_id} held files", names, facts["spoiled_files"])
    for batch in waiting:
        what = f"{batch.source_name.rpartition('/')[2]} {batch.hold_code} {reason(batch.hold_code or '').zh}"
        summary.held.append(f"扣留 held: {what}；原因和处理办法 why and what to do: hub batch {batch.batch_id}")


def _delivery(summary: Summary, database: sa.Engine, registry: Registry, received: Mapping[str, Any]) -> None:
    """Per receiver and schema: every key of its areas is owed, owed = accepted + refused + waiting, accepted is in its ledger."""
    with working(database) as work:
        answers = [dict(row._mapping) for row in questions.count_answers(work)]
        for name, spec in registry.receivers.items():
            for schema in (schema for schema in SCHEMAS if schema in spec.records):
                theirs = received.get(f"{name}_receiver", received.get(name, {}))
                rows = [row for row in answers if (row["receiver"], row["schema_name"]) == (name, schema)]
                keys = questions.count_keys(work, schema, SCHEMAS[schema].area, spec.areas)
                if rows or keys:
                    _delivered(summary, name, schema, keys, total(rows), theirs.get(schema, {}))


def total(rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Every count added up over the feeds."""
    names = [f"{what}_{unit}" for what in ("owed", "accepted", "refused", "waiting") for unit in ("rows", "fen")]
    return {name: sum(row[name] for row in rows) for name in names}


def _delivered(
    summary: Summary, receiver: str, schema: str, keys: int, ours: Mapping[str, int], theirs: Mapping[str, int]
) -> None:
    what, created, created_fen = f"{receiver} {schema}", theirs.get("created", 0), theirs.get("created_fen", 0)
    answered = ours["accepted_rows"] + ours["refused_rows"] + ours["waiting_rows"]
    money = ours["accepted_fen"] + ours["refused_fen"] + ours["waiting_fen"]
    good = [
        summary.check(f"{what} owed keys", ours["owed_rows"], keys),
        summary.check(f"{what} delivered rows", answered, ours["owed_rows"]),
        summary.check(f"{what} delivered fen", money, ours["owed_fen"]),
        summary.check(f"{what} rows at the receiver", ours["accepted_rows"], created),
        summary.check(f"{what} fen at the receiver", ours["accepted_fen"], created_fen),
    ]
    cells = (*(ours[f"{name}_rows"] for name in ("owed", "accepted", "refused", "waiting")), created)
    fen = (ours["owed_fen"], ours["accepted_fen"], created_fen)
    summary.delivery.append(Line(receiver, schema, cells, fen, all(good)))


def _returned(
    summary: Summary,
    registry: Registry,
    counts: Sequence[Mapping[str, Any]],
    reports: Mapping[Any, Any],
    ledger: Mapping[str, Any],
) -> None:
    """Per partner: what had to be told, what the hub told, and what the partner says it was told."""
    received, sent = ledger["received"], ledger["sent"]
    owed = {feed_id: facts["rows"] for feed_id, facts in sent.items()}
    told = {key: row.rows for key, row in reports.items()}

    def add(what: str, due: int, ours: int, theirs: int) -> None:
        good = summary.check(f"{what} told", ours, due), summary.check(f"{what} at the partner", theirs, due)
        partner, words = what.split(" ", 1)
        summary.returned.append(Line(partner, words, (due, ours, theirs), (), all(good)))

    bureau = ("bureau_permits", "bureau_approvals")
    add(
        "bureau 建档状态",
        sum(owed[f] for f in bureau),
        sum(told.get((f, "outcome"), 0) for f in bureau),
        received["bureau"]["effective"],
    )
    nat = received["nat"]
    stored = sum(row["stored_rows"] for row in counts if row["feed_id"] == "nat_clues")
    add("nat 受理", owed["nat_clues"], told.get(("nat_clues", "intake"), 0), nat["accepted"] + nat["returned"])
    add("nat 反馈", stored, told.get(("nat_clues", "outcome"), 0), nat["feedback"])
    add(
        "daizong 确认",
        owed["daizong_guarantees"],
        told.get(("daizong_guarantees", "outcome"), 0),
        received["daizong"]["acks"],
    )
    offices = {name: facts for name, facts in received.items() if "ret" in facts}
    for name in offices:
        _return_files(add, registry, name, reports, ledger)
    web = sorted({feed.spec.partner for feed in registry.feeds.values() if _is_told_by_call(feed)} - HAND_MADE)
    for name in web:
        ours = sum(row.rows for key, row in reports.items() if _is_told_by_call(registry.feeds[key[0]], name))
        theirs = received.get(f"{name}_mirror", received.get(name, {}))
        add(f"{name} 状态 statuses", ours, ours, theirs.get("told", theirs.get("acks", 0)))


def _is_told_by_call(feed: Feed, partner: str | None = None) -> bool:
    is_theirs = partner is None or feed.spec.partner == partner
    return is_theirs and any(isinstance(report, CallReport) for report in feed.spec.report.values())


def _return_files(
    add: Any, registry: Registry, partner: str, reports: Mapping[Any, Any], ledger: Mapping[str, Any]
) -> None:
    """One intake file for every drop, one outcome file for every drop that was not held; whole and with the right digest."""
    received = ledger["received"][partner]
    for stage, kind, words in (("intake", "ret", "RET_ 回执"), ("outcome", "fin", "FIN_ 终态")):
        feeds = {
            feed_id: ledger["sent"][feed_id]
            for feed_id, feed in registry.feeds.items()
            if feed.spec.partner == partner
            and isinstance(feed.spec.report.get(stage), FileReport)  # type: ignore[call-overload]
            and feed_id in ledger["sent"]
        }
        due = sum(facts["good_files"] for facts in feeds.values())
        if stage == "intake":
            due += sum(len(facts["spoiled_files"]) for facts in feeds.values())
        ours = sum(row.reports for key, row in reports.items() if key[0] in feeds and key[1] == stage)
        whole = sum(
            1 for facts in received[kind].values() if facts["digest_ok"] and facts["flag_ok"] and facts["versions"] == 1
        )
        if due or whole:
            add(f"{partner} {words}", due, ours, whole)


def _concluded(
    summary: Summary, registry: Registry, concluded: Mapping[str, Any], received: Mapping[str, Mapping[str, Any]]
) -> None:
    """Per feed of clues: clues with a conclusion, those whose channel the hub told, and those the channel says it was told of.

    A partner that is asked and drops files keeps two ledgers; one of clues by file is the office's.
    """
    partners = sorted({feed.spec.partner for feed in registry.feeds.values() if feed.spec.conclusion is not None})
    for partner in partners:
        rows = [row for feed_id, row in concluded.items() if registry.feeds[feed_id].spec.partner == partner]
        owed, told = sum(row.owed for row in rows), sum(row.told for row in rows)
        theirs = received.get(f"{partner}_mirror", received.get(partner, {})).get("concluded", 0)
        if owed or theirs:
            good = (
                summary.check(f"{partner} 核处结论 told", told, owed),
                summary.check(f"{partner} 核处结论 at the partner", theirs, told),
            )
            summary.returned.append(Line(partner, "核处结论 conclusions", (owed, told, theirs), (), all(good)))
