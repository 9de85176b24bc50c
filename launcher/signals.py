"""What the launcher does with signals: every polite one ends it in good order, however often it is sent.

Also the kernel's own service of telling a process that its parent has died, which nothing else can do after kill -9.
"""

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PR_SET_PDEATHSIG = 1
# Loaded before any fork: between fork and exec nothing may be imported or allocated.
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@contextmanager
def exit_on_signals() -> Iterator[None]:
    """SIGINT, SIGTERM and SIGHUP leave the block by SystemExit, so that `with` blocks inside it clean up."""
    before = {number: signal.getsignal(number) for number in ENDING}
    for number in ENDING:
        if not (number == signal.SIGHUP and before[number] == signal.SIG_IGN):  # nohup means it
            signal.signal(number, _leave)
    if os.environ.get("MAKELEVEL"):
        signal_at_parent_death(signal.SIGTERM)  # kill -9 of make must not leave a launcher nobody sees
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def ignore_signals() -> Iterator[None]:
    """Stopping takes seconds; an impatient second Ctrl-C must not cut it short. Only the main thread may ask."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, signal.SIG_IGN) for number in ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def signal_at_parent_death(number: signal.Signals) -> None:
    """Ask the kernel to send this process `number` when the thread that started it ends."""
    if _LIBC is not None:
        _LIBC.prctl(PR_SET_PDEATHSIG, int(number))


def _leave(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
