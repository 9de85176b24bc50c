"""Every mirrored feed held against the hub's own reading: what was written is read back, field by field and fen by fen.

The only module of the mirror that knows the hub; the simulators themselves never import it.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from lxml import etree

from hub.errors import HubError
from hub.feed import Feed
from hub.mapping import Codes
from hub.model import Sorted
from hub.pipeline.reading import read_rows
from hub.registry import read_registry
from schemas.catalogue import SCHEMAS
from simulators.ledger import Ledger
from simulators.mirror.files import files_of
from simulators.mirror.plain import MirroredFeed, MirrorError, Plan
from simulators.mirror.rest import WebPartner
from simulators.mirror.rows import Record, Row
from simulators.mirror.soap_rows import SoapPartner
from simulators.mirror.stock import Stock, records_of
from simulators.mirror.writing import china
from simulators.soap import wrap
from simulators.spoil import REASONS


@dataclass(frozen=True)
class Batch:
    """What the hub would fetch at once, and the rows it stands for."""

    name: str
    parts: Sequence[bytes]
    rows: Sequence[Row]


@dataclass
class Found:
    """How one feed fared."""

    feed_id: str
    rows: int = 0
    records: int = 0
    expected: int = 0
    rejected: int = 0
    difference: str = ""

    def __str__(self) -> str:
        counts = f"rows {self.rows:4} records {self.records:4} rejected {self.rejected}/{self.expected}"
        return f"{self.feed_id:28} {counts}  {self.difference or 'ok'}"


def check_feeds(stock: Stock, ledger: Path, wanted: Sequence[str] = ()) -> Iterator[Found]:
    """One line for each feed of the stock's plan."""
    registry = read_registry(stock.plan.folder)
    for feed_id, mirrored in stock.plan.feeds.items():
        if wanted and feed_id not in wanted:
            continue
        if feed_id not in registry.feeds:
            causes = [str(problem) for problem in registry.problems if feed_id in problem.file]
            yield Found(feed_id, difference=f"the hub refuses the mapping: {'; '.join(causes)[:300]}")
            continue
        yield check_feed(stock, mirrored, registry.feeds[feed_id], registry.codes, ledger)


def check_feed(stock: Stock, mirrored: MirroredFeed, feed: Feed, codes: Codes, ledger: Path) -> Found:
    """Write all batches of a feed and let the hub read them."""
    found = Found(mirrored.feed_id)
    try:
        for batch in batches_of(stock, mirrored, ledger):
            found.rows += sum(1 for top in batch.rows for _ in top.everything())
            reading = read_rows(feed, batch.parts, batch.name, codes)
            declared = reading.parsed.declared.fen
            for sorted_ in reading.found:
                is_detail = mirrored.records[sorted_.schema].place == "detail"
                _compare(found, mirrored, sorted_, batch.rows, declared if is_detail else None)
            alarms = [alarm for alarm in reading.alarms if not (_may_leave_out(mirrored) and "in none" in alarm)]
            found.difference = found.difference or (f"alarm: {alarms[0]}" if alarms else "")
    except (HubError, MirrorError) as problem:
        found.difference = f"{getattr(problem, 'code', 'mirror')}: {problem}"[:400]
    found.difference = found.difference or stock.problems.get(mirrored.feed_id, "")
    return found


def _may_leave_out(feed: MirroredFeed) -> bool:
    """By an agreed WSDL an element without text is left out; in few rows one may be missing everywhere."""
    return bool(feed.source["connector"] == "soap")


def batches_of(stock: Stock, feed: MirroredFeed, ledger: Path) -> list[Batch]:
    """The feed's files, or the answers of all its pages."""
    rows = stock.rows(feed)
    if feed.source["connector"] == "sftp":
        return [Batch(file.path, [file.content], file.holds) for file in files_of(feed, rows, stock.day)]
    if feed.source["connector"] == "soap":
        return [Batch("answers", [_soap_answer(stock, feed, ledger)], _sorted(feed, rows))]
    partner = WebPartner([feed], stock, Ledger(ledger), "", "", ("", ""))
    return [Batch("pages", list(_pages(partner, feed)), partner.rows(feed))]


