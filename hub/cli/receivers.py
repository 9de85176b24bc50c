"""Commands about receivers: owe one what it was never sent."""

from __future__ import annotations

import argparse

from hub import pipeline
from hub.bootstrap import open_house


def catch_up(words: argparse.Namespace) -> int:
    """Owe a receiver every record of its areas that it was never sent, after its file was added or mended."""
    owed = pipeline.catch_up(open_house(), words.partner)
    for schema, records in owed.items():
        if records:
            print(f"{schema}: {records}")
    print(f"{sum(owed.values())} records are owed to {words.partner} now and go out with the next delivery")
    return 0
