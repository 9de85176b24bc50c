"""Conclude: tell each channel what its clues came to, one clue at a time, each under its own serial number.

What is owed was written down when the step or the clue was stored. A worker that dies after telling leaves the conclusion
begun: the next tells it again under the same key, or puts the same file again, and the partner knows it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from connectors.interface import CallReporter, FileReporter
from hub.conclusions import conclusion_path, key_of, render_call, render_conclusion
from hub.digest import sm3_hex
from hub.errors import PartnerRefused
from hub.feed import CallReport, ConclusionCall, ConclusionFile, ConclusionReport, Feed
from hub.model import Conclusion
from hub.pipeline.guarding import check_lease
from hub.pipeline.house import House, note
from hub.pipeline.recording import call_digest, record_concluded
from hub.points import reach
from hub.store import conclusions
from hub.store.database import working

Reporter = FileReporter | CallReporter
MOST_REFUSED = 3


def tell_conclusions(house: House, feed: Feed, reporter: Reporter) -> int:
    """Tell the feed's partner every conclusion that it may hear now; returns how many. Another worker at it is left to it.

    Raises PartnerRefused at the end when some were not taken; the others were told. Several in a row are not about one clue.
    """
    if feed.spec.conclusion is None:
        return 0
    told, refused, in_a_row = 0, list[int](), 0
    with conclusions.telling_alone(house.engine, feed.feed_id) as alone:
        while alone and in_a_row < MOST_REFUSED and (conclusion := _begin(house, feed, refused)) is not None:
            if _is_taken(house, feed.feed_id, feed.spec.conclusion, reporter, conclusion):
                told, in_a_row = told + 1, 0
            else:
                refused.append(conclusion.conclusion_id)
                in_a_row += 1
    note("told conclusions", feed=feed.feed_id, told=told, refused=len(refused))
    if refused:
        raise PartnerRefused(
            f"{feed.spec.partner} refused {len(refused)} conclusions of {feed.feed_id}; see `hub clues`"
        )
    return told


def _begin(house: House, feed: Feed, refused: Sequence[int]) -> Conclusion | None:
    """The next conclusion, its key frozen."""
    with working(house.engine) as work:
        conclusion = conclusions.next_owed(work, feed.feed_id, refused)
        if conclusion is not None and conclusion.call_key is None:
            conclusions.begin_telling(work, conclusion.conclusion_id, key_of(conclusion))
            reach("conclude.beginning")
    return conclusion


def _is_taken(house: House, feed_id: str, report: ConclusionReport, reporter: Reporter, conclusion: Conclusion) -> bool:
    """Tell one conclusion and note it. The partner's own words of refusal may quote the clue, so they go no further."""
    reach("conclude.begun")
    try:
        digest = _tell(house, report, reporter, conclusion)
    except PartnerRefused:
        with working(house.engine) as work:
            conclusions.note_refused(work, conclusion.conclusion_id)
        return False
    reach("conclude.told")
    with working(house.engine) as work:
        conclusions.note_told(work, conclusion.conclusion_id)
        record_concluded(work, feed_id, digest, "file" if isinstance(report, ConclusionFile) else "call")
        reach("conclude.noting")
    reach("conclude.noted")
    return True


def _tell(house: House, report: ConclusionReport, reporter: Reporter, conclusion: Conclusion) -> str:
    """Tell it; returns the digest of what was told."""
    codes = house.registry.codes
    if isinstance(report, ConclusionFile):
        path, content = conclusion_path(report, conclusion), render_conclusion(report, conclusion, codes)
        reporter.put(path, content, partial(check_lease, house))  # type: ignore[union-attr]
        return sm3_hex(content)
    rows, key = render_call(report, conclusion, codes), conclusion.call_key or key_of(conclusion)
    reporter.send(_call(report), rows, key)  # type: ignore[union-attr]
    return call_digest(key, rows)


def _call(report: ConclusionCall) -> CallReport:
    """The words of a call that a connector asks for."""
    return CallReport(call=report.call, rows=report.rows, per_call=1, of=(), fields=report.fields)


def feeds_owed(house: House) -> dict[str, str]:
    """The feeds whose partner may be told a conclusion now, with that partner."""
    with working(house.engine) as work:
        owing = conclusions.feeds_owing(work)
    found = (house.registry.feeds.get(feed_id) for feed_id in owing)
    return {feed.feed_id: feed.spec.partner for feed in found if feed is not None and feed.spec.conclusion is not None}
