"""The ways that data take, each with what makes something new appear on it, so that there is work in which to be interrupted.

An offer is small and seeded; what of it would be wrong without a reason is written into the checker's allowances.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from simulators.world import City

from .aging import age
from .invariants import Checker
from .stand import BANK, FEEDS, SCALE, Stand

Verbs = list[list[Any]]
PAYROLLS = "haidai_payrolls"
SHOWN = {"bureau": 3, "daizong": 2, "nat": 2}
"""How many more rows each web partner has after an offer."""


@dataclass(frozen=True)
class Flow:
    """``offer`` makes something new appear; ``before`` is done undisturbed, ``verbs`` are what is interrupted,
    the whole day as often as ``rounds`` says."""

    name: str
    offer: Callable[[Stand, Checker, Random], str]
    feeds: Sequence[str] = FEEDS
    before: bool = False
    by_hand: str = ""
    rounds: int = 1

    def verbs(self, name: str) -> Verbs:
        """What a worker is to do after the offer (``name``: the file it may be about)."""
        day: Verbs = [["day", list(self.feeds)]] * self.rounds
        return [["by_hand", self.by_hand, name], *day] if self.by_hand else day


def drop_file(stand: Stand, checker: Checker, chance: Random) -> str:
    """One good payroll file of forty lines."""
    return str(stand.control.drop_extra(BANK, "PAYR"))


def drop_two_versions(stand: Stand, checker: Checker, chance: Random) -> str:
    """A payroll file and its correction, both before anybody looks."""
    name = drop_file(stand, checker, chance)
    stand.control.correct(BANK, name)
    return name


def drop_held_and_corrected(stand: Stand, checker: Checker, chance: Random) -> str:
    """A file with a wrong total, which is held, and the corrected version that settles it."""
    name = str(stand.control.drop_extra(BANK, "PAYR", chance.choice(["wrong_amount", "wrong_totals"])))
    stand.control.correct(BANK, name)
    return name


def drop_spoiled(stand: Stand, checker: Checker, chance: Random) -> str:
    """A file whose digest does not fit, a flag whose file never comes, and a good file beside them."""
    stand.control.drop_extra(BANK, "PAYR", "wrong_digest")
    stand.control.drop_extra(BANK, "PAYR", "flag_without_file")
    return drop_file(stand, checker, chance)


def show_rows(*partners: str) -> Callable[[Stand, Checker, Random], str]:
    """A few more rows at these web partners."""

    def show(stand: Stand, checker: Checker, chance: Random) -> str:
        for partner in partners:
            checker.shown[partner] += SHOWN[partner]
            stand.control.show(partner, checker.shown[partner])
        return ""

    return show


def offer_all(stand: Stand, checker: Checker, chance: Random) -> str:
    """Something new everywhere."""
    show_rows(*SHOWN)(stand, checker, chance)
    return chance.choice([drop_file, drop_two_versions])(stand, checker, chance)


def offer_trouble(stand: Stand, checker: Checker, chance: Random) -> str:
    """A good file, and receivers that take their time, turn submissions down as a whole or lose them."""
    stand.control.fault("province", "late_answer", 2)
    stand.control.fault("province", "fail_batch", 1)
    stand.control.fault("taian_receiver", "unreadable", 1)
    return drop_file(stand, checker, chance)


def offer_lost_answers(stand: Stand, checker: Checker, chance: Random) -> str:
    """A good file, and receivers that take a submission and whose next answers, also about it, are cut off on their way."""
    for receiver in ("province", "taian_receiver", "inspection_receiver"):
        stand.control.fault(receiver, "cut", 6)
    return drop_file(stand, checker, chance)


def drop_for_release(stand: Stand, checker: Checker, chance: Random) -> str:
    """A file half of which is bad: an officer must let it pass."""
    name = str(stand.control.drop_extra(BANK, "PAYR", "many_bad_lines"))
    checker.allowed.released.add(name)
    return name


def drop_for_closing(stand: Stand, checker: Checker, chance: Random) -> str:
    """A file with a wrong total, which an officer settles without taking anything of it."""
    name = str(stand.control.drop_extra(BANK, "PAYR", "wrong_amount"))
    checker.allowed.closed.add(name)
    return name


def drop_for_resending(stand: Stand, checker: Checker, chance: Random) -> str:
    """A file of which some receiver has refused a line, to be sent once more."""
    sql = """select distinct regexp_replace(source_name, '.*/', '') as name from batch join delivery using (batch_id)
             where feed_id = %s and delivery.state = 'refused' and batch.state = 'reported' and hold_code is null order by 1"""
    while not (found := [row.name for row in stand.ask(sql, PAYROLLS) if row.name not in checker.allowed.resent]):
        drop_file(stand, checker, chance)
        stand.finish([PAYROLLS])
    name = str(chance.choice(found))
    checker.allowed.resent.add(name)
    return name


def drop_bad_card(stand: Stand, checker: Checker, chance: Random) -> str:
    """A file of which the card number of one line is wrong, which two officers put right."""
    name = str(stand.control.drop_extra(BANK, "PAYR", "one_bad_card"))
    checker.allowed.repaired.add(name)
    return name


def drop_bad_card_to_stay(stand: Stand, checker: Checker, chance: Random) -> str:
    """The same, and the second officer will not have it so."""
    return str(stand.control.drop_extra(BANK, "PAYR", "one_bad_card"))


def drop_beside_a_closed_one(stand: Stand, checker: Checker, chance: Random) -> str:
    """A good file, and one that was settled without being taken: it cannot be read again."""
    closed = drop_for_closing(stand, checker, chance)
    stand.finish([PAYROLLS])
    stand.prepare(["by_hand", "close", closed])
    return drop_file(stand, checker, chance)


def drop_two_files(stand: Stand, checker: Checker, chance: Random) -> str:
    """Two good files of one day."""
    drop_file(stand, checker, chance)
    return drop_file(stand, checker, chance)


def drop_unwritable(stand: Stand, checker: Checker, chance: Random) -> str:
    """A file that is stored already; the moment of one of its lines is later than any receiver's form can say."""
    name = drop_file(stand, checker, chance)
    stand.prepare(["in", [PAYROLLS]])
    sql = """update record.payroll_line as r set paid_at = '20000-01-01 08:00:00+08' from batch
             where batch.batch_id = r.batch_id and source_name like %s and ltrim(printed_no, '0') = %s returning record_key"""
    [row] = stand.ask(sql, f"%/{name}", str(chance.randint(1, 40)))
    checker.allowed.unwritable.add(row.record_key)
    return name


