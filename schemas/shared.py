"""What every shared record has in common: the facts about the record that are not columns.

The envelope (ids, batch, digest) belongs to the store and is not declared here.
"""

from typing import ClassVar

import dataframely as dy

Verdict = tuple[str, str]
"""A field and the reason code (hub/reasons.csv) under which it was turned down."""


class Shared(dy.Schema):
    """A record of the exchange; each subclass is the only source of truth for its table, checks and pages."""

    label: ClassVar[str] = ""
    label_en: ClassVar[str] = ""
    business_key: ClassVar[tuple[str, ...]] = ()
    money: ClassVar[str] = ""
    """The fen column whose sum is compared at every hop; empty where a record has no money."""
    area: ClassVar[str] = ""
    """The area column by which receivers are chosen: nine digits (area_code) or six (area6_code)."""
    parents: ClassVar[tuple[str, ...]] = ()
    """Schemas a receiver must know before it can take this one."""
    source: ClassVar[str] = ""
    """The law or standard the record follows."""
    rule_reasons: ClassVar[dict[str, Verdict]] = {}
    """Rules over several columns: which field is blamed, with which code."""
