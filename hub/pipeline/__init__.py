"""The verbs in order: fetch, store, report, deliver, collect, report again. Each runs between two durable states and may be run
again at any time; it receives open connectors, so the same functions serve Airflow, the command line and the tests.
"""

from hub.pipeline.by_hand import close_batch, release_batch, replay_batch, resend_batch
from hub.pipeline.concluding import feeds_owed, tell_conclusions
from hub.pipeline.delivering import catch_up, collect_receipts, deliver_waiting, mark_delivered, next_delivery
from hub.pipeline.fetching import fetch_feed
from hub.pipeline.house import House
from hub.pipeline.reading import Reading, check_expectations, read_rows
from hub.pipeline.storing import store_batch
from hub.pipeline.telling import batches_to_report, report_batch

__all__ = [
    "House",
    "Reading",
    "batches_to_report",
    "catch_up",
    "check_expectations",
    "close_batch",
    "collect_receipts",
    "deliver_waiting",
    "feeds_owed",
    "fetch_feed",
    "mark_delivered",
    "next_delivery",
    "read_rows",
    "release_batch",
    "replay_batch",
    "report_batch",
    "resend_batch",
    "store_batch",
    "tell_conclusions",
]
