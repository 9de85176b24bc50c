"""Generated pages are those the schemas would write today."""

import pytest

from schemas.catalogue import SCHEMAS
from schemas.codes import CODE_LISTS
from schemas.reference import FOLDER, PAGES, pages

TODAY = pages()


@pytest.mark.parametrize("name", TODAY)
def test_a_page_is_fresh(name: str) -> None:
    """After a change: python -m schemas.reference."""
    assert (PAGES / name).read_text(encoding="utf-8") == TODAY[name]


def test_there_is_a_page_for_each_record_and_no_other() -> None:
    """A page of a record that is gone would mislead."""
    assert {page.stem for page in (PAGES / FOLDER).glob("*.md")} == set(SCHEMAS)


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_page_shows_every_field_code_list_and_rule(name: str) -> None:
    """With label and meaning, each value with its Chinese label."""
    page = TODAY[f"{FOLDER}/{name}.md"]
    for column, spec in SCHEMAS[name].columns().items():
        facts = spec.metadata or {}
        assert f"| {facts['label']} | `{column}` |" in page
        assert f"| {spec.description} |" in page
        assert all(
            f"`{word}` {label}" in page for word, label in CODE_LISTS.get(facts.get("code_list", ""), {}).items()
        )
    for rule, (field, code) in SCHEMAS[name].rule_reasons.items():
        assert f"| `{rule}` |" in page
        assert f"`{field}` | {code} |" in page
