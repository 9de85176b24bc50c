"""What sealing costs where it happens: payroll lines written into a real PostgreSQL, sealed in both suites and not at all.

`python -m bench.sealed_store [rows]`. *off* writes envelopes and indexes of the same length with nothing computed, so that only
cryptography and what comes with it differ (an index in random order costs the database more). Rounds are interleaved and medians
compared, because the machine is shared.
"""

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import polars as pl
import sqlalchemy as sa

from hub.digest import sm3_texts
from hub.migrations import migrate
from hub.model import Sorted
from hub.store import records, sealed
from hub.store.database import open_database, working
from hub.store.keys import sealing_key
from launcher.postgres import EmbeddedPostgres
from schemas.catalogue import SCHEMAS

ROUNDS = 5
BATCH = """insert into batch (feed_id, source_name, digest, state, parts, mapping_digest, hub_version)
           values ('bench', :name, :name, 'stored', '{}', '', '') returning batch_id"""


def lines(count: int, turn: int) -> Sorted:
    """So many new payroll lines of as many workers."""
    n = pl.int_range(count, dtype=pl.Int64)
    empty = {name: pl.lit(None, dtype=column.dtype) for name, column in SCHEMAS["payroll_line"].columns().items()}
    known = {
        "bank3_code": pl.lit("313"),
        "batch_no": pl.lit(f"PAY{turn}"),
        "line_no": n.cast(pl.Int32),
        "worker_name": pl.format("测{}", n % 5000),
        "id_type": pl.lit("01"),
        "id_no": pl.format("37010219{}", n + 9_001_010_000),
        "card_no": pl.format("622202{}", n + 1_000_000_000_000),
        "net_fen": n % 1_000_000,
        "result": pl.lit("success"),
        "pay_month": pl.lit("2026-10"),
        "permit_no": pl.lit("370911202601010101"),
        "area6_code": pl.lit("370911"),
    }
    frame = pl.select(
        pl.lit(0, dtype=pl.Int32).alias("#part"),
        n.cast(pl.Int32).alias("#line"),
        n.cast(pl.String).alias("#no"),
        pl.lit("{}").alias("#key"),
        pl.lit("{}").alias("#row"),
        pl.format("313/PAY{}/{}", pl.lit(turn), n).alias("#record_key"),
        (n % 1_000_000).alias("#fen"),
        **{**empty, **known},
    )
    digests = pl.Series("#digest", sm3_texts(frame["#record_key"]), dtype=pl.String)
    nothing = pl.DataFrame(schema={"#part": pl.Int32, "#line": pl.Int32, "#row": pl.String, "#fen": pl.Int64})
    return Sorted("payroll_line", frame.with_columns(digests), nothing)


@contextmanager
def switched_off() -> Iterator[None]:
    """Envelopes of the right length and form, and nothing computed."""

    def hollow(key: object, table: str, column: str, rows: object, texts: list[str | None]) -> list[bytes | None]:
        head = b"\x01\x01" + bytes(32)
        return [None if text is None else head + text.encode() for text in texts]

    def index(work: object) -> mock.Mock:
        blank = pl.Series([bytes(16)], dtype=pl.Binary)
        return mock.Mock(index_many=lambda kind, values: blank.new_from_index(0, len(values)))

    with (
        mock.patch.object(sealed, "seal_many", hollow),
        mock.patch.object(sealed, "blind_index", index),
        mock.patch.object(records, "keyed", lambda work, frame, column: frame),
    ):
        yield


def store(engine: sa.Engine, count: int, turn: int) -> float:
    """Seconds for one batch, its commit included."""
    found = lines(count, turn)
    began = time.perf_counter()
    with working(engine) as work:
        batch_id = work.execute(sa.text(BATCH), {"name": f"{turn}"}).scalar_one()
        records.write_rows(work, batch_id, found, answer_every_row=True)
    return time.perf_counter() - began


def open_suite(server: EmbeddedPostgres, suite: str) -> sa.Engine:
    """A database of its own, sealed in this suite."""
    os.environ["HUB_SUITE"] = suite
    server.create_database(suite)
    engine = open_database(server.url(suite))
    migrate(engine)
    with working(engine) as work:
        sealing_key(work)
    return engine


def main() -> int:
    """Print rows a second and the ratio to *off* of the same rounds."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    with tempfile.TemporaryDirectory() as folder, EmbeddedPostgres(Path(folder)) as server:
        os.environ["HUB_KEYS"] = f"{folder}/keys"
        engines = {suite: open_suite(server, suite) for suite in ("aes", "sm")}
        seconds: dict[str, list[float]] = {"off": [], "aes": [], "sm": []}
        for turn in range(ROUNDS + 1):
            with switched_off():
                seconds["off"].append(store(engines["aes"], count, 2 * turn))
            seconds["aes"].append(store(engines["aes"], count, 2 * turn + 1))
            seconds["sm"].append(store(engines["sm"], count, turn))
        for engine in engines.values():
            engine.dispose()
    medians = {name: statistics.median(some[1:]) for name, some in seconds.items()}
    print(f"{count:,} payroll lines a batch, medians of {ROUNDS} rounds, commit included")
    for name, median in medians.items():
        cost, share = median / count * 1e6, median / medians["off"]
        print(f"{name:4} {count / median:10,.0f} rows/s   {cost:7.1f} µs a row   {share:5.2f} of off")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
