"""Until when a clue must be concluded where its channel does not say so: by law or else by the exchange's own rule.

Regulation 423 article 17 gives the labour inspection sixty working days; the rules on petitions (2022) give sixty days of the
calendar. The national platform and the hotlines publish no term: twenty working days, which an order from above may shorten.
"""

import datetime as dt
from dataclasses import dataclass

import polars as pl

from schemas.workdays import add_workdays


@dataclass(frozen=True)
class Term:
    """So many days after the day a clue was registered."""

    days: int
    is_workdays: bool = True


TERMS: dict[str, Term] = {
    "nat": Term(20),
    "12345": Term(20),
    "12333": Term(20),
    "petition": Term(60, is_workdays=False),
    "net_politics": Term(20),
    "ishandong": Term(20),
    "city_miniapp": Term(20),
    "web": Term(60),
    "visit": Term(60),
    "superior": Term(20),
    "leader": Term(20),
    "auto_warning": Term(60),
}
"""Every channel of the code list ``clue_channel``."""
URGENT: dict[str, Term] = {"red": Term(5), "yellow": Term(10), "blue": Term(20)}
"""A clue under supervision, by its level: whichever term ends first counts."""


def conclude_by(channel: pl.Expr, received_on: pl.Expr, supervise_level: pl.Expr, due_on: pl.Expr) -> pl.Expr:
    """The day until which a clue must be concluded: the channel's own deadline, else the term of channel and supervision."""
    legal = _end(channel, received_on, TERMS)
    urgent = _end(supervise_level, received_on, URGENT)
    outside_the_calendar = received_on.dt.offset_by("60d")
    return pl.coalesce(due_on, pl.min_horizontal(legal, urgent), outside_the_calendar)


def _end(word: pl.Expr, day: pl.Expr, terms: dict[str, Term]) -> pl.Expr:
    """The last day of the term that a word has; null for any other."""
    found = pl.lit(None, dtype=pl.Date)
    for term in dict.fromkeys(terms.values()):
        words = [name for name, given in terms.items() if given == term]
        end = add_workdays(day, term.days) if term.is_workdays else day.dt.offset_by(f"{term.days}d")
        found = pl.when(word.is_in(words)).then(end).otherwise(found)
    return found


def conclude_day(channel: str, received_on: dt.date, supervise_level: str | None, due_on: dt.date | None) -> dt.date:
    """The same for one clue."""
    given = [
        pl.lit(channel), pl.lit(received_on, dtype=pl.Date),
        pl.lit(supervise_level, dtype=pl.String), pl.lit(due_on, dtype=pl.Date),
    ]  # fmt: skip
    day: dt.date = pl.select(conclude_by(*given)).item()
    return day
