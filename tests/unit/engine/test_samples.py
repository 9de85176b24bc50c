"""A sample that no longer says what is expected is found, and so is an expectation nobody can read."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from hub.registry import read_registry
from hub.samples import EXPECTED, check_sample

MAPPINGS = Path(__file__).parents[3] / "mappings"
FEED = "haidai_txns"
REGISTRY = read_registry(MAPPINGS, FEED, "")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder of mappings with this feed's sample alone."""
    shutil.copytree(MAPPINGS / "samples" / FEED, tmp_path / "samples" / FEED)
    return tmp_path


def check(folder: Path) -> list[str]:
    return check_sample(folder, REGISTRY.feed(FEED), REGISTRY.codes)


def change(folder: Path, edit: Any) -> None:
    """Let the expectation say something else."""
    path = folder / "samples" / FEED / EXPECTED
    expected = json.loads(path.read_text("utf-8"))
    edit(expected)
    path.write_text(json.dumps(expected), "utf-8")


def test_a_sample_that_says_what_is_expected_is_no_problem(folder: Path) -> None:
    """The one kept with the mapping."""
    assert check(folder) == []


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (
            lambda e: e["records"]["account_txn"][0].update(amount_fen=1),
            "record 1 has other values than expected in amount_fen",
        ),
        (lambda e: e["records"]["account_txn"].pop(), "records, "),
        (
            lambda e: e["rejections"].append({"schema": "account_txn", "no": "9", "codes": ["L103"]}),
            "expected account_txn 9 L103",
        ),
        (lambda e: e.pop("records"), "is not what `hub try --json` writes"),
    ],
)
def test_another_outcome_is_told_without_values(folder: Path, edit: Any, words: str) -> None:
    """Field and row are named, never what stands in them."""
    change(folder, edit)
    [problem] = check(folder)
    assert words in problem


@pytest.mark.parametrize("text", ["", "[]", "{", '{"records": [], "rejections": 1}'])
def test_an_expectation_nobody_can_read_is_a_problem(folder: Path, text: str) -> None:
    """Not a crash of `hub check`."""
    (folder / "samples" / FEED / EXPECTED).write_text(text, "utf-8")
    assert [EXPECTED in problem for problem in check(folder)] == [True]


def test_a_feed_needs_a_sample_and_a_sample_its_expectation(folder: Path) -> None:
    """What is missing is said, with the way to make it."""
    (folder / "samples" / FEED / EXPECTED).unlink()
    assert ["`hub try --json`" in problem for problem in check(folder)] == [True]
    shutil.rmtree(folder / "samples")
    assert ["there is no sample" in problem for problem in check(folder)] == [True]
