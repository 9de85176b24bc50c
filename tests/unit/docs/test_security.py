"""docs/security.md names tests and settings that exist, and no threat without either a test or the decision that will bring one."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

PROJECT = Path(__file__).parents[3]
TEXT = (PROJECT / "docs" / "security.md").read_text(encoding="utf-8")
TEST = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
OTHERS = re.compile(r"`(00(?:3[1-6]))`")


@cache
def named_in(name: str) -> frozenset[str]:
    """Every test of a file, those in classes too."""
    tree = ast.parse((PROJECT / name).read_text(encoding="utf-8"))
    return frozenset(
        node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    )


def rows(heading: str) -> list[list[str]]:
    part = TEXT.partition(f"## {heading}")[2].partition("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[1:]]


def test_every_named_test_exists() -> None:
    """A renamed test takes its name along."""
    named = TEST.findall(TEXT)
    assert len(named) > 40
    assert [
        f"{file}::{test}" for file, test in named if not (PROJECT / file).exists() or test not in named_in(file)
    ] == []
    assert [
        name for name in re.findall(r"`((?:tests|hub|launcher)/[\w/]+\.py)`", TEXT) if not (PROJECT / name).exists()
    ] == []


def test_every_named_setting_is_read_somewhere() -> None:
    """In the hub itself."""
    code = "".join(path.read_text(encoding="utf-8") for path in (PROJECT / "hub").rglob("*.py"))
    assert [name for name in sorted(set(re.findall(r"HUB_[A-Z_]+[A-Z]", TEXT))) if name not in code] == []


def test_every_threat_has_a_test_or_the_decision_that_brings_one() -> None:
    """Four columns each; those of the ten kinds of harm are all there."""
    found = rows("Threats and controls")
    assert {len(row) for row in found} == {4}
    assert [row[0] for row in found if not (TEST.search(row[3]) or OTHERS.search(row[3]))] == []
    kinds = re.findall(r"\*\*([^*]+)\*\*", "".join(row[0] for row in found))
    assert kinds == ["Database thief", "Stolen backup", "DBA who edits", "Hostile partner file", "Hostile server or line (MITM)",
                     "Replay", "Malicious operator", "Malicious admin", "Lost keys", "Log reader", "Supply chain"]  # fmt: skip


def test_every_layer_of_the_assessment_says_how_it_is_shown() -> None:
    """But the machine room, which is not ours."""
    found = rows("Evidence for a cryptography assessment")
    assert {len(row) for row in found} == {5}
    assert [row[0] for row in found if not TEST.search(row[4])] == ["物理和环境 physical"]
