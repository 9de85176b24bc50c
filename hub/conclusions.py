"""A conclusion to what the clue's channel reads: the row of a call or the text of a file, in the partner's own words. Pure.

The officer's opinion and every name stay with us: a channel may publish what it is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from hub.digest import sm3_hex
from hub.feed import ConclusionCall, ConclusionFile, ConclusionReport, FieldSpec
from hub.lines import return_text
from hub.model import Conclusion
from hub.recipes import ZONE
from hub.writing import RECIPES, Codes, find_recipe, write_rows
from schemas.codes import CODE_LISTS

FACTS: Mapping[str, pl.DataType] = {
    "serial": pl.String(),
    "kind": pl.String(),
    "number": pl.Int64(),
    "result": pl.String(),
    "sentence": pl.String(),
    "doc_no": pl.String(),
    "org_name": pl.String(),
    "concluded_at": pl.Datetime("us", ZONE),
    "concluded_on": pl.Date(),
    "due_on": pl.Date(),
    "solved_people": pl.Int64(),
    "solved_fen": pl.Int64(),
}
"""What a conclusion can say. ``kind`` is first or correction; ``sentence`` is made here and names nobody."""
WORDS: Mapping[str, tuple[str, ...]] = {"result": tuple(CODE_LISTS["clue_result"]), "kind": ("first", "correction")}
"""Facts that are words of ours: a code table must have each of them."""


def kind_of(conclusion: Conclusion) -> str:
    """Whether this channel was told of this clue before."""
    return "correction" if conclusion.number > 1 else "first"


def say(conclusion: Conclusion) -> str:
    """The conclusion in one Chinese sentence that may be published: result, what was paid, document. It names no person."""
    parts = [CODE_LISTS["clue_result"][conclusion.result]]
    if conclusion.solved_people is not None:
        parts.append(f"涉及 {conclusion.solved_people} 人")
    if conclusion.solved_fen is not None:
        parts.append(f"已支付 {conclusion.solved_fen // 100}.{conclusion.solved_fen % 100:02d} 元")
    if conclusion.doc_no:
        parts.append(f"文书 {conclusion.doc_no}")
    head = "更正：核处结论" if kind_of(conclusion) == "correction" else "核处结论"
    return f"{head}：{'，'.join(parts)}"


def facts_of(conclusion: Conclusion) -> dict[str, Any]:
    """Everything that may be told, by the names of ``FACTS``."""
    return {
        "serial": conclusion.serial,
        "kind": kind_of(conclusion),
        "number": conclusion.number,
        "result": conclusion.result,
        "sentence": say(conclusion),
        "doc_no": conclusion.doc_no,
        "org_name": conclusion.org_name,
        "concluded_at": conclusion.concluded_at,
        "concluded_on": conclusion.concluded_at.date(),
        "due_on": conclusion.due_on,
        "solved_people": conclusion.solved_people,
        "solved_fen": conclusion.solved_fen,
    }


def key_of(conclusion: Conclusion) -> str:
    """What the partner knows a repeated telling by: made of what is told, so a hub restored from a backup has the same."""
    facts = facts_of(conclusion)
    parts = [conclusion.channel, conclusion.step_key, *(f"{name}={facts[name]}" for name in FACTS if name != "due_on")]
    return sm3_hex("|".join(parts).encode())[:32]


def render_call(report: ConclusionCall, conclusion: Conclusion, codes: Codes) -> list[dict[str, str]]:
    """The clue's key in their words, then the fields the mapping names."""
    return [{**conclusion.key, **_told(report, conclusion, codes)}]


def render_conclusion(report: ConclusionFile, conclusion: Conclusion, codes: Codes) -> bytes:
    """A file in GB18030: ``C``, its own name and the number of lines; then the cells in the order of the mapping."""
    _, _, name = conclusion_path(report, conclusion).rpartition("/")
    lines = [["C", name, "1"], list(_told(report, conclusion, codes).values())]
    return return_text(lines, report.separator, report.newline)


def conclusion_path(report: ConclusionFile, conclusion: Conclusion) -> str:
    """Where the file goes: its day is the day on which the conclusion was owed, whenever it is told."""
    filled = {"date": f"{conclusion.owed_at:%Y%m%d}", "serial": conclusion.serial, "number": str(conclusion.number)}
    path = report.file
    for word, text in filled.items():
        path = path.replace(f"{{{word}}}", text)
    return path


def _told(report: ConclusionReport, conclusion: Conclusion, codes: Codes) -> dict[str, str]:
    frame = pl.DataFrame([facts_of(conclusion)], schema=dict(FACTS), orient="row")
    row = write_rows(report.fields, frame, codes)[0]
    return {word: "" if value is None else str(value) for word, value in row.items()}


def field_fault(spec: FieldSpec, codes: Codes) -> str | None:
    """What is wrong with one field of a conclusion; None when it can be told."""
    if spec.const is not None:
        return None
    if spec.from_ is None or spec.from_ not in FACTS:
        return f"a conclusion knows {', '.join(FACTS)}"
    if spec.codes is not None:
        return _codes_fault(spec.from_, spec.codes, codes)
    if spec.as_ is None:
        return None if not FACTS[spec.from_].is_temporal() else f"{spec.from_} needs a form (as: …)"
    try:
        recipe, _ = find_recipe(spec.as_)
    except KeyError:
        return f"there is no recipe {spec.as_}; known: {', '.join(RECIPES)}"
    except ValueError as error:
        return str(error)
    return None if recipe.fits(spec.from_, FACTS[spec.from_]) else f"{spec.as_} does not write {spec.from_}"


def _codes_fault(fact: str, table: str, codes: Codes) -> str | None:
    if table not in codes:
        return f"there is no table mappings/codes/{table}.csv"
    if missing := [word for word in WORDS.get(fact, ()) if word not in codes[table]]:
        return f"table {table} lacks our {', '.join(missing)}"
    return None if fact in WORDS else f"{fact} is no word of ours; only {', '.join(WORDS)} have codes"


def report_fault(report: ConclusionReport) -> str | None:
    """What a conclusion lacks as a whole: a channel must know which clue it is about and how it ended."""
    told = {spec.from_ for spec in report.fields.values()}
    if not told & {"result", "sentence"}:
        return "a conclusion tells the result or the sentence"
    if isinstance(report, ConclusionFile) and "serial" not in told:
        return "a file tells the serial of the clue"
    return None