def drop_before_an_old_archive(stand: Stand, checker: Checker, chance: Random) -> str:
    """A file that is done with, in an archive as an older hub left it."""
    name = drop_file(stand, checker, chance)
    stand.finish([PAYROLLS])
    age(stand.archive)
    return name


def owe_to_one_that_went(stand: Stand, checker: Checker, chance: Random) -> str:
    """An answered file, which is owed to a receiver as well that stands in no mapping any more."""
    name = drop_file(stand, checker, chance)
    stand.finish([PAYROLLS])
    sql = """insert into delivery (receiver, schema_name, record_id, record_key, version, batch_id, row_no, fen, idempotency_key)
             select 'gone', schema_name, record_id, record_key, version, batch_id, row_no, fen, 'gone' || idempotency_key
             from delivery join batch using (batch_id) where source_name like %s and receiver = 'jining' returning 1"""
    assert stand.ask(sql, f"%/{name}")
    return name


def show_clues_to_conclude(stand: Stand, checker: Checker, chance: Random) -> str:
    """Clues that are told of already, and are to be concluded; their serial numbers with commas between."""
    show_rows("nat")(stand, checker, chance)
    stand.finish(["nat_clues"])
    sql = "select channel_serial_no as serial from record.clue where is_current order by record_id"
    serials = [row.serial for row in stand.ask(sql) if row.serial not in checker.allowed.concluded][:2]
    checker.allowed.concluded.update(serials)
    return ",".join(serials)


def step_before_its_clue(stand: Stand, checker: Checker, chance: Random) -> str:
    """A clue that is concluded before the hub has heard of it: the step is given up for want of it, and goes out when it comes."""
    clues = City(stand.seed, SCALE).clues
    serial = clues[min(checker.shown["nat"], len(clues) - 1)].code
    checker.allowed.concluded.add(serial)
    stand.prepare(["by_hand", "conclude", serial])
    stand.finish(["nat_clues"])
    return show_rows("nat")(stand, checker, chance)


