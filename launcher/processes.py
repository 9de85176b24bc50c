"""Keeps the programs of a one-machine run alive, and leaves none of them behind however the run ends.

`airflow standalone` neither restarts a dead component nor ends its components when it is killed; this does both.
"""

import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from launcher import child as children
from launcher import reaper
from launcher.child import ChildFailed, Command
from launcher.ports import find_port
from launcher.signals import exit_on_signals, ignore_signals
from launcher.state import PROJECT, make_state, write_private

__all__ = ["ChildFailed", "Supervisor", "exit_on_signals", "find_port"]

SETTLED_SECONDS = 60.0
FIRST_PAUSE = 1.0


@dataclass
class _Child:
    command: Command
    process: subprocess.Popen[bytes]
    started: float
    deaths: int = 0
    restart_at: float | None = None


class Supervisor:
    """Starts named programs, restarts those that die, stops all in reverse order. Use it in a `with` block."""

    def __init__(
        self,
        state: Path,
        notify: Callable[[str], None] | None = None,
        first_pause: float = FIRST_PAUSE,
        patience: float = reaper.PATIENCE,
    ) -> None:
        self.state = make_state(state)
        self.notify = notify or _to_stderr
        self.failure: str | None = None
        self._token = secrets.token_hex(16)
        self._first_pause = first_pause
        self._patience = patience
        self._children: dict[str, _Child] = {}
        self._lock = threading.RLock()
        self._closing = threading.Event()
        # The kernel's parent-death signal follows the thread that forked, so one lasting thread starts every child.
        self._forks = ThreadPoolExecutor(1, thread_name_prefix="forks")
        self._end_previous_run()
        self._reaper = self._start_reaper()
        self._watch = threading.Thread(target=self._watch_children, name="watch", daemon=True)
        self._watch.start()

    def __enter__(self) -> "Supervisor":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(
        self,
        name: str,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path = PROJECT,
        stop_signal: signal.Signals = signal.SIGTERM,
        stop_seconds: float = 15.0,
        restarts: int = 3,
        user: int | None = None,
        group: int | None = None,
    ) -> int:
        """Start a program that shall run until it is stopped; returns its process id."""
        log = self.log(name)
        command = Command(name, argv, env, cwd, log, stop_signal, stop_seconds, restarts, user, group)
        with self._lock:
            if self._closing.is_set():
                raise ChildFailed(f"{name} was not started: the run is being stopped")
            if name in self._children:
                raise ValueError(f"{name} is already running")
            children.rotate(log)
            process = self._spawn(command)
            self._children[name] = _Child(command, process, time.monotonic())
            return process.pid

    def run(self, name: str, argv: Sequence[str], *, env: Mapping[str, str], timeout: float = 300.0) -> None:
        """Run a program to its end; anything but exit code 0 raises ChildFailed with its last log lines."""
        command = Command(name, argv, env, PROJECT, self.log(name))
        children.rotate(command.log)
        process = self._spawn(command)
        try:
            code: int | None = process.wait(timeout)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            children.stop(process, command)
        if code != 0:
            raise ChildFailed(children.describe_end(command, code))

    def pid(self, name: str) -> int:
        """The process id at this moment; another one after a restart."""
        with self._lock:
            return self._children[name].process.pid

    def is_running(self, name: str) -> bool:
        with self._lock:
            found = self._children.get(name)
            return found is not None and found.process.poll() is None

    def log(self, name: str) -> Path:
        return self.state / "logs" / f"{name}.log"

    def check(self) -> None:
        """Raise ChildFailed when a program died more often than it may."""
        if self.failure is not None:
            raise ChildFailed(self.failure)

    def wait(self, poll: float = 0.5) -> None:
        """Block until a program fails for good (ChildFailed) or a signal arrives."""
        while not self._closing.is_set():
            self.check()
            self._closing.wait(poll)

    def stop(self, name: str) -> None:
        """Stop one program and whatever it left behind."""
        with self._lock:
            found = self._children.pop(name, None)
        if found is not None:
            children.stop(found.process, found.command)
            reaper.sweep(self._token, name, min(2.0, self._patience))

    def close(self) -> None:
        """Stop everything in reverse order; a second call does nothing."""
        self._closing.set()
        with ignore_signals():
            for name in reversed(list(self._children)):
                self.stop(name)
            if self._reaper.stdin is not None:
                self._reaper.stdin.close()
            self._reaper.wait(30)
            self._watch.join(5)
            self._forks.shutdown()

    def _spawn(self, command: Command) -> subprocess.Popen[bytes]:
        return self._forks.submit(children.spawn, command, self._token).result()

    def _end_previous_run(self) -> None:
        """A machine that killed launcher and reaper alike may still run their children."""
        path = self.state / "secrets" / "run-token"
        if path.exists() and (ended := reaper.sweep(path.read_text(), patience=self._patience)):
            self.notify(f"Ended {len(ended)} processes that an earlier run had left behind.")
        write_private(path, self._token)

    def _start_reaper(self) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-I", reaper.__file__, str(self._patience)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )
        assert process.stdin is not None
        process.stdin.write(f"{self._token}\n".encode())
        process.stdin.flush()
        return process

    def _watch_children(self) -> None:
        while not self._closing.wait(0.2):
            with self._lock:
                for found in list(self._children.values()):
                    if not self._closing.is_set():
                        self._look_after(found)

    def _look_after(self, found: _Child) -> None:
        now = time.monotonic()
        if found.restart_at is None:
            if found.process.poll() is not None:
                self._note_death(found, now)
        elif now >= found.restart_at and self.failure is None:
            found.process, found.started, found.restart_at = self._spawn(found.command), now, None

    def _note_death(self, found: _Child, now: float) -> None:
        command, code = found.command, found.process.returncode
        reaper.sweep(self._token, command.name, min(2.0, self._patience))
        found.deaths = 1 if now - found.started > SETTLED_SECONDS else found.deaths + 1
        found.restart_at = float("inf")
        if found.deaths > command.restarts:
            self.failure = f"Gave up after {found.deaths} deaths: {children.describe_end(command, code)}"
            self.notify(self.failure)
            return
        pause = self._first_pause * 2 ** (found.deaths - 1)
        found.restart_at = now + pause
        self.notify(f"{command.name} ended unexpectedly ({code}); started again in {pause:g} s.")


def _to_stderr(message: str) -> None:
    print(message, file=sys.stderr, flush=True)
