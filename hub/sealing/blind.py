"""Blind indexes: what an exact search compares instead of the value. Whoever lacks the root can neither make nor guess one."""

from __future__ import annotations

import polars as pl

from hub.sealing.keys import Root
from hub.sealing.suites import Suite

KINDS = ("document", "card", "account", "phone")
"""What may be searched; each has a key of its own, so equal digits of two kinds do not meet."""
INDEX_BYTES = 16
SEPARATORS = r"[\s_.·()\[\]\-\x{2010}-\x{2015}]+"
PLAIN = r"^[0-9A-Z]*$"
OLD_DOCUMENT = r"^[0-9]{15}$"
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECK_LETTERS = "10X98765432"


class BlindIndex:
    """Indexes under one root in one suite."""

    def __init__(self, root: Root, suite: Suite) -> None:
        self._keys = {kind: suite.mac(root.derive(suite, f"blind index {kind}")) for kind in KINDS}

    def index_many(self, kind: str, values: pl.Series) -> pl.Series:
        """The index of each value, null for none; a value that stands many times is computed once."""
        mac = self._keys[kind]
        plain = normalise(kind, values)
        once = plain.unique().drop_nulls()
        made = [mac(text.encode())[:INDEX_BYTES] for text in once]
        found = pl.DataFrame({"text": once, "index": pl.Series(made, dtype=pl.Binary)})
        return plain.to_frame("text").join(found, on="text", how="left", maintain_order="left")["index"]

    def candidates(self, value: str) -> dict[str, bytes]:
        """What this text would be indexed as, by kind."""
        return {kind: self.index_many(kind, pl.Series([value], dtype=pl.String)).item() for kind in KINDS}


def normalise(kind: str, values: pl.Series) -> pl.Series:
    """One way of writing for each number: full-width letters folded, separators gone, X in upper case.

    A document's 15 digits of before 1999 become 18; a phone loses +86 and 0086.
    """
    texts = values.cast(pl.String).to_frame("text")
    text = pl.col("text")
    if not texts["text"].str.contains(PLAIN).all():  # a column that is well written, as most are, costs nothing
        text = text.str.normalize("NFKC").str.replace_all(SEPARATORS, "").str.to_uppercase()
    if kind == "phone":
        text = text.str.replace(r"^(\+|00)86", "").str.replace(r"^86(1[3-9][0-9]{9})$", "$1")
    if kind == "document" and texts.select(text.str.contains(OLD_DOCUMENT).any()).item():
        text = pl.when(text.str.contains(OLD_DOCUMENT)).then(_of_18_digits(text)).otherwise(text)
    return texts.select(text)["text"]


def _of_18_digits(text: pl.Expr) -> pl.Expr:
    body = text.str.slice(0, 6) + pl.lit("19") + text.str.slice(6)
    total = pl.sum_horizontal(
        body.str.slice(place, 1).cast(pl.Int32, strict=False) * weight for place, weight in enumerate(WEIGHTS)
    )
    letter = (total % 11).replace_strict(dict(enumerate(CHECK_LETTERS)), return_dtype=pl.String, default=None)
    return body + letter
