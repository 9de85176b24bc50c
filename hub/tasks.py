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
from hub.errors import HubError, PartnerUnavailable
from hub.feed import Feed
from hub.model import BatchState, Stage

Words = ParamSpec("Words")
Result = TypeVar("Result")
PATIENCE_SECONDS = 45.0
POLL_SECONDS = 1.0
RETRIES = {"retries": 3, "retry_delay": 15, "retry_exponential_backoff": 2, "max_retry_delay": 600}
"""How Airflow tries a task again while a partner is unavailable; seconds, twice as long each time."""
NONE = ""
"""A pattern that names nothing: a task reads only the mappings it needs."""
PARTNER_NAME = "{{ task.op_kwargs['partner'] }}"
"""What Airflow shows beside a task that runs once for each partner."""


def sorted_errors(step: Callable[Words, Result]) -> Callable[Words, Result]:
    """Only an unavailable partner is worth another try; everything else waits for a person."""

    @wraps(step)
    def run(*words: Words.args, **options: Words.kwargs) -> Result:
        try:
            return step(*words, **options)
        except PartnerUnavailable:
            raise
        except HubError as error:
            raise AirflowFailException(f"{error.code} {error}") from error

    return run


def each(batches: Iterable[Result], step: Callable[[Result], object]) -> None:
    """Run a step over all, then raise the first error, whatever its kind: what can go on goes on."""
    errors: list[Exception] = []
    for batch in batches:
        try:
            step(batch)
        except Exception as error:
            errors.append(error)
    if errors:
        raise errors[0]


@sorted_errors
def fetch(feed_id: str) -> list[int]:
    """Archive what is new; gives the ids of batches to store, or skips when there are none."""
    house = open_house(feed_id, NONE)
    feed = house.registry.feed(feed_id)
    with open_connector(feed) as connector:
        waiting = pipeline.fetch_feed(house, feed, connector)
    if not waiting:
        raise AirflowSkipException("没有新数据 / nothing new")
    return waiting


@sorted_errors
def store(feed_id: str, batch_ids: Sequence[int]) -> None:
    """Store each batch; skips, so that no delivery is started, when every one of them is held."""
    house = open_house(feed_id)
    feed = house.registry.feed(feed_id)
    states: list[BatchState] = []
    each(batch_ids, lambda batch_id: states.append(pipeline.store_batch(house, feed, batch_id)))
    if all(state is BatchState.HELD for state in states):
        raise AirflowSkipException("所有批次都被扣留 / every batch is held")


@sorted_errors
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
def report(partner: str) -> None:
    """Tell a partner what the receivers answered, for every batch that is answered in full."""
    house = open_house(
        f"{partner}_*", NONE
    )  # named after their partner; but so are those of a partner with a longer name
    _report(house, [feed for feed in house.registry.feeds.values() if feed.spec.partner == partner], Stage.OUTCOME)


def _report(house: pipeline.House, feeds: Iterable[Feed], stage: Stage) -> None:
    """Tell of every feed and every batch that can be told of, then fail with the first that cannot."""

    def tell(feed: Feed) -> None:
        if waiting := pipeline.batches_to_report(house, stage, [feed.feed_id]):
            with open_connector(feed) as connector:
                each(waiting, lambda batch: pipeline.report_batch(house, feed, batch, stage, connector))

    each(feeds, tell)


@sorted_errors
def raise_held(feed_id: str) -> None:
    """Fail visibly while batches of this feed wait for a person: a held batch is nobody's success."""
    held = upkeep.held_batches(open_house(feed_id, NONE), feed_id)
    if held:
        raise AirflowFailException("；".join(upkeep.describe_hold(batch) for batch in held))


@sorted_errors
def find_due() -> list[str]:
    """The receivers that something is due for, or that owe an answer; skips when there are none.

    A batch that said nothing new owes nobody anything: it is moved on here, for no delivery will ever do it.
    """
    house = open_house(NONE, NONE)
    pipeline.wake_children(house)
    moved = pipeline.mark_delivered(house)
    due = upkeep.receivers_due(house)
    if not due and not moved:
        raise AirflowSkipException("没有待推送的记录 / nothing to deliver")
    return due


@sorted_errors
def deliver(partner: str) -> None:
    """Submit, ask after and submit again what is due, for a while; skips when no batch was answered in full.

    What is due later is left to the next run: a slot is not held for it.
    """
    house = open_house(NONE, partner)
    receives, receiver = house.registry.receives(partner), open_receiver(house.registry, partner)
    until, moved = time.monotonic() + PATIENCE_SECONDS, 0
    while True:
        try:
            sent = pipeline.deliver_waiting(house, partner, receives, receiver)
            still_open = pipeline.collect_receipts(house, partner, receives, receiver)
            pipeline.wake_children(house)
        finally:  # one answer nobody agreed on keeps no other batch from being told
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


@sorted_errors
def check_mappings() -> None:
    """Fail with every problem of every mapping file, so that a broken one does not stay unseen."""
    problems = open_house().registry.problems
    if problems:
        raise AirflowFailException("\n".join(str(problem) for problem in problems))


@sorted_errors
def verify_archive() -> None:
    """Read yesterday's and today's raw bytes back and hold them against their digests."""
    broken = upkeep.verify_archive(open_house(), days=2)
    if broken:
        raise AirflowFailException("; ".join(broken))


@sorted_errors
def find_stuck() -> None:
    """Fail with the batches that have not moved on for an hour."""
    stuck = upkeep.stuck_batches(open_house(), hours=1)
    if stuck:
        raise AirflowFailException(
            "; ".join(f"batch {batch.batch_id} of {batch.feed_id} is {batch.state.value}" for batch in stuck)
        )
