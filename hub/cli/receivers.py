"""Commands about receivers: owe one what it was never sent, owe one nothing more, find what moved away from one."""

from __future__ import annotations

import argparse
from typing import Any

import sqlalchemy as sa

from hub import pipeline
from hub.bootstrap import open_house
from hub.cli.printing import show_table
from hub.store import withdrawals
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
    """Withdraw what is owed to a receiver, or of one schema, that no mapping names any more, so that batches can finish."""
    count = pipeline.drop_receiver(open_house(), words.partner, words.schema, words.by, words.reason)
    print(f"{count} records are owed to {words.partner} no more; partners are told by what the other receivers answer")
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
    print(f"{len(found)} records moved away from a receiver that has them")
    return 0
