"""`python -m simulators.mirror check`: one line for each mirrored feed, rows written against records read back."""

import argparse
import sys
import tempfile
from datetime import date
from pathlib import Path

from simulators.mirror.check import check_feeds, open_stock
from simulators.mirror.plain import read_plan
from simulators.serve import MAPPINGS


def main() -> int:
    """Check the feeds that are asked for, all without names; 1 when one of them does not agree."""
    parser = argparse.ArgumentParser(prog="python -m simulators.mirror", description=__doc__)
    parser.add_argument("verb", choices=["check"])
    parser.add_argument("feeds", nargs="*", help="feed ids; all when left out")
    parser.add_argument("--mappings", type=Path, default=MAPPINGS)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--scale", type=float, default=1)
    parser.add_argument("--day", type=date.fromisoformat, default=date(2026, 11, 23))
    parser.add_argument("--bad-share", type=float, default=0.02)
    wish = parser.parse_args()
    stock = open_stock(read_plan(wish.mappings), wish.seed, wish.scale, wish.bad_share, wish.day)
    bad = 0
    with tempfile.TemporaryDirectory() as folder:
        for found in check_feeds(stock, Path(folder) / "ledger.sqlite", wish.feeds):
            print(found, flush=True)
            bad += bool(found.difference)
    print(f"{bad} feeds do not agree")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
