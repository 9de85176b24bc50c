"""What comes back to a web partner: statuses of its rows, in its own words, each item's status kept once."""

from collections.abc import Mapping, Sequence
from typing import Any

from simulators.ledger import CONCLUSION, Ledger, count_concluded
from simulators.mirror.plain import Codes, MirroredFeed

Item = tuple[str, str, dict[str, Any]]


class Calls:
    """The calls by which a partner is told."""

    def __init__(self, feeds: Sequence[MirroredFeed], codes: Codes) -> None:
        self._codes = codes
        self._known = {
            report["call"]: (feed, report)
            for feed in feeds
            for report in (*feed.reports, feed.conclusion)
            if report.get("call")
        }

    @property
    def paths(self) -> set[str]:
        """Where they arrive."""
        return set(self._known)

    def feed_at(self, path: str) -> tuple[MirroredFeed, Mapping[str, Any]]:
        """The mapping that agreed to a call at this path."""
        return next(found for call, found in self._known.items() if path.endswith(call))

    def read(self, feed: MirroredFeed, report: Mapping[str, Any], members: Mapping[str, Any]) -> list[Item]:
        """Item, status and the whole row of each told row. Raises ValueError where they are not as agreed."""
        rows: Any = members.get(report["rows"])
        if not isinstance(rows, list) or not rows or len(rows) > report.get("per_call", 200):
            raise ValueError(f"{report['rows']} 应为 1 至 {report.get('per_call', 200)} 行")
        return [self._item(report, row) for row in rows]

    def _item(self, report: Mapping[str, Any], row: Any) -> Item:
        fields = report.get("fields") or {}
        if not isinstance(row, dict) or not all(name in row for name in fields):
            raise ValueError("行内缺少约定的字段")
        key = {name: text for name, text in row.items() if name not in fields}
        if not key or not all(isinstance(text, str) and text for text in key.values()):
            raise ValueError("行内没有我方编号")
        return "/".join(key.values()), self._status(report["call"], fields, row), row

    def _status(self, call: str, fields: Mapping[str, Any], row: Mapping[str, Any]) -> str:
        """The word that says the outcome; it must be one of those agreed. A call without such a word is itself the status."""
        if (conclusion := concluded(fields, row, self._codes)) is not None:
            return conclusion
        for name, words in fields.items():
            if isinstance(words, dict) and words.get("from") == "outcome":
                agreed = self._codes.get(words.get("codes", ""), {})
                if agreed and row[name] not in agreed.values():
                    raise ValueError(f"{name} 不在代码表中")
                return str(row[name])
            if words == "outcome":
                return str(row[name])
        return call.rpartition("/")[2]

    def received(self, ledger: Ledger) -> dict[str, int]:
        """How many items have had each status, and the calls."""
        found = ledger.db.execute(
            "select status, count(*) from statuses where status not like ? group by status order by status",
            (f"{CONCLUSION}%",),
        ).fetchall()
        by_status = {str(status): int(count) for status, count in found}
        return {"told": sum(by_status.values()), **by_status, **count_concluded(ledger), **ledger.returns()}


def concluded(fields: Mapping[str, Any], cells: Mapping[str, Any], codes: Codes) -> str | None:
    """What a conclusion says, such as `conclusion 1 SOLVED`: which answer it is, and how the clue ended in the partner's word.

    None for a report of another kind. Raises ValueError for a word that was not agreed.
    """
    found: dict[str, str] = {}
    for name, words in fields.items():
        fact = words.get("from") if isinstance(words, dict) else words
        if fact not in ("number", "result"):
            continue
        agreed = codes.get(words.get("codes", ""), {}) if isinstance(words, dict) else {}
        if agreed and cells.get(name) not in agreed.values():
            raise ValueError(f"{name} 不在代码表中")
        found.setdefault(fact, str(cells.get(name)))
    return f"{CONCLUSION}{found['number']} {found['result']}" if len(found) == 2 else None
