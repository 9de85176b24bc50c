"""What a file says of itself, held against what it holds: column names, sender and day, row numbers, totals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from hub.errors import FeedChanged
from hub.feed import Totals
from hub.feed.files import Agreed
from hub.model import Declared
from hub.parsing.cells import Cut
from hub.recipes import Recipe, add_up, find_recipe
from hub.text import OLD_LETTERS

MOST_DIGITS = 9
"""Of a number of lines. What is longer stands there by mistake and may be somebody's, so it is not shown."""
_REAL = str.maketrans(OLD_LETTERS)


def check_names(found: Sequence[str], agreed: Sequence[str]) -> None:
    """The line of column names must say the agreed ones, in their order (F008). White space in a name says nothing.

    Names are told only where most are as agreed: else it is no line of names, and what it says may be somebody's data.
    """
    wanted, said = [_plain(name) for name in agreed], [_plain(name) for name in found]
    if wanted == said:
        return
    if 2 * len(set(wanted) & set(said)) < len(wanted):
        raise FeedChanged("the line of column names is missing, or all names have changed", code="F008")
    for name, plain in zip(agreed, wanted, strict=True):
        if plain not in said:
            raise FeedChanged(f"column {name} is missing", code="F008")
    for plain in said:
        if plain not in wanted or said.count(plain) > wanted.count(plain):
            raise FeedChanged(f"column {plain[:40]!r} is not agreed, or stands twice", code="F008")
    moved = next(name for name, plain, other in zip(agreed, wanted, said, strict=True) if plain != other)
    raise FeedChanged(f"column {moved} does not stand in its place", code="F008")


def _plain(name: str) -> str:
    return "".join(name.translate(_REAL).split())


def check_agreed(agreed: Mapping[str, Agreed], header: Mapping[str, str], name_parts: Mapping[str, str]) -> None:
    """Hold the header against what the mapping agreed: sender, business date."""
    for column, one in agreed.items():
        wanted = name_parts.get(one.equals[1:], "") if one.equals.startswith("@") else one.equals
        if header.get(column) != wanted:
            raise FeedChanged(f"header column {column} should say {wanted!r}", code=one.otherwise)


def check_sequence(line: str | None, cut: Cut) -> None:
    """The partner's own line numbers must leave no gap (F012): a gap means that a line was lost on their side."""
    if line is None:
        return
    numbers = cut.frame[line].str.strip_chars().cast(pl.Int64, strict=False)
    everything = set(range(1, cut.frame.height + cut.broken.height + 1))
    gaps = sorted(everything.difference(numbers.drop_nulls().to_list()))
    if len(gaps) > cut.broken.height + numbers.null_count():
        raise FeedChanged(f"the line numbers in {line} leave a gap at {gaps[0]}", code="F012")


def check_totals(totals: Totals | None, header: Mapping[str, str], trailer: Mapping[str, str], cut: Cut) -> Declared:
    """Whatever header and trailer declare = computed, rows (F002) and amount (F003); where both declare it, both must be right.

    A line whose amount cannot be read has no amount to add; what is then missing from the declared sum is theirs, and is
    accounted to them (Declared.fen keeps the file's own total). Without such a line every fen must be there, and never may the
    readable lines add up to more than is declared.
    """
    if totals is None:
        return Declared()
    counted = cut.frame.height + cut.broken.height
    for said in _said(totals.rows, header, trailer):
        if said.lstrip("0") != (str(counted) if counted else ""):
            shown = said if said.isdigit() and len(said) <= MOST_DIGITS else "no number of"
            raise FeedChanged(f"the file declares {shown} detail lines and has {counted}", code="F002")
    if totals.amount is None or totals.of is None or totals.as_ is None:
        return Declared(counted)
    recipe, argument = find_recipe(totals.as_)
    fen = _declared_fen(_said(totals.amount, header, trailer), recipe, argument)
    read = cut.frame.select(recipe.read(pl.col(totals.of).str.strip_chars(), argument)).to_series()
    missing = fen - add_up(read)
    unreadable = read.null_count() + cut.broken.height
    if missing < 0 or (missing and not unreadable):
        raise FeedChanged(f"the file declares {fen} fen and its lines add up to {fen - missing} fen", code="F003")
    return Declared(counted if totals.rows else None, fen)


def _said(column: str | None, *ends: Mapping[str, str]) -> list[str]:
    """What the ends of the file that have this column say in it."""
    return [end[column] for end in ends if column is not None and column in end]


def _declared_fen(said: Sequence[str], recipe: Recipe, argument: str) -> int:
    sums = pl.DataFrame({"text": said}, schema={"text": pl.String}).select(recipe.read(pl.col("text"), argument))
    found = sums.to_series().to_list()
    if None in found:
        raise FeedChanged("the file declares no amount that can be read", code="F003")
    if len(set(found)) != 1:
        shown = " and ".join(f"{fen} fen" for fen in found)
        raise FeedChanged(f"the file declares different amounts: {shown}", code="F003")
    return int(found[0])
