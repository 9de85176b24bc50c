"""Shares cases out among the targets, runs them with hypothesis, and gathers what failed instead of ending at the first."""

from __future__ import annotations

import random
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.fuzz.targets import answers, cells, lines, packed, trees, whole

Target = Callable[[random.Random], int | None]
SHARES: dict[str, tuple[Target, int]] = {
    "json": (trees.json_page, 200),
    "xml": (trees.xml_file, 180),
    "zip": (packed.zipped, 110),
    "gzip": (packed.gzipped, 110),
    "delimited": (lines.delimited, 40),
    "quoted": (lines.quoted, 40),
    "fixed": (lines.fixed, 40),
    "utf16": (lines.wide, 20),
    "any": (lines.any_layout, 20),
    "workbook": (packed.workbook, 10),
    "values": (cells.rows_of_values, 120),
    "page": (answers.page, 40),
    "receipt": (answers.receipt, 30),
    "return": (whole.return_file, 30),
    "mapping": (whole.mapping_file, 7),
    "reading": (whole.reading, 3),
}
"""Of a thousand cases; those that cost little have more of them."""
CASES_OF = {"values": cells.ROWS}
"""Cases in one file, where a file holds many."""


@dataclass
class Result:
    """How many cases ran, and what failed: target, number to run it again by, last line of the error."""

    ran: Counter[str] = field(default_factory=Counter)
    failed: list[tuple[str, int, str]] = field(default_factory=list)


def run_one(name: str, number: int) -> int:
    """One case by its number; returns how many it counts for."""
    return SHARES[name][0](random.Random(number)) or 1


def run(cases: int, start: int, say: Callable[[str], None] = lambda text: None) -> Result:
    """So many cases in all, the same ones for the same start."""
    result = Result()
    for name, (_, share) in SHARES.items():
        examples = max(1, cases * share // 1000 // CASES_OF.get(name, 1))
        _run_target(name, examples, start, result)
        say(f"{name:10} {result.ran[name]:7,} cases, {sum(1 for one in result.failed if one[0] == name)} failed")
    return result


def _run_target(name: str, examples: int, start: int, result: Result) -> None:
    @seed(start)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.integers(0, 2**64 - 1))
    def case(number: int) -> None:
        try:
            result.ran[name] += run_one(name, number)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # a panic of polars is no Exception
            result.ran[name] += CASES_OF.get(name, 1)
            where = traceback.extract_tb(error.__traceback__)[-1]
            said = str(error).splitlines()[0][:200] if str(error) else ""
            result.failed.append((name, number, f"{type(error).__name__}: {said} ({where.name}:{where.lineno})"))

    case()
