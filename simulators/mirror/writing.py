"""Values as texts: each recipe of a mapping, written the way a partner would; and texts that the recipe cannot read."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Any

from simulators.mirror.plain import Codes, FieldWords, MirrorError

CHINA = timezone(timedelta(hours=8))


def _decimal(value: int, decimals: int, least: int = 0) -> str:
    """A count of the decimals-th digit as a decimal, with at least so many decimals."""
    sign, size = ("-" if value < 0 else ""), abs(int(value))
    whole, rest = divmod(size, 10**decimals)
    digits = f"{rest:0{decimals}d}".rstrip("0").ljust(least, "0")
    return f"{sign}{whole}.{digits}" if digits else f"{sign}{whole}"


def _yuan_commas(value: int, _: str) -> str:
    sign, size = ("-" if value < 0 else ""), abs(value)
    return f"{sign}{size // 100:,}.{size % 100:02d}"


def _form(value: Any, form: str) -> str:
    return str(value.strftime(form))


def _time(value: datetime, form: str) -> str:
    return china(value).strftime(form)


def _month(value: str, form: str) -> str:
    return datetime.strptime(value, "%Y-%m").strftime(form)


def china(value: datetime) -> datetime:
    """The moment on a clock in China, zone included."""
    return value.replace(tzinfo=CHINA) if value.tzinfo is None else value.astimezone(CHINA)


RECIPES: Mapping[str, Callable[[Any, str], str]] = {
    "yuan": lambda value, _: _decimal(value, 2, 2),
    "yuan_commas": _yuan_commas,
    "money_wan": lambda value, _: _decimal(value, 6),
    "fen": lambda value, _: str(value),
    "ppm": lambda value, _: _decimal(value, 6),
    "percent": lambda value, _: _decimal(value, 4),
    "permille": lambda value, _: _decimal(value, 3),
    "integer": lambda value, _: str(value),
    "boolean": lambda value, _: "true" if value else "false",
    "date": _form,
    "time": _time,
    "iso_time": lambda value, _: china(value).isoformat(timespec="seconds"),
    "epoch_ms": lambda value, _: str(round(china(value).timestamp() * 1000)),
    "epoch_s": lambda value, _: str(round(china(value).timestamp())),
    "month": _month,
    "upper": lambda value, _: str(value),
}
MONEY = frozenset({"yuan", "yuan_commas", "money_wan", "fen"})
UNREADABLE = {"yuan": "1234.567", "money_wan": "1234.5678901"}
"""What is too fine; other amounts get an exponent, which no recipe reads."""


@dataclass(frozen=True)
class Kind:
    """A recipe with its argument."""

    name: str
    argument: str

    @property
    def is_money(self) -> bool:
        """Whether it reads an amount."""
        return self.name in MONEY


def kind_of(words: FieldWords) -> Kind:
    """The recipe a field is read by; plain text has none."""
    name, _, argument = (words.recipe or "").partition(" ")
    return Kind(name, argument)


def write(value: Any, words: FieldWords, codes: Codes) -> str:
    """The text from which the hub reads this value."""
    if value is None:
        return ""
    text = _plain(value, kind_of(words))
    return text if words.codes is None else _code_of(text, words.codes, codes)


def _plain(value: Any, kind: Kind) -> str:
    if kind.name:
        if kind.name not in RECIPES:
            raise MirrorError(f"the mirror cannot write {kind.name}; add it to simulators/mirror/writing.py")
        return RECIPES[kind.name](value, kind.argument)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date):
        raise MirrorError("a date needs a recipe")
    return str(value)


def _code_of(word: str, table: str, codes: Codes) -> str:
    """The first code of a table that means this word."""
    if table not in codes:
        raise MirrorError(f"there is no table codes/{table}.csv")
    for code, value in codes[table].items():
        if value == word:
            return code
    raise MirrorError(f"codes/{table}.csv has no code for {word}")


def impossible(form: str, value: str) -> str | None:
    """The written date with a 30th of February, None where its form shows no day."""
    if "%d" not in form or "%m" not in form:
        return None
    names = {"%Y": r"(?P<Y>\d{4})", "%m": r"(?P<m>\d\d)", "%d": r"(?P<d>\d\d)"}
    shape = re.sub(r"%[A-Za-z]|.", lambda found: names.get(found[0], _shape(found[0])), form)
    match = re.fullmatch(shape, value)
    if match is None:
        return None
    letters = list(value)
    for name, digits in (("m", "02"), ("d", "30")):
        start, end = match.span(name)
        letters[start:end] = digits
    return "".join(letters)


def _shape(piece: str) -> str:
    return r"\d+" if piece.startswith("%") else re.escape(piece)
