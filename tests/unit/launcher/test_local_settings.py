"""What the scheduler imports for its tasks: in a process of its own, since what counts is what the import leaves running."""

import subprocess
import sys

import pytest

from launcher.state import PROJECT

SETTINGS = PROJECT / "docker" / "config"
LOOK = """
import os, sys
sys.argv = ["airflow", sys.argv[1]]
import airflow_local_settings
print(len(os.listdir("/proc/self/task")), "psycopg" in sys.modules, "polars" in sys.modules)
"""


@pytest.mark.parametrize(("component", "loads"), [("scheduler", True), ("triggerer", False)])
def test_a_fork_of_the_scheduler_finds_the_libraries_and_misses_no_thread(component: str, loads: bool) -> None:
    """One thread only, for the others would be dead in the fork; and no polars, which starts some."""
    argv = [sys.executable, "-c", LOOK, component]
    told = subprocess.run(argv, cwd=SETTINGS, capture_output=True, text=True, check=True, timeout=60).stdout
    assert told.split() == ["1", str(loads), "False"]