def _pages(partner: WebPartner, feed: MirroredFeed) -> Iterator[bytes]:
    paging, number = feed.source["paging"], 0
    token: str | None = None
    while True:
        size = paging.get("per_page", 100)
        asked: dict[str, Any] = {paging["size"]: size} if paging.get("size") else {}
        if paging.get("by", "page") == "page":
            asked[paging["page"]] = number + paging.get("first", 1)
        elif paging["by"] == "offset":
            asked[paging["offset"]] = number * size + paging.get("first", 0)
        elif paging["by"] == "token" and token:
            asked[paging["token"]] = token
        tree = partner.page(feed, asked)
        rows, token = _at(tree, paging["rows"]), _at(tree, paging.get("next") or "-")
        if rows:
            yield json.dumps(tree, ensure_ascii=False).encode()
        number += 1
        if paging.get("by") == "none" or (token is None if paging.get("next") else len(rows) < size):
            return


def _at(tree: Any, path: str) -> Any:
    for step in path.split("."):
        tree = tree.get(step) if isinstance(tree, dict) else None
    return tree


def _soap_answer(stock: Stock, feed: MirroredFeed, ledger: Path) -> bytes:
    answer: etree._Element = SoapPartner(feed, stock, Ledger(ledger), "").everything()
    return wrap(answer)


def _sorted(feed: MirroredFeed, rows: Sequence[Row]) -> list[Row]:
    """Rows in the order of the answer: by when they changed."""
    member = {"daizong.wsdl": "UpdatedAt", "yishan.wsdl": "ModifyTime"}[feed.source["wsdl"]]
    return sorted(rows, key=lambda row: max(one.cells.get(member) or "" for one in row.everything()))


def _compare(found: Found, feed: MirroredFeed, read: Sorted, rows: Sequence[Row], declared: int | None) -> None:
    wanted = [record for record in records_of(rows) if record.schema == read.schema]
    bad = [record for record in wanted if record.bad]
    found.records += read.records.height
    found.expected += len(bad)
    found.rejected += read.rejections.height
    found.difference = found.difference or (
        _differs(feed, read, wanted) or _rejects(read, wanted) or _fen(read, wanted, declared) or ""
    )


def _differs(feed: MirroredFeed, read: Sorted, wanted: Sequence[Record]) -> str | None:
    """The first record or field that is not as it was written."""
    good = {record.key: record for record in wanted if not record.bad}
    there = {row["#record_key"]: row for row in read.records.to_dicts()}
    for key, record in good.items():
        if key not in there:
            return f"{read.schema} was not read, {_surprise(read, wanted)}"
        for name in feed.records[read.schema].fields:
            was, now = _plain(record.values.get(name)), _plain(there[key][name])
            if was != now:
                return f"{read.schema}.{name}: written {was!r}, read {now!r}"
    return f"{read.schema}: {len(there) - len(good)} records nobody sent" if len(there) > len(good) else None


def _surprise(read: Sorted, wanted: Sequence[Record]) -> str:
    """The reasons of a rejection that no spoiled record accounts for."""
    expected = [REASONS[record.bad] for record in wanted if record.bad]
    for reasons in read.rejections["#reasons"].to_list():
        codes = {reason["code"] for reason in reasons}
        if len(codes) == 1 and (code := codes.pop()) in expected:
            expected.remove(code)
        else:
            return "; ".join(f"{reason['code']} {reason['column']} ({reason['field']})" for reason in reasons)
    return "nor was it turned down"


def _plain(value: Any) -> Any:
    return china(value) if isinstance(value, datetime) else value


def _rejects(read: Sorted, wanted: Sequence[Record]) -> str | None:
    """Every spoiled record is turned down with its one code, and nothing else is."""
    expected = sorted(REASONS[record.bad] for record in wanted if record.bad)
    codes = sorted("+".join(sorted({r["code"] for r in reasons})) for reasons in read.rejections["#reasons"].to_list())
    return None if codes == expected else f"{read.schema}: rejected {codes}, expected {expected}"


def _fen(read: Sorted, wanted: Sequence[Record], declared: int | None) -> str | None:
    """The sender's own sum against the hub's tally."""
    if not SCHEMAS[read.schema].money:
        return None
    sent = sum(record.fen or 0 for record in wanted)
    tally = int(read.records["#fen"].sum()) + int(read.rejections["#fen"].sum()) if declared is None else declared
    return None if sent == tally else f"{read.schema}: {sent} fen were sent, {tally} fen arrived"


def open_stock(plan: Plan, seed: int, scale: float, share: float, day: Any) -> Stock:
    """A stock over the real truth."""
    from simulators.truth import Truth

    truth = Truth(seed, scale, day)
    return Stock(plan, lambda: truth, seed, scale, share, day)
