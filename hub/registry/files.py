"""Read one YAML file into its model, or into problems that name the line; no oddity of YAML gets through."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from hub.registry.problems import Problem, line_of

Model = TypeVar("Model", bound=BaseModel)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def read_file(path: Path, model: type[Model]) -> tuple[Model | None, list[Problem]]:
    try:
        text = path.read_text("utf-8")
        root = yaml.compose(text, Loader=yaml.CSafeLoader)
        if root is None:
            return None, [Problem(path.name, 1, "the file is empty")]
        if found := [Problem(path.name, node.start_mark.line + 1, cause) for node, cause in _oddities(root)]:
            return None, found
        return model.model_validate(yaml.load(text, Loader=yaml.CSafeLoader)), []
    except OSError as error:
        return None, [Problem(path.name, 1, f"cannot be read: {error.strerror}")]
    except UnicodeDecodeError as error:
        return None, [Problem(path.name, 1, f"is not UTF-8 (byte {error.start})")]
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        return None, [Problem(path.name, line, f"is not YAML: {error.problem}")]
    except yaml.reader.ReaderError as error:
        line = next((n for n, words in enumerate(text.splitlines(), 1) if _CONTROL.search(words)), 1)
        return None, [Problem(path.name, line, f"is not YAML: {error.reason}")]
    except RecursionError:
        return None, [Problem(path.name, 1, "is nested too deeply, or an alias holds itself")]
    except ValidationError as error:
        return None, [_explain(path, root, dict(fault)) for fault in error.errors(include_url=False)]


def _oddities(node: yaml.Node) -> Iterator[tuple[yaml.Node, str]]:
    """What YAML allows and a mapping does not: a key twice, a key that is no word, a date that does not exist."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                yield key, "a key should be a word"
                continue
            if key.value in seen:
                yield key, f"{key.value} stands twice"
            seen.add(key.value)
            yield from _oddities(value)
    elif isinstance(node, yaml.SequenceNode):
        for child in node.value:
            yield from _oddities(child)
    else:
        try:
            yaml.constructor.SafeConstructor().construct_object(node)
        except ValueError as error:
            yield node, f"{node.value}: {error}; put it in quotes if it is text"


def _explain(path: Path, root: yaml.Node | None, fault: dict[str, Any]) -> Problem:
    place = tuple(fault["loc"])
    words = ".".join(str(step) for step in place if step != "[key]")
    cause = _cause(fault)
    return Problem(path.name, line_of(root, place), f"{words}: {cause}" if words else cause)


def _cause(fault: dict[str, Any]) -> str:
    """What pydantic found, for readers who do not know it."""
    kind, value = fault["type"], fault["input"]
    if kind in ("string_type", "model_type") and isinstance(value, bool | int | float | date):
        what = "yes or no" if isinstance(value, bool) else "a date" if isinstance(value, date) else "a number"
        return f"YAML reads this as {what}; put it in quotes if it is text"
    known = {
        "missing": "this word is missing",
        "extra_forbidden": "there is no such word here",
        "model_type": "words with values belong here, such as title: …",
        "string_type": "text belongs here",
    }
    return known.get(kind, str(fault["msg"]).removeprefix("Value error, "))
