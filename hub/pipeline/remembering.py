"""Remember what was told: each call is written into the archive's journal, and a restored hub tells nothing of it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from connectors.interface import CallReporter
from hub.digest import sm3_hex
from hub.feed import CallReport
from hub.model import Stage
from hub.pipeline.house import House, note
from hub.store import restores
from hub.store.database import working
from hub.store.told import row_digest


@dataclass(frozen=True)
class Remembering:
    """CallReporter around another one."""

    house: House
    feed_id: str
    stage: Stage
    reporter: CallReporter

    def send(self, report: CallReport, rows: Sequence[Mapping[str, str]], key: str) -> None:
        """Send what was not told before the last restore, then note it. What is left of a call goes under a key of its own.

        Under the call's own key the partner would take the rest for the call it has, and do nothing.
        """
        digests = [row_digest(row) for row in rows]
        with working(self.house.engine) as work:
            known = restores.take_told(work, self.feed_id, self.stage, digests, key)
        fresh = [(row, digest) for row, digest in zip(rows, digests, strict=True) if digest not in known]
        if known:
            note("told_before", feed=self.feed_id, stage=self.stage.value, rows=len(rows) - len(fresh))
        if fresh:
            left = [digest for _, digest in fresh]
            own_key = key if not known else sm3_hex("|".join([key, *left]).encode())[:32]
            self.reporter.send(report, [row for row, _ in fresh], own_key)
            self.house.archive.note_told(self.feed_id, self.stage, left)
