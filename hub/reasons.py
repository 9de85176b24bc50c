"""The one catalogue of stable codes: why a file, a row or a record was turned down, and what to do about it.

The texts live in reasons.csv, so that officials can improve them without touching a program.
"""

import csv
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from typing import Literal, cast

Level = Literal["file", "line", "receipt", "system"]


@dataclass(frozen=True)
class Reason:
    """A code with its short name, its usual cause and the way out, in both languages."""

    code: str
    level: Level
    zh: str
    en: str
    cause_zh: str
    cause_en: str
    fix_zh: str
    fix_en: str


def reason(code: str) -> Reason:
    """The reason behind a code; an unknown code is a mistake in the program."""
    return _by_code()[code]


def all_reasons() -> list[Reason]:
    """Every reason, ordered by code."""
    return list(_by_code().values())


@cache
def _by_code() -> dict[str, Reason]:
    text = files("hub").joinpath("reasons.csv").read_text(encoding="utf-8")
    reasons = [_read(row) for row in csv.DictReader(text.splitlines())]
    return {reason.code: reason for reason in sorted(reasons, key=lambda reason: reason.code)}


def _read(row: dict[str, str]) -> Reason:
    values = {field.name: row[field.name] for field in fields(Reason)}
    return Reason(level=cast(Level, values.pop("level")), **values)
