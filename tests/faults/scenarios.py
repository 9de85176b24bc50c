"""What else befalls the processes: two at once, one that wakes up late, a lost database, a full disk, wrong clocks, restores.

Each scenario says how many faults it injected and what was violated; all are judged by the same checker as the kills.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from hub.points import POINTS

from .flows import PAYROLLS, SPECIAL, drop_file, drop_spoiled, offer_all
from .invariants import Checker, Violation
from .matrix import Verdict
from .proxy import BreakingLine
from .stand import BANK, FEEDS, Stand

Play = Callable[[Stand, Checker, Random], tuple[int, list[Violation]]]
DAY = [["day", list(FEEDS)]]
BETWEEN = tuple(
    point for point, words in POINTS.items()
    if point.split(".")[0] in ("fetch", "put", "call", "tell", "deliver", "collect") and "not committed" not in words
    and point not in SPECIAL
)  # fmt: skip
"""Points at which a worker holds no lock: the ones where it can fall asleep and others overtake it."""
PUTTING: Mapping[str, Sequence[int]] = {
    "tell.before_file": (1,), "put.begun": (1,), "put.part_written": (1, 2, 3), "put.checked": (1, 2, 3), "put.data_placed": (1,),
    "put.digest_placed": (1,), "put.flag_placed": (1,), "tell.file_put": (1,), "tell.file_noted": (1,),
}  # fmt: skip
"""A return file is three files: its data, its digest, its flag."""
WORKING = ("store.", "deliver.", "collect.", "tell.")
COMMITS = 60
"""A day of everything commits about so often; the line is cut at one of these."""


def run(scenario: Scenario, stand: Stand, checker: Checker, seed: int) -> Verdict:
    """Play a scenario and judge what is left."""
    started = time.monotonic()
    injected, violations = scenario.play(stand, checker, Random(f"{scenario.name}/{seed}"))
    stand.control.clear_faults()
    violations += checker.judge()
    return Verdict(scenario.name, seed, injected, tuple(violations), time.monotonic() - started)


def finish(stand: Stand) -> list[Violation]:
    """Everything that is left is done by a clean worker."""
    ended = stand.finish()
    return [Violation("I7", f"it does not come to rest: {ended.error}")] if ended.error else []


def same_task_twice(stand: Stand, checker: Checker, chance: Random) -> tuple[int, list[Violation]]:
    """Two workers do the whole day at the same moment."""
    offer_all(stand, checker, chance)
    with stand.worker() as one, stand.worker() as other:
        for worker in (one, other):
            worker.start(DAY)
        for worker in (one, other):
            worker.end()
    return 1, finish(stand)


def asleep_at(point: str) -> Play:
    """A worker falls asleep at a point, another one does all the work, then the first goes on with what it knew."""

    def overtaken(stand: Stand, checker: Checker, chance: Random) -> tuple[int, list[Violation]]:
        offer_all(stand, checker, chance)
        with stand.worker() as sleeper:
            is_asleep = sleeper.run_asleep(DAY, point, chance.randint(1, 2), lambda: stand.survivor().run(DAY))
        return int(is_asleep), finish(stand)

    return overtaken


def overtaken_by_a_correction(receiver: str, point: str, hit: int, mutants: Sequence[str] = ()) -> Play:
    """A worker falls asleep over a file; the file and its correction are exchanged; then it goes on with what it knew.

    Of a receiver that knows no submission key nothing is promised between the last check and the call (`deliver.before_submit`):
    what is on its way then is told apart by the version alone.
    """

    def overtaken(stand: Stand, checker: Checker, chance: Random) -> tuple[int, list[Violation]]:
        name = drop_file(stand, checker, chance)

        def correct() -> None:
            stand.survivor().run([["day", [PAYROLLS]]])
            stand.control.correct(BANK, name)
            stand.survivor().run([["day", [PAYROLLS]]])

        with stand.worker(mutants=mutants) as sleeper:
            sleeper.run([["in", [PAYROLLS]]])
            is_asleep = sleeper.run_asleep([["deliver", receiver]], point, hit, correct)
        return int(is_asleep), finish(stand)

    return overtaken


def overtaken_by_a_release(point: str, hit: int) -> Play:
    """A worker falls asleep while it tells that a file is held; an officer lets it pass, all is exchanged; then it goes on."""

    def overtaken(stand: Stand, checker: Checker, chance: Random) -> tuple[int, list[Violation]]:
        name = str(stand.control.drop_extra(BANK, "PAYR", "many_bad_lines"))
        checker.allowed.released.add(name)
        day, release = ["day", [PAYROLLS]], ["by_hand", "release", name]
        with stand.worker() as sleeper:
            is_asleep = sleeper.run_asleep(
                [["in", [PAYROLLS]]], point, hit, lambda: stand.survivor().run([day, release, day])
            )
        if not is_asleep:
            stand.survivor().run([release])
        return int(is_asleep), finish(stand)

    return overtaken


def commit_lost(*, after: bool) -> Play:
    """The line to the database breaks at a COMMIT: it did not arrive, or its answer did not come back."""

    def cut(stand: Stand, checker: Checker, chance: Random) -> tuple[int, list[Violation]]:
        offer_all(stand, checker, chance)
        with BreakingLine(stand.database_port(), chance.randint(1, COMMITS), after=after) as line:
            url = stand.url.replace(f":{stand.database_port()}/", f":{line.port}/")
            with stand.worker(database=url) as worker:
                worker.run(DAY)
            return int(line.is_cut), finish(stand)

    return cut


def database_restarted(stand: Stand, checker: Checker, chance: Random) -> tuple[int, list[Violation]]:
    """All sessions end while a worker stands between two statements."""
    offer_all(stand, checker, chance)
    point = chance.choice([point for point in POINTS if point.startswith(WORKING) and point not in SPECIAL])
    with stand.worker() as worker:
        is_there = worker.run_asleep(DAY, point, 1, stand.cut_connections)
    return int(is_there), finish(stand)


def disk_full(stand: Stand, checker: Checker, chance: Random) -> tuple[int, list[Violation]]:
    """No byte can be written to the archive, or none can be made durable: nothing is acknowledged until it can."""
    name = offer_all(stand, checker, chance)
    point = chance.choice(["archive.opened", "archive.written"])
    with stand.worker() as worker:
        worker.run(DAY, {"kind": "disk_full", "point": point, "hit": 1, "times": 1000})
    early = [Violation("I4", f"{name} was acknowledged while nothing of it was kept")] if _is_told(stand, name) else []
    return 1, early + finish(stand)


def _is_told(stand: Stand, name: str) -> bool:
    return stand.control.return_file(BANK, f"RET_{name}") is not None


def wrong_clock(hours: float) -> Play:
    """This worker's clock is off while it works; the next one's is right."""

    def off(stand: Stand, checker: Checker, chance: Random) -> tuple[int, list[Violation]]:
        offer_all(stand, checker, chance)
        with stand.worker() as worker:
            worker.run(DAY, {"kind": "clock", "hours": hours})
        drop_file(stand, checker, chance)
        return 1, finish(stand)

    return off


def yesterday_restored(stand: Stand, checker: Checker, chance: Random) -> tuple[int, list[Violation]]:
    """The database is lost and an older backup restored beside the archive that was not; then all partners are asked again."""
    offer_all(stand, checker, chance)
    left = finish(stand)
    backup = stand.back_up()
    for _ in range(2):
        offer_all(stand, checker, chance)
        left += finish(stand)
    stand.restore(backup)
    checker.allowed.known_again = True
    return 1, left + finish(stand)


def province_down(hours: int, drops: int) -> Play:
    """The province answers nothing while so many hourly rounds bring so many files each; then it is drained.

    Everybody else gets theirs meanwhile. The clocks are right: those of the receivers could not be turned with the hub's.
    """

    def down(stand: Stand, checker: Checker, chance: Random) -> tuple[int, list[Violation]]:
        left = finish(stand)
        stand.control.fault("province", "error_5xx", 1_000_000)
        before = len(stand.control.journal("province"))
        for _ in range(hours):
            for _ in range(drops):
                drop_file(stand, checker, chance)
            stand.survivor().run([["day", [PAYROLLS]]])
        left += [Violation("I7", words) for words in _kept_waiting(stand)]
        if len(stand.control.journal("province")) != before:
            left.append(Violation("I3", "the province took something while it was down"))
        stand.control.fault("province", "error_5xx", 0)
        left += finish(stand)
        return hours, left + list(_out_of_order(stand, before))

    return down


def nobody_goes_on(stand: Stand, checker: Checker, chance: Random) -> tuple[int, list[Violation]]:
    """A worker dies over files; for more than an hour others look at the partners and nobody does what was left undone.

    Each file is acknowledged or has an open incident then, and none when it is done (I10).
    """
    offer_all(stand, checker, chance)
    drop_spoiled(stand, checker, chance)
    reached = ("fetch.co", "store.", "tell.before_f", "put.")
    points = [point for point in POINTS if point.startswith(reached) and point not in SPECIAL]
    died_at = {"kind": "kill", "point": chance.choice(points), "hit": 1}
    with stand.worker() as worker:
        died = worker.run([["in", list(FEEDS)]], died_at).died
    with stand.worker() as worker:
        worker.run([["fetch", feed_id] for feed_id in FEEDS], {"kind": "clock", "hours": 70 / 60})
        worker.run([["watch", 75]])
    left = [Violation("I10", words) for words in _unheard_of(stand)]
    left += finish(stand)
    stand.survivor().run([["watch", 75]])
    sql = (
        "select kind, subject from incident where closed_at is null and kind = 'unacknowledged' and detail ? 'batches'"
    )
    left += [Violation("I10", f"the incident {row.kind} of {row.subject} stays open") for row in stand.ask(sql)]
    return int(died is not None), left


def _unheard_of(stand: Stand) -> Iterator[str]:
    """Files that are neither acknowledged nor anybody's incident."""
    sql = "select kind, subject from incident where closed_at is null"
    incidents = {(row.kind, row.subject) for row in stand.ask(sql)}
    known = {("unacknowledged", PAYROLLS), ("unreachable", "haidai_sftp")} & incidents
    for file in stand.control.files(BANK):
        if not known and not _is_told(stand, file["name"]):
            yield f"{file['name']} was dropped more than an hour ago, is not acknowledged, and nobody is told"
    held = stand.ask("select count(*) as n from batch where state = 'held' and feed_id = %s", PAYROLLS)[0].n
    if held and ("held", PAYROLLS) not in incidents:
        yield f"{held} batches are held and nobody is told"


