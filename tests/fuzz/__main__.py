"""`make fuzz`: so many cases from one seed; `--target NAME --case NUMBER` runs one again and shows all of its error."""

from __future__ import annotations

import argparse
import datetime as dt
import sys
import time

from schemas import checks
from tests.fuzz.judging import VERDICTS
from tests.fuzz.runner import SHARES, run, run_one


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--target", choices=SHARES)
    parser.add_argument("--case", type=int)
    words = parser.parse_args()
    checks.today = lambda: dt.date(2026, 11, 23)  # the samples are of this day
    if words.target and words.case is not None:
        run_one(words.target, words.case)
        print("nothing failed")
        return 0
    started = time.monotonic()
    result = run(words.cases, words.seed, lambda text: print(text, flush=True))
    seconds = time.monotonic() - started
    for name, number, said in result.failed[:50]:
        print(f"FAILED --target {name} --case {number}: {said}")
    print(", ".join(f"{code} {count:,}" for code, count in VERDICTS.most_common()))
    print(f"{sum(result.ran.values()):,} cases, seed {words.seed}, {len(result.failed)} failed, {seconds:.0f} s")
    return 1 if result.failed else 0


if __name__ == "__main__":
    sys.exit(main())
