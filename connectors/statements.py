"""Statements: what a receiver says it has of one day, asked page by page in its own dialect and read into lines."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import polars as pl

from connectors.open_api import OpenApiReceiver
from hub.errors import MappingInvalid, PartnerRefused, PartnerUnavailable
from hub.feed import Receives, Statement
from hub.model import StatementLine
from hub.parsing.trees import at_path
from hub.recipes import RECIPES

MOST_PAGES = 10_000
MOST_DIGITS = 9
"""Of a version or a number of rows; Python itself does not read thousands of digits."""
RECIPE_OF = {"fen": "fen", "yuan": "yuan", "wan": "money_wan"}
"""An amount is written to a receiver by one name and read by another."""


def read_statement(receiver: OpenApiReceiver, receives: Receives, day: date) -> list[StatementLine]:
    """Every record that the receiver says was last sent to it on this day.

    Raises PartnerUnavailable when its rows moved while they were read, so that the day is asked for again.
    """
    spec = receives.style.statement
    if spec is None:
        raise MappingInvalid(f"the file of {receives.partner} describes no statement")
    rows: list[Mapping[str, Any]] = []
    for page in range(1, MOST_PAGES + 1):
        tree = receiver.ask(spec.call, {spec.day: day.strftime(spec.form), spec.page: page, spec.size: spec.per_page})
        found, total = at_path(tree, spec.rows), at_path(tree, spec.total)
        if not isinstance(found, list) or not _is_number(total) or not all(isinstance(row, dict) for row in found):
            raise PartnerRefused(f"{spec.call} was answered with a statement nobody agreed on")
        rows += found
        if len(rows) >= int(total) or not found:
            break
    if len(rows) != int(total):
        raise PartnerUnavailable(f"{spec.call} announced {int(total)} rows and gave {len(rows)}")
    return _lines(spec, receives, rows)


def _lines(spec: Statement, receives: Receives, rows: list[Mapping[str, Any]]) -> list[StatementLine]:
    words = {word: name for name in ("taken", "refused", "waiting") for word in getattr(spec, name)}
    statuses = {"taken": "accepted", "refused": "refused", "waiting": "waiting"}
    calls = {taken.call: schema for schema, taken in receives.records.items()}
    amounts = _amounts(spec, rows)
    lines = []
    for row, fen in zip(rows, amounts, strict=True):
        kind, version, status = str(row.get(spec.kind)), row.get(spec.version), str(row.get(spec.status))
        schema = kind if receives.style.schema_ is not None else calls.get(kind, "")
        if schema not in receives.records or status not in words or not isinstance(row.get(spec.key), str):
            raise PartnerRefused(f"{spec.call} speaks of a kind of record or a status nobody agreed on")
        if not _is_number(version):
            raise PartnerRefused(f"{spec.call} gives no version of a record")
        number = row.get(spec.id) if spec.id else None
        lines.append(
            StatementLine(
                schema,
                str(row[spec.key]),
                statuses[words[status]],
                fen=fen,
                version=int(str(version)),
                remote_id=str(number or ""),
            )
        )
    return lines


def _is_number(value: Any) -> bool:
    """Whether it is a whole number of few digits, as the reader gives every number: as text."""
    text = str(value)
    return text.isascii() and text.isdigit() and len(text) < MOST_DIGITS


def _amounts(spec: Statement, rows: list[Mapping[str, Any]]) -> list[int | None]:
    """Fen of each row; None where it says nothing. Never a guess: what cannot be read is refused."""
    texts = [None if (value := row.get(spec.amount)) is None else str(value) for row in rows]
    frame = pl.DataFrame({"text": texts}, schema={"text": pl.String})
    read = frame.select(RECIPES[RECIPE_OF[spec.as_]].read(pl.col("text"), "").alias("fen")).to_series()
    if read.null_count() != frame["text"].null_count():
        raise PartnerRefused(f"{spec.call} gives an amount that is not written as agreed")
    return read.to_list()
