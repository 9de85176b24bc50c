"""Columns nobody takes: a plausible text for each, because a partner's file is never empty where we do not look."""

from collections.abc import Iterable, Mapping
from datetime import date

from simulators.mirror.plain import MirroredFeed

_BY_WORD: tuple[tuple[tuple[str, ...], str], ...] = (
    (("时间", "Time", "time", "TIME"), "{day:%Y%m%d}181500"),
    (("日期", "Date", "date", "DATE"), "{day:%Y%m%d}"),
    (("金额", "余额", "amount", "Amount", "AMT"), "0.00"),
    (("笔数", "count", "Count"), "0"),
    (("币种", "urrency"), "CNY"),
    (("编码", "ncoding"), "GB18030"),
    (("单位", "unit"), "yuan"),
    (("版本", "ersion"), "1.0"),
    (("序号", "编号", "批次", "流水", "No", "no", "ID", "id"), "{number}"),
)


def fill(column: str, day: date, number: int, width: int | None = None) -> str:
    """A text for a column that no field is read from."""
    pattern = next((text for words, text in _BY_WORD if any(word in column for word in words)), "1")
    text = pattern.format(day=day, number=number)
    return text if width is None else text[:width]


def fill_row(
    cells: dict[str, str],
    columns: Iterable[str],
    taken: Iterable[str],
    day: date,
    number: int,
    widths: Mapping[str, int] | None = None,
) -> None:
    """Fill what the row does not say yet: empty where a field may be read from it, else something."""
    read = set(taken)
    for column in columns:
        if column not in cells:
            cells[column] = "" if column in read else fill(column, day, number, (widths or {}).get(column))


def columns_at(feed: MirroredFeed, place: str) -> tuple[list[str], set[str]]:
    """All own columns of a place that the mapping names, in its order, and those of them that a field is read from."""
    named: dict[str, None] = {}
    taken: set[str] = set()
    for words in feed.records.values():
        if words.place == place:
            for field_words in words.fields.values():
                taken.update(field_words.columns)
            columns = [column for field_words in words.fields.values() for column in field_words.columns]
            named.update(dict.fromkeys([*columns, *words.key.values(), *words.ignore]))
    return [name for name in named if not name.startswith(("../", "@"))], taken


def header_value(agreed: Mapping[str, str], parts: Mapping[str, str]) -> str:
    """What the header has to say: a constant or a part of the file's name."""
    wanted = str(agreed["equals"])
    return parts.get(wanted[1:], "") if wanted.startswith("@") else wanted
