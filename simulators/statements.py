"""What a simulated receiver says it has of one day: rows of its own ledger, page by page, in its dialect.

A record stands under the day on which it was last sent, in Shanghai.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from simulators.ledger import Ledger
from simulators.platform_checks import Mistake
from simulators.province_ledger import MONEY

_FIGURES = {"fen": 0, "yuan": 2, "wan": 6}


def answer_statement(
    spec: Mapping[str, Any], ledger: Ledger, asked: Mapping[str, Any]
) -> tuple[list[dict[str, Any]], int]:
    """The wanted page and the number of all rows of the day. Raises Mistake for a question that was not agreed on."""
    statement = spec["style"]["statement"]
    try:
        day = datetime.strptime(str(asked[statement["day"]]), statement.get("form", "%Y-%m-%d")).date()
        page, size = int(asked[statement["page"]]), int(asked[statement["size"]])
    except (KeyError, ValueError, TypeError) as error:
        raise Mistake("statement") from error
    if page < 1 or not 1 <= size <= 1000:
        raise Mistake("statement: page")
    found = ledger.effects_of_day(day)
    return [_row(spec, statement, effect) for effect in found[(page - 1) * size : page * size]], len(found)


def _row(spec: Mapping[str, Any], statement: Mapping[str, Any], effect: Mapping[str, Any]) -> dict[str, Any]:
    schema = effect["schema"]
    words = {"accepted": statement["taken"][0], "refused": statement["refused"][0]}
    row = {
        statement["kind"]: schema if "schema" in spec["style"] else spec["records"][schema]["call"],
        statement["key"]: effect["record_key"],
        statement["version"]: effect["version"],
        statement["amount"]: _amount(spec, statement, effect),
        statement["status"]: words.get(effect["status"], statement["waiting"][0]),
    }
    number = effect["remote_id"] if effect["status"] == "accepted" else None
    return {**row, **({statement["id"]: number} if "id" in statement else {})}


def _amount(spec: Mapping[str, Any], statement: Mapping[str, Any], effect: Mapping[str, Any]) -> str | int | None:
    schema, fen = effect["schema"], int(effect["fen"])
    fields = spec["records"][schema].get("fields")
    sent = {agreed if isinstance(agreed, str) else agreed.get("from") for agreed in (fields or {}).values()}
    if not MONEY[schema] or (fields is not None and MONEY[schema] not in sent):
        return None
    figures = _FIGURES[statement.get("as", "fen")]
    if not figures:
        return fen
    return f"{'-' if fen < 0 else ''}{abs(fen) // 10**figures}.{abs(fen) % 10**figures:0{figures}d}"
