"""`make demo`: one day of one city through the whole exchange, with every row and fen checked at the end.

A newcomer sees what happens while it happens; a second run on the same state shows that nothing is done twice.
"""

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

from rich.console import Console

from hub.settings import today
from launcher.airflow import AirflowNotHealthy
from launcher.day import differences, let_the_day_happen, started_by_event, take_stock
from launcher.partners import EACH_KIND
from launcher.places import ServerUnavailable
from launcher.processes import ChildFailed
from launcher.signals import exit_on_signals
from launcher.stand import Stand, Wish, open_stand
from launcher.state import StateInUse, default_state, lock_state
from launcher.summary import sum_up
from launcher.tables import show, write_lines
from simulators.workdays import is_workday

console = Console(width=max(180, Console().width), highlight=False)
began = time.monotonic()


class OtherCity(Exception):
    """The state on disk belongs to a city of another size or seed."""


def say(message: str) -> None:
    """One line of progress with the seconds since the start."""
    console.print(f"[dim]{time.monotonic() - began:6.1f} s[/]  {message}", soft_wrap=True)


def main(words: Sequence[str] | None = None) -> int:
    """Run the demonstration; returns the exit code: 0 balanced, 1 not balanced, 2 could not run."""
    parser = argparse.ArgumentParser(
        description="农民工工资数据交换枢纽演示（合成数据） / demonstration, synthetic data"
    )
    parser.add_argument("--once", action="store_true", help="stop after one round")
    parser.add_argument("--scale", type=float, default=1, help="1 is 200 projects and 5,000 payroll lines")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--partners", choices=("kinds", "all"), default="kinds", help="one of each kind, or everybody")
    chosen = parser.parse_args(words)
    try:
        with exit_on_signals(), lock_state(default_state()) as state:
            partners = EACH_KIND if chosen.partners == "kinds" else None
            wish = settle_wish(state, Wish(chosen.scale, chosen.seed, last_workday(), partners=partners))
            return run(state, wish, once=chosen.once)
    except (StateInUse, OtherCity, ServerUnavailable, ChildFailed, AirflowNotHealthy, TimeoutError) as error:
        console.print(f"[bold red]演示中止 The demo stopped:[/] {error}", soft_wrap=True)
        return 2


def settle_wish(state: Path, wish: Wish) -> Wish:
    """One state is one city: a later run goes on with the day it began with, and refuses another size."""
    kept = state / "city.json"
    who = "all" if wish.partners is None else "kinds"
    if not kept.exists():
        facts = {"scale": wish.scale, "seed": wish.seed, "day": wish.day.isoformat(), "partners": who}
        kept.write_text(json.dumps(facts))
        return wish
    facts = json.loads(kept.read_text())
    if (facts["scale"], facts["seed"], facts["partners"]) != (wish.scale, wish.seed, who):
        raise OtherCity(
            f"{state} 已有 SCALE={facts['scale']:g} PARTNERS={facts['partners']} 的数据；先 make clean，或用 HUB_STATE 另选目录 / "
            f"it holds cities of scale {facts['scale']:g} and partners {facts['partners']}: run make clean first, or choose "
            "another directory with HUB_STATE"
        )
    return replace(wish, day=date.fromisoformat(facts["day"]))


def last_workday() -> date:
    """The newest PRC working day, today included."""
    day = today()
    while not is_workday(day):
        day -= timedelta(days=1)
    return day


def run(state: Path, wish: Wish, *, once: bool) -> int:
    """Start everything, let the day happen, and show what became of it."""
    console.print("[bold]农民工工资数据交换枢纽 Wage Exchange Hub[/]")
    console.print(
        f"合成数据，不涉及任何真实个人或单位 / synthetic data, nobody real · {wish.day} · SCALE={wish.scale:g} · "
        + (
            "所有伙伴 everybody\n"
            if wish.partners is None
            else "每类伙伴 partners of each kind; PARTNERS=all: 所有 everybody\n"
        )
    )
    with open_stand(state, wish, say) as stand:
        before = take_stock(stand)
        again = before["batches"] > 0
        say(
            "银行投放当天文件，文件事件触发数据源；其余数据源现在触发 / the banks drop their files, which start their feeds"
        )
        if not let_the_day_happen(stand, say, again=again):
            say("[red]等待超时，下表是目前的进度 / gave up waiting; the table shows how far it came[/]")
        changed = tell(stand, before) if again else []
        summary = sum_up(stand)
        show(summary, stand.registry.partners, console)
        write_lines(summary, stand.state / "summary.txt")
        show_addresses(stand)
        if not once:
            console.print("Ctrl-C 结束 / ends everything.")
            wait_for_ever()
    return 1 if summary.gaps or changed else 0


def tell(stand: Stand, before: dict[str, object]) -> list[str]:
    """Say that a second run changed nothing, or what it changed."""
    changed = differences(before, take_stock(stand))
    if changed:
        console.print(f"\n[bold red]与上次相比有变化 Changed since the last run:[/] {', '.join(changed)}")
    else:
        console.print("\n[bold green]再次运行，什么也没有改变。This was a second run and it changed nothing:[/]")
        console.print(
            "记录、推送、回传和每个对方的台账都与之前一样 / records, deliveries, reports and every ledger are as before."
        )
    return changed


def show_addresses(stand: Stand) -> None:
    """Where to look next."""
    events = sum(started_by_event(stand).values())
    console.print(f"\n由文件到达触发的运行 runs that a dropped file started, not the clock: {events}", soft_wrap=True)
    console.print(f"Airflow       {stand.airflow.url}   admin / [bold]{stand.airflow.password}[/]", soft_wrap=True)
    console.print(
        f"逐项对账      {stand.state / 'summary.txt'}   每个数据源、接收方、伙伴 / line by line", soft_wrap=True
    )
    console.print(f"命令行 hub    source {stand.state / 'hub.env'} && .venv/bin/hub batches", soft_wrap=True)
    console.print(f"银行目录 sftp {stand.state / 'simulators' / 'sftp'}\n", soft_wrap=True)


def wait_for_ever() -> None:
    while True:
        time.sleep(3600)


if __name__ == "__main__":
    sys.exit(main())
