"""The verbs in order: fetch, store, report, deliver, collect, report again. Each runs between two durable states and may be run
again at any time; it receives open connectors, so the same functions serve Airflow, the command line and the tests.
"""

from hub.pipeline.backfilling import Period, backfill, check_period, known_files, preview_backfill
from hub.pipeline.by_hand import (
    close_batch,
    drop_receiver,
    release_batch,
    replay_batch,
    resend,
    resend_batch,
    wake_children,
)
from hub.pipeline.delivering import catch_up, collect_receipts, deliver_waiting, mark_delivered, next_delivery
from hub.pipeline.fetching import fetch_feed
from hub.pipeline.house import House
from hub.pipeline.previewing import NEXT_BATCH, Change, Preview, preview_batch
from hub.pipeline.reading import Reading, check_expectations, read_rows
from hub.pipeline.repairing import Asked, approve_repair, ask_repair, decline_repair
from hub.pipeline.replaying import Replayed, batches_wanted, open_replay, replay_now, run_replay
from hub.pipeline.storing import store_batch
from hub.pipeline.telling import batches_to_report, report_batch

__all__ = [
    "NEXT_BATCH",
    "Asked",
    "Change",
    "House",
    "Period",
    "Preview",
    "Reading",
    "Replayed",
    "approve_repair",
    "ask_repair",
    "backfill",
    "batches_to_report",
    "batches_wanted",
    "catch_up",
    "check_expectations",
    "check_period",
    "close_batch",
    "collect_receipts",
    "decline_repair",
    "deliver_waiting",
    "drop_receiver",
    "fetch_feed",
    "known_files",
    "mark_delivered",
    "next_delivery",
    "open_replay",
    "preview_backfill",
    "preview_batch",
    "read_rows",
    "release_batch",
    "replay_batch",
    "replay_now",
    "report_batch",
    "resend",
    "resend_batch",
    "run_replay",
    "store_batch",
    "wake_children",
]
