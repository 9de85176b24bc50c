"""The order in which a receiver decided: one line for each time a record came, numbered, beside the effect itself.

A checker reads from it what totals cannot show: whether a version went backwards, and in which order records came.
"""

from pathlib import Path
from typing import Any

from simulators.ledger import Ledger, now_text

_TABLES = """
create table if not exists nonces (nonce text primary key);
create table if not exists journal (
    seq integer primary key, at text, schema text, record_key text, version integer, what text);
"""


class EffectLedger(Ledger):
    """The memory of one that takes records."""

    def __init__(self, path: Path, more_tables: str) -> None:
        super().__init__(path, _TABLES + more_tables)

    def use_nonce(self, nonce: str) -> bool:
        """Whether the number is new; it is used from now on."""
        return self.db.execute("insert or ignore into nonces values (?)", (nonce,)).rowcount == 1

    def note_decision(self, schema: str, record_key: str, version: int, what: str) -> None:
        """Remember what was decided about a record that came, in the transaction of its effect."""
        self.db.execute(
            "insert into journal (at, schema, record_key, version, what) values (?, ?, ?, ?, ?)",
            (now_text(), schema, record_key, version, what),
        )

    def journal(self, after: int = 0) -> list[dict[str, Any]]:
        """Every decision after this number, in the order in which they were taken."""
        found = self.db.execute("select * from journal where seq > ? order by seq", (after,))
        return [dict(row) for row in found]
