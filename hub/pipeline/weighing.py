"""Weigh a repair: the batch as it stands held against the batch as it would be, before anything is written. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from hub.corrections import SPOT, Correction
from hub.errors import NotAllowed
from hub.feed import Feed
from hub.model import Sorted, Tally
from hub.pipeline.reading import Reading
from hub.reasons import reason
from hub.recipes import add_up
from hub.store.records import Written

Spots = Sequence[tuple[int, int]]
Stood = Mapping[str, tuple[int, int]]
"""Rows and fen by what they count as in the tally: rejected, unchanged, stored."""
MOST_SHOWN = 20


@dataclass(frozen=True)
class Weighed:
    """What a repair changes: for each schema the rows that become other than they were, and what is declared of all."""

    changed: Mapping[str, tuple[Spots, Sorted]]
    before: Mapping[str, Sorted]
    declared: Mapping[str, int | None]

    def row_text(self, correction: Correction) -> str:
        """The corrected row as it is kept beside reasons."""
        for spots, found in self.changed.values():
            if correction.spot in spots:
                return str(found.records.filter(_at([correction.spot]))["#row"].item(0))
        return ""

    def tally(self, schema: str, tally: Mapping[str, Any], stood: Stood, written: Written) -> Tally:
        """The account with these rows moved. A row that stood nowhere was a rejection told before, counted as unchanged."""
        rejected, unchanged, stored = (stood.get(word, (0, 0)) for word in ("rejected", "unchanged", "stored"))
        unkept = self._told_before(schema, stood)
        shown_rejected = tally["rejected_fen"] - tally["unread_fen"] - rejected[1]
        stored_fen = tally["stored_fen"] - stored[1] + written.stored_fen
        unchanged_fen = tally["unchanged_fen"] - unchanged[1] - unkept[1] + written.unchanged_fen
        declared, shown = self.declared[schema], shown_rejected + stored_fen + unchanged_fen
        unread = tally["unread_fen"] if declared is None else declared - shown
        return Tally(
            schema=schema,
            fetched_rows=tally["fetched_rows"],
            fetched_fen=shown + unread,
            stored_rows=tally["stored_rows"] - stored[0] + written.stored_rows,
            stored_fen=stored_fen,
            rejected_rows=tally["rejected_rows"] - rejected[0],
            rejected_fen=shown_rejected + unread,
            unchanged_rows=tally["unchanged_rows"] - unchanged[0] - unkept[0] + written.unchanged_rows,
            unchanged_fen=unchanged_fen,
            unread_fen=unread,
            unkept_rows=tally["unkept_rows"] - unkept[0],
            unkept_fen=tally["unkept_fen"] - unkept[1],
            declared_rows=tally["declared_rows"],
            declared_fen=tally["declared_fen"],
        )

    def _told_before(self, schema: str, stood: Stood) -> tuple[int, int]:
        """Rows and fen of those that stand nowhere: they were turned down and told of before, and left no line."""
        spots, _ = self.changed[schema]
        rejected, unchanged, stored = (stood.get(word, (0, 0)) for word in ("rejected", "unchanged", "stored"))
        missing = len(spots) - rejected[0] - unchanged[0] - stored[0]
        if not missing:
            return 0, 0
        return missing, add_up(self.before[schema].rejections.filter(_at(spots))["#fen"]) - rejected[1]


def weigh_repair(
    feed: Feed, before: Reading, after: Reading, corrections: Sequence[Correction], rejected: Mapping[str, Spots]
) -> Weighed:
    """What the corrections change; ``rejected`` are those of the rows that stand as rejections of a schema.

    Raises NotAllowed: S042 when a corrected row is still turned down, another row would be, or a record that stands would get
    another key; S043 when the file's own total would not fit any more.
    """
    old = {found.schema: found for found in before.found}
    changed: dict[str, tuple[Spots, Sorted]] = {}
    declared: dict[str, int | None] = {}
    for found in after.found:
        place = feed.spec.records[found.schema].rows
        spots = [one.spot for one in corrections if one.place == place]
        _check_good(found, spots, rejected.get(found.schema, ()))
        _check_others(found, old[found.schema], spots)
        declared[found.schema] = after.parsed.declared.fen if place == "detail" else None
        _check_total(found, old[found.schema], declared[found.schema])
        if moved := _changed(found, old[found.schema], spots, rejected.get(found.schema, ())):
            mine = found.records.filter(_at(moved))
            changed[found.schema] = (moved, replace(found, records=mine, rejections=found.rejections.head(0),
                                                    repeated_rows=0, repeated_fen=0))  # fmt: skip
    return Weighed(changed, old, declared)


def _at(spots: Spots) -> pl.Expr:
    """Rows at these parts and lines."""
    wanted = pl.Series("spots", [f"{part}/{row}" for part, row in spots], dtype=pl.String)
    return pl.concat_str("#part", pl.lit("/"), "#line").is_in(wanted.to_list())


def _check_good(found: Sorted, spots: Spots, rejected: Spots) -> None:
    still = found.rejections.filter(_at(spots))
    if still.is_empty():
        if found.records.filter(_at(rejected)).height < len(rejected):
            raise NotAllowed(f"the batch holds a later row of the same {found.schema}, which counts", code="S042")
        return
    said = [
        f"row {row['#no']}: {why['column'] or why['field'] or found.schema} {why['code']} {reason(why['code']).zh}"
        for row in still.iter_rows(named=True)
        for why in row["#reasons"]
    ]
    more = f" … and {len(said) - MOST_SHOWN} more" if len(said) > MOST_SHOWN else ""
    raise NotAllowed(f"still turned down as {found.schema}: {'; '.join(said[:MOST_SHOWN])}{more}", code="S042")


def _check_others(found: Sorted, old: Sorted, spots: Spots) -> None:
    """A corrected row must not take another row's place, nor give a record that stands another key."""
    new = found.rejections.join(old.rejections, on=list(SPOT), how="anti").filter(~_at(spots))
    if new.height:
        said = ", ".join(new["#no"].head(MOST_SHOWN).to_list())
        raise NotAllowed(f"with this, other rows would be turned down as {found.schema}: {said}", code="S042")
    keys = found.records.filter(_at(spots)).join(old.records, on=list(SPOT), how="inner", suffix="_old")
    if keys.filter(pl.col("#record_key") != pl.col("#record_key_old")).height:
        said = f"the {found.schema} that the row is already would get another key; its partner has to send it again"
        raise NotAllowed(said, code="S042")


def _check_total(found: Sorted, old: Sorted, declared: int | None) -> None:
    """Fen that no row shows belong to a rejected row that shows none: without such a row the total must be met."""
    if declared is None:
        return
    left, was = declared - _shown(found), declared - _shown(old)
    has_blank = not found.rejections.filter(pl.col("#fen") == 0).is_empty()
    fits = 0 <= left <= was if has_blank and was else left == 0
    if not fits:
        raise NotAllowed(f"the rows of {found.schema} would not add up to what the file declares any more", code="S043")


def _shown(found: Sorted) -> int:
    return add_up(found.records["#fen"]) + add_up(found.rejections["#fen"]) + found.repeated_fen


def _changed(found: Sorted, old: Sorted, spots: Spots, rejected: Spots) -> Spots:
    """Which of these rows are records now that were none, or that say something else than before."""
    same = found.records.join(old.records, on=[*SPOT, "#digest"], how="semi").filter(~_at(rejected))
    mine = found.records.filter(_at(spots)).join(same, on=list(SPOT), how="anti")
    return [(int(part), int(row)) for part, row in mine.select(SPOT).rows()]
