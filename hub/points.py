"""Commit points: the moments between two durable effects, by name, so that a test can end the process at each of them.

A point costs one comparison while nobody watches. Nothing but tests/faults watches; production has no switch for it.
"""

from __future__ import annotations

from collections.abc import Callable

POINTS: dict[str, str] = {}
"""Every point and what is durable when it is reached; the code reaches no other and every one of these."""

_watcher: Callable[[str], None] | None = None


def reach(point: str) -> None:
    """Say that this point is reached; the words are one of ``POINTS``."""
    if _watcher is not None:
        _watcher(point)


def watch(watcher: Callable[[str], None] | None) -> None:
    """Let a test hear of every point that this process reaches from now on; None ends it."""
    global _watcher
    _watcher = watcher
