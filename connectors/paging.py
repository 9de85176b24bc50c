"""Page after page until everything has come, whatever the partner's rows do meanwhile.

Numbered pages are windows on a list that lives: when a row is updated or withdrawn, those behind it move one place forward,
and the one that crosses the edge of a page already read would never be seen. So after each page the one before it is looked at
again, and what it shows for the first time is taken too. That costs one more call for each page after the first, and nothing
where one page is enough. Pages come in the order in which they were read: of two versions of a row the later one is newer.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field

from connectors.retrying import retried
from hub.errors import PartnerRefused, PartnerUnavailable

MOST_PAGES = 10_000
MOST_PASSES = 4
MOST_DIGITS = 12
"""Of the number of all rows; Python itself does not read thousands of digits."""


@dataclass(frozen=True)
class Page:
    """One answer: its bytes, a digest and a moment of each row, the number of all rows, the token of the next page."""

    body: bytes = field(repr=False)
    marks: tuple[bytes, ...]
    moments: tuple[str, ...] = ()
    total: int | None = None
    following: str | None = None


class NumberedPages:
    """Pages asked for by number or by offset. ``ask`` is one try; it is made again while the answer cannot be right."""

    def __init__(self, place: str, ask: Callable[[int], Page], first: int, *, by_offset: bool = False) -> None:
        self._place, self._ask, self._first, self._by_offset = place, ask, first, by_offset
        self._known: set[bytes] = set()

    def read(self) -> Iterator[Page]:
        """Every page, and those that showed something new when they were looked at again.

        Fewer different rows than announced: some are missing, or the partner holds equal ones. So all is read again until
        nothing new comes.
        """
        for number in range(MOST_PASSES):
            known = len(self._known)
            pages, total = yield from self._pass(keep_all=number == 0)
            if pages == 1 or len(self._known) >= total or (number > 0 and len(self._known) == known):
                return
        raise PartnerUnavailable(f"{self._place}: rows kept moving while they were read {MOST_PASSES} times")

    def _pass(self, *, keep_all: bool) -> Generator[Page, None, tuple[int, int]]:
        """Once through the list; returns how many pages there were and the total that the last one announced."""
        asked: list[tuple[int, int]] = []
        here: set[bytes] = set()
        gathered, before = 0, Page(b"", ())
        while len(asked) < MOST_PAGES:
            position = self._first + (gathered if self._by_offset else len(asked))
            page = retried(lambda: self._try(position, gathered, before))  # noqa: B023
            if self._is_news(page) or (keep_all and page.marks):
                yield page
            recent = yield from self._look_back(asked, here)
            here.update(page.marks, recent)
            asked.append((position, gathered))
            gathered, before = gathered + len(page.marks), page
            if gathered >= (page.total or 0):
                return len(asked), page.total or 0
        raise PartnerRefused(f"{self._place} gave more than {MOST_PAGES} pages")

    def _look_back(self, asked: list[tuple[int, int]], here: set[bytes]) -> Generator[Page, None, set[bytes]]:
        """The pages before, as far back as it takes to meet a row that had been read: what stands before it had been read, too."""
        recent: set[bytes] = set()
        for position, gathered in reversed(asked):
            again = retried(lambda: self._try(position, gathered))  # noqa: B023
            if self._is_news(again):
                yield again
            recent.update(again.marks)
            if again.marks and again.marks[0] in here:
                break
        return recent

    def _is_news(self, page: Page) -> bool:
        """Whether it shows a row for the first time; from now on it does not."""
        known = len(self._known)
        self._known.update(page.marks)
        return len(self._known) > known

    def _try(self, position: int, gathered: int, before: Page | None = None) -> Page:
        page = self._ask(position)
        total = page.total or 0
        if before and page.marks and page.marks == before.marks:
            raise PartnerUnavailable(f"{self._place} gave the same page twice")
        if not page.marks and total > gathered:
            raise PartnerUnavailable(f"{self._place} gave an empty page and announces more")
        if page.marks and gathered + len(page.marks) > total:
            raise PartnerUnavailable(f"{self._place} gave more rows than it announced")
        return page


def token_pages(place: str, ask: Callable[[str | None], Page]) -> Iterator[Page]:
    """Pages of which each names the next one; a single answer is the last of its kind."""
    token, used, gathered, before = None, {""}, 0, Page(b"", ())
    for _ in range(MOST_PAGES):
        page = retried(lambda: _check_token(place, ask(token), used, gathered, before))  # noqa: B023
        if page.marks:
            yield page
        if page.following is None:
            return
        used.add(page.following)
        token, gathered, before = page.following, gathered + len(page.marks), page
    raise PartnerRefused(f"{place} gave more than {MOST_PAGES} pages")


def _check_token(place: str, page: Page, used: set[str], gathered: int, before: Page) -> Page:
    if page.marks and page.marks == before.marks:
        raise PartnerUnavailable(f"{place} gave the same page twice")
    if page.following in used:
        raise PartnerUnavailable(f"{place} gave a token for the second time")
    if page.following is not None and not page.marks:
        raise PartnerUnavailable(f"{place} gave an empty page and announces more")
    if page.following is None and page.total not in (None, gathered + len(page.marks)):
        raise PartnerUnavailable(f"{place} announced {page.total} rows and gave {gathered + len(page.marks)}")
    return page
