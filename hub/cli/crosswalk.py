"""The command about numbers: which project, enterprise or worker is meant, and what else it is called."""

from __future__ import annotations

import argparse

from hub.bootstrap import open_house
from hub.errors import NotAllowed
from hub.store import crosswalk
from hub.store.database import working
from hub.text import masked
from schemas.crosswalk import KINDS, PERSONAL


def show_thing(words: argparse.Namespace) -> int:
    """Which project, enterprise or worker a number leads to, and its other numbers. Numbers of persons are masked."""
    with working(open_house().engine) as work:
        rows = crosswalk.find_things(work, words.number)
        hidden = crosswalk.numbers_behind(work, rows)
    if not rows:
        raise NotAllowed("this number stands in no record; type it as it is printed, letters in upper case")
    before = None
    for row in rows:
        if row.hub_id != before:
            print(f"\nhub_id {row.hub_id}  {KINDS[row.kind]} {row.kind}")
            before = row.hub_id
        value = masked(hidden.get((row.id_kind, row.id_value), "")) if row.id_kind in PERSONAL else row.id_value
        print(f"  {row.id_kind:16}  {value}  {row.since:%F %T}")
    return 0