FLOWS: Sequence[Flow] = (
    Flow("bank file", drop_file, [PAYROLLS]),
    Flow("bank file and correction", drop_two_versions, [PAYROLLS]),
    Flow("bank file held and corrected", drop_held_and_corrected, [PAYROLLS]),
    Flow("bank file spoiled", drop_spoiled, [PAYROLLS]),
    Flow("permits", show_rows("bureau"), ["bureau_permits"]),
    Flow("guarantees", show_rows("daizong"), ["daizong_guarantees"]),
    Flow("clues", show_rows("nat"), ["nat_clues"]),
    Flow("conclusions", show_clues_to_conclude, ["nat_clues"], by_hand="conclude"),
    Flow("step before its clue", step_before_its_clue, ["nat_clues"]),
    Flow("receivers in trouble", offer_trouble, [PAYROLLS]),
    Flow("answers lost", offer_lost_answers, [PAYROLLS], rounds=2),
    Flow("release", drop_for_release, [PAYROLLS], before=True, by_hand="release"),
    Flow("close", drop_for_closing, [PAYROLLS], before=True, by_hand="close"),
    Flow("replay", drop_file, [PAYROLLS], before=True, by_hand="replay"),
    Flow("resend", drop_for_resending, [PAYROLLS], before=True, by_hand="resend"),
    Flow("catch up", drop_file, [PAYROLLS], before=True, by_hand="catch up"),
    Flow("record that cannot be written", drop_unwritable, [PAYROLLS]),
    Flow("repair", drop_bad_card, [PAYROLLS], before=True, by_hand="repair"),
    Flow("repair declined", drop_bad_card_to_stay, [PAYROLLS], before=True, by_hand="decline"),
    Flow("replay of all", drop_beside_a_closed_one, [PAYROLLS], before=True, by_hand="replay all"),
    Flow("backfill", drop_two_files, [PAYROLLS], by_hand="backfill"),
    Flow("keys", drop_file, [PAYROLLS], before=True, by_hand="keys"),
    Flow("archive renewed", drop_before_an_old_archive, [PAYROLLS], by_hand="archive"),
    Flow("receiver dropped", owe_to_one_that_went, [PAYROLLS], by_hand="drop"),
    Flow("exchange log", drop_file, [PAYROLLS], before=True, by_hand="seal"),
    Flow("everything", offer_all),
)


def flow_named(name: str) -> Flow:
    """One of these flows."""
    return next(flow for flow in FLOWS if flow.name == name)


# fmt: off
REACHED_ONLY_BY: Mapping[str, tuple[str, ...]] = {
    "bank file spoiled": ("fetch.noticed", "fetch.held"),
    "bank file held and corrected": ("store.held", "store.settled"),
    "step before its clue": ("wake.waking", "wake.woken"),
    "conclusions": (
        "store.conclusions_owed", "conclude.beginning", "conclude.begun", "conclude.told", "conclude.noting", "conclude.noted",
    ),
    "receivers in trouble": ("deliver.given_back",),
    "answers lost": ("deliver.unknown", "deliver.before_inquiry", "deliver.inquiry_answered"),
    "release": ("release.written", "release.committed", "put.flag_taken_away"),
    "close": ("close.written", "close.committed"),
    "replay": ("replay.reading", "replay.read"),
    "replay of all": (
        "replay.opening",
        "replay.opened",
        "replay.leaving",
        "replay.left",
        "replay.closing",
        "replay.closed",
    ),
    "resend": ("resend.owing", "resend.owed"),
    "repair": ("repair.asking", "repair.asked", "repair.writing", "repair.effective"),
    "repair declined": ("repair.declining", "repair.declined"),
    "backfill": ("backfill.kept", "backfill.stored"),
    "archive renewed": ("archive.replaced",),
    "receiver dropped": ("drop.withdrawing", "drop.withdrawn"),
    "record that cannot be written": ("deliver.set_aside",),
    "catch up": ("catchup.written", "catchup.committed"),
    "exchange log": (
        "seal.writing",
        "seal.sealed",
        "anchor.chosen",
        "anchor.filed",
        "anchor.told",
        "anchor.noting",
        "anchor.noted",
        "prove.made",
        "prove.put",
        "prove.noting",
        "prove.noted",
    ),
    "keys": (
        "keys.making", "keys.made", "keys.rewrapping", "keys.rewrapped", "reseal.writing", "reseal.written",
        "destroy.writing", "destroy.destroyed", "reveal.noting", "reveal.noted",
    ),
}
# fmt: on
SPECIAL = frozenset(point for points in REACHED_ONLY_BY.values() for point in points)
"""Points that an ordinary day does not reach."""
