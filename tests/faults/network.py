"""Partners and lines that misbehave while the day goes on: every knob of every simulated partner.

A worker meets the trouble, a later one finds it gone; what was taken in the trouble must not be taken again.
"""

from __future__ import annotations

from random import Random

from .flows import drop_file, offer_all
from .invariants import Checker, Violation
from .scenarios import DAY, Play, Scenario, finish
from .stand import BANK, Stand

WEB = ("slow", "error_5xx", "429", "cut", "html_200", "timeout_after_commit")
PAGED = (*WEB, "duplicate_page")
LATER = (*WEB, "late_answer", "too_many", "maintenance", "fail_batch", "doubled_result", "stray_result")
AT_ONCE = (*WEB, "doubled_result", "stray_result", "unreadable")
KNOBS = {
    "bureau": PAGED,
    "nat": PAGED,
    "daizong": PAGED,
    "province": LATER,
    "taian_receiver": (*WEB, "late_answer", "doubled_result", "stray_result", "unreadable"),
    "jining_receiver": AT_ONCE,
    "inspection_receiver": AT_ONCE,
    BANK: ("slow", "refuse_logins", "cut_after_kb"),
}
SECONDS = {"slow": 0.05, "cut_after_kb": 2}
"""Knobs that are no number of calls; the others misbehave for some calls."""
CALLS = {"unreadable": (1, 2), "fail_batch": (1, 2)}
"""What is turned down as a whole more often than this is given up (R003), as it should be."""


def misbehaving(partner: str, knob: str) -> Play:
    """One partner misbehaves in one way while a worker does the whole day."""

    def play(stand: Stand, checker: Checker, chance: Random) -> tuple[int, list[Violation]]:
        offer_all(stand, checker, chance)
        stand.control.fault(partner, knob, SECONDS.get(knob, chance.choice(CALLS.get(knob, (1, 2, 7)))))
        with stand.worker(impatient=True) as worker:
            worker.run(DAY)
        stand.control.clear_faults()
        return 1, finish(stand)

    return play


def replaced_while_read(stand: Stand, checker: Checker, chance: Random) -> tuple[int, list[Violation]]:
    """A file grows, and is put back, between the listing and the end of its reading."""
    name = drop_file(stand, checker, chance)
    path = stand.bank_file(name)
    content = path.read_bytes()
    with stand.worker() as worker:
        is_there = worker.run_asleep(DAY, "file.read", 1, lambda: path.write_bytes(content + b"D|9999|grows\r\n"))
    path.write_bytes(content)
    return int(is_there), finish(stand)


NETWORK = (
    *(Scenario(f"{partner}: {knob}", misbehaving(partner, knob)) for partner, knobs in KNOBS.items() for knob in knobs),
    Scenario("a file replaced while it is read", replaced_while_read),
)
