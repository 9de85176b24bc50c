"""Write one small sample per feed into mappings/samples, as the simulated partners give it: `python -m launcher.samples`.

A feed without a sample that reads cleanly fails `hub check`. The samples are synthetic; a real partner's would be masked.
"""

import os
import shutil
import tempfile
from datetime import date
from pathlib import Path

from hub import bootstrap
from hub.model import Fetched
from launcher.stand import hub_environment
from launcher.state import PROJECT
from simulators.running import running

DAY = date(2026, 11, 23)
SUFFIX = {"rest": ".json", "soap": ".xml"}


def write_samples(folder: Path) -> list[Path]:
    """Ask every feed of a tiny city once and keep the first batch of each."""
    written: list[Path] = []
    with tempfile.TemporaryDirectory() as state, running(Path(state), scale=0.02, bad_share=0, day=DAY) as partners:
        os.environ |= hub_environment("", Path(state), folder.parent, partners.addresses)
        partners.control.drop_day()
        for feed_id, feed in bootstrap.open_registry().feeds.items():
            with bootstrap.open_connector(feed) as connector:
                found = next(found for found in connector.fetch(None, frozenset()) if isinstance(found, Fetched))
            shutil.rmtree(folder / feed_id, ignore_errors=True)
            (folder / feed_id).mkdir(parents=True)
            written += _write(folder / feed_id, feed.spec.source.connector, found)
    return written


def _write(folder: Path, connector: str, found: Fetched) -> list[Path]:
    names = (
        [f"{number}{SUFFIX[connector]}" for number in range(1, 10)] if connector in SUFFIX else [Path(found.name).name]
    )
    paths = [folder / name for name, _ in zip(names, found.parts, strict=False)]
    for path, part in zip(paths, found.parts, strict=False):
        path.write_bytes(part)
    return paths


if __name__ == "__main__":
    for path in write_samples(PROJECT / "mappings" / "samples"):
        print(path.relative_to(PROJECT))
