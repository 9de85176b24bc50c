"""What counts as a finding of the canary day."""

from __future__ import annotations

from launcher.canary import SPOKEN, leaks_of
from launcher.hiding_places import Searched
from launcher.leaks import Leak


def test_only_what_a_command_says_on_a_screen_may_be_masked() -> None:
    """In a log or a table a masked number is a finding too, and a plain one everywhere."""
    allowed = Leak(f"{SPOKEN}/003-who.txt", "masked", "id", 1, "")
    found = [Leak("logs/a.log", "masked", "id", 1, ""), Leak(f"{SPOKEN}/004-find.txt", "plain", "card", 1, ""),
             Leak("hub:record.worker", "sm3", "phone", 1, "")]  # fmt: skip
    assert leaks_of(Searched(leaks=[allowed, *found])) == found
