"""The table at the end of the demonstration: what the hub says of every row and fen, held against the partners' own ledgers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from hub.model import Batch, BatchState
from hub.reasons import reason
from hub.store import batches, questions
from hub.store.database import working
from launcher.stand import Stand
from schemas.catalogue import SCHEMAS

BANKS = ("haidai", "wenhe")


@dataclass
class Summary:
    """Three tables of cells and the sentences that are not true. It balances when there is none."""

    intake: list[list[str]] = field(default_factory=list)
    delivery: list[list[str]] = field(default_factory=list)
    returned: list[list[str]] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)

    def check(self, what: str, ours: object, theirs: object) -> str:
        """Compare two counts; a difference is kept as a gap."""
        if ours != theirs:
            self.gaps.append(f"{what}: {ours} ≠ {theirs}")
        return "✓" if ours == theirs else "✗"


def sum_up(stand: Stand) -> Summary:
    """Ask the hub and the ledgers, and compare."""
    ledger = stand.simulators.ledger()
    with working(stand.database) as work:
        counts = [dict(row._mapping) for row in questions.count_by_feed(work)]
        waiting = batches.batches_in(work, [BatchState.HELD])
        reports = {(row.feed_id, row.stage): row for row in questions.count_reports(work)}
    summary = Summary()
    _intake(summary, counts, ledger["sent"])
    _held(summary, waiting, ledger["sent"])
    _delivery(summary, counts, ledger["received"]["province"])
    _returned(summary, counts, reports, ledger)
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
            good = summary.check(f"{feed_id} {schema} rows", rows, theirs["rows"])
            good = summary.check(f"{feed_id} {schema} fen", fen, theirs["fen"]) if good == "✓" else good
            summary.check(f"{feed_id} {schema} sorted rows", row["stored_rows"] + row["rejected_rows"], rows)
            summary.check(f"{feed_id} {schema} sorted fen", row["stored_fen"] + row["rejected_fen"], fen)
            cells = [theirs["rows"], rows, row["stored_rows"], row["rejected_rows"], row["unchanged_rows"]]
            money = [theirs["fen"], row["stored_fen"], row["rejected_fen"]]
            summary.intake.append([feed_id, schema, *map(number, cells), *map(yuan, money), good])


def _held(summary: Summary, waiting: Sequence[Batch], sent: Mapping[str, Any]) -> None:
    """Files that wait for a person are the files that their sender knows to be bad."""
    for feed_id, facts in sorted(sent.items()):
        names = sorted(batch.source_name.rpartition("/")[2] for batch in waiting if batch.feed_id == feed_id)
        summary.check(f"{feed_id} held files", names, facts["spoiled_files"])
    for batch in waiting:
        what = f"{batch.source_name.rpartition('/')[2]} {batch.hold_code} {reason(batch.hold_code or '').zh}"
        summary.held.append(f"扣留 held: {what}；原因和处理办法 why and what to do: hub batch {batch.batch_id}")


def _delivery(summary: Summary, counts: Sequence[Mapping[str, Any]], received: Mapping[str, Any]) -> None:
    """Per schema: stored = accepted + refused + waiting, and accepted is what stands in the province's ledger."""
    for schema in SCHEMAS:
        rows = [row for row in counts if row["schema_name"] == schema]
        total = {
            name: sum(row[name] for row in rows)
            for name in (rows[0] if rows else ())
            if name.endswith(("_rows", "_fen"))
        }
        if not total:
            continue
        theirs = received.get(schema, {})
        answered = total["accepted_rows"] + total["refused_rows"] + total["waiting_rows"]
        money = total["accepted_fen"] + total["refused_fen"] + total["waiting_fen"]
        good = [
            summary.check(f"{schema} delivered rows", answered, total["stored_rows"]),
            summary.check(f"{schema} delivered fen", money, total["stored_fen"]),
            summary.check(f"{schema} rows at the province", total["accepted_rows"], theirs.get("created", 0)),
            summary.check(f"{schema} fen at the province", total["accepted_fen"], theirs.get("created_fen", 0)),
        ]
        ours = [total[name] for name in ("stored_rows", "accepted_rows", "refused_rows", "waiting_rows")]
        cells = [*ours, theirs.get("created", 0)]
        fen = [total["stored_fen"], total["accepted_fen"], theirs.get("created_fen", 0)]
        summary.delivery.append([schema, *map(number, cells), *map(yuan, fen), "✓" if set(good) == {"✓"} else "✗"])


