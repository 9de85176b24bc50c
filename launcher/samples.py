"""Write one small sample per feed into mappings/samples, as the simulated partners give it: `python -m launcher.samples [FEED …]`.

A feed without a sample fails `hub check`. The samples are synthetic and in clear; a real partner's would be masked.
Beside the partner's files stands what must come of them (hub/samples.py); read it before it is committed.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from hub import bootstrap, pipeline
from hub.feed import Feed
from hub.model import Fetched
from hub.registry import Registry
from hub.samples import EXPECTED, as_json, describe, sample_files
from hub.settings import now
from launcher.stand import hub_environment
from launcher.state import PROJECT
from simulators.running import running

DAY = date(2026, 11, 23)
SUFFIX = {"rest": ".json", "soap": ".xml"}


def write_samples(mappings: Path, feed_ids: Sequence[str] = ()) -> list[Path]:
    """Ask every feed of a tiny day once (or these feeds only) and keep the first batch of each, bad rows included."""
    written: list[Path] = []
    cities = {"scale": 0.1, "bad_share": 0.1, "day": DAY, "mirrored": "all", "mappings": mappings}
    with tempfile.TemporaryDirectory() as state, running(Path(state), **cities) as partners:  # type: ignore[arg-type]
        os.environ |= hub_environment("", Path(state), mappings, partners.addresses)
        partners.control.drop_day()
        registry = bootstrap.open_registry()
        for feed_id in feed_ids or registry.feeds:
            feed = registry.feed(feed_id)
            with bootstrap.open_connector(feed) as connector:
                found = next(found for found in connector.fetch(None, frozenset()) if isinstance(found, Fetched))
            folder = mappings / "samples" / feed_id
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            clear = bootstrap.open_containers().opened(feed.spec.source, pipeline.bytes_of(found.parts), now())
            written += _write(folder, feed.spec.source.connector, replace(found, parts=clear))
            written.append(write_expected(registry, feed))
    return written


def write_expected(registry: Registry, feed: Feed) -> Path:
    """What the hub reads in a feed's sample today."""
    files = sample_files(registry.folder, feed.feed_id)
    reading = pipeline.read_rows(feed, [path.read_bytes() for path in files], files[0].name, registry.codes)
    path = files[0].with_name(EXPECTED)
    path.write_text(as_json(describe(reading.found)), "utf-8")
    return path


def _write(folder: Path, connector: str, found: Fetched) -> list[Path]:
    names = (
        [f"{number}{SUFFIX[connector]}" for number in range(1, 10)] if connector in SUFFIX else [Path(found.name).name]
    )
    paths = [folder / name for name, _ in zip(names, found.parts, strict=False)]
    for path, part in zip(paths, pipeline.bytes_of(found.parts), strict=False):
        path.write_bytes(part)
    return paths


if __name__ == "__main__":
    for path in write_samples(PROJECT / "mappings", sys.argv[1:]):
        print(path.relative_to(PROJECT))
