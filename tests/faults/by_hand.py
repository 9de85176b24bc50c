"""What officers and admins decide at a command line, in a worker that may die of it; typed again, it goes on where it was.

The inspection's steps about clues come this way too: they are laid before the hub, whose own partner has no steps here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import hub.store.fences
import hub.store.leases
from hub import bootstrap, exchange_log, pipeline, tasks
from hub.model import Batch, BatchState, Fetched
from hub.pipeline import Period
from hub.pipeline.house import House
from hub.settings import today
from hub.store import batches, repairs
from hub.store.database import rows_of, working
from hub.store.replays import Wanted
from simulators.identifiers import luhn_check

from .aging import check_renewed

FEED, STEPS = "haidai_payrolls", "inspection_steps"
CONCLUDED = {
    "CLUE_SOURCE": "01", "STEP_NO": "3", "DEAL_ACTION": "120", "UNDERTAKE_UNIT": "劳动保障监察大队（示例）", "UNIT_LEVEL": "2",
    "UNDERTAKE_PERSON": "示例经办人", "DEAL_TIME": "2026-11-20 09:00:00", "LIMIT_DATE": "", "DEAL_SITUATION": "已办结（示例）",
    "DOC_CODE": "", "CONCLUSION": "01", "SOLVED_PERSON": "3", "SOLVED_MONEY": "1.5", "REGION_CODE": "370902",
    "UPDATE_TIME": "2026-11-20 09:00:00", "UNDERTAKE_PERSON_PHONE": "1", "JOINT_CODE": "",
}  # fmt: skip
"""The last step about a clue, as the inspection writes it; synthetic."""
SHORT_SECONDS = 2
"""How long the leases of a worker last from its first command on: the next command waits until those of one that died lapse."""


def decide(decision: str, name: str) -> None:
    """One decision about the newest batch of a file; a backfill is of the day in the file's name."""
    for module in (hub.store.fences, hub.store.leases):
        module.LEASE_SECONDS = SHORT_SECONDS
    DECISIONS[decision](bootstrap.open_house(), name)


def _newest(house: House, name: str) -> Batch:
    with working(house.engine) as work:
        found = [batch for batch in batches.batches_in(work, list(BatchState)) if batch.source_name.endswith(name)]
    return found[-1]


def _of_batch(decide_it: Callable[[House, int], object]) -> Callable[[House, str], object]:
    return lambda house, name: decide_it(house, _newest(house, name).batch_id)


def _replay_feed(house: House, name: str) -> None:
    wanted = Wanted(FEED, today() - timedelta(days=1), today() + timedelta(days=1))
    replay_id, _, _ = pipeline.open_replay(house, wanted, "officer")
    pipeline.run_replay(house, replay_id, lambda done: None)


def _repair(house: House, name: str) -> None:
    """Ask, unless it was asked, and approve, unless it was approved: as those do who look first what stands."""
    if waiting := _asked(house, name):
        pipeline.approve_repair(house, waiting, "the second officer")


def _decline(house: House, name: str) -> None:
    if waiting := _asked(house, name):
        pipeline.decline_repair(house, waiting, "the second officer")


def _asked(house: House, name: str) -> int | None:
    """The repair of this batch's one bad card number while it waits."""
    batch = _newest(house, name)
    with working(house.engine) as work:
        known = [one for one in repairs.list_repairs(work, None, 1000) if one.of_batch == batch.batch_id]
        turned_down = rows_of(work, "select printed_no from rejection where batch_id = :id", id=batch.batch_id)
    if known:
        return int(known[0].repair_id) if known[0].state == "waiting" else None
    [row] = turned_down
    wanted = {row.printed_no: {"卡号": _right_card(house, batch, row.printed_no)}}
    return pipeline.ask_repair(house, batch.batch_id, wanted, "an officer", "the bank wrote").repair_id


def _right_card(house: House, batch: Batch, number: str) -> str:
    """The card number of a line with the check digit that it should have."""
    lines = house.archive.read(batch.parts[0]).decode("gb18030").splitlines()
    cells = next(cells for line in lines if (cells := line.split("|"))[0] == "D" and cells[1] == number)
    return cells[7][:-1] + luhn_check(cells[7][:-1])


def _backfill(house: House, name: str) -> None:
    day = datetime.strptime(re.findall(r"20\d{6}", name)[0], "%Y%m%d").date()
    feed, days = house.registry.feed(FEED), (day, day)
    with bootstrap.open_connector(feed, days) as connector:
        list(pipeline.backfill(house, feed, connector, Period(*days)))


class _Web:
    """A web address that takes every anchor."""

    def post(self, key: str, message: Mapping[str, object]) -> None:
        """Nobody counts them: the same anchor may come again."""


def _seal(house: House, name: str) -> None:
    """Close a block over what waits, and put its number and hash out."""
    folder = house.archive.folder.parent
    exchange_log.seal(house.engine, exchange_log.open_signer(folder / "seal.key", "ed25519"))
    exchange_log.put_anchor(house.engine, folder / "anchors", _Web())


def _change_keys(house: House, name: str) -> None:
    """A new key, everything brought under it, the old ones destroyed, and one record looked at; then nothing is lost."""
    pipeline.rotate_key(house, "officer")
    pipeline.rewrap_keys(house)
    pipeline.reseal(house)
    with working(house.engine) as work:
        old = rows_of(work, "select key_id from data_key where state = 'open-only'")
        keys = rows_of(work, "select record_key from record.payroll_line where is_current order by record_id limit 1")
    for row in old:
        pipeline.destroy_key(house, row.key_id, "officer", "its quarter is over")
    for row in keys:
        pipeline.reveal(house, "payroll_line", row.record_key, "officer", "a case")


def _renew_archive(house: House, name: str) -> None:
    """Seal what lies in the clear, and bring the rest under the key of today."""
    pipeline.encrypt_archive(house)
    pipeline.rewrap_archive(house)
    check_renewed(house.archive)


@dataclass(frozen=True)
class _Offer:
    """A partner that has exactly this to send."""

    tree: Mapping[str, Any]

    def fetch(self, *_: object) -> Iterator[Fetched]:
        yield Fetched("pages", [json.dumps(self.tree, ensure_ascii=False).encode()])


def _conclude(house: House, serials: str) -> None:
    """The inspection has concluded these clues of the national platform."""
    rows = [{**CONCLUDED, "CLUE_CODE": serial} for serial in serials.split(",")]
    tree = {"code": 200, "msg": "", "data": {"rows": rows, "totalCount": len(rows)}}
    feed = house.registry.feed(STEPS)
    for batch_id in pipeline.fetch_feed(house, feed, _Offer(tree)):
        pipeline.store_batch(house, feed, batch_id)
    tasks.acknowledge(STEPS)


DECISIONS: Mapping[str, Callable[[House, str], object]] = {
    "release": _of_batch(lambda house, batch_id: pipeline.release_batch(house, batch_id, "officer")),
    "close": _of_batch(pipeline.close_batch),
    "replay": _of_batch(pipeline.replay_batch),
    "replay all": _replay_feed,
    "resend": _of_batch(pipeline.resend_batch),
    "catch up": lambda house, name: pipeline.catch_up(house, "jining"),
    "repair": _repair,
    "decline": _decline,
    "backfill": _backfill,
    "conclude": _conclude,
    "seal": _seal,
    "keys": _change_keys,
    "archive": _renew_archive,
    "drop": lambda house, name: pipeline.drop_receiver(house, "gone", None, "officer", "it went"),
}