def _returned(
    summary: Summary, counts: Sequence[Mapping[str, Any]], reports: Mapping[Any, Any], ledger: Mapping[str, Any]
) -> None:
    """Per partner: what had to be told, what the hub told, and what the partner says it was told."""
    received, sent = ledger["received"], ledger["sent"]
    owed = {feed_id: facts["rows"] for feed_id, facts in sent.items()}
    told = {key: row.rows for key, row in reports.items()}

    def add(what: str, due: int, ours: int, theirs: int) -> None:
        good = summary.check(f"{what} told", ours, due), summary.check(f"{what} at the partner", theirs, due)
        summary.returned.append([what, number(due), number(ours), number(theirs), "✓" if set(good) == {"✓"} else "✗"])

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
    for bank in BANKS:
        _return_files(add, bank, reports, ledger)


def _return_files(add: Any, bank: str, reports: Mapping[Any, Any], ledger: Mapping[str, Any]) -> None:
    """One RET_ file for every drop, one FIN_ file for every drop that was not held; whole and with the right digest."""
    received = ledger["received"][bank]
    feeds = {feed_id: facts for feed_id, facts in ledger["sent"].items() if feed_id.startswith(f"{bank}_")}
    spoiled = sum(len(facts["spoiled_files"]) for facts in feeds.values())
    drops = sum(facts.get("good_files", 0) for facts in feeds.values())
    for stage, kind, due in (("intake", "ret", drops + spoiled), ("outcome", "fin", drops)):
        ours = sum(row.reports for key, row in reports.items() if key[0] in feeds and key[1] == stage)
        whole = sum(
            1 for facts in received[kind].values() if facts["digest_ok"] and facts["flag_ok"] and facts["versions"] == 1
        )
        add(f"{bank} {'RET_ 回执' if kind == 'ret' else 'FIN_ 终态'}", due, ours, whole)


def number(count: int) -> str:
    return f"{count:,}"


def yuan(fen: int) -> str:
    """Fen as yuan, to the fen."""
    return f"{'-' if fen < 0 else ''}{abs(fen) // 100:,}.{abs(fen) % 100:02d}"


INTAKE = ["数据源\nfeed", "记录\nschema", "对方发出\nsent", "取得\nfetched", "入库\nstored", "退回\nrejected", "重复\nunchanged",
          "对方发出 元\nsent, yuan", "入库 元\nstored, yuan", "退回 元\nrejected, yuan", ""]  # fmt: skip
DELIVERY = ["记录\nschema", "应推\nstored", "接收\naccepted", "拒收\nrefused", "等待\nwaiting", "省平台台账\nits ledger",
            "应推 元\nstored, yuan", "接收 元\naccepted, yuan", "省平台台账 元\nits ledger, yuan", ""]  # fmt: skip
RETURNED = ["伙伴\npartner", "应回\nowed", "已回\ntold", "对方台账\nits ledger", ""]


def show(summary: Summary, console: Console) -> None:
    """Print the tables; Chinese first."""
    table(console, "取数与校验 Intake: sent = fetched = stored + rejected", INTAKE, summary.intake, words=2)
    table(console, "推送省平台 Delivery: stored = accepted + refused + waiting", DELIVERY, summary.delivery)
    table(console, "状态回传 Statuses returned", RETURNED, summary.returned)
    console.print(
        "重复 unchanged：多看五分钟时再次取到、内容未变的行，不再入库 / fetched again in the five minutes of overlap"
    )
    for line in summary.held:
        console.print(f"[yellow]{line}[/]", soft_wrap=True)
    if summary.held:
        console.print("它的数据源在 Airflow 里显示失败，直到处理完 / its feed stays red in Airflow until that is done")
    if summary.gaps:
        console.print("\n[bold red]不平 Not balanced[/]")
        for gap in summary.gaps:
            console.print(f"  ✗ {gap}")
    else:
        console.print("\n[bold green]每一行、每一分都对得上。Every row and every fen is accounted for.[/]")


def table(console: Console, title: str, heads: Sequence[str], rows: Iterable[Sequence[str]], words: int = 1) -> None:
    """One table; the first `words` columns are text, the others numbers."""
    drawn = Table(
        title=f"\n{title}", title_justify="left", title_style="bold", header_style="", box=SIMPLE_HEAD, pad_edge=False
    )
    for place, head in enumerate(heads):
        drawn.add_column(head, justify="left" if place < words else "right", no_wrap=True)
    for row in rows:
        drawn.add_row(*row)
    console.print(drawn)
