"""Which partners take part: every kind of them, which a newcomer's machine exchanges in minutes, or all there are.

The hub of a stand sees links to the mappings of those who take part, so an edited mapping is seen at once.
"""

import shutil
from collections.abc import Collection
from pathlib import Path

FIRST = ("bureau", "haidai", "wenhe", "daizong", "nat")
"""Simulated by hand, each from its own specification; they always take part."""
PERMITS = ("window", "housing", "transport", "water")
"""Who defines the projects that everybody else speaks of."""
EACH_KIND = (
    *FIRST,
    *PERMITS,
    *("land", "trading", "realname", "video", "hrss", "cityadmin"),
    *("hotline12345", "petition", "visits", "superior"),
    *("inspection", "province", "sms"),
    *("yimeng", "chengshan", "penglai", "weihe", "shuhe"),
    *("yishan", "kongtong", "changbai"),
)
"""Every kind of partner, every protocol, and the layouts that differ most."""


def link_mappings(source: Path, target: Path, partners: Collection[str]) -> Path:
    """Make `target` the mappings of these partners: links to the files of `source`; what it held before is forgotten."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for path in source.iterdir():
        is_feed = path.suffix == ".yaml" and path.name != "partners.yaml"
        if path.name != "__pycache__" and (not is_feed or path.stem.partition("_")[0] in partners):
            (target / path.name).symlink_to(path.resolve())
    return target
