"""What a partner's own developers need to know, written from the mapping: how to send, what stands in each column, which values are
understood, what is checked, what comes back. Chinese first, English beside it. One page per partner."""

from __future__ import annotations

from collections.abc import Sequence

from hub.feed import Feed, PartnerSpec
from hub.mapping import Codes
from hub.specification.columns import describe_columns
from hub.specification.reports import describe_reports
from hub.specification.transport import describe_door, describe_transport

__all__ = ["specify_partner"]


def specify_partner(name: str, partner: PartnerSpec, feeds: Sequence[Feed], codes: Codes) -> str:
    """The interface specification of one partner as Markdown; pure, the same feeds give the same page."""
    lines = [f"# {partner.title} (`{name}`)", ""]
    if not feeds:
        lines += ["这个伙伴只接收数据。 This partner only receives.", ""]
    for feed in feeds:
        lines += [f"## {feed.spec.title} (`{feed.feed_id}`)", ""]
        lines += describe_transport(feed.spec)
        lines += describe_columns(feed.spec, codes)
        lines += describe_reports(feed.spec, codes)
    lines += describe_door(name, feeds)
    return "\n".join(lines).rstrip() + "\n"
