"""Words of the page that more than one part of it uses."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hub.recipes import find_recipe

RECIPES_ZH = {
    "yuan": "元，最多两位小数",
    "yuan_commas": "元，可带千分位逗号",
    "money_wan": "万元，最多六位小数",
    "fen": "分，整数",
    "ppm": "小数，如 0.015",
    "percent": "百分数，如 1.5",
    "permille": "千分数，如 15",
    "integer": "整数",
    "boolean": "true 或 false",
    "date": "日期，格式",
    "time": "北京时间，格式",
    "iso_time": "带时区的 ISO 8601 时间",
    "epoch_ms": "1970 年以来的毫秒数",
    "month": "月份，格式",
    "upper": "字母大小写均可",
}
"""Every recipe of hub/recipes.py; a test finds the missing ones."""


def form_of(words: str | None) -> str:
    """How a value must be written, in both languages; empty when any text will do."""
    if words is None:
        return ""
    name = words.partition(" ")[0]
    recipe, argument = find_recipe(words)
    if argument:
        return f"{RECIPES_ZH[name]} `{argument}`"
    return f"{RECIPES_ZH[name]} / {recipe.meaning}"


def row(cells: Iterable[str]) -> str:
    """A line of a Markdown table; a bar inside a cell is no border."""
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A Markdown table with an empty line after it; nothing when there is no row."""
    body = [row(cells) for cells in rows]
    return [row(heads), "|" + "---|" * len(heads), *body, ""] if body else []


def code(text: str) -> str:
    """The text as it is written, also when it holds a bar or a tab."""
    shown = text.replace("\t", "\\t")
    return f"`{shown}`" if shown else ""
