"""The verbs in order: fetch, store, report, deliver, collect, report again. Each runs between two durable states and may be run
again at any time; it receives open connectors, so the same functions serve Airflow, the command line and the tests.
"""

from hub.pipeline.balancing import balance_of, mark_delivered
from hub.pipeline.by_hand import close_batch, release_batch, replay_batch, resend_batch
from hub.pipeline.concluding import feeds_owed, tell_conclusions
from hub.pipeline.delivering import catch_up, collect_receipts, deliver_waiting, next_delivery
from hub.pipeline.fetching import fetch_feed
from hub.pipeline.guarding import closed_connections, describe_circuit, guarded, holding
from hub.pipeline.house import House
from hub.pipeline.reading import Reading, check_expectations, read_rows
from hub.pipeline.reconciling import (
    gives_statement,
    note_open,
    publish_day,
    reconcile_files,
    reconcile_receiver,
    resend_missing,
    sides_of,
)
from hub.pipeline.storing import store_batch
from hub.pipeline.telling import batches_to_report, report_batch

__all__ = [
    "House",
    "Reading",
    "balance_of",
    "batches_to_report",
    "catch_up",
    "check_expectations",
    "close_batch",
    "closed_connections",
    "collect_receipts",
    "deliver_waiting",
    "describe_circuit",
    "feeds_owed",
    "fetch_feed",
    "gives_statement",
    "guarded",
    "holding",
    "mark_delivered",
    "next_delivery",
    "note_open",
    "publish_day",
    "read_rows",
    "reconcile_files",
    "reconcile_receiver",
    "release_batch",
    "replay_batch",
    "report_batch",
    "resend_batch",
    "resend_missing",
    "sides_of",
    "store_batch",
    "tell_conclusions",
]
