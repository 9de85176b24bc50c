"""What Airflow does beside the exchange: housekeeping, watching for incidents, reconciling a day."""

from __future__ import annotations

from datetime import date, timedelta

from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from hub import exchange_log, pipeline, upkeep, watching
from hub.bootstrap import (
    connection_names,
    find_connections,
    open_house,
    open_signer,
    open_webhook,
    reconcile_side,
)
from hub.errors import HubError
from hub.reconciliation import State
from hub.settings import anchors_folder, reports_folder, today
from hub.tasks.errors import each, sorted_errors

NOTHING = ""
"""A pattern that names no mapping, for what needs none."""

RESEALED_A_DAY = 500_000
"""Rows brought under the newest key each morning: some minutes, beside everything else."""


@sorted_errors
def find_sides(day: str) -> list[str]:
    """Everyone who gives a statement of the day: partner and side. For the others the day is noted as open."""
    house = open_house()
    sides = pipeline.sides_of(house)
    asked = [(partner, side) for partner, side in sides if pipeline.gives_statement(house, partner, side)]
    each([one for one in sides if one not in asked], lambda one: pipeline.note_open(house, one[0], day_of(day)))
    return [f"{partner} {side}" for partner, side in asked]


@sorted_errors
def reconcile(partner: str, day: str) -> None:
    """Reconcile one day with one partner, named with its side; yesterday where no day is given."""
    name, _, side = partner.partition(" ")
    reconcile_side(open_house(), name, "receiver" if side == "receiver" else "origin", day_of(day))


@sorted_errors
def publish(day: str) -> None:
    """Write the page and the file of the day; fails while anything differs, so that a difference is nobody's success."""
    found, written = pipeline.publish_day(open_house(), day_of(day), reports_folder())
    differing = [one for one in found if one.state is State.DIFFERS]
    if differing:
        names = ", ".join(f"{one.partner} {one.side}: {len(one.differences)}" for one in differing)
        raise AirflowFailException(f"对账不符 / does not agree: {names}; {written[-1].name}")


def day_of(text: str) -> date:
    """The day that was asked for, or yesterday in Shanghai."""
    try:
        return date.fromisoformat(text) if text else today() - timedelta(days=1)
    except ValueError:
        raise HubError("a day is written like 2026-11-24") from None


@sorted_errors
def check_mappings() -> None:
    """Fail with every problem of every mapping file, so that a broken one does not stay unseen."""
    problems = open_house().registry.problems
    if problems:
        raise AirflowFailException("\n".join(str(problem) for problem in problems))


@sorted_errors
def verify_archive() -> None:
    """Read yesterday's and today's raw bytes back and hold them against their digests."""
    _, broken = upkeep.verify_archive(open_house(), days=2)
    if broken:
        raise AirflowFailException("; ".join(broken))


@sorted_errors
def note_expiries() -> None:
    """Look when certificates, keys and passwords of all connections end; fail with what cannot be read of them."""
    house = open_house()
    names = connection_names(house.registry)
    watching.note_expiries(house, find_connections(names), names)


@sorted_errors
def seal_log() -> None:
    """Close a block over what was appended to the exchange log; skips when nothing was."""
    if not exchange_log.seal(open_house(NOTHING, NOTHING).engine, open_signer()).blocks:
        raise AirflowSkipException("没有新的日志条目 / nothing to seal")


@sorted_errors
def put_anchor() -> None:
    """Put number and hash of the newest block out, to the folder and to the webhook; skips when there is no newer one."""
    if exchange_log.put_anchor(open_house(NOTHING, NOTHING).engine, anchors_folder(), open_webhook()) is None:
        raise AirflowSkipException("没有新的区块 / no new block")


@sorted_errors
def keep_keys() -> None:
    """Have this quarter's data key, and bring rows of older ones under it, some every day until none is left."""
    pipeline.reseal(open_house(NOTHING, NOTHING), most=RESEALED_A_DAY)


@sorted_errors
def forget_nonces() -> None:
    """Let the nonces of the door go that nobody could use again."""
    pipeline.forget_nonces(open_house(NOTHING, NOTHING))


@sorted_errors
def find_incidents() -> None:
    """Open what is the matter now, close what is well again; skips when no notice waits to be sent."""
    if not watching.watch(open_house()).notices:
        raise AirflowSkipException("没有要发的通知 / nobody to tell")


@sorted_errors
def send_notices() -> None:
    """Tell of every incident that was opened, got worse or was closed."""
    watching.send_notices(open_house("", ""), open_webhook())
