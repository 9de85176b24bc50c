"""Where a run on one machine keeps everything it must remember, and the lock that makes two runs take turns.

The directory is the whole memory of the demonstration: delete it and the next run begins from nothing.
"""

import argparse
import fcntl
import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
OUTSIDE = Path("/var/lib/wage-exchange-hub")


class StateInUse(Exception):
    """Another run holds this state directory; the message says which and what to do."""


def default_state() -> Path:
    """HUB_STATE if set, otherwise var/demo below the project (ignored by git)."""
    chosen = os.environ.get("HUB_STATE", "").strip()
    return Path(chosen).expanduser().resolve() if chosen else PROJECT / "var" / "demo"


@contextmanager
def lock_state(state: Path) -> Iterator[Path]:
    """Hold `state` for this process; the kernel lets go of the lock even after kill -9."""
    make_state(state)
    descriptor = os.open(state / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.read(descriptor, 32).decode(errors="replace").strip() or "unknown"
            raise StateInUse(
                f"{state} is already in use by process {owner}. "
                "Stop that run first, or choose another directory with HUB_STATE=/some/where."
            ) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        yield state
    finally:
        os.close(descriptor)


def make_state(state: Path) -> Path:
    """Create the directory: others may pass through it (the database's own account must) but not list it."""
    if not state.exists():
        state.mkdir(parents=True)
        state.chmod(0o711)
    for private in ("logs", "secrets"):
        (state / private).mkdir(mode=0o700, exist_ok=True)
    return state


def secret(state: Path, name: str) -> str:
    """The secret of this name, made at first use and readable by its owner only."""
    path = state / "secrets" / name
    if not path.exists():
        make_state(state)
        write_private(path, secrets.token_urlsafe(64))
    return path.read_text()


def write_private(path: Path, text: str) -> None:
    """Write a file that never exists with wider rights than 0600 nor half written."""
    unfinished = path.with_name(f"{path.name}.part")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)


def outside_home(state: Path) -> Path:
    """Where the database lives when its account cannot reach the state directory; one place per state directory."""
    return OUTSIDE / hashlib.sha256(str(state.resolve()).encode()).hexdigest()[:16]


def remove_state(state: Path) -> bool:
    """Forget everything a run on this directory kept, its database included; whether there was anything."""
    if not (state / "secrets").is_dir():
        return False  # never one of ours, whatever HUB_STATE says
    with lock_state(state):
        shutil.rmtree(outside_home(state), ignore_errors=True)
        shutil.rmtree(state)
    return True


def main() -> None:
    parser = argparse.ArgumentParser(prog="launcher.state", description="The state directory of a one-machine run.")
    parser.add_argument("--remove", action="store_true", help="delete it, its database included")
    state = default_state()
    try:
        if parser.parse_args().remove:
            print(f"Removed {state}." if remove_state(state) else f"Nothing kept in {state}.")
        else:
            print(state)
    except StateInUse as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
