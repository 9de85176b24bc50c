"""What an Airflow task does: open the house, run one verb over the batches that wait, and sort errors into retry or fail.

Only batch ids pass between tasks. One bad batch never keeps the others from going on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import ParamSpec, TypeVar

from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from hub import pipeline, upkeep
from hub.bootstrap import open_connector, open_house, open_receiver
from hub.feed import Feed
from hub.model import BatchState, Stage
from hub.settings import now
from hub.tasks.errors import each, skipped_when_open, sorted_errors

Words = ParamSpec("Words")
Result = TypeVar("Result")
PATIENCE_SECONDS = 45.0
POLL_SECONDS = 1.0
RETRIES = {"retries": 3, "retry_delay": 15, "retry_exponential_backoff": 2, "max_retry_delay": 600}
"""How Airflow tries a task again while a partner is unavailable; seconds, twice as long each time."""
NONE = ""
"""A pattern that names nothing: a task reads only the mappings it needs."""
HOLDER = "airflow"
"""Who holds the leases of tasks. What an admin does by hand is held by another, so that neither takes over from the other."""
PARTNER_NAME = "{{ task.op_kwargs['partner'] }}"
"""What Airflow shows beside a task that runs once for each partner."""


def leased(name: Callable[..., str]) -> Callable[[Callable[Words, Result]], Callable[Words, Result]]:
    """Run a step under a lease. Airflow runs a step again only when it takes the first run for dead: the newer one takes over,
    and whatever the older one was about to commit is undone."""

    def wrap(step: Callable[Words, Result]) -> Callable[Words, Result]:
        @wraps(step)
        def run(*words: Words.args, **options: Words.kwargs) -> Result:
            with pipeline.holding(open_house(NONE, NONE), name(*words, **options), HOLDER):
                return step(*words, **options)

        return run

    return wrap


def of_feed(feed_id: str, *_: object) -> str:
    """The lease of a feed: one worker at a time fetches, stores and acknowledges."""
    return f"feed/{feed_id}"


@sorted_errors
@leased(of_feed)
def fetch(feed_id: str) -> list[int]:
    """Archive what is new; gives the ids of batches to store, or skips when there are none."""
    house = open_house(feed_id, NONE)
    feed = house.registry.feed(feed_id)
    with skipped_when_open(), pipeline.guarded(house, feed.spec.source.connection), open_connector(feed) as connector:
        waiting = pipeline.fetch_feed(house, feed, connector)
    if not waiting:
        raise AirflowSkipException("没有新数据 / nothing new")
    return waiting


@sorted_errors
@leased(of_feed)
def store(feed_id: str, batch_ids: Sequence[int]) -> None:
    """Store each batch; skips, so that no delivery is started, when every one of them is held."""
    house = open_house(feed_id)
    feed = house.registry.feed(feed_id)
    states: list[BatchState] = []
    each(batch_ids, lambda batch_id: states.append(pipeline.store_batch(house, feed, batch_id)))
    if all(state is BatchState.HELD for state in states):
        raise AirflowSkipException("所有批次都被扣留 / every batch is held")


@sorted_errors
@leased(of_feed)
def acknowledge(feed_id: str) -> None:
    """Tell the partner what could be read, for every batch it has not been told of."""
    house = open_house(feed_id, NONE)
    _report(house, house.registry.feeds.values(), Stage.INTAKE)


@sorted_errors
def find_untold() -> list[str]:
    """The partners that wait to be told what the receivers answered; skips when there are none."""
    waiting = upkeep.untold_partners(open_house(receivers=NONE))
    if not waiting:
        raise AirflowSkipException("没有待回传的结果 / nothing to tell")
    return waiting


@sorted_errors
@leased(lambda partner: f"partner/{partner}")
def report(partner: str) -> None:
    """Tell a partner what the receivers answered, for every batch that is answered in full; then what its clues came to."""
    house = open_house(
        f"{partner}_*", NONE
    )  # named after their partner; but so are those of a partner with a longer name
    feeds = [feed for feed in house.registry.feeds.values() if feed.spec.partner == partner]
    each((_report_outcomes, _conclude, _prove), lambda step: step(house, feeds))


def _report_outcomes(house: pipeline.House, feeds: Sequence[Feed]) -> None:
    _report(house, feeds, Stage.OUTCOME)


def _conclude(house: pipeline.House, feeds: Sequence[Feed]) -> None:
    """Tell of every feed what its clues came to; what one does not take keeps no other waiting."""

    def tell(feed: Feed) -> None:
        with pipeline.guarded(house, feed.spec.source.connection), open_connector(feed) as connector:
            pipeline.tell_conclusions(house, feed, connector)

    owing = pipeline.feeds_owed(house)
    with skipped_when_open():
        each([feed for feed in feeds if feed.feed_id in owing], tell)


def _prove(house: pipeline.House, feeds: Sequence[Feed]) -> None:
    """Put the inclusion proofs of return files that were sealed since, where a partner wants them."""

    def hand_out(feed: Feed) -> None:
        with pipeline.guarded(house, feed.spec.source.connection), open_connector(feed) as connector:
            pipeline.hand_out_proofs(house, feed, connector)  # type: ignore[arg-type]

    unproven = pipeline.feeds_unproven(house)
    with skipped_when_open():
        each([feed for feed in feeds if feed.feed_id in unproven], hand_out)


def _report(house: pipeline.House, feeds: Iterable[Feed], stage: Stage) -> None:
    """Tell of every feed and every batch that can be told of, then fail with the first that cannot."""

    def tell(feed: Feed) -> None:
        if waiting := pipeline.batches_to_report(house, stage, [feed.feed_id]):
            with pipeline.guarded(house, feed.spec.source.connection), open_connector(feed) as connector:
                each(waiting, lambda batch: pipeline.report_batch(house, feed, batch, stage, connector))

    with skipped_when_open():
        each(feeds, tell)


@sorted_errors
def raise_held(feed_id: str) -> None:
    """Fail visibly while batches of this feed wait for a person: a held batch is nobody's success."""
    held = upkeep.held_batches(open_house(feed_id, NONE), feed_id)
    if held:
        raise AirflowFailException("；".join(upkeep.describe_hold(batch) for batch in held))


