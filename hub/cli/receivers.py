"""Commands about those we exchange with: what a receiver is owed and what no more, what is left alone, who is at work."""

from __future__ import annotations

import argparse
from typing import Any

import sqlalchemy as sa

from hub import pipeline
from hub.bootstrap import connection_names, open_house
from hub.cli.printing import show_table
from hub.cli.replays import show_owed
from hub.errors import NotAllowed
from hub.store import circuits, deliveries, leases, withdrawals
from hub.store.audit import Act, note_act
from hub.store.database import working


def catch_up(words: argparse.Namespace) -> int:
    """Owe a receiver every record of its areas that it was never sent, after its file was added or mended."""
    owed = pipeline.catch_up(open_house(), words.partner)
    for schema, records in owed.items():
        if records:
            print(f"{schema}: {records}")
    print(f"{sum(owed.values())} records are owed to {words.partner} now and go out with the next delivery")
    return 0


def drop(words: argparse.Namespace) -> int:
    """Withdraw what is owed to a receiver, or of one schema, that no mapping names any more, so that batches can finish.

    Without --go it shows how much that is.
    """
    if not words.go:
        show_owed(pipeline.preview_drop(open_house(), words.partner, words.schema), "撤销", "would be withdrawn")
        return 0
    count = pipeline.drop_receiver(open_house(), words.partner, words.schema, words.by, words.reason)
    print(f"{count} 条记录不再欠 {words.partner}，伙伴得知其余接收方的答复 / "
          f"{count} records are owed to {words.partner} no more; partners are told what the other receivers answer")  # fmt: skip
    return 0


def moved(words: argparse.Namespace) -> int:
    """Records whose newest version lies in no area of a receiver that has an older one: it keeps that, so tell its officers."""
    house = open_house()
    found: list[sa.Row[Any]] = []
    with working(house.engine) as work:
        for name, spec in house.registry.receivers.items():
            if spec.areas and words.partner in (None, name):
                for schema in spec.records:
                    found += withdrawals.find_moved(work, name, schema, spec.areas)
    show_table("", found)
    print(
        f"{len(found)} 条记录的区划已变，原接收方仍有旧版本 / {len(found)} records moved away from a receiver that has them"
    )
    return 0


def pause(words: argparse.Namespace) -> int:
    """Ask nothing of a connection and send nothing over it until it is resumed; what waits goes on waiting."""
    _check_connection(words.connection)
    with working(open_house().engine) as work:
        circuits.pause(work, words.connection, words.by, words.reason)
        note_act(work, Act("pause", words.connection, words.reason), words.by)
    print(f"连接 {words.connection} 已暂停 / {words.connection} is paused until `hub resume {words.connection}`")
    return 0


def resume(words: argparse.Namespace) -> int:
    """Use a connection again at once, whether a person paused it or it failed too often."""
    _check_connection(words.connection)
    with working(open_house().engine) as work:
        was_open = circuits.resume(work, words.connection)
        note_act(work, Act("resume", words.connection))
    print(f"{words.connection} is used again" if was_open else f"nothing stood against {words.connection}")
    return 0


def list_circuits(words: argparse.Namespace) -> int:
    """Connections that are left alone now and why, maintenance windows, and submissions of unknown outcome."""
    house = open_house()
    with working(house.engine) as work:
        found = circuits.open_circuits(work)
        unknown = deliveries.unknown_submissions(work)
    for circuit in found:
        print(pipeline.describe_circuit(circuit))
    named = {circuit.connection for circuit in found}
    for connection in sorted(pipeline.closed_connections(house) - named):
        print(f"连接 {connection} 在维护时段内 / {connection} is in its maintenance window")
    show_table("结果未知的提交 / submissions of unknown outcome", unknown)
    if not found and not unknown:
        print("没有停用的连接 / no connection is left alone")
    return 0


def list_leases(words: argparse.Namespace) -> int:
    """Who is at work on what now: a lease lapses by itself three minutes after its holder's last sign of life."""
    with working(open_house().engine) as work:
        show_table("", leases.read_leases(work))
    return 0


def _check_connection(name: str) -> None:
    if name not in connection_names(open_house().registry):
        raise NotAllowed(f"no mapping uses a connection {name}; `hub feeds` names those of the feeds")
