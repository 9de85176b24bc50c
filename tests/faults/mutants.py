"""The exchange broken on purpose, inside one worker only: a suite that does not notice these would notice nothing.

Each mutant takes away one promise; the checker must report a violation of the invariant that hangs on it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from secrets import token_hex
from typing import Any

from hub.digest import sm3_hex


def tell_before_it_happened() -> None:
    """A return file is noted as put before it is put: a worker that dies in between tells the partner nothing, ever."""
    from hub import pipeline
    from hub.store import batches
    from hub.store.database import working

    honest = pipeline.report_batch

    def noted_first(house: Any, feed: Any, batch: Any, stage: Any, reporter: Any) -> int:
        class Hasty:
            send = getattr(reporter, "send", None)

            def put(self, path: str, content: bytes, still_ours: Callable[[], None]) -> None:
                with working(house.engine) as work:
                    batches.write_report(work, batch.batch_id, stage, sm3_hex(content), 0)
                reporter.put(path, content, still_ours)

        return honest(house, feed, batch, stage, Hasty())  # type: ignore[arg-type]

    pipeline.report_batch = noted_first


def forget_the_fence() -> None:
    """A worker whose lease another one has taken over may commit all the same."""
    from hub.store import database

    database.verify = lambda work: None


def hand_over_what_is_answered() -> None:
    """A claimed submission is handed over whole, whatever its records were answered since. Behind the fence this harms nobody."""
    from hub.store import deliveries
    from hub.store.database import rows_of

    sql = "select idempotency_key from delivery where submission_id = :id order by delivery_id"
    deliveries.bound_records = lambda work, submission: [
        row.idempotency_key for row in rows_of(work, sql, id=submission.submission_id)
    ]


def forget_the_keys() -> None:
    """Every try carries keys of its own: what is sent twice is taken twice."""
    from connectors.open_api import OpenApiReceiver
    from connectors.rest import RestConnector
    from connectors.soap import SoapConnector

    submit = OpenApiReceiver.submit

    def submit_anew(self: Any, schema: str, batch_key: str, records: Sequence[Mapping[str, Any]]) -> Any:
        return submit(self, schema, token_hex(16), records)

    OpenApiReceiver.submit = submit_anew  # type: ignore[method-assign]
    for connector in (RestConnector, SoapConnector):
        connector.send = _with_new_key(connector.send)  # type: ignore[method-assign]


def _with_new_key(send: Callable[..., None]) -> Callable[..., None]:
    return lambda self, report, rows, key: send(self, report, rows, token_hex(16))


def archive_after_the_commit() -> None:
    """Batch and position are committed before the bytes are kept: a worker that dies in between loses them."""
    from hub.pipeline import fetching

    honest = fetching.keep

    def committed_first(house: Any, feed: Any, found: Any) -> int | None:
        kept: list[bytes] = []

        class Later:
            note_fetched = house.archive.note_fetched

            def keep(self, data: bytes) -> str:
                kept.append(data)
                return sm3_hex(data)

        class Lazy:
            engine, registry, archive = house.engine, house.registry, Later()

        batch_id = honest(Lazy(), feed, found)  # type: ignore[arg-type]
        for data in kept:
            house.archive.keep(data)
        return batch_id

    fetching.keep = committed_first


MUTANTS: Mapping[str, Callable[[], None]] = {
    "tell_before_it_happened": tell_before_it_happened,
    "forget_the_keys": forget_the_keys,
    "archive_after_the_commit": archive_after_the_commit,
    "forget_the_fence": forget_the_fence,
    "hand_over_what_is_answered": hand_over_what_is_answered,
}
