"""What sealing costs: both suites against no cryptography at all, and against a call per value: `python -m bench.sealing [rows]`.

Every round does all variants one after the other, and medians of the rounds are compared, because the machine is shared.
*off* does what the store does anyway: the same text as bytes, in the same form. A row is a payroll line: name, document, card, and
the last two of them indexed.
"""

import hmac
import statistics
import sys
import time
from collections.abc import Callable

import polars as pl

from hub.sealing import SUITES, BlindIndex, DataKey, Root, make_secret, open_many, seal_many

ROUNDS = 5
COLUMNS = ("worker_name", "id_no", "card_no")
TABLE = "record.payroll_line"


def rows_made(count: int) -> pl.DataFrame:
    """Lines of as many workers as lines: nothing repeats, which is the worst case of the index."""
    return pl.select(pl.int_range(count, dtype=pl.Int64).alias("n")).select(
        pl.format("1/313/PAY{}/{}", pl.col("n") // 40, pl.col("n")).alias("row"),
        pl.format("测{}", pl.col("n") % 5000).alias("worker_name"),
        pl.format("37010219{}", (pl.col("n") + 9_001_010_000)).alias("id_no"),
        pl.format("622202{}", (pl.col("n") + 1_000_000_000_000)).alias("card_no"),
    )


def as_hex(values: list[bytes | None]) -> pl.Series:
    """The form in which COPY takes bytes."""
    return (
        pl.Series(values, dtype=pl.Binary)
        .to_frame("b")
        .select(pl.lit("\\x") + pl.col("b").bin.encode("hex"))
        .to_series()
    )


def off(frame: pl.DataFrame) -> None:
    """The same columns without any cryptography."""
    for column in COLUMNS:
        frame.select(pl.lit("\\x") + pl.col(column).cast(pl.Binary).bin.encode("hex"))


def one_by_one(frame: pl.DataFrame) -> None:
    """One call of a library for each value, keys set up each time: what a model's field would do."""
    suite, secret = SUITES["aes"], bytes(32)
    for column in COLUMNS:
        for row, text in frame.select("row", column).iter_rows():
            seal_many(DataKey(1, suite, secret), TABLE, column, [row], [text])
            if column != "worker_name":
                hmac.new(secret, text.encode(), "sha256").digest()


def whole(suite_name: str) -> Callable[[pl.DataFrame], None]:
    """Seal the three columns and index two, as the store does."""
    suite = SUITES[suite_name]
    key, index = DataKey(1, suite, make_secret(suite)), BlindIndex(Root(bytes(range(32))), suite)

    def run(frame: pl.DataFrame) -> None:
        names = [row.encode() for row in frame["row"]]
        for column in COLUMNS:
            as_hex(seal_many(key, TABLE, column, names, frame[column].to_list()))
        for column, kind in (("id_no", "document"), ("card_no", "card")):
            index.index_many(kind, frame[column])

    return run


def single(suite_name: str, what: str) -> Callable[[pl.DataFrame], None]:
    """One column: sealed, opened or indexed alone."""
    suite = SUITES[suite_name]
    key, index = DataKey(1, suite, make_secret(suite)), BlindIndex(Root(bytes(range(32))), suite)
    kept: dict[int, list[bytes | None]] = {}

    def run(frame: pl.DataFrame) -> None:
        if what == "index":
            index.index_many("document", frame["id_no"])
        elif what == "seal":
            seal_many(key, TABLE, "id_no", frame["row"].to_list(), frame["id_no"].to_list())
        elif frame.height not in kept:
            kept[frame.height] = seal_many(key, TABLE, "id_no", frame["row"].to_list(), frame["id_no"].to_list())
        else:
            open_many({1: key}, TABLE, "id_no", frame["row"].to_list(), kept[frame.height])

    return run


def main() -> int:
    """Print values a second, and every ratio against *off* of the same rounds."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    frame = rows_made(count)
    few = frame.head(count // 10)
    variants: dict[str, tuple[Callable[[pl.DataFrame], None], pl.DataFrame]] = {"off": (off, frame)}
    variants |= {f"{name} rows": (whole(name), frame) for name in SUITES}
    variants["aes one by one"] = (one_by_one, few)
    variants |= {f"{name} {what}": (single(name, what), frame) for name in SUITES for what in ("seal", "open", "index")}
    costs: dict[str, list[float]] = {name: [] for name in variants}
    for run, some in variants.values():  # once to warm up; opening needs something sealed first
        run(some)
    for _ in range(ROUNDS):
        for name, (run, some) in variants.items():
            began = time.perf_counter()
            run(some)
            costs[name].append((time.perf_counter() - began) / some.height)
    base = statistics.median(costs["aes rows"])
    print(f"{count:,} rows, medians of {ROUNDS} rounds; a row is 3 values sealed and 2 indexed")
    for name, seconds in costs.items():
        median = statistics.median(seconds)
        unit = "values" if name.split()[-1] in ("seal", "open", "index") else "rows"
        print(f"{name:16} {1 / median:12,.0f} {unit}/s   {median * 1e6:7.2f} µs   {median / base:6.2f} of aes rows")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
