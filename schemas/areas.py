"""The area list (GB/T 2260, GB/T 10114), read once when the first area is checked."""

import csv
from functools import cache
from importlib.resources import files

import polars as pl


@cache
def known_areas(digits: int) -> pl.Series:
    """Codes of that length which a record may carry; a county or city stands for itself when padded with zeros."""
    usable = [row["code"] for row in _rows() if row["status"] != "retired"]
    padded = {code.ljust(digits, "0") for code in usable if len(code) <= digits}
    return pl.Series("area", sorted(padded), dtype=pl.String)


@cache
def retired_counties() -> pl.Series:
    """Six-digit codes that were valid once, such as 371202 (莱城区, since 2019 in 济南)."""
    return pl.Series("area", [row["code"] for row in _rows() if row["status"] == "retired"], dtype=pl.String)


@cache
def _rows() -> list[dict[str, str]]:
    text = files("mappings").joinpath("codes/areas.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
