"""Generated pages are those the schemas would write today."""

import pytest

from schemas.reference import PAGES, pages


@pytest.mark.parametrize("name", pages())
def test_a_page_is_fresh(name: str) -> None:
    """After a change: python -m schemas.reference."""
    assert (PAGES / name).read_text(encoding="utf-8") == pages()[name]
