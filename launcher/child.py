"""One child process of the launcher: how it is started, marked, logged and ended.

Children get their own session so that a Ctrl-C meant for the launcher reaches them in the right order, and they ask
the kernel to be told when the launcher dies.
"""

import os
import signal
import subprocess
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from launcher.reaper import CHILD, TOKEN
from launcher.signals import signal_at_parent_death


class ChildFailed(Exception):
    """A child ended although nobody asked it to; the message carries its last log lines."""


@dataclass(frozen=True)
class Command:
    """What to start and how to stop it; `user` and `group` only when the launcher is root."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: Path
    log: Path
    stop_signal: signal.Signals = signal.SIGTERM
    stop_seconds: float = 15.0
    restarts: int = 3
    user: int | None = None
    group: int | None = None


def spawn(command: Command, token: str) -> subprocess.Popen[bytes]:
    """Start the command in its own session with its output going to its log."""
    command.log.parent.mkdir(parents=True, exist_ok=True)
    with command.log.open("ab") as log:
        return subprocess.Popen(
            list(command.argv),
            env=marked_environment(command, token),
            cwd=command.cwd,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_follow_parent(command.stop_signal),
            user=command.user,
            group=command.group,
            extra_groups=None if command.user is None else [],
        )


def marked_environment(command: Command, token: str) -> dict[str, str]:
    """The child's environment with the marks by which the reaper knows it."""
    # Without SPT_NOENV the setproctitle package overwrites the environment that the reaper reads.
    return {**command.env, TOKEN: token, CHILD: command.name, "SPT_NOENV": "1"}


def _follow_parent(number: signal.Signals) -> Callable[[], None]:
    parent = os.getpid()

    def ask_kernel() -> None:
        signal_at_parent_death(number)
        if os.getppid() != parent:
            os._exit(1)

    return ask_kernel


def stop(process: subprocess.Popen[bytes], command: Command) -> None:
    """Ask with the child's own signal, insist on its whole process group when it does not listen."""
    if process.poll() is not None:
        return
    _send(process.pid, command.stop_signal, os.kill)
    try:
        process.wait(command.stop_seconds)
    except subprocess.TimeoutExpired:
        _send(process.pid, signal.SIGKILL, os.killpg)
        process.wait(5)


def _send(pid: int, number: signal.Signals, how: Callable[[int, int], None]) -> None:
    try:
        how(pid, number)
    except ProcessLookupError:
        return


def describe_end(command: Command, code: int | None) -> str:
    """How it ended and the last 20 lines it wrote."""
    how = f"signal {signal.Signals(-code).name}" if code is not None and code < 0 else f"exit code {code}"
    lines = "\n".join(f"    {line}" for line in last_lines(command.log))
    return f"{command.name} ended with {how}. Last lines of {command.log}:\n{lines}"


def last_lines(log: Path, count: int = 20) -> list[str]:
    try:
        with log.open(encoding="utf-8", errors="replace") as file:
            return [line.rstrip() for line in deque(file, maxlen=count)]
    except FileNotFoundError:
        return []


def rotate(log: Path) -> None:
    """Keep the log of the run before as `.1`, so that a log tells one story."""
    if log.exists():
        log.replace(log.with_name(f"{log.name}.1"))
