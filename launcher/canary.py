"""`make canary`: a day with more than 10,000 persons whose numbers nobody else has, then a search for every one of them.

The day is that of `make demo`, with trouble on top: files that cannot be read and are full of numbers, repairs, replays, exports.
"""

import argparse
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from traceback import print_exc

from hub.store.database import rows_of, working
from launcher.day import let_the_day_happen, watch
from launcher.demo import last_workday
from launcher.hiding_places import Searched, search_stand, secrets_of
from launcher.leaks import Canaries, Leak
from launcher.partners import EACH_KIND
from launcher.signals import exit_on_signals
from launcher.stand import Stand, Wish, open_stand
from launcher.state import PROJECT, lock_state, outside_home, remove_state
from launcher.summary import sum_up
from simulators.drops import FAULTS

STATE = PROJECT / "var" / "canary"
LEAST = 10_000
"""So many document numbers, and so many cards, must have been sent."""
PATIENCE_SECONDS, TROUBLE_SECONDS = 7200.0, 300.0
SPOKEN = "spoken"
"""The folder of what commands said; on a screen a number may stand masked."""
RECORDS = ("payroll_line", "worker")
CHORES = ("seal", "anchor", "watch", "housekeeping", "reconcile", "report")
LOOKING = (
    "batches",
    "alarms",
    "incidents --all",
    "clues",
    "balance",
    "log verify",
    "moved",
    "circuits",
    "leases",
    "keys",
)
BANK, FEED = "haidai", "haidai_payrolls"
began = time.monotonic()