def _kept_waiting(stand: Stand) -> Iterator[str]:
    """Receivers that are up and still wait for something."""
    sql = """select receiver, count(*) as n from delivery where receiver <> 'province' and state not in ('accepted', 'refused')
             group by 1"""
    for row in stand.ask(sql):
        yield f"{row.n} records for {row.receiver} waited because the province was down"


def _out_of_order(stand: Stand, before: int) -> Iterator[Violation]:
    """Payrolls must arrive in the order in which they were dropped, each record once."""
    came = [one for one in stand.control.journal("province")[before:] if one["schema"] == "payroll_batch"]
    keys = [one["record_key"] for one in came]
    if keys != sorted(keys):
        yield Violation("I5", "payrolls were drained in another order than they came")
    if len(set(keys)) != len(keys):
        yield Violation("I3", "a payroll was drained twice")


def two_hubs(stand: Stand, checker: Checker, chance: Random) -> tuple[int, list[Violation]]:
    """A second hub, with a database and an archive of its own, works on the same folder: everything still has one effect."""
    names = [drop_file(stand, checker, chance) for _ in range(2)]
    checker.allowed.known_again = True
    checker.allowed.told_again |= set(names)  # the second one is answered that the record is there already
    verbs = [["day", [PAYROLLS]]]
    with stand.second_hub() as other, stand.worker() as one, stand.worker(**other) as two:
        for worker in (one, two):
            worker.start(verbs)
        for worker in (one, two):
            worker.end()
        for _ in range(5):
            if two.run(verbs).error is None:
                break
        return 1, finish(stand)


