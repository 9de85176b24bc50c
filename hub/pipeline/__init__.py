"""The verbs in order: fetch, store, report, deliver, collect, report again. Each runs between two durable states and may be run
again at any time; it receives open connectors, so the same functions serve Airflow, the command line and the tests.
"""

from hub.pipeline.backfilling import Period, backfill, check_period, known_files, preview_backfill
from hub.pipeline.balancing import balance_of, mark_delivered
from hub.pipeline.by_hand import close_batch, release_batch
from hub.pipeline.concluding import feeds_owed, tell_conclusions
from hub.pipeline.delivering import catch_up, collect_receipts, deliver_waiting, next_delivery
from hub.pipeline.fetching import fetch_feed
from hub.pipeline.guarding import closed_connections, describe_circuit, guarded, holding, holding_by_hand
from hub.pipeline.house import House
from hub.pipeline.knocking import forget_nonces
from hub.pipeline.parts import bytes_of
from hub.pipeline.previewing import NEXT_BATCH, Change, Preview, preview_batch
from hub.pipeline.proving import feeds_unproven, hand_out_proofs
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
from hub.pipeline.repairing import Asked, approve_repair, ask_repair, decline_repair
from hub.pipeline.replaying import Replayed, batches_wanted, open_replay, replay_batch, run_replay
from hub.pipeline.resending import drop_receiver, preview_drop, preview_resend, resend, resend_batch, wake_children
from hub.pipeline.sealing import (
    destroy_key,
    encrypt_archive,
    note_shown,
    reseal,
    reveal,
    rewrap_archive,
    rewrap_keys,
    rotate_key,
    show_masked,
)
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
    "balance_of",
    "batches_to_report",
    "batches_wanted",
    "bytes_of",
    "catch_up",
    "check_expectations",
    "check_period",
    "close_batch",
    "closed_connections",
    "collect_receipts",
    "decline_repair",
    "deliver_waiting",
    "describe_circuit",
    "destroy_key",
    "drop_receiver",
    "encrypt_archive",
    "feeds_owed",
    "feeds_unproven",
    "fetch_feed",
    "forget_nonces",
    "gives_statement",
    "guarded",
    "hand_out_proofs",
    "holding",
    "holding_by_hand",
    "known_files",
    "mark_delivered",
    "next_delivery",
    "note_open",
    "note_shown",
    "open_replay",
    "preview_backfill",
    "preview_batch",
    "preview_drop",
    "preview_resend",
    "publish_day",
    "read_rows",
    "reconcile_files",
    "reconcile_receiver",
    "release_batch",
    "replay_batch",
    "report_batch",
    "reseal",
    "resend",
    "resend_batch",
    "resend_missing",
    "reveal",
    "rewrap_archive",
    "rewrap_keys",
    "rotate_key",
    "run_replay",
    "show_masked",
    "sides_of",
    "store_batch",
    "tell_conclusions",
    "wake_children",
]