def main(words: Sequence[str] | None = None) -> int:
    """Exit code 0: nothing was found; 1: something was, or there were too few persons, or the day did not come out even."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=2.5, help="2.5 is some 13,000 payroll lines of the first banks")
    parser.add_argument("--seed", type=int, default=20_261_128, help="another seed, other persons")
    parser.add_argument(
        "--partners", nargs="+", default=EACH_KIND, help="who takes part; one of each kind when left out"
    )
    parser.add_argument("--keep", action="store_true", help="keep the state of the day afterwards")
    chosen = parser.parse_args(words)
    remove_state(STATE)
    with exit_on_signals(), lock_state(STATE) as state:
        wish = Wish(chosen.scale, 7, last_workday(), partners=tuple(chosen.partners), canaries=chosen.seed)
        with open_stand(state, wish, say, port=0) as stand:
            is_even = run_day(stand)
            persons = stand.simulators.persons()
            sent = count_sent(stand, persons)
            found = search_stand(
                state,
                databases_of(stand),
                Canaries(persons),
                secrets=secrets_of(state, stand.environment),
                more=[outside_home(state)],
            )
    show(found, persons, sent)
    if not chosen.keep:
        remove_state(STATE)
    is_enough = min(sent["id"], sent["card"]) >= LEAST
    return 0 if is_enough and is_even and not leaks_of(found) else 1


def run_day(stand: Stand) -> bool:
    """The day, the trouble, the chores; whether all was accounted for before the trouble began."""
    is_settled = let_the_day_happen(stand, say, patience=PATIENCE_SECONDS)
    gaps = sum_up(stand).gaps
    say(f"the day has settled: {is_settled}, gaps: {len(gaps)}")
    is_done = True
    for step in (make_trouble, do_chores, type_commands):
        try:
            step(stand)
        except Exception:  # what was done until then is searched all the same
            print_exc()
            is_done = False
    return is_settled and is_done and not gaps


def make_trouble(stand: Stand) -> None:
    """Every fault of a whole file once, and files of an agreed name that hold nothing but numbers, in three codings."""
    for fault in FAULTS:
        stand.simulators.drop_extra("wenhe", "PAYR", fault)
    name = stand.simulators.drop_extra(BANK, "PAYR")
    persons = stand.simulators.persons()
    lines = "".join(
        f"D|{one}|{other}|{one}\n" for one, other in zip(persons["id"][:300], persons["card"], strict=False)
    )
    # Some of these files come to nothing, so nobody counts them: look for a while, then go on.
    for number, coding in enumerate(("gb18030", "utf-16", "utf-8-sig"), 9_001):
        parts = name.split("_")
        parts[-2] = f"{number:0{len(parts[-2])}d}"
        stand.simulators.drop(BANK, f"in/{parts[-3]}/{'_'.join(parts)}", lines.encode(coding))
    watch(stand, say, {}, TROUBLE_SECONDS)


def do_chores(stand: Stand) -> None:
    """What runs by the clock, once: seals, anchors, incidents and their notices, reconciliation with its pages."""
    for dag_id in CHORES:
        run = stand.client.wait_run(dag_id, stand.client.trigger(dag_id), timeout=PATIENCE_SECONDS)
        say(f"{dag_id}: {run['state']}")


def type_commands(stand: Stand) -> None:
    """What officers do with such a day, errors included. What the commands say is kept, to be searched too."""
    with working(stand.database) as work:
        sql = """select r.batch_id, r.printed_no from rejection as r join batch as b using (batch_id)
                 where b.feed_id = :feed and b.state <> 'held' order by 1, 2 limit 1"""
        rows = rows_of(work, sql, feed=FEED)
        held = rows_of(work, "select batch_id from batch where state = 'held' order by 1")
    persons, day = stand.simulators.persons(), last_workday()
    card, person = persons["card"][0], persons["id"][0]
    typed = [line.split() for line in LOOKING]
    typed += [["who", person], ["find", person], ["find", card], ["try", FEED, f"/tmp/{person}.txt"]]
    typed += [["reconcile", "--day", f"{one}"] for one in (day, day - timedelta(days=1))]
    typed += [["log", "export", "--out", str(stand.state / "exchange.log")]]
    by = ["--by", "王科长", "--reason", "银行来电更正"]
    for row in rows:
        batch, no = str(row.batch_id), str(row.printed_no)
        typed += [["batch", batch], ["row", batch, no], ["reveal", batch, no]]
        typed += [
            ["repair", batch, no, "--set", f"{column}={value}", *by]
            for column, value in (("卡号", card), (card, person))
        ]
        typed += [["approve", "1", "--by", "李科长"], ["repairs"], ["repairs", "1"]]
        typed += [["replay", batch], ["proof", batch, "--out", str(stand.state)]]
    for row in held:
        typed += [["batch", str(row.batch_id)], ["release", str(row.batch_id), "--by", "王科长"]]
    for words in typed:
        hub(stand, *words)


def hub(stand: Stand, *words: str) -> None:
    """Run a command as an officer would; both of its streams go into a file."""
    folder = stand.state / SPOKEN
    folder.mkdir(exist_ok=True)
    environment = {**stand.environment, "PATH": os.defpath, "HOME": str(stand.state)}
    command = [sys.executable, "-m", "hub.cli", *words]
    done = subprocess.run(command, env=environment, cwd=stand.state, capture_output=True)
    number = len(list(folder.iterdir()))
    (folder / f"{number:03}-{words[0]}.txt").write_bytes(done.stdout + done.stderr)


def databases_of(stand: Stand) -> list[str]:
    """The hub's database and Airflow's."""
    ours = stand.environment["HUB_DATABASE_URL"]
    return [ours, f"{ours.rsplit('/', 1)[0]}/airflow"]


def count_sent(stand: Stand, persons: dict[str, list[str]]) -> Counter[str]:
    """How many different persons and cards stand in the records of wages and workers, by their indexes."""
    found = Counter(phone=len(persons["phone"]))
    with working(stand.database) as work:
        for kind in ("id", "card"):
            tables = " union ".join(f"select {kind}_no_index as one from record.{name}" for name in RECORDS)
            found[kind] = int(rows_of(work, f"select count(distinct one) as n from ({tables}) as t")[0].n)
    return found


def leaks_of(found: Searched) -> list[Leak]:
    """What may stand nowhere. On a screen, which is no log, a number may be masked."""
    return [leak for leak in found.leaks if not (leak.form == "masked" and leak.place.startswith(SPOKEN))]


def show(found: Searched, persons: dict[str, list[str]], sent: Counter[str]) -> None:
    """Counts, places, bytes, and every finding."""
    made = ", ".join(f"{kind} {len(numbers):,}" for kind, numbers in persons.items())
    print(
        f"persons' numbers made: {made}; different ones in the hub's records: id {sent['id']:,}, card {sent['card']:,}"
    )
    print(f"searched: {found.files:,} files and {found.tables} tables, {found.size / 1e6:,.1f} MB")
    for kind, size in sorted(found.size_of.items(), key=lambda one: -one[1])[:20]:
        print(f"  {kind:60} {size / 1e6:10,.2f} MB")
    for leak in found.leaks:
        print(f"  {leak.form} {leak.kind} x {leak.count}: {leak.place}   … {leak.around}")
    print(f"findings: {len(leaks_of(found))}")


def say(message: str) -> None:
    """One line of progress with the seconds since the start."""
    print(f"{time.monotonic() - began:6.1f} s  {message}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
