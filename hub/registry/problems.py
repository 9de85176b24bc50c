"""What is wrong with a mapping file, and on which line of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

Place = tuple[str | int, ...]


@dataclass(frozen=True)
class Problem:
    """What is wrong with a mapping file, where, so that an admin can mend it without reading code."""

    file: str
    line: int
    cause: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.cause}"


def problem_at(path: Path, place: Place, cause: str) -> Problem:
    """A problem of a file, with the line on which the place stands."""
    root = yaml.compose(path.read_text("utf-8"), Loader=yaml.CSafeLoader)
    return Problem(path.name, line_of(root, place), cause)


def line_of(root: yaml.Node | None, place: Place) -> int:
    """The line, from 1, of the deepest part of ``place`` that stands in the file."""
    if root is None:
        return 1
    node, line = root, root.start_mark.line
    for step in place:
        found = _child(node, step)
        if found is None:
            continue  # a step of the checker, such as the chosen kind of a union, stands in no file
        key, node = found
        line = key.start_mark.line
    return int(line) + 1


def _child(node: yaml.Node, step: str | int) -> tuple[yaml.Node, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        return next(((key, value) for key, value in node.value if key.value == str(step)), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step], node.value[step]
    return None
