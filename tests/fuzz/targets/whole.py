"""The whole reading of any feed's mutated sample; mapping files; return files."""

from __future__ import annotations

import random
import tempfile
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from hub.feed import FeedSpec, FileReport, Receives
from hub.model import Batch, BatchState, Outcome, Status
from hub.pipeline import read_rows
from hub.registry.checking import Checker
from hub.registry.files import read_file
from hub.reporting import render_file
from tests.corpus.outcomes import registry, unbalanced
from tests.corpus.plain import MAPPINGS, sample
from tests.fuzz.judging import judged
from tests.fuzz.mutations import mutate, odd_text


def reading(dice: random.Random) -> None:
    """Refused with a code, or every row accounted for."""
    feed = registry().feed(dice.choice(sorted(registry().feeds)))
    name, data = sample(feed.feed_id)
    found = judged(lambda: read_rows(feed, [mutate(data, dice)], name, registry().codes))
    if found is not None:
        assert list(unbalanced(found, feed.spec.records)) == []


@cache
def mapping_texts() -> list[tuple[bytes, type]]:
    feeds = [(path.read_bytes(), FeedSpec) for path in sorted(MAPPINGS.glob("*_*.yaml"))]
    return [*feeds, *((path.read_bytes(), Receives) for path in sorted((MAPPINGS / "receivers").glob("*.yaml")))]


def mapping_file(dice: random.Random) -> None:
    """A mutated mapping is a mapping, or a list of problems with file and line; never an exception."""
    text, model = dice.choice(mapping_texts())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "haidai_payrolls.yaml"
        path.write_bytes(mutate(text, dice))
        spec, problems = read_file(path, model)
        assert spec is not None or problems
        assert all(str(problem) for problem in problems)
        if isinstance(spec, FeedSpec):
            assert all(str(problem) for problem in _checked(path, spec))


def _checked(path: Path, spec: FeedSpec) -> list[object]:
    return list(Checker(path, spec, dict(registry().partners), dict(registry().codes)).problems())


REPORT = FileReport(file="out/{date}/RET_{name}", form="summary_and_every_line", newline="crlf")
BATCH = Batch(
    1, "haidai_payrolls", "in/20261123/a.txt", "0" * 64, BatchState.STORED, ("0",), datetime(2026, 11, 23, tzinfo=UTC)
)


def return_file(dice: random.Random) -> None:
    """Whatever a row or a receiver says, a return file is lines of as many cells, and reads back."""
    statuses = [_status(number, dice) for number in range(1, dice.randrange(2, 9))]
    content = render_file(REPORT, BATCH, statuses, "a.txt", len(statuses))
    lines = content.decode("gb18030").split("\r\n")
    shown = [one for one in statuses if one.printed_no != "0"]
    assert lines.pop() == ""
    assert len(lines) in (len(shown) + 1, len(statuses) + 1)
    assert {line.count("|") for line in lines[:1]} == {7}
    assert {line.count("|") for line in lines[1:]} <= {4}


def _status(number: int, dice: random.Random) -> Status:
    said = [odd_text(dice) for _ in range(5)]
    outcome = dice.choice(list(Outcome))
    return Status("payroll_line", number, said[0] or "1", {}, outcome, said[1], said[2], said[3], said[4])
