"""Ends what a launcher left behind when it could not do so itself, kill -9 included.

It waits for the other end of its standard input to close, which the kernel does for a dead launcher too, and then
ends every process that carries the run's token in its environment.
"""

import signal
import sys
import time
from collections.abc import Iterable

import psutil

TOKEN = "HUB_RUN_TOKEN"
CHILD = "HUB_RUN_CHILD"
PATIENCE = 10.0


def marked_processes(token: str, child: str | None = None) -> list[psutil.Process]:
    """Every living process started by this run (or by one named child of it), children of children included."""
    found = []
    for process in psutil.process_iter():
        try:
            environment = process.environ()
            alive = process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            continue
        if alive and environment.get(TOKEN) == token and child in (None, environment.get(CHILD)):
            found.append(process)
    return found


def end_processes(processes: Iterable[psutil.Process], patience: float = PATIENCE) -> list[int]:
    """Ask each process to end, insist after `patience` seconds; returns the ids that were found."""
    asked = [process for process in processes if not _is_backend(process)]
    for process in asked:
        _signal(process, signal.SIGINT if _is_postgres(process) else signal.SIGTERM)
    _, stubborn = psutil.wait_procs(asked, timeout=patience)
    for process in stubborn:
        _signal(process, signal.SIGKILL)
    psutil.wait_procs(stubborn, timeout=5)
    return [process.pid for process in asked]


def sweep(token: str, child: str | None = None, patience: float = PATIENCE) -> list[int]:
    """End every marked process, looking again for those that were being forked meanwhile."""
    ended: list[int] = []
    for _ in range(5):
        found = marked_processes(token, child)
        if not found:
            break
        ended += end_processes(found, patience)
    return ended


def _is_postgres(process: psutil.Process) -> bool:
    try:
        return process.name() == "postgres"
    except psutil.Error:
        return False


def _is_backend(process: psutil.Process) -> bool:
    """A server process ends its backends itself; a signal of ours would look like a crash to it."""
    try:
        parent = process.parent()
        return _is_postgres(process) and parent is not None and _is_postgres(parent)
    except psutil.Error:
        return False


def _signal(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.Error:
        return  # it has ended meanwhile, which is what we want


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    token = sys.stdin.readline().strip()
    sys.stdin.read()
    if token:
        patience = float(sys.argv[1])
        sweep(token, patience=patience)
        time.sleep(0.5)  # what was being forked while we looked
        sweep(token, patience=patience)


if __name__ == "__main__":
    main()
