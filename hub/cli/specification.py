"""The command a partner's developers profit from: its interface specification, written from the mappings."""

from __future__ import annotations

import argparse

from hub.bootstrap import open_registry
from hub.errors import MappingInvalid
from hub.specification import specify_partner


def show_specification(words: argparse.Namespace) -> int:
    """One partner's interface specification as Markdown: files or calls, columns, codes, checks, what comes back."""
    registry = open_registry()
    partner = registry.partners.get(words.partner)
    if partner is None:
        raise MappingInvalid(f"there is no partner {words.partner} in partners.yaml")
    feeds = [feed for feed in registry.feeds.values() if feed.spec.partner == words.partner]
    print(specify_partner(words.partner, partner, feeds, registry.codes), end="")
    return 0
