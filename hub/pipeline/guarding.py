"""Guard a piece of work: one worker at a time (a lease with a fencing token), no call over a connection known to fail."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from random import uniform
from time import monotonic, sleep
from uuid import uuid4

from hub.errors import Busy, CircuitOpen, HubError, HubUnavailable, PartnerRefused, PartnerUnavailable
from hub.pipeline.house import House, log, note
from hub.points import reach
from hub.settings import now
from hub.store import circuits, leases
from hub.store.database import working
from hub.store.fences import LEASE_SECONDS, under

AWAY_SECONDS = (0.0, 0.0, 15.0, 30.0, 60.0, 120.0, 240.0, 480.0, 600.0)
"""Pauses after the first, second, … failure in a row: two are forgiven, then twice as long each time, ten minutes at most."""
REFUSED_SECONDS = (0.0, 60.0, 120.0, 240.0, 480.0, 600.0)
"""The same for a partner that refuses us: a person acts, and knocking at the door every minute locks accounts."""

PATIENCE_SECONDS = LEASE_SECONDS + 20.0
"""How long an admin's command waits for whoever is at the same feed or receiver: longer than the lease of one that died lasts."""


@contextmanager
def holding(house: House, name: str, holder: str) -> Iterator[None]:
    """Work under the lease of this name; raises Busy while another holder works. The same holder come back takes over at once."""
    with working(house.engine) as work:
        lease = leases.take(work, name, holder)
    if lease is None:
        raise Busy(f"another worker is at {name}; nothing was done")
    try:
        reach("lease.taken")
        with under(lease):
            yield
        reach("lease.ended")
    finally:
        with suppress(HubError), working(house.engine) as work:  # it lapses by itself when the database is away
            leases.give_back(work, lease)


def check_lease(house: House) -> None:
    """Raises FencedOff when a newer worker has taken over a lease of ours. Asked right before something leaves the hub."""
    with working(house.engine):
        pass


@contextmanager
def holding_by_hand(house: House, name: str) -> Iterator[None]:
    """The same for an admin's command, which waits a while for whoever is at it now; raises Busy when that takes too long."""
    holder = f"by hand {os.getpid()} {uuid4().hex[:8]}"  # two containers may give two commands one number
    began, held, waits = monotonic(), ExitStack(), False
    while True:
        try:
            held.enter_context(holding(house, name, holder))
            break
        except Busy:
            if monotonic() - began >= PATIENCE_SECONDS:
                raise
            if not waits:
                log.warning("%s 正在处理，等待中 / another worker is at it; waiting", name)
            waits = True
            sleep(1)
    with held:
        yield


@contextmanager
def guarded(house: House, connection: str) -> Iterator[None]:
    """Use a connection unless its circuit is open (CircuitOpen); failures and successes are counted for the next one who asks.

    Neither what is wrong with a batch (FeedChanged) nor what of our own is away is a failure of the connection.
    """
    with working(house.engine) as work:
        before = circuits.read_circuit(work, connection)
    if before is not None and before.is_open:
        raise CircuitOpen(describe_circuit(before))
    try:
        yield
    except HubUnavailable:
        raise
    except (PartnerUnavailable, PartnerRefused) as error:
        _count(house, connection, error)
        raise
    if before is not None and before.failures:
        with working(house.engine) as work:
            circuits.note_success(work, connection)
        note("recovered", connection=connection, failures=before.failures)


def _count(house: House, connection: str, error: PartnerUnavailable | PartnerRefused) -> None:
    pauses = AWAY_SECONDS if isinstance(error, PartnerUnavailable) else REFUSED_SECONDS
    wish = getattr(error, "retry_after", None) or 0.0
    with working(house.engine) as work:
        circuits.note_failure(
            work, connection, error.code, [max(pause * uniform(0.5, 1.5), min(wish, 3600.0)) for pause in pauses]
        )


def describe_circuit(circuit: circuits.Circuit) -> str:
    """Why a connection is left alone and until when, in both languages."""
    if circuit.paused_by is not None:
        return (
            f"连接 {circuit.connection} 已由 {circuit.paused_by} 暂停（{circuit.reason}） / "
            f"{circuit.connection} was paused by {circuit.paused_by}; `hub resume {circuit.connection}` ends it"
        )
    return (
        f"连接 {circuit.connection} 连续失败 {circuit.failures} 次（{circuit.code}），{circuit.open_until:%F %T} 之后再试 / "
        f"{circuit.connection} failed {circuit.failures} times in a row and is left alone till then"
    )


def closed_connections(house: House) -> set[str]:
    """Connections that are not to be used now: circuit open, paused, or in a receiver's maintenance window."""
    with working(house.engine) as work:
        found = {circuit.connection for circuit in circuits.open_circuits(work)}
    moment = now().time()
    return found | {one.connection for one in house.registry.receivers.values() if one.is_closed(moment)}
