"""The state directory: one run at a time, secrets for their owner only, and a removal that removes only ours."""

import subprocess
import sys
from pathlib import Path

import pytest

from launcher.state import PROJECT, StateInUse, default_state, lock_state, remove_state, secret


def test_the_state_directory_is_ignored_by_git_or_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """HUB_STATE decides; an empty one does not."""
    monkeypatch.delenv("HUB_STATE", raising=False)
    assert default_state() == PROJECT / "var" / "demo"
    monkeypatch.setenv("HUB_STATE", "")
    assert default_state() == PROJECT / "var" / "demo"
    monkeypatch.setenv("HUB_STATE", str(tmp_path))
    assert default_state() == tmp_path.resolve()


def test_a_second_run_is_told_who_holds_the_directory(tmp_path: Path) -> None:
    """Even after kill -9 of the holder the lock is free again."""
    script = (
        f"from launcher.state import *\nwith lock_state(Path({str(tmp_path)!r})):\n print('held', flush=True); input()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", script], cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(StateInUse, match=rf"in use by process {holder.pid}\b.*HUB_STATE"), lock_state(tmp_path):
        pass
    holder.kill()
    holder.wait(10)
    with lock_state(tmp_path):
        pass


def test_a_secret_stays_the_same_and_private(tmp_path: Path) -> None:
    """Keys that changed at every start would make yesterday's data unreadable."""
    first = secret(tmp_path, "key")
    assert secret(tmp_path, "key") == first
    assert (tmp_path / "secrets" / "key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700


def test_only_a_directory_of_ours_is_removed(tmp_path: Path) -> None:
    """HUB_STATE=/ by mistake must cost nothing."""
    stranger, ours = tmp_path / "stranger", tmp_path / "ours"
    stranger.mkdir()
    secret(ours, "key")
    assert not remove_state(stranger)
    assert remove_state(ours)
    assert (stranger.exists(), ours.exists()) == (True, False)
