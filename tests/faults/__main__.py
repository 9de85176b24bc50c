"""`make faults`: the whole matrix, bounded; writes the record of the run and the page of commit points.

python -m tests.faults [--seeds 1,2,3] [--chains 12] [--length 6] [--scenarios 1] [--stands 2] [--airflow 12] [--minutes 45]
                       [--no-page]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from . import airflow, report, running
from .matrix import Episode, Verdict, plan
from .network import NETWORK
from .scenarios import SCENARIOS, Scenario

RECORD = Path(__file__).parents[2] / "var" / "faults"


def main(words: Sequence[str]) -> int:
    """Run, tell, write; the exit code is 0 when nothing was violated."""
    options = _read(words)
    seeds = [int(seed) for seed in options.seeds.split(",")]
    started = time.monotonic()
    print(f"seeds {options.seeds}; {options.stands} stands at once; record in {RECORD}", flush=True)
    with (
        tempfile.TemporaryDirectory(prefix="faults-", ignore_cleanup_errors=True) as folder,
        running.ground(Path(folder)) as on,
    ):
        reached = running.measure(on)
        kills = list(plan(reached, seeds, options.chains, options.length))
        work: list[Episode | tuple[Scenario, int]] = [one for one in kills if not one.is_chain]
        work += [(scenario, seed) for seed in seeds[: options.scenarios] for scenario in (*NETWORK, *SCENARIOS)]
        work += [one for one in kills if one.is_chain]  # last: what time leaves out is at random anyway
        verdicts = running.run_all(on, work, options.stands, options.minutes, _tell)
    print(f"{len(work) - len(verdicts)} of {len(work)} episodes left out, for want of time", flush=True)
    if options.airflow:
        verdicts.append(airflow.play(seeds[0], options.airflow, print))
        _tell(verdicts[-1])
    report.write_lines(RECORD / "report.tsv", verdicts)
    report.write_page(report.PAGE if options.page else RECORD / "commit-points.md", verdicts, seeds)
    injected, broken = sum(one.injected for one in verdicts), [one for one in verdicts if one.violations]
    minutes = (time.monotonic() - started) / 60
    print(
        f"{len(verdicts)} episodes, {injected} faults injected, {len(broken)} with a violation, {minutes:.0f} minutes"
    )
    return 1 if broken else 0


def _read(words: Sequence[str]) -> argparse.Namespace:
    reader = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    reader.add_argument("--seeds", default="1,2,3", help="numbers with commas between")
    reader.add_argument("--chains", type=int, default=12, help="chains of kills for each seed")
    reader.add_argument("--length", type=int, default=6, help="kills in a chain")
    reader.add_argument(
        "--scenarios", type=int, default=1, help="for how many of the seeds all other scenarios are played"
    )
    reader.add_argument("--stands", type=int, default=2, help="stands at once")
    reader.add_argument("--airflow", type=int, default=12, help="kills during a day on real Airflow; 0: no such day")
    reader.add_argument("--minutes", type=float, default=45, help="after which no episode is begun any more")
    reader.add_argument("--no-page", dest="page", action="store_false", help="leave docs/reference alone")
    return reader.parse_args(words)


def _tell(verdict: Verdict) -> None:
    said = "; ".join(str(violation) for violation in verdict.violations[:3]) or (
        "kept" if verdict.injected else "not reached"
    )
    print(f"{verdict.seconds:5.1f} s  seed {verdict.seed}  {verdict.scenario}: {said}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