@sorted_errors
@leased(lambda: "receivers")
def find_due() -> list[str]:
    """The receivers that something is due for, or that owe an answer; skips when there are none.

    Children whose parent came are woken before batches are moved on: nobody is told of a refusal that is about to be tried again.
    A batch that said nothing new owes nobody anything: it is moved on here, for no delivery will ever do it.
    """
    house = open_house(NONE)
    pipeline.wake_children(house)
    moved = pipeline.mark_delivered(house)
    due = upkeep.receivers_due(house)
    if not due and not moved:
        raise AirflowSkipException("没有待推送的记录 / nothing to deliver")
    return due


@sorted_errors
@leased(lambda partner: f"receiver/{partner}")
def deliver(partner: str) -> None:
    """Submit, ask after and submit again what is due, for a while; skips when no batch was answered in full.

    What is due later is left to the next run: a slot is not held for it.
    """
    house = open_house(NONE, partner)
    receives, receiver = house.registry.receives(partner), open_receiver(house.registry, partner)
    until, moved = time.monotonic() + PATIENCE_SECONDS, 0
    while not receives.is_closed(now().time()):
        try:
            with skipped_when_open(), pipeline.guarded(house, receives.connection):
                sent = pipeline.deliver_waiting(house, partner, receives, receiver)
                still_open = pipeline.collect_receipts(house, partner, receives, receiver)
        finally:  # one answer nobody agreed on keeps no other batch from being told
            pipeline.wake_children(house)
            moved += len(pipeline.mark_delivered(house))
        pause = pipeline.next_delivery(house, partner)
        if pause is None and not still_open and not sent:
            break
        wait = POLL_SECONDS if still_open or sent or pause is None else max(pause, 0.1)
        if time.monotonic() + wait > until:
            break
        time.sleep(wait)
    if not moved:
        raise AirflowSkipException("没有批次得到全部回执 / no batch was answered in full")
