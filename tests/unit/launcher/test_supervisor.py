"""The supervisor with real processes: it restarts, gives up clearly, and never leaves anything behind."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from launcher.processes import ChildFailed, Supervisor, find_port
from launcher.reaper import marked_processes
from launcher.state import PROJECT

SLEEP = [sys.executable, "-c", "import time; time.sleep(300)"]
# A child whose own child left its session and ignores the polite signal, as a task of a scheduler may.
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, subprocess, sys, time\n"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(300)'], start_new_session=True)\n"
    "print('ready', flush=True)\n"
    "time.sleep(300)\n",
]
LAUNCHER = """
import os, sys
from pathlib import Path
from launcher.processes import Supervisor, exit_on_signals
with exit_on_signals(), Supervisor(Path(sys.argv[1]), patience=1) as supervisor:
    supervisor.start("one", [sys.executable, "-c", "import time; time.sleep(300)"], env=dict(os.environ))
    supervisor.start("two", {stubborn!r}, env=dict(os.environ), stop_seconds=0.5)
    while "ready" not in supervisor.log("two").read_text():
        pass
    print("started", flush=True)
    supervisor.wait()
"""


def eventually(condition: Callable[[], bool], seconds: float = 20.0) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def launch(state: Path) -> tuple["subprocess.Popen[str]", str]:
    """A launcher with three running children, and the mark they carry."""
    script = LAUNCHER.format(stubborn=STUBBORN)
    launcher = subprocess.Popen(
        [sys.executable, "-c", script, str(state)], cwd=PROJECT, stdout=subprocess.PIPE, text=True
    )
    assert launcher.stdout is not None
    assert launcher.stdout.readline() == "started\n"
    return launcher, (state / "secrets" / "run-token").read_text()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_launcher_and_everything_it_started(tmp_path: Path, number: signal.Signals) -> None:
    """Also a grandchild in a session of its own and a child deaf to SIGTERM."""
    launcher, token = launch(tmp_path)
    assert len(marked_processes(token)) == 3
    launcher.send_signal(number)
    assert launcher.wait(30) == 128 + number
    assert marked_processes(token) == []


def test_kill_9_of_the_launcher_leaves_no_process(tmp_path: Path) -> None:
    """The reaper notices the closed pipe and needs nobody's help."""
    launcher, token = launch(tmp_path)
    launcher.kill()
    launcher.wait(10)
    assert eventually(lambda: not marked_processes(token), 30)


def test_a_launcher_under_nohup_outlives_its_terminal(tmp_path: Path) -> None:
    """Who ignores SIGHUP on purpose keeps the run."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    launcher, token = launch(tmp_path)
    signal.signal(signal.SIGHUP, before)
    launcher.send_signal(signal.SIGHUP)
    time.sleep(0.3)
    assert launcher.poll() is None
    launcher.terminate()
    launcher.wait(30)
    assert marked_processes(token) == []


def test_what_survived_launcher_and_reaper_is_ended_by_the_next_run(tmp_path: Path) -> None:
    """A machine short of memory may kill both."""
    said: list[str] = []
    launcher, token = launch(tmp_path)
    for reaper in psutil.Process(launcher.pid).children():
        if "reaper.py" in " ".join(reaper.cmdline()):
            reaper.kill()
    launcher.kill()
    launcher.wait(10)
    assert marked_processes(token)
    Supervisor(tmp_path, said.append, patience=1).close()
    assert marked_processes(token) == []
    assert "earlier run" in said[0]


def test_a_dying_child_is_started_again_without_its_orphans(tmp_path: Path) -> None:
    """What the dead child had forked must not go on beside its successor."""
    said: list[str] = []
    with Supervisor(tmp_path, said.append, first_pause=0.1, patience=1) as supervisor:
        first = supervisor.start("worker", STUBBORN, env=dict(os.environ), stop_seconds=0.2)
        assert eventually(lambda: "ready" in supervisor.log("worker").read_text())
        orphans = psutil.Process(first).children()
        os.kill(first, signal.SIGKILL)
        assert eventually(lambda: supervisor.is_running("worker") and supervisor.pid("worker") != first)
        assert [process for process in orphans if process.is_running()] == []
        assert said == ["worker ended unexpectedly (-9); started again in 0.1 s."]


def test_a_child_that_dies_too_often_fails_the_run_with_its_last_lines(tmp_path: Path) -> None:
    """Twenty lines of its log and how it ended: enough to act on without searching."""
    dying = [sys.executable, "-c", "[print('line', i) for i in range(30)]; raise SystemExit(7)"]
    with Supervisor(tmp_path, lambda _: None, first_pause=0.05, patience=1) as supervisor:
        supervisor.start("dying", dying, env=dict(os.environ), restarts=2)
        with pytest.raises(ChildFailed, match=r"(?s)Gave up after 3 deaths: dying ended with exit code 7.*line 29"):
            supervisor.wait()
        assert "line 9\n" not in str(supervisor.failure)


def test_a_command_that_must_finish_tells_why_it_did_not(tmp_path: Path) -> None:
    """`run` is for programs with an end, such as a migration."""
    with Supervisor(tmp_path) as supervisor:
        supervisor.run("fine", [sys.executable, "-c", "pass"], env={})
        with pytest.raises(ChildFailed, match=r"(?s)wrong ended with exit code 3.*no such table"):
            supervisor.run("wrong", [sys.executable, "-c", "print('no such table'); exit(3)"], env={})


def test_children_outlive_the_thread_that_asked_for_them(tmp_path: Path) -> None:
    """The kernel's parent-death signal is bound to a thread; ours lasts as long as the supervisor."""
    import threading

    with Supervisor(tmp_path) as supervisor:
        asking = threading.Thread(target=supervisor.start, args=("sleep", SLEEP), kwargs={"env": dict(os.environ)})
        asking.start()
        asking.join()
        time.sleep(0.3)
        assert supervisor.is_running("sleep")


def test_a_busy_port_is_named_and_another_one_taken() -> None:
    """The address on the screen must be ours."""
    said: list[str] = []
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        busy = other.getsockname()[1]
        found = find_port(busy, what="Airflow", notify=said.append)
    assert found != busy
    assert said == [f"Port {busy} is in use by another program; Airflow uses port {found} instead."]
    assert find_port(busy, notify=said.append) == busy
    assert len(said) == 1
