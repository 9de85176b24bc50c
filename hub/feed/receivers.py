"""How a partner takes records."""

from __future__ import annotations

from pydantic import Field

from hub.feed.words import Spec


class Receives(Spec):
    """How a partner takes records: see connectors/open_api.py for the protocol."""

    connection: str
    schemas: tuple[str, ...]
    max_batch: int = Field(100, gt=0)
    accepted: tuple[str, ...] = Field(description="codes that mean: they have it")
    delayed: tuple[str, ...] = Field((), description="codes that mean: send again later")
    unreadable: tuple[str, ...] = Field((), description="codes that turn a whole submission down for its content")
    delayed_at_most: int = Field(8, ge=0, description="tries before a delayed record is given up")
    delayed_seconds: int = Field(60, ge=1, description="the first pause; each later one is twice as long")
