"""`python -m simulators --state DIR`: all partners on this machine, until they are told to stop.

Prints one JSON line with their addresses and secrets when they are ready; the same is in DIR/addresses.json.
"""

import argparse
import asyncio
from datetime import date
from pathlib import Path

from simulators.serve import MAPPINGS, Options, serve


def main() -> None:
    """Read the options and serve."""
    parser = argparse.ArgumentParser(prog="python -m simulators", description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="directory of ledgers, secrets and bank folders")
    parser.add_argument("--seed", type=int, default=7, help="another seed, another city")
    parser.add_argument("--scale", type=float, default=1, help="1 = 200 projects, 5,000 payroll lines")
    parser.add_argument("--day", type=date.fromisoformat, default=date(2026, 11, 23), help="the business day")
    parser.add_argument("--bad-share", type=float, default=0.02, help="share of bad rows in each feed; 0 = none")
    parser.add_argument("--control-port", type=int, default=0, help="port of the control server; 0 = any free one")
    parser.add_argument("--latency", type=float, default=0.3, help="seconds until the province answers a submission")
    parser.add_argument("--rate", type=int, default=20, help="calls a second that the bureau allows")
    parser.add_argument(
        "--mirrored", default="all", help="all, none, or partners made from their mappings, with commas"
    )
    parser.add_argument("--mappings", type=Path, default=MAPPINGS, help="folder of the mappings that are mirrored")
    parser.add_argument(
        "--silent", action="store_true", help="print nothing: addresses and secrets are in addresses.json"
    )
    parser.add_argument("--canaries", type=int, metavar="SEED", help="persons' numbers from a seed, to be looked for")
    asyncio.run(serve(Options(**vars(parser.parse_args()))))


if __name__ == "__main__":
    main()
