"""The journal beside the raw bytes: which batch was fetched and which rows a partner was told, each as an object of its own.

It is what a database restored from yesterday cannot know. It holds digests and names of files, never a row's value.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from hub.digest import sm3_hex
from hub.errors import HubError
from hub.model import Journalled, Stage, Told

FETCHED, TOLD = "fetched", "told"
KINDS = (FETCHED, TOLD)


def encode(entry: Told | Journalled) -> bytes:
    """The entry as JSON."""
    return json.dumps(asdict(entry), sort_keys=True, ensure_ascii=False, default=str).encode()


def name_of(kind: str, at: datetime, data: bytes) -> str:
    """``told/20261125/093000.000001_<SM3 of the entry>``: found by its day, proven by its digest, never written twice."""
    return f"{kind}/{at:%Y%m%d}/{at:%H%M%S.%f}_{sm3_hex(data)}"


def day_of(name: str) -> str:
    """The day folder of an entry."""
    return name.split("/")[1]


def is_since(name: str, moment: datetime) -> bool:
    """Whether an entry was written at this moment or later; ``moment`` has the zone that names are written in."""
    _, day, rest = name.split("/")
    return f"{day}{rest.partition('_')[0]}" >= f"{moment:%Y%m%d%H%M%S.%f}"


def days_since(moment: datetime, until: datetime) -> list[str]:
    """The names of the day folders from one moment to another, and one more for a clock that was put back."""
    days = (until.date() - moment.date()).days + 1
    return [f"{moment + timedelta(days=n):%Y%m%d}" for n in range(days + 1)]


def decode_told(name: str, data: bytes) -> Told:
    facts = _facts(name, data)
    return Told(facts["feed_id"], Stage(facts["stage"]), tuple(facts["digests"]))


def decode_fetched(name: str, data: bytes) -> Journalled:
    facts = _facts(name, data)
    moment = datetime.fromisoformat(facts["fetched_at"])
    return Journalled(**{**facts, "parts": tuple(facts["parts"]), "fetched_at": moment})


def _facts(name: str, data: bytes) -> dict[str, Any]:
    if sm3_hex(data) != name.rpartition("_")[2]:
        raise HubError(f"archived entry {name} was changed after it was written", code="S005")
    facts: dict[str, Any] = json.loads(data)
    return facts