@dataclass(frozen=True)
class Scenario:
    """``is_alone``: it loses a state or brings a second one, so it gets a stand of its own."""

    name: str
    play: Play
    is_alone: bool = False


SCENARIOS: Sequence[Scenario] = (
    Scenario("the same task twice at once", same_task_twice),
    *(Scenario(f"asleep at {point}", asleep_at(point)) for point in BETWEEN),
    *(
        Scenario(
            f"overtaken by a correction at {point}#{hit}, {receiver}", overtaken_by_a_correction(receiver, point, hit)
        )
        for receiver in ("jining", "taian", "province")
        for point in ("deliver.claimed", "deliver.before_submit", "deliver.answered")
        for hit in (1, 2)
        if (receiver, point) != ("jining", "deliver.before_submit")
    ),
    *(
        Scenario(f"overtaken by a release at {point}#{hit}", overtaken_by_a_release(point, hit))
        for point, hits in PUTTING.items()
        for hit in hits
    ),
    Scenario("a commit that never arrived", commit_lost(after=False)),
    Scenario("a commit nobody heard of", commit_lost(after=True)),
    Scenario("database restarted", database_restarted),
    Scenario("disk full", disk_full),
    Scenario("nobody goes on for an hour", nobody_goes_on),
    Scenario("clock an hour late", wrong_clock(-1)),
    Scenario("clock an hour early", wrong_clock(1)),
    Scenario("province down for 24 hours", province_down(24, 2), is_alone=True),
    Scenario("yesterday restored", yesterday_restored, is_alone=True),
    Scenario("two hubs on one folder", two_hubs, is_alone=True),
)
