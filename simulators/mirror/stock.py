"""What each mirrored feed has to send: built from the truth when it is first asked for, spoiled once, and booked row by row."""

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from functools import partial
from random import Random
from typing import Protocol

from simulators.ledger import Sent
from simulators.mirror import lines
from simulators.mirror.defects import spoil
from simulators.mirror.plain import MirroredFeed, MirrorError, Plan
from simulators.mirror.rows import Document, Record, Row, rows_of

_ACCOUNT_OF = (("account_txn", "account_no"), ("payroll_batch", "payer_account_no"))


class Truth(Protocol):
    """What is true, by population (simulators/truth)."""

    def documents(self, population: str, *, partner: str, feed: str, count: int, nature: str) -> Sequence[Document]:
        """The documents that a feed sends."""
        ...


class Stock:
    """The rows of every feed of a plan."""

    def __init__(
        self, plan: Plan, truth: Callable[[], Truth], seed: int, scale: float, share: float, day: date
    ) -> None:
        self.plan, self.day, self._truth, self._seed, self._scale, self._share = plan, day, truth, seed, scale, share
        self._rows: dict[str, list[Row]] = {}
        self.problems: dict[str, str] = {}

    def rows(self, feed: MirroredFeed) -> list[Row]:
        """The feed's top rows; a feed that cannot be written has none, and its problem is told in the ledger."""
        if feed.feed_id not in self._rows:
            try:
                self._rows[feed.feed_id] = self._build(feed)
            except MirrorError as problem:
                self._rows[feed.feed_id], self.problems[feed.feed_id] = [], str(problem)
        return self._rows[feed.feed_id]

    def _build(self, feed: MirroredFeed) -> list[Row]:
        rows = rows_of(feed, self._documents(feed), self.plan.codes)
        rng = Random(f"{self._seed} {feed.feed_id}")
        used = self._used_accounts(feed) if "special_account" in feed.records else frozenset()
        spoil(feed, rows, self.plan.codes, self._share, rng, _fits(feed), lambda row: _is_used(row, used))
        return rows

    def _documents(self, feed: MirroredFeed) -> Sequence[Document]:
        profile = feed.profile
        count = max(1, round(profile.count * self._scale))
        return self._truth().documents(
            profile.population, partner=feed.partner, feed=feed.feed_id, count=count, nature=profile.nature
        )

    def _used_accounts(self, feed: MirroredFeed) -> frozenset[str]:
        """Accounts that the same bank tells movements or payrolls of: were they bad, these would wait for them forever."""
        others = [other for other in self.plan.feeds.values() if other.partner == feed.partner and other is not feed]
        facts = [document.rows for other in others for document in self._documents(other)]
        told = (rows.get(kind, {}).get(name) for rows in facts for kind, name in _ACCOUNT_OF)
        return frozenset(str(number) for number in told if number)


def _fits(feed: MirroredFeed) -> Callable[[str, str], bool]:
    """What may stand in a cell: a fixed width has an end, and an agreed WSDL takes no code or amount it does not know."""
    if feed.source["connector"] == "soap":
        return lambda _, text: len(text) in (9, 18)
    return partial(lines.fits, feed.form, "detail") if feed.form["type"] == "fixed" else lambda _column, _text: True


def _is_used(row: Row, accounts: frozenset[str]) -> bool:
    return any(record.values.get("account_no") in accounts for record in row.records)


def records_of(rows: Sequence[Row]) -> Iterator[Record]:
    """Every record the rows stand for, once."""
    for top in rows:
        for row in top.everything():
            yield from row.shared
            yield from row.records


def sent_of(feed: MirroredFeed, top: Row, place: int, file: str = "") -> Iterator[Sent]:
    """A row's entries in the ledger, with those of what is inside it."""
    for record in records_of([top]):
        yield Sent(feed.feed_id, record.schema, record.key, place, record.fen, record.bad, file)
